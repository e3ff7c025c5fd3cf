"""Children are kept alive together and ended together."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import is_alive, wait_until
from webapp import supervisor as supervision
from webapp.guarded import guarded
from webapp.supervisor import Child, ChildFailed, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); time.sleep(60)",
]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(logs=tmp_path / "logs", say=said.append)
    yield supervisor
    supervisor.stop(within_s=0.1)


def test_a_child_that_never_stays_up_is_given_up_with_the_end_of_its_log(
    supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "_MOST_RESTARTS", 1)
    monkeypatch.setattr(supervision, "_LOOK_EVERY_S", 0.02)
    command = [sys.executable, "-c", "print('no such database'); raise SystemExit(7)"]
    supervisor.start(Child(name="web", command=command))

    with pytest.raises(ChildFailed, match=r"web ended .* status 7(.|\n)*no such database"):
        supervisor.watch()

    assert said == ["web ended with status 7; it starts again in 0.5 s"]


def test_who_does_not_end_in_time_is_killed(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = Child(name="deaf", command=DEAF)
    supervisor.start(child)
    wait_until(lambda: "ready" in (tmp_path / "logs" / "deaf.log").read_text())
    assert child.process is not None

    supervisor.stop(within_s=0.2)

    assert not is_alive(child.process.pid)
    assert said == ["deaf did not end in time and was killed"]


def test_watching_ends_when_the_condition_holds(supervisor: Supervisor) -> None:
    supervisor.start(Child(name="child", command=SLEEP))
    began = time.monotonic()

    supervisor.watch(until=lambda: time.monotonic() - began > 0.1)

    assert not supervisor.stopping


def test_a_large_log_is_put_aside(supervisor: Supervisor, tmp_path: Path) -> None:
    old = tmp_path / "logs" / "child.log"
    old.write_bytes(bytes(10 * 2**20 + 1))

    supervisor.start(Child(name="child", command=SLEEP))

    assert old.stat().st_size < 1000
    assert old.with_suffix(".1.log").exists()


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_guarded_command_dies_with_its_parent(tmp_path: Path, by: signal.Signals) -> None:
    pid_file = tmp_path / "pid"
    writes = (
        f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    program = (
        "import subprocess, time; from webapp.guarded import guarded; import signal; "
        f"subprocess.Popen(guarded([{sys.executable!r}, '-c', {writes!r}], "
        f"by=signal.Signals({int(by)})), start_new_session=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: pid_file.exists() and pid_file.read_text(), what="the child's pid")
    child = int(pid_file.read_text())
    alive_before = is_alive(child)

    parent.kill()
    parent.wait()

    assert alive_before
    wait_until(lambda: not is_alive(child), within_s=5, what="the child's end")


def test_a_guarded_command_becomes_the_command() -> None:
    answer = subprocess.run(
        guarded([sys.executable, "-c", "import sys; print(sys.argv[1]); sys.exit(5)", "a b"]),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answer.stdout, answer.returncode) == ("a b\n", 5)
