"""Run a command that dies with the process that started it, even when that is killed.

`guarded(command)` wraps a command so that this file runs first, asks Linux for a signal at its
parent's death, and then becomes the command. Doing that here instead of between fork and exec
keeps it safe in a program with threads. Needs nothing but the standard library.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def guarded(command: Sequence[str], *, by: signal.Signals = signal.SIGKILL) -> list[str]:
    """Return the command so that it gets a signal when the calling thread or process dies."""
    # -I and -S: a start of 15 ms that no environment variable can turn elsewhere.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(by)), *command]


def _become(parent: int, by: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os.kill(os.getpid(), by)
    os.execvp(command[0], command)  # noqa: S606 # no shell is wanted


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
