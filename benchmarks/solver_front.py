"""CPU time of the solver on MobileNetV2: 53 layers with 49 pairs of widths each.

Prints one JSON object. Each part is timed in CPU seconds on one thread, alternating with the
reference operation, a product of two 1024 x 1024 matrices in float32; medians with quartiles.
The losses are drawn as rounding noise makes them, a quarter with every bit.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from engine.catalog.baselines import uniform_policy
from engine.catalog.models import layer_table
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.schema.cost import Budget
from engine.solver.knapsack import front, solve
from engine.solver.problem import policy_problem
from engine.solver.reach import reach

WIDTHS = (2, 3, 4, 5, 6, 7, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    parts = solver_parts()
    matrix = np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)
    samples: dict[str, list[float]] = {name: [] for name in (*parts, "matmul_1024")}
    for _ in range(rounds):
        for name, part in parts.items():
            samples[name].append(cpu_seconds(part))
            samples["matmul_1024"].append(cpu_seconds(lambda: matrix @ matrix))
    report = {name: quartiles(times) for name, times in samples.items()}
    reference = report["matmul_1024"]["median_s"]
    for row in report.values():
        row["matmuls"] = round(row["median_s"] / reference, 2)
    print(json.dumps({"benchmark": "solver_front", "rounds": rounds, "parts": report}, indent=1))


def solver_parts() -> dict[str, Callable[[], object]]:
    """Return what is timed, by name."""
    spec = layer_table("mobilenet_v2")
    assert spec is not None
    model = cost_model(target_entry("bismo-cloud"))
    generator = np.random.default_rng(0)
    noise = 4.0 ** -np.arange(1, 9)
    weights, activations = generator.lognormal(0, 1.5, (2, len(spec.layers), 1, 1))
    losses = weights * noise[:, None] + activations * noise
    metrics = ("latency_ms", "model_bytes")
    problem = policy_problem(spec, model, metrics, WIDTHS, WIDTHS, losses=losses)
    cost = model.network_cost(spec, uniform_policy(spec, 4, 4))
    budgets = [Budget(metric=metric, limit=cost[metric]) for metric in metrics]
    return {
        "front": lambda: front(problem, "latency_ms"),
        "solve_one_budget": lambda: solve(problem, budgets[:1]),
        "solve_two_budgets": lambda: solve(problem, budgets),
        "reach_of_a_form": lambda: reach(spec, model, "latency_ms", WIDTHS, WIDTHS),
    }


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def quartiles(times: list[float]) -> dict[str, float]:
    lower, median, upper = np.percentile(times, (25, 50, 75))
    return {
        "median_s": round(float(median), 5),
        "quartile_low_s": round(float(lower), 5),
        "quartile_high_s": round(float(upper), 5),
    }


if __name__ == "__main__":
    main()
