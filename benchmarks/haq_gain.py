"""What a found policy gains over a uniform one at the same cost, on the built-in data.

For each seed: one search on the small MobileNetV2 and Fashion-MNIST, under the budget that a
uniform width costs on a target, or that fixed 8 bit costs there divided by a saving. Found and
uniform policies learn one fine-tune epoch on 10,000 images by the same recipe; with --references,
float and fixed 8 bit too. With --quantizer kmeans the weights alone share codebooks. Prints a JSON
object: per seed and per row the report accuracy before and after fine-tuning, then means and
spreads.

    python -m benchmarks.haq_gain [--seeds 3] [--target bismo-cloud] [--metric latency_ms]
        [--bits 4 | --saving 1.4] [--quantizer linear] [--references]
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from engine.catalog.baselines import uniform_policy
from engine.catalog.datasets import dataset_entry
from engine.catalog.models import layer_table
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.run import run
from engine.schema.cost import Budget, Metric
from engine.schema.events import RunFinished
from engine.schema.places import Places
from engine.schema.policy import FLOAT_BITS, MAX_BITS
from engine.schema.quantize_config import (
    FEWEST_GRID_BITS,
    FEWEST_LABEL_BITS,
    QuantizeConfig,
    QuantizeEffort,
    Quantizer,
)
from engine.schema.results import Contender, QuantizeResult

MODEL, DATASET = "mobilenet_v2_small", "fashion-mnist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is searched for: the target, and the budget by what a uniform policy costs there."""

    target: str
    metric: Metric
    bits: int  # of the uniform policy
    saving: float  # the budget is its cost divided by this
    quantizer: Quantizer

    @property
    def fewest_bits(self) -> int:
        """The narrowest weights that a policy may have."""
        return FEWEST_LABEL_BITS if self.quantizer == "kmeans" else FEWEST_GRID_BITS

    @property
    def budget(self) -> Budget:
        """The budget, in the metric's unit."""
        spec = layer_table(MODEL, dataset_entry(DATASET))
        assert spec is not None
        inputs = FLOAT_BITS if self.quantizer == "kmeans" else self.bits
        costs = cost_model(target_entry(self.target))
        cost = costs.network_cost(spec, uniform_policy(spec, self.bits, inputs))
        return Budget(metric=self.metric, limit=cost[self.metric] / self.saving)


def main() -> None:
    """Search with each seed and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--target", default="bismo-cloud")
    parser.add_argument("--metric", choices=get_args(Metric), default="latency_ms")
    width = parser.add_mutually_exclusive_group()
    width.add_argument("--bits", type=int, default=4)
    width.add_argument("--saving", type=float, help="of the cost of fixed 8 bit")
    parser.add_argument("--quantizer", choices=get_args(Quantizer), default="linear")
    parser.add_argument("--references", action="store_true")
    parser.add_argument("--data-root", type=Path, default=Path("var/data"))
    options = parser.parse_args()
    question = Question(
        target=options.target,
        metric=cast(Metric, options.metric),
        bits=MAX_BITS if options.saving else options.bits,
        saving=options.saving or 1.0,
        quantizer=cast(Quantizer, options.quantizer),
    )
    started = time.process_time()
    results = [
        search(question, seed, references=options.references, data_root=options.data_root)
        for seed in range(options.seeds)
    ]
    cpu_s = time.process_time() - started
    print(
        json.dumps(
            summary(results) | {"cpu_s_per_seed": round(cpu_s / len(results), 1)},
            indent=1,
        )
    )


def search(question: Question, seed: int, *, references: bool, data_root: Path) -> QuantizeResult:
    """Return the result of one search."""
    config = QuantizeConfig(
        model=MODEL,
        dataset=DATASET,
        target=question.target,
        budgets=(question.budget,),
        quantizer=question.quantizer,
        weight_bits=tuple(range(question.fewest_bits, MAX_BITS + 1)),
        effort=QuantizeEffort(finetune_references=references),
        seed=seed,
    )
    with tempfile.TemporaryDirectory() as workdir:
        places = Places(data_root=data_root, weights_store=Path(workdir) / "weights")
        for event in run(config, Path(workdir), places=places):
            if isinstance(event, RunFinished):
                assert isinstance(event.result, QuantizeResult)
                return event.result
    raise AssertionError("a run ends with its result")


def summary(results: list[QuantizeResult]) -> dict[str, object]:
    """Return accuracies in percent by row, and the gains of the found policy in points."""
    uniform = [row.id for row in results[0].contenders if row.id.startswith("uniform-")][-1]
    before = [_before(r.contender(r.found)) - _before(r.contender(uniform)) for r in results]
    after = [_after(r.contender(r.found)) - _after(r.contender(uniform)) for r in results]
    lost = [_after(r.contender("float")) - _after(r.contender(r.found)) for r in results]
    reported = results[0].contenders[0].report_accuracy
    assert reported is not None
    return {
        "budget": [results[0].budgets[0].metric, results[0].budgets[0].limit],
        "report_images": reported.images,
        "found": [result.found for result in results],
        "rows": [_rows(result) for result in results],
        "uniform": uniform,
        "gain_before_points": _mean_and_spread(before),
        "gain_after_points": _mean_and_spread(after),
        "lost_to_float_points": _mean_and_spread(lost),
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
