"""What the parts of a HAQ search cost, each as a ratio to something plain, or a rival, of the run.

The two sides of a ratio compute in processes of their own, ours in the environment that a worker
gives an engine, on one thread: neither finds the other's memory, both see the same machine. Steps
and episodes take turns; whole searches run once a round. Prints one JSON object: for each ratio
the median of its rounds with their quartiles, and the CPU time of both sides.

    python -m benchmarks.haq [--rounds 9] [--whole-rounds 1] [--only training_step_32 ...]
        [--rivals-python PYTHON]

PYTHON is of an environment with model-compression-toolkit==2.6.1, scikit-learn and torchvision;
without it what is held against these is left out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.haq_agent import repeats
from benchmarks.haq_networks import MODEL, Task
from workers.engine_process import engine_environment

REPEATS_OF = 200  # episodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two sides that take turns; goals by the part of the measured one that is held to them."""

    measured: str
    reference: str
    size: int  # px, both sides of an image
    batch: int
    goals: Mapping[str, float | None]


PAIRS: Mapping[str, Pair] = {
    "training_step_32": Pair(
        measured="quantized_step", reference="plain_step", size=32, batch=128, goals={"whole": 1.15}
    ),
    "training_step_224": Pair(
        measured="quantized_step", reference="plain_step", size=224, batch=8, goals={"whole": 1.15}
    ),
    "scoring_32": Pair(
        measured="scoring", reference="plain_inference", size=32, batch=128, goals={"whole": 1.1}
    ),
    "scoring_224": Pair(
        measured="scoring", reference="plain_inference", size=224, batch=8, goals={"whole": 1.1}
    ),
    "agent_update": Pair(
        measured="agent_update", reference="matmul", size=32, batch=128, goals={"one": 0.12}
    ),
    "episode": Pair(
        measured="episode",
        reference="validation_pass",
        size=32,
        batch=128,
        goals={"the rest": 1.3, "updates": 1.0},
    ),
    "tuned_episode": Pair(
        measured="tuned_episode",
        reference="float_epoch",
        size=32,
        batch=128,
        goals={"whole": 1.25},
    ),
    "taught_episode": Pair(
        measured="taught_episode",
        reference="float_epoch",
        size=32,
        batch=128,
        goals={"whole": None},
    ),
}
CODEBOOKS = "codebooks"  # against scikit-learn
SEARCHES = "searches"  # against MCT
REPEATS = "repeats"
SEARCH_GOALS = {"mixed": {"seconds": 0.35, "peak_mb": 0.5}, "full": {"seconds": 0.7}}
CODEBOOK_GOAL = 0.16


def main() -> None:
    """Measure the rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--whole-rounds", type=int, default=1)
    parser.add_argument("--rivals-python", type=Path)
    names = [*PAIRS, REPEATS, CODEBOOKS, SEARCHES]
    parser.add_argument("--only", choices=names, nargs="+", default=names)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, object] = {
        name: taken_in_turns(pair, options.rounds)
        for name, pair in PAIRS.items()
        if name in options.only
    }
    if REPEATS in options.only:
        rows[REPEATS] = repeats(Task(size=32, batch=128), REPEATS_OF)
    rivals = options.rivals_python
    if CODEBOOKS in options.only and rivals is not None:
        rows[CODEBOOKS] = codebooks(rivals, options.whole_rounds)
    if SEARCHES in options.only and rivals is not None:
        rows[SEARCHES] = searches(rivals, options.whole_rounds)
    print(json.dumps({"benchmark": "haq", "model": MODEL, "rows": rows}, indent=1))


def taken_in_turns(pair: Pair, rounds: int) -> dict[str, object]:
    """Return a pair's ratios by part."""
    with Side(pair.measured, pair) as measured, Side(pair.reference, pair) as reference:
        turns = [(measured.turn(), reference.turn()) for _ in range(rounds)]
    plain = [reference["whole"] for _, reference in turns]
    return {
        part: ratio([one[part] for one, _ in turns], plain, goal)
        for part, goal in pair.goals.items()
    }


def codebooks(rivals: Path, rounds: int) -> dict[str, object]:
    """Return all codebooks' time beside scikit-learn's 8-bit ones, and their distortions."""
    torch.manual_seed(0)
    model = Task(size=224, batch=1, classes=1000).network()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.npz"
        np.savez(file, *[p.detach().numpy() for p in model.parameters() if p.dim() > 1])
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(once(["codebooks", str(file)]))
            theirs.append(rival(rivals, "haq_kmeans.py", str(file)))
    errors, expected = ours[0]["distortion"], theirs[0]["distortion"]
    return {
        "seconds": compared(ours, theirs, "seconds", CODEBOOK_GOAL),
        "scikit_learn_seconds_by_bits": theirs[0]["seconds_by_bits"],
        "distortion_ratio_by_bits": {
            bits: round(errors[bits] / expected[bits], 4) for bits in errors
        },
    }


def searches(rivals: Path, rounds: int) -> dict[str, object]:
    """Return the time and memory of our searches beside MCT's."""
    runs: dict[str, list[dict]] = {"mct": [], "mixed": [], "full": []}
    for _ in range(rounds):
        runs["mixed"].append(once(["mixed"]))
        runs["mct"].append(rival(rivals, "haq_mct.py"))
        runs["full"].append(once(["full"]))
    rows: dict[str, object] = {
        f"{name}, {what}": compared(runs[name], runs["mct"], what, goal)
        for name, goals in SEARCH_GOALS.items()
        for what, goal in goals.items()
    }
    return rows | {"first": {name: outcomes[0] for name, outcomes in runs.items()}}


def once(arguments: list[str]) -> dict:
    """Run a whole computation of ours and return what it prints."""
    return printed([sys.executable, "-m", "benchmarks.haq_searches", *arguments], ours())


def rival(python: Path, script: str, *arguments: str) -> dict:
    """Run a rival's, with the allocator that its user would have."""
    command = [str(python), str(Path(__file__).with_name(script)), *arguments]
    return printed(command, {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})


def printed(command: list[str], environment: dict[str, str]) -> dict:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compared(above: list[dict], below: list[dict], what: str, goal: float) -> dict[str, object]:
    return ratio([one[what] for one in above], [one[what] for one in below], goal)


def ratio(above: list[float], below: list[float], goal: float | None) -> dict[str, object]:
    ratios = np.array(above) / np.array(below)
    return {
        "ratio": round(float(np.median(ratios)), 3),
        "quartiles": [round(float(q), 3) for q in np.quantile(ratios, (0.25, 0.75))],
        "goal": goal,
        "measured": round(float(np.median(above)), 5),  # CPU seconds, or MB
        "reference": round(float(np.median(below)), 5),
    }


class Side:
    """One side of a pair, in a process of its own that waits for its turn."""

    def __init__(self, name: str, pair: Pair) -> None:
        module = [sys.executable, "-m", "benchmarks.haq_sides"]
        self._process = subprocess.Popen(
            [*module, name, str(pair.size), str(pair.batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ours(),
        )

    def __enter__(self) -> "Side":
        self.turn()  # the first one warms up
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def turn(self) -> dict[str, float]:
        """Return the CPU seconds of one call and of its parts, the mean over a turn."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def ours() -> dict[str, str]:
    """Return the environment that a worker gives an engine."""
    return engine_environment(threads=1)


if __name__ == "__main__":
    main()
