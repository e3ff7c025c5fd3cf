"""What a found network gains over MobileNetV2 and random networks at the same latency.

For each target and seed: one ProxylessNAS search in the space `tiny` on cluttered Fashion-MNIST,
under a latency budget that lies the same share of the way from the cheapest network of the space
to the dearest. The found network, MobileNetV2 at the nearest width and random networks within the
budget are trained by one recipe. Prints a JSON object: report accuracies in percent by target,
seed and row, and the found network's leads in points with their spread.

    python -m benchmarks.search_gain [--seeds 3] [--targets pixel1,bismo-cloud] [--jobs 2]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import space_for
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.cost.space_costs import pricing_bits, space_costs
from engine.run import run
from engine.schema.config_parts import Device, TrainingRecipe
from engine.schema.cost import Budget
from engine.schema.events import RunFinished
from engine.schema.places import Places
from engine.schema.results import SearchResult, TrainedNetwork
from engine.schema.search_config import SearchConfig, SearchEffort

SPACE, DATASET = "tiny", "cluttered-fashion-mnist"
SHARE = 0.3  # of the way from the cheapest network's latency to the dearest's
EFFORT = SearchEffort(
    train_images=20_000, warmup_epochs=2, epochs=4, final_images=20_000, random_networks=5
)
RECIPE = TrainingRecipe(epochs=5, batch_size=64)


def main() -> None:
    """Search for each target with each seed and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--targets", default="pixel1,bismo-cloud")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="searches at a time, one thread each")
    parser.add_argument("--data-root", type=Path, default=Path("var/data"))
    options = parser.parse_args()
    tasks = [
        (target, seed) for target in options.targets.split(",") for seed in range(options.seeds)
    ]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        futures = {
            task: pool.submit(_outcome, *task, options.device, options.data_root) for task in tasks
        }
        outcomes = {task: future.result() for task, future in futures.items()}
    by_target = {
        target: [outcome for (of, _), outcome in outcomes.items() if of == target]
        for target in options.targets.split(",")
    }
    print(json.dumps({target: _summary(rows) for target, rows in by_target.items()}, indent=1))


def config_for(target: str, seed: int, device: Device) -> SearchConfig:
    """Return the search of one target and seed."""
    space = space_for(SPACE, dataset=dataset_entry(DATASET))
    model = cost_model(target_entry(target))
    config = SearchConfig(
        space=SPACE,
        dataset=DATASET,
        target=target,
        budgets=(Budget(metric="latency_ms", limit=1.0),),
        effort=EFFORT,
        recipe=RECIPE,
        seed=seed,
        device=device,
    )
    costs = space_costs(space, model, "latency_ms", pricing_bits(config, model.target))
    limit = costs.lowest + SHARE * (costs.highest - costs.lowest)
    return replace(config, budgets=(Budget(metric="latency_ms", limit=round(limit, 4)),))


def _outcome(target: str, seed: int, device: Device, data_root: Path) -> dict[str, Any]:
    """Return the rows of one search as plain values."""
    config = config_for(target, seed, device)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as workdir:
        places = Places(data_root=data_root, weights_store=Path(workdir) / "weights")
        result = _result(run(config, Path(workdir), places=places))
    cpu_s = time.process_time() - started
    limit = config.budgets[0].limit
    print(f"{target} seed {seed}: {cpu_s:.0f} CPU-s", file=sys.stderr)
    return {
        "seed": seed,
        "limit_ms": limit,
        "cpu_s": round(cpu_s),
        "search_s": {stage: round(value) for stage, value in result.stage_seconds.items()},
        "choices": result.contender(result.found).choices,
        "rows": {row.id: _row(row, limit) for row in result.contenders},
    }


def _result(events: Iterator[Any]) -> SearchResult:
    for event in events:
        if isinstance(event, RunFinished) and isinstance(event.result, SearchResult):
            return event.result
    raise AssertionError("a search ends with its result")


def _row(row: TrainedNetwork, limit: float) -> dict[str, Any]:
    assert row.report_accuracy is not None
    return {
        "accuracy": round(100 * row.report_accuracy.value, 2),
        "standard_error": round(100 * row.report_accuracy.standard_error, 2),
        "share_of_budget": round(row.cost["latency_ms"] / limit, 3),
        "width": row.width,
    }


def _summary(outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a target's rows, and the found network's leads in points."""
    found = [outcome["rows"]["found"]["accuracy"] for outcome in outcomes]
    mobilenet = [_of(outcome, "mobilenet_v2") for outcome in outcomes]
    random = [_of(outcome, "random") for outcome in outcomes]
    return {
        "found": _spread(found),
        "mobilenet_v2": _spread([max(rows) for rows in mobilenet]),
        "random_mean": _spread([statistics.mean(rows) for rows in random]),
        "random_best": _spread([max(rows) for rows in random]),
        "random_within_a_seed": round(statistics.mean(map(statistics.stdev, random)), 2),
        "lead_over_mobilenet_v2": _spread(
            [one - max(rows) for one, rows in zip(found, mobilenet, strict=True)]
        ),
        "lead_over_random_mean": _spread(
            [one - statistics.mean(rows) for one, rows in zip(found, random, strict=True)]
        ),
        "seeds": outcomes,
    }


def _of(outcome: dict[str, Any], prefix: str) -> list[float]:
    return [row["accuracy"] for name, row in outcome["rows"].items() if name.startswith(prefix)]


def _spread(values: list[float]) -> dict[str, float]:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": round(statistics.mean(values), 2), "spread": round(deviation, 2)}


if __name__ == "__main__":
    main()
