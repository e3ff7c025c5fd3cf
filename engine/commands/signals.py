"""Signals, seen by a run between its steps."""

import signal
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.training.interrupt import Interrupt


def listen_to_signals(interrupt: "Interrupt") -> None:
    """Turn signals into requests that the run sees between its steps; a second Ctrl-C kills."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        interrupt.requested = "stop"

    def stop_once(number: int, frame: FrameType | None) -> None:
        stop(number, frame)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def finish(_number: int, _frame: FrameType | None) -> None:
        # A stop that was asked for stays: the worker is leaving.
        interrupt.requested = interrupt.requested or "finish"

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop_once)
    signal.signal(signal.SIGUSR1, finish)
