"""What a search's steps cost beside plain networks, the other modes and NNI: time and memory.

    python -m benchmarks.supernet [--rounds 3] [--nni-python /path/to/python]

Each side is a process of its own with one thread; rounds go to one side after the other, so that a
busy machine slows all of them alike. Times are CPU time; a ratio is the median over rounds of the
ratio in one round, with its spread. "Plain" is what a user of plain PyTorch gets: default
allocator, NCHW; ours run as a worker runs them. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.supernet_sides import PATHS

SETTINGS = ((224, 8), (32, 64))  # image side in pixels, batch
# As `workers.engine_process` sets it for a run.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(16 * 2**30),
    "MALLOC_TOP_PAD_": str(256 * 2**20),
}
RATIOS = {  # name: numerator, denominator, goal at 224 and at 32
    "channels_last and allocator alone": ("mobilenet-tuned", "mobilenet-plain", None),
    "weight step / the same path plain, shared": ("weight-shared", "path-plain", (1.03, 1.03)),
    "weight step / the same path plain, private": ("weight-private", "path-plain", (1.03, 1.03)),
    "weight step / MobileNetV2, shared": ("weight-shared", "mobilenet-plain", (0.95, 0.90)),
    "weight step / MobileNetV2, private": ("weight-private", "mobilenet-plain", (0.95, 0.90)),
    "two / MobileNetV2, shared": ("two-shared", "mobilenet-plain", (0.70, 0.90)),
    "two / MobileNetV2, private": ("two-private", "mobilenet-plain", (0.70, 0.90)),
    "full_v2 / MobileNetV2, shared": ("full_v2-shared", "mobilenet-plain", (1.5, 1.5)),
    "full_v2 / MobileNetV2, private": ("full_v2-private", "mobilenet-plain", (1.5, 1.5)),
    "REINFORCE of 10 / 10 forward passes": ("reinforce", "forward", (1.1, 1.1)),
    "weight + full_v2 step / NNI 3.0": ("search-private", "nni", (0.5, 0.5)),
}
PLAIN = ("mobilenet-plain", "nni")  # these have the default allocator
MEMORY_STEPS = 3
Memory = dict[str, float]  # MB: the peak over import, and the network's parameters
CANDIDATES = (2, 3, 4, 5, 6, 7)
CURVES = ("one-path-private", "one-path-full_v2", "all-paths-sum", "all-paths-weighted")
CURVE_SETTING = (224, 4)
PEAKS = ("one-plain", "one-path-shared", "one-path-private", "one-path-two", "one-path-full_v2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nni-python", type=Path, help="of an environment with nni==3.0")
    parser.add_argument("--only", choices=["time", "memory"])
    options = parser.parse_args()
    report: dict[str, object] = {"benchmark": "supernet", "nni": bool(options.nni_python)}
    if options.only != "memory":
        for place, (size, batch) in enumerate(SETTINGS):
            report[f"{size}/{batch}"] = times(
                size, batch, options.rounds, options.nni_python, place
            )
    if options.only != "time":
        report["peak_mb"] = peaks()
        report["candidates_mb"] = curves()
    print(json.dumps(report, indent=1))


def times(
    size: int, batch: int, rounds: int, nni_python: Path | None, place: int
) -> dict[str, object]:
    names = {side for above, below, _ in RATIOS.values() for side in (above, below)}
    sides = {
        name: Side(name, size, batch, nni_python)
        for name in sorted(names)
        if name != "nni" or nni_python is not None
    }
    try:
        for side in sides.values():
            side.ask("1")  # what only a first step does
        seconds = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                seconds[name].append(side.ask(str(PATHS)))
    finally:
        for side in sides.values():
            side.close()
    rows = {
        title: row(seconds[above], seconds[below], goal and goal[place])
        for title, (above, below, goal) in RATIOS.items()
        if above in seconds and below in seconds
    }
    milliseconds = {name: round(1e3 * statistics.median(each)) for name, each in seconds.items()}
    return {"ratios": rows, "ms": milliseconds}


def row(above: list[float], below: list[float], goal: float | None) -> dict[str, float | None]:
    ratios = sorted(one / other for one, other in zip(above, below, strict=True))
    return {
        "ratio": round(statistics.median(ratios), 3),
        "low": round(ratios[0], 3),
        "high": round(ratios[-1], 3),
        "goal": goal,
    }


def peaks() -> dict[str, dict[str, Memory]]:
    """Return the peaks of steps of one path, by setting and side."""
    return {
        f"{size}/{batch}": {name: peak(name, size, batch) for name in PEAKS}
        for size, batch in SETTINGS
    }


def curves() -> dict[str, list[Memory]]:
    """Return the peaks by the number of candidates of each block, 2 to 7."""
    size, batch = CURVE_SETTING
    return {
        name: [peak(name, size, batch, candidates=number) for number in CANDIDATES]
        for name in CURVES
    }


def peak(name: str, size: int, batch: int, *, candidates: int | None = None) -> Memory:
    side = Side(name, size, batch, None, candidates=candidates)
    try:
        side.ask(str(MEMORY_STEPS))
        return {"peak": round(side.ask("peak")), "parameters": round(side.ask("parameters"))}
    finally:
        side.close()


class Side:
    """A process that runs the steps of one side when asked."""

    def __init__(
        self,
        name: str,
        size: int,
        batch: int,
        nni_python: Path | None,
        *,
        candidates: int | None = None,
    ) -> None:
        if name == "nni":
            script = str(Path(__file__).with_name("supernet_nni.py"))
            command = [str(nni_python), script]
        else:
            command = [sys.executable, "-m", "benchmarks.supernet_sides", name]
        command += [str(size), str(batch)]
        if candidates is not None:
            command += ["--candidates", str(candidates)]
        threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        allocator = {} if name in PLAIN else ALLOCATOR
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads, **allocator},
        )

    def ask(self, line: str) -> float:
        """Send one line and return the number it is answered with."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        return float(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


if __name__ == "__main__":
    main()
