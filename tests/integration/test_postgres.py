"""Whoever serves a team runs PostgreSQL: what must be true of jobs is true there too."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.programs import ROOT

JOBS = "tests/unit/webapp/jobs"
SUITES = [
    *(f"{JOBS}/test_{noun}.py" for noun in ("leases", "log", "endings", "requests")),
    *(f"{JOBS}/test_{noun}.py" for noun in ("services", "queries", "consumers")),
    "tests/unit/webapp/tables/test_services.py",
    "tests/unit/webapp/teams",
]
SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL of the test's own, on a socket; its DATABASE_URL."""
    if not SERVERS:
        reason = "PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb"
        if os.environ.get("REQUIRE_POSTGRES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    programs = SERVERS[-1].parent
    # The server refuses to run as root. A short path, since sockets have one.
    plain = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    become = plain if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        if become:
            subprocess.run(["chown", "nobody:nogroup", folder], check=True)
        data = f"{folder}/data"
        run = [*become, str(programs / "initdb"), "-D", data, "-U", "bespoke", "-A", "trust"]
        subprocess.run([*run, "--no-sync"], check=True, capture_output=True, cwd="/")
        control = [*become, str(programs / "pg_ctl"), "-D", data, "-w"]
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        subprocess.run(
            [*control, "-l", f"{folder}/log", "-o", options, "start"],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
        )
        try:
            yield f"postgres://bespoke@{quote(folder, safe='')}/postgres"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/"
            )


def test_jobs_keep_their_promises_on_postgresql(server: str, tmp_path: Path) -> None:
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": server,
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": "for tests",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert tests.returncode == 0, tests.stdout[-8000:]
    assert " passed" in tests.stdout


def test_postgresql_needs_a_secret_that_is_given(server: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    start = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**environment, "DATABASE_URL": server, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert start.returncode != 0
    assert start.stderr.startswith("SECRET_KEY must be set")
