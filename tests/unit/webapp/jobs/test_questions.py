"""HAQ's questions in the form: which may be asked, which limits go together, what is refused."""

from typing import Any

import pytest
from django.http import QueryDict

from engine.catalog.models import layer_table
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.pricing import cost_model
from engine.schema.codec import config_from_json
from engine.schema.cost import Budget
from engine.schema.policy import FLOAT_BITS
from engine.solver.reach import reach
from tests.configs import quantize_config
from tests.factories import JobFactory
from tests.unit.webapp.jobs.said import said_by
from webapp.accounts.models import User
from webapp.charts.quantities import QUANTITIES
from webapp.charts.reach_band import ReachBand
from webapp.jobs.forms import QuantizeForm
from webapp.jobs.models import Job
from webapp.jobs.prefill import initial_from
from webapp.jobs.question import budget_words, question_words
from webapp.teams.models import Team

WIDTHS = tuple(range(2, 9))
LONGER = {
    "policies_at_once": "4",
    "threads": "4",
    "finetune_distillation": "0.5",
    "finetune_temperature": "4",
    "finetune_learning_rate": "0.01",
    "finetune_batch_size": "64",
    "finetune_contenders": "2",
    "finetune_references": "yes",
    "finetune_ranges": "no",
}


def form_of(user: User, team: Team, **changes: Any) -> QuantizeForm:
    data = QueryDict(mutable=True)
    for name, value in said_by(team, **changes).items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return QuantizeForm(data, None, user=user)


def test_the_smallest_cost_within_a_drop_is_asked_without_a_limit(ada: User, team: Team) -> None:
    form = form_of(ada, team, question="cost", accuracy_drop="1.5", limit="")

    assert form.is_valid(), form.errors
    config = form.config()
    assert (config.accuracy_drop, config.objective) == (pytest.approx(0.015), "latency_ms")
    assert config.budgets == ()


def test_a_limit_left_over_from_the_other_question_does_not_count(ada: User, team: Team) -> None:
    form = form_of(ada, team, question="cost", accuracy_drop="1", limit="4")

    assert form.is_valid(), form.errors
    assert form.config().budgets == ()


def test_other_limits_hold_beside_an_accuracy_drop(ada: User, team: Team) -> None:
    form = form_of(ada, team, question="cost", accuracy_drop="1", limit="", limit_model_bytes="300")

    assert form.is_valid(), form.errors
    assert form.config().budgets == (Budget(metric="model_bytes", limit=300_000),)


def test_several_budgets_are_asked_for_at_once(ada: User, team: Team) -> None:
    job = form_of(ada, team, limit="4", limit_model_bytes="300", limit_bit_ops="150").launch()

    assert job is not None
    assert [(b.metric, b.limit) for b in config_from_json(job.config).budgets] == [
        ("latency_ms", 4.0),
        ("model_bytes", 300_000),
        ("bit_ops", 150e6),
    ]
    assert (job.budget_metric, job.budget_limit) == ("latency_ms", 4.0)


def test_codebooks_are_asked_for_by_size_alone(ada: User, team: Team) -> None:
    form = form_of(
        ada, team, quantizer="kmeans", metric="model_bytes", limit="200", activation_bits=[]
    )

    job = form.launch()
    assert job is not None, form.errors
    config = form.config()
    assert config.quantizer == "kmeans"
    assert config.policy_activation_bits == (FLOAT_BITS,)


def test_the_band_of_codebooks_is_that_of_free_ends(ada: User, team: Team) -> None:
    spec = layer_table("mobilenet_v2_small")
    assert spec is not None
    model = cost_model(target_entry("bismo-cloud"))
    free = reach(spec, model, "model_bytes", WIDTHS, (FLOAT_BITS,))

    band = form_of(ada, team, quantizer="kmeans", metric="model_bytes", limit="200").band()

    assert isinstance(band, ReachBand)
    assert band.lowest == pytest.approx(free.lowest / 1000)
    assert not any("first and last layer" in cell for row in band.table.rows for cell in row)


