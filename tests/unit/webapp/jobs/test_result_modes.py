"""Result pages of HAQ's other questions and modes: what they say, and what they do not claim."""

from typing import Any

import pytest
from django.test import Client

from engine.schema.codec import to_json
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import Interval, QuantizeResult
from tests import haq_modes, haq_run
from tests.configs import LATENCY_BUDGET, quantize_config
from tests.factories import JobFactory
from webapp.accounts.models import User
from webapp.charts.live_quantize import quantize_charts
from webapp.charts.loss_front import loss_chart
from webapp.charts.policy import bits_chart
from webapp.charts.sensitivity import sensitivity_chart
from webapp.jobs.answer import answer
from webapp.jobs.budgets_met import budget_rows
from webapp.jobs.learning import learning
from webapp.jobs.models import Job
from webapp.jobs.result_quantize import quantize_page
from webapp.teams.models import Team

LESS = Interval(mean=-0.012, low=-0.02, high=-0.004)
MORE = Interval(mean=0.012, low=0.004, high=0.02)
UNCLEAR = Interval(mean=-0.003, low=-0.011, high=0.005)


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


def finished(team: Team, owner: User, config: QuantizeConfig, result: QuantizeResult) -> Job:
    return JobFactory(
        succeeded=True,
        team=team,
        owner=owner,
        config=to_json(config),
        result=to_json(result),
        budget_metric=config.limited_metric,
        budget_limit=0.0 if config.objective else config.budgets[0].limit,
    )


def shown(client: Client, job: Job) -> tuple[Any, str]:
    answered = client.get(f"/jobs/{job.pk}/")
    assert answered.status_code == 200
    return answered.context["result"], answered.content.decode()


# --- codebooks ---------------------------------------------------------------------------------


def test_activations_without_bits_are_called_float(as_ada: Client, ada: User, team: Team) -> None:
    job = finished(team, ada, haq_modes.SIZE, haq_modes.size_result())

    result, page = shown(as_ada, job)

    assert "activations stay float" in result.bits.summary
    assert {row[5] for row in result.bits.table.rows} == {"float"}
    assert result.transfers == ()
    assert "on other devices" not in page
    assert "32-bit" not in page
    assert "32 bit" not in page


def test_no_bar_stands_for_a_float_activation() -> None:
    result = haq_modes.size_result()
    policy = result.contender(result.found).policy
    assert policy is not None

    figure = bits_chart(result.model, policy).figure

    assert all(0 < y <= 8 for trace in figure["data"] for y in trace["y"])
    assert figure["layout"]["yaxis"]["range"][0] == 0


def test_what_was_not_measured_of_activations_is_not_drawn() -> None:
    (weights,) = sensitivity_chart(haq_modes.size_result().sensitivity).figure["data"]

    assert weights["name"] == "weights"


def test_live_charts_of_codebooks_show_weights_alone() -> None:
    traces = {c.id: c.traces for c in quantize_charts(weights_alone=True)}

    assert [trace.y for trace in traces["live-policy"]] == ["policy.layers.*.weight_bits"]
    assert [trace.y for trace in traces["live-sensitivity"]] == ["weight_losses"]
    assert len({c.id: c.traces for c in quantize_charts()}["live-policy"]) == 2


def test_codebooks_are_explained_by_their_weights(as_ada: Client, ada: User, team: Team) -> None:
    result, _ = shown(as_ada, finished(team, ada, haq_modes.SIZE, haq_modes.size_result()))

    assert result.reasons is not None
    assert all(row[0].endswith(", weights") for row in result.reasons.table.rows)
    assert result.reasons.edge_and_cloud == ()


def test_comparing_with_codebooks_says_float(as_ada: Client, ada: User, team: Team) -> None:
    size = finished(team, ada, haq_modes.SIZE, haq_modes.size_result())
    both = finished(team, ada, quantize_config(), haq_run.result(quantize_config(), scored=4))

    page = as_ada.get(f"/compare/?job={size.pk}&job={both.pk}").content.decode()

    assert ">32<" not in page
    assert "float" in page


# --- the smallest cost -------------------------------------------------------------------------


def test_an_accuracy_drop_is_answered_by_the_cost(as_ada: Client, ada: User, team: Team) -> None:
    job = finished(team, ada, haq_modes.DROP, haq_modes.drop_result())

    result, page = shown(as_ada, job)

    assert result.answer.lead == "Asked to lose at most 1 point on BISMO, cloud FPGA (VU9P),"
    assert result.answer.subject.endswith("gets down to a latency of")
    assert result.answer.value.endswith("ms")
    assert "of fixed 8-bit). It classifies" in result.answer.rest
    first, second = result.budgets
    assert (first.title, first.note) == ("Latency", "the smallest that kept the accuracy")
    assert (second.title, second.note) == ("Model size", "")
    assert "the smallest that kept the accuracy" in page


