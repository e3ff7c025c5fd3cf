"""`python -m engine profile` as a program: killed, gone on with, priced."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.__main__ import main

COMMAND = [sys.executable, "-m", "engine"]
PROFILE = ["profile", "--model", "mobilenet_v1_small", "--samples", "5", "--seconds", "0.05"]
PROFILE += ["--warmup", "0", "--networks", "5", "--out", "small.json"]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_killed_profile_goes_on_and_its_table_is_a_target(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    state = tmp_path / "small.json.partial" / "profile.json"
    with subprocess.Popen(
        [*COMMAND, *PROFILE], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while not state.is_file() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert state.is_file()

    done = run(*PROFILE, cwd=tmp_path)
    priced = run("price", "mobilenet_v1_small", "--target", "host-cpu", cwd=tmp_path)
    listed = run("list", "targets", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "Goes on after" in done.stderr
    answer = json.loads(done.stdout)
    assert not state.exists()
    assert json.loads(priced.stdout)["target"] == answer["target"]
    assert json.loads(priced.stdout)["total"]["latency_ms"]["provenance"] == "measured"
    assert answer["target"] in [entry["id"] for entry in json.loads(listed.stdout)]


def test_torch_is_not_needed_to_time_a_cpu(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from engine.__main__ import main; "
        f"sys.exit(main({PROFILE!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "small.json").is_file()


def test_a_host_before_a_profile_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["price", "mobilenet_v1_small", "--target", "host-cpu", "--tables", str(tmp_path)]

    assert main(asked) == 2
    assert "python -m engine profile" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--space", "no-such"], "space: 'no-such' is not known"),
        (["--space", "tiny", "--precision", "fp16"], "precisions: there are no fp16 kernels"),
        (["--space", "tiny", "--name", "Not A Name"], "name: must be 1 to 48"),
        (["--space", "tiny", "--networks", "2"], "effort.networks: must be 0"),
        (["--space", "tiny", "--shape", "no.json"], "shape: cannot read no.json"),
        (["--space", "tiny", "--shape", "a.json", "--width", "2"], "options: --width and --shape"),
    ],
    ids=["space", "precision", "name", "networks", "shape", "shape twice"],
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", *arguments, "--out", str(tmp_path / "t.json")]) == 2
    assert message in capsys.readouterr().err
