"""The sentence a result opens with: no claim smaller than the noise."""

from dataclasses import replace

import pytest

from engine.schema.results import Accuracy, QuantizeResult
from tests import haq_run
from tests.configs import quantize_config
from webapp.jobs.answer import answer, delivered, uniform_at_budget
from webapp.jobs.gap import gap, in_words


@pytest.fixture(scope="module")
def result() -> QuantizeResult:
    return haq_run.result(quantize_config(), scored=10)


def measured(value: float, error: float = 0.004) -> Accuracy:
    return Accuracy(value=value, standard_error=error, images=6000, split="report")


def with_accuracy(result: QuantizeResult, **accuracies: float) -> QuantizeResult:
    contenders = tuple(
        replace(row, report_accuracy=measured(accuracies[row.id.replace("-", "_")]))
        if row.id.replace("-", "_") in accuracies
        else row
        for row in result.contenders
    )
    return replace(result, contenders=contenders)


def test_a_clear_difference_is_said_in_points() -> None:
    assert in_words([gap(measured(0.88), measured(0.91), name="float")]) == (
        "3.0 points below float"
    )
    assert in_words([gap(measured(0.91), measured(0.88), name="float")]) == (
        "3.0 points above float"
    )


def test_differences_within_the_noise_are_not_claimed() -> None:
    gaps = [
        gap(measured(0.907), measured(0.911), name="float"),
        gap(measured(0.907), measured(0.905), name="fixed 8-bit"),
    ]

    # Twice the root of the two squared errors: 2 x 0.4 x 1.414 points.
    assert in_words(gaps) == (
        "no clear difference from float (\u22120.4 ± 1.1 points) or fixed 8-bit (+0.2 ± 1.1 points)"
    )


def test_what_the_bits_alone_do_is_said_where_it_is_clear(result: QuantizeResult) -> None:
    contenders = tuple(
        replace(row, untuned_report_accuracy=measured(value))
        if (value := {"hill_climb": 0.89, "uniform-4": 0.80}.get(row.id))
        else row
        for row in result.contenders
    )

    said = answer(replace(result, contenders=contenders)).rest

    assert said.endswith("before fine-tuning it stands 9.0 points above uniform 4-bit.")


def test_the_sentence_names_budget_target_network_and_data(result: QuantizeResult) -> None:
    said = answer(result)

    assert said.lead == "Within 4.00\u202fms on BISMO, cloud FPGA (VU9P),"
    assert said.subject == "MobileNetV2 small (x0.35, 32 px) classifies"
    assert "unseen images of Fashion-MNIST" in said.rest


def test_images_without_labels_ask_for_the_float_networks_answer(result: QuantizeResult) -> None:
    said = answer(replace(result, is_labelled=False))

    assert said.subject.endswith("keeps the float network’s answer on")
    assert said.rest.startswith("of unseen images of Fashion-MNIST:")
    assert "right" not in said.rest


def test_the_found_policy_is_held_against_float_eight_bit_and_the_nearest_uniform(
    result: QuantizeResult,
) -> None:
    said = answer(
        with_accuracy(result, hill_climb=0.88, float=0.91, uniform_8=0.91, uniform_4=0.80)
    ).rest

    assert "3.0 points below the float network" in said
    assert "3.0 points below fixed 8-bit" in said
    assert "8.0 points above uniform 4-bit at about the same cost" in said


def test_a_uniform_rival_of_another_cost_is_named_with_it(result: QuantizeResult) -> None:
    without_four = tuple(row for row in result.contenders if row.id != "uniform-4")

    said = answer(replace(result, contenders=without_four)).rest

    six = result.contender("uniform-6").cost["latency_ms"]
    assert f"uniform 6-bit at {six:.2f}\u202fms" in said
    assert "about the same cost" not in said


def test_the_uniform_rival_is_the_one_nearest_to_the_budget(result: QuantizeResult) -> None:
    rival = uniform_at_budget(result)

    assert rival is not None
    assert rival.id == "uniform-4"


def test_what_was_delivered_is_on_images_no_step_has_seen(result: QuantizeResult) -> None:
    found = result.contender("hill_climb")

    assert delivered(found) == found.report_accuracy
    assert delivered(replace(found, report_accuracy=None)) == found.tuned_search_accuracy


def test_headline_numbers_are_the_results_own(result: QuantizeResult) -> None:
    stats = {stat.term: stat for stat in answer(result).stats}
    found = result.contender("hill_climb")

    assert stats["Accuracy"].value == f"{100 * found.report_accuracy.value:.1f}\u202f%"  # type: ignore[union-attr] # it has one
    assert stats["Latency"].value == f"{found.cost['latency_ms']:.2f}\u202fms"
    assert stats["Model size"].provenance == "counted"
    assert stats["Latency"].provenance == "simulated"
    assert "HAQ" in stats["Latency"].validation
    assert stats["Search time"].beside == "10 policies scored"


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        (0, "from the sensitivities; no policy scored"),
        (1, "1 policy scored"),
        (1200, "1,200 policies scored"),
    ],
)
def test_the_search_says_how_many_policies_it_scored(
    result: QuantizeResult, policies: int, said: str
) -> None:
    rows = (
        replace(row, evaluations=policies) if row.id == result.found else row
        for row in result.contenders
    )
    stats = {one.term: one for one in answer(replace(result, contenders=tuple(rows))).stats}

    assert stats["Search time"].beside == said


def test_a_result_without_report_images_says_which_images_it_means(
    result: QuantizeResult,
) -> None:
    contenders = tuple(replace(row, report_accuracy=None) for row in result.contenders)

    assert "search images" in answer(replace(result, contenders=contenders)).rest