def test_a_launched_drop_stands_in_lists_by_what_it_makes_small(ada: User, team: Team) -> None:
    job = form_of(
        ada, team, question="cost", metric="model_bytes", accuracy_drop="2", limit=""
    ).launch()

    assert job is not None
    assert budget_words(job) == "smallest model size"
    assert budget_words(JobFactory()) == "Latency ≤ 4.00\u202fms"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        pytest.param(
            {"question": "cost", "accuracy_drop": ""}, "accuracy_drop", "required", id="no drop"
        ),
        pytest.param(
            {"question": "cost", "accuracy_drop": "100"},
            "accuracy_drop",
            "less than or equal to 99",
            id="all may be lost",
        ),
        pytest.param(
            {"question": "cost", "accuracy_drop": "1", "limit_latency_ms": "4"},
            "limit_latency_ms",
            "Latency is to be as small as it can; leave this one empty",
            id="a limit on what is to be small",
        ),
        pytest.param(
            {"question": "cost", "accuracy_drop": "1", "target": "pixel1"},
            "metric",
            "Bits do not change the latency",
            id="a cost that bits do not change",
        ),
        pytest.param(
            {"limit_latency_ms": "5"},
            "limit_latency_ms",
            "Latency has its limit above; leave this one empty",
            id="one metric twice",
        ),
        pytest.param(
            {"limit_energy_mj": "5"},
            "limit_energy_mj",
            "BISMO, cloud FPGA (VU9P) has no energy to offer",
            id="a metric the target lacks",
        ),
        pytest.param(
            {"limit_model_bytes": "10"},
            "limit_model_bytes",
            "The nearest that works is",
            id="a further limit out of reach",
        ),
        pytest.param(
            {"quantizer": "kmeans"},
            "metric",
            "Latency cannot be told where activations stay float; choose model size",
            id="latency of codebooks",
        ),
        pytest.param(
            {
                "quantizer": "kmeans",
                "metric": "model_bytes",
                "limit": "200",
                "limit_latency_ms": "4",
            },
            "limit_latency_ms",
            "cannot be told where activations stay float",
            id="latency beside codebooks",
        ),
        pytest.param(
            {"metric": "model_bytes", "limit": "200", "weight_bits": ["8"]},
            "metric",
            "allow more widths",
            id="no width to choose by size",
        ),
        pytest.param({"activation_bits": []}, "activation_bits", "required", id="no width"),
        pytest.param(
            {"finetune_distillation": "1.5"},
            "finetune_distillation",
            "must lie in 0 .. 1, got 1.5",
            id="more than all of the loss",
        ),
        pytest.param(
            {"finetune_temperature": "0"}, "finetune_temperature", "above 0", id="no temperature"
        ),
        pytest.param(
            {
                "target": "bitfusion",
                "metric": "model_bytes",
                "limit": "230",
                "weight_bits": ["3", "5"],
            },
            "weight_bits",
            "computes with 2, 4 or 8 bits",
            id="widths of which the target has none",
        ),
        pytest.param({"question": "why"}, "question", "valid choice", id="no such question"),
        pytest.param({"quantizer": "none"}, "quantizer", "valid choice", id="no such quantiser"),
        pytest.param({"sensitivity": "none"}, "sensitivity", "valid choice", id="no such measure"),
    ],
)
def test_each_error_stands_at_its_field(
    *, ada: User, team: Team, changes: dict[str, Any], field: str, words: str
) -> None:
    form = form_of(ada, team, **changes)

    assert form.launch() is None
    assert words in " ".join(form.errors[field])
    assert list(form.errors) == [field]
    assert not Job.objects.exists()


