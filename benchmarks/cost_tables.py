"""CPU time of a network's cost tables and budget bands on every target, cold and warm.

Prints one JSON object. Every target has a process of its own, so that its first table is cold: no
layer was priced before. The bands are those of a form, for each metric of the target. Beside them
stands the reference operation, a product of two 1024 x 1024 matrices in float32.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from engine.catalog.models import layer_table
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.pricing import cost_model
from engine.schema.layers import ModelSpec
from engine.solver.reach import reach

WIDTHS = (2, 3, 4, 5, 6, 7, 8)
WARM_ROUNDS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="mobilenet_v2", help="an id of `list models`")
    model_id = parser.parse_args().model
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
        rows = list(fresh.map(measure, TARGETS, [model_id] * len(TARGETS)))
    report = {"benchmark": "cost_tables", "model": model_id, "matmul_1024_s": matmul_seconds()}
    print(json.dumps(report | {"targets": rows}, indent=1))


def measure(target_id: str, model_id: str) -> dict[str, str | float]:
    """Return the CPU seconds that one target takes, in a process that has priced nothing."""
    spec = layer_table(model_id)
    assert spec is not None
    cold = cpu_seconds(lambda: tables(spec, target_id))
    return {
        "target": target_id,
        "tables_cold_s": round(cold, 4),
        "tables_warm_s": round(median_seconds(lambda: tables(spec, target_id)), 5),
        "slowest_band_warm_s": round(max(band_seconds(spec, target_id)), 5),
    }


def tables(spec: ModelSpec, target_id: str) -> None:
    model = cost_model(target_entry(target_id))
    for metric in model.target.metrics:
        model.cost_table(spec.layers, metric)


def band_seconds(spec: ModelSpec, target_id: str) -> list[float]:
    model = cost_model(target_entry(target_id))
    return [
        median_seconds(lambda metric=metric: reach(spec, model, metric, WIDTHS, WIDTHS))
        for metric in model.target.metrics
    ]


def matmul_seconds() -> float:
    matrix = np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)
    return round(median_seconds(lambda: matrix @ matrix), 5)


def median_seconds(work: Callable[[], object]) -> float:
    return float(np.median([cpu_seconds(work) for _ in range(WARM_ROUNDS)]))


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
