"""What a found policy gains over a uniform one at the same latency, on the built-in data.

For each seed: one search on BISMO cloud under the budget that uniform 4 bit costs, or another
width, on the small MobileNetV2 and Fashion-MNIST. Found and uniform policies, float and fixed 8
bit learn one fine-tune epoch on 10,000 images by the same recipe. Prints a JSON object: per seed
and per row the report accuracy before and after fine-tuning, then means and spreads.

    python -m benchmarks.haq_gain [--seeds 3] [--bits 4]
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from engine.catalog.baselines import uniform_policy
from engine.catalog.datasets import dataset_entry
from engine.catalog.models import layer_table
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.run import run
from engine.schema.configs import QuantizeConfig, QuantizeEffort
from engine.schema.cost import Budget
from engine.schema.events import RunFinished
from engine.schema.places import Places
from engine.schema.results import Contender, QuantizeResult

MODEL, DATASET, TARGET = "mobilenet_v2_small", "fashion-mnist", "bismo-cloud"


def main() -> None:
    """Search with each seed and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--data-root", type=Path, default=Path("var/data"))
    options = parser.parse_args()
    started = time.process_time()
    results = [search(seed, options.bits, options.data_root) for seed in range(options.seeds)]
    cpu_s = time.process_time() - started
    print(
        json.dumps(
            summary(results, options.bits) | {"cpu_s_per_seed": round(cpu_s / len(results), 1)},
            indent=1,
        )
    )


def search(seed: int, bits: int, data_root: Path) -> QuantizeResult:
    """Return the result of one search."""
    spec = layer_table(MODEL, dataset_entry(DATASET))
    assert spec is not None
    cost = cost_model(target_entry(TARGET)).network_cost(spec, uniform_policy(spec, bits, bits))
    config = QuantizeConfig(
        model=MODEL,
        dataset=DATASET,
        target=TARGET,
        budgets=(Budget(metric="latency_ms", limit=cost["latency_ms"]),),
        effort=QuantizeEffort(finetune_references=True),
        seed=seed,
    )
    with tempfile.TemporaryDirectory() as workdir:
        places = Places(data_root=data_root, weights_store=Path(workdir) / "weights")
        for event in run(config, Path(workdir), places=places):
            if isinstance(event, RunFinished):
                return event.result
    raise AssertionError("a run ends with its result")


def summary(results: list[QuantizeResult], bits: int) -> dict[str, object]:
    """Return accuracies in percent by row, and the gains of the found policy in points."""
    uniform = f"uniform-{bits}"
    before = [_before(r.contender(r.found)) - _before(r.contender(uniform)) for r in results]
    after = [_after(r.contender(r.found)) - _after(r.contender(uniform)) for r in results]
    reported = results[0].contenders[0].report_accuracy
    assert reported is not None
    return {
        "report_images": reported.images,
        "found": [result.found for result in results],
        "rows": [_rows(result) for result in results],
        "gain_before_points": _mean_and_spread(before),
        "gain_after_points": _mean_and_spread(after),
        "standard_error_points": round(100 * reported.standard_error, 2),
    }


def _rows(result: QuantizeResult) -> dict[str, dict[str, float | None]]:
    return {
        row.id: {
            "before": round(_before(row), 2),
            "after": round(_after(row), 2) if row.tuned_search_accuracy else None,
            "search_loss": row.search_loss and round(row.search_loss, 4),
            "equal_cost_loss": row.equal_cost_loss and round(row.equal_cost_loss, 4),
            "seconds": round(row.search_seconds, 1),
        }
        for row in result.contenders
    }


def _before(row: Contender) -> float:
    accuracy = row.untuned_report_accuracy or row.report_accuracy
    assert accuracy is not None
    return 100 * accuracy.value


def _after(row: Contender) -> float:
    assert row.report_accuracy is not None
    return 100 * row.report_accuracy.value


def _mean_and_spread(values: list[float]) -> dict[str, float]:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": round(statistics.mean(values), 2), "spread": round(spread, 2)}


if __name__ == "__main__":
    main()