def test_budgets_that_contradict_each_other_are_named_with_the_remedy(
    ada: User, team: Team
) -> None:
    """On a Cortex-M7 widths below 8 bits are unpacked first: small models are slower there."""
    spec = layer_table("mobilenet_v2_small")
    assert spec is not None
    model = cost_model(target_entry("cortex-m7"))
    spans = {m: reach(spec, model, m, WIDTHS, WIDTHS) for m in ("latency_ms", "model_bytes")}
    fast, small = 1.02 * spans["latency_ms"].lowest, 1.02 * spans["model_bytes"].lowest
    said = {"target": "cortex-m7", "limit": f"{fast:.6g}"}

    refused = form_of(ada, team, **said, limit_model_bytes=f"{small / 1000:.6g}")

    assert refused.launch() is None
    assert list(refused.errors) == ["limit_model_bytes"]
    (message,) = refused.errors["limit_model_bytes"]
    assert message.startswith("Latency of ")
    assert "kB contradict" in message
    assert "contradict each other: with the first, model size is at least" in message
    least = message.split("at least ")[1].split(" kB")[0]
    assert form_of(ada, team, **said, limit_model_bytes=least).is_valid()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"limit": "4", "limit_model_bytes": "300"}, id="two budgets"),
        pytest.param(
            {"question": "cost", "accuracy_drop": "0.75", "limit": "", "limit_bit_ops": "150"},
            id="an accuracy drop",
        ),
        pytest.param(
            {"quantizer": "kmeans", "metric": "model_bytes", "limit": "200"}, id="codebooks"
        ),
        pytest.param(
            {"sensitivity": "hessian", "faithful": "on", "granularity": "tensor", **LONGER},
            id="all that is under Advanced",
        ),
    ],
)
def test_an_earlier_runs_question_comes_back_as_the_same_config(
    ada: User, team: Team, changes: dict[str, Any]
) -> None:
    first = form_of(ada, team, **changes)
    assert first.is_valid(), first.errors

    initial = {
        name: value if isinstance(value, list) else str(value)
        for name, value in initial_from(first.config()).items()
    }
    again = form_of(ada, team, **{"limit": "", **initial})

    assert again.is_valid(), again.errors
    assert again.config() == first.config()


def test_what_is_said_of_fine_tuning_reaches_the_config(ada: User, team: Team) -> None:
    form = form_of(ada, team, **LONGER)

    assert form.is_valid(), form.errors
    effort = form.config().effort
    assert form.config().preset == "custom"
    assert (effort.finetune_distillation, effort.finetune_temperature) == (0.5, 4.0)
    assert (effort.finetune_learning_rate, effort.finetune_batch_size) == (0.01, 64)
    assert (effort.finetune_references, effort.finetune_ranges) == (True, False)
    assert effort.policies_at_once == 4


def test_every_metric_with_a_further_limit_says_what_can_be_reached(ada: User, team: Team) -> None:
    for target in TARGETS.values():
        form = QuantizeForm(None, user=ada, initial={"target": target.id})
        form.band()
        metrics = {row.metric for row in form.further_budgets()}

        assert "peak_activation_bytes" not in metrics  # of one layer: no budget of a network
        assert metrics <= set(target.metrics) - {form.first_metric}
        assert all(row.span and row.unit for row in form.further_budgets())
        assert all(
            row.unit == QUANTITIES[row.metric].form_unit.symbol for row in form.further_budgets()
        )


def test_a_question_is_told_in_a_sentence() -> None:
    budgets = (Budget(metric="latency_ms", limit=4.0), Budget(metric="model_bytes", limit=3e5))
    within = quantize_config(budgets=budgets)
    drop = quantize_config(budgets=budgets[1:], accuracy_drop=0.01, objective="latency_ms")
    size = quantize_config(budgets=budgets[1:], quantizer="kmeans")

    assert question_words(within) == (
        "Best accuracy within latency ≤ 4.00\u202fms and model size ≤ 300\u202fkB "
        "on BISMO, cloud FPGA (VU9P)."
    )
    assert question_words(drop) == (
        "Smallest latency on BISMO, cloud FPGA (VU9P) with at most 1 point of accuracy lost, "
        "model size ≤ 300\u202fkB."
    )
    assert question_words(size).endswith("weights alone by codebooks.")
