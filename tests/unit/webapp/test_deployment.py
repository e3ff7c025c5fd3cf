"""What a public installation needs is on when HTTPS is."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_django_finds_nothing_to_warn_of_behind_https(tmp_path: Path) -> None:
    check = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path), "HTTPS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.returncode == 0, check.stderr