def test_a_drop_of_several_points_is_plural() -> None:
    lead = answer(haq_modes.drop_result(), accuracy_drop=0.025).lead

    assert lead.startswith("Asked to lose at most 2.5 points on")


@pytest.mark.parametrize(("drop", "is_kept"), [(0.001, False), (0.2, True)])
def test_a_drop_that_unseen_images_do_not_bear_out_is_admitted(
    *, drop: float, is_kept: bool
) -> None:
    rest = answer(haq_modes.drop_result(), accuracy_drop=drop).rest

    assert ("That is more than was asked for: the 2,000 search images" in rest) != is_kept


# --- several budgets ---------------------------------------------------------------------------


def test_each_of_several_budgets_has_limit_reached_and_share() -> None:
    budgets = (LATENCY_BUDGET, haq_modes.SIZE.budgets[0])
    result = haq_run.result(quantize_config(budgets=budgets), scored=4)

    rows = budget_rows(result, is_first_found=False)

    found = result.contender(result.found).cost
    for row, budget in zip(rows, budgets, strict=True):
        share = 100 * found[budget.metric] / budget.limit
        assert row.used == f"{share:.1f}\u202f%"
        assert row.provenance
    assert answer(result).lead.startswith("Within 4.00\u202fms and 230\u202fkB on")


def test_a_single_budget_needs_no_table(ada: User, team: Team) -> None:
    result = haq_run.result(quantize_config(), scored=4)
    page = quantize_page(finished(team, ada, quantize_config(), result))

    assert page.budgets == ()
    latency = next(stat for stat in page.answer.stats if stat.term == "Latency")
    assert "of the budget" in latency.beside


# --- learning against solving ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (LESS, "beats the solver’s: on 6,000 report images, after fine-tuning, it loses 0.012"),
        (MORE, "falls behind the solver’s"),
        (UNCLEAR, "Learning is not told from solving"),
        (None, "Learning changed nothing: the agent found the solver’s own policy"),
    ],
    ids=["better", "worse", "unclear", "the same"],
)
def test_learning_claims_no_more_than_its_interval(loss: Interval | None, words: str) -> None:
    result = haq_modes.compared(haq_run.result(quantize_config(), scored=4), loss=loss)

    found = learning(result)

    assert found is not None
    assert words in found.verdict
    assert "It scored 40 policies in 22\u202fs, the solver 1 policy in 0.4\u202fs." in found.verdict


def test_each_strategy_stands_beside_the_agent() -> None:
    result = haq_modes.compared(haq_run.result(quantize_config(), scored=4), loss=LESS)
    result = haq_modes.compared(result, loss=None, second="random")

    found = learning(result)

    assert found is not None
    solver, random = found.rivals
    assert solver.loss == "\u22120.012 (\u22120.020 to \u22120.004)"
    assert solver.accuracy == "+0.4 (\u22120.1 to +0.9)"
    assert (random.label, random.loss) == ("Random", "same policy")


def test_a_result_without_comparisons_says_nothing_of_learning() -> None:
    assert learning(haq_run.result(quantize_config(), scored=4)) is None


# --- why these bits ----------------------------------------------------------------------------


def test_the_most_telling_reasons_come_first_and_the_rest_is_folded(
    as_ada: Client, ada: User, team: Team
) -> None:
    spec = haq_run.result(quantize_config(), scored=4)

    result, page = shown(as_ada, finished(team, ada, quantize_config(), spec))

    assert result.reasons is not None
    assert 1 <= len(result.reasons.told) <= 4
    assert len(result.reasons.table.rows) == 2 * len(spec.sensitivity)
    assert all(sentence in page for sentence in result.reasons.edge_and_cloud)
    assert len(result.reasons.edge_and_cloud) == 4  # depthwise and pointwise, both operands


def test_a_target_of_neither_edge_nor_cloud_is_not_compared_with_them(
    ada: User, team: Team
) -> None:
    config = quantize_config(target="bitfusion", budgets=(haq_modes.SIZE.budgets[0],))
    page = quantize_page(finished(team, ada, config, haq_run.result(config, scored=4)))

    assert page.reasons is not None
    assert page.reasons.edge_and_cloud == ()


def test_distances_of_logits_are_no_losses() -> None:
    result = haq_run.result(quantize_config(), scored=4)

    chart = loss_chart(result, "distance")
    heat = sensitivity_chart(result.sensitivity, "distance")

    assert not any(trace["mode"] == "lines" for trace in chart.figure["data"])
    assert "predicts no loss" in chart.summary
    assert "nats" not in str(heat.figure)
