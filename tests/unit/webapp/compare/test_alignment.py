"""Policies one under the other, aligned by layer."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.schema.codec import to_json
from engine.schema.policy import LayerBits, Policy
from engine.schema.results import QuantizeResult
from tests import haq_run
from tests.configs import quantize_config
from webapp.compare.alignment import Strip, strips
from webapp.compare.selection import Run, runs_of
from webapp.jobs.models import Job

RESULT = haq_run.result(quantize_config(), scored=3)
OTHER_NETWORK = haq_run.result(quantize_config(model="resnet20"), scored=3)
NAMES = [layer.name for layer in RESULT.model.layers]


def run_with(policy: Policy, result: QuantizeResult = RESULT) -> Job:
    contenders = tuple(
        replace(row, policy=policy) if row.id == result.found else row for row in result.contenders
    )
    return Job(
        name="A run",
        kind=Job.Kind.QUANTIZE,
        status=Job.Status.SUCCEEDED,
        model=result.model.model,
        result=to_json(replace(result, contenders=contenders)),
    )


def runs(*policies: Policy) -> list[Run]:
    return runs_of([run_with(policy) for policy in policies])


def uniform(bits: int, **exceptions: int) -> Policy:
    layers = {name: LayerBits(weight_bits=bits, activation_bits=bits) for name in NAMES}
    for number, width in exceptions.items():
        name = NAMES[int(number.removeprefix("layer"))]
        layers[name] = LayerBits(weight_bits=width, activation_bits=bits)
    return Policy(layers=layers)


def one_strip(*policies: Policy) -> Strip:
    (strip,) = strips(runs(*policies))
    return strip


def test_each_run_has_a_row_of_weights_and_one_of_activations() -> None:
    strip = one_strip(uniform(4), uniform(5))

    assert [(row.letter, row.side) for row in strip.rows] == [
        ("A", "weights"),
        ("B", "weights"),
        ("A", "activations"),
        ("B", "activations"),
    ]
    assert all(len(row.cells) == len(NAMES) for row in strip.rows)


def test_a_layer_that_differs_is_marked_in_its_column_alone() -> None:
    strip = one_strip(uniform(4), uniform(4, layer7=3))

    assert [at for at, differs in enumerate(strip.differing) if differs] == [7]
    assert [cell.differs for cell in strip.rows[0].cells].count(True) == 1
    assert not any(cell.differs for cell in strip.rows[2].cells)


def test_identical_policies_have_no_difference() -> None:
    assert one_strip(uniform(4), uniform(4), uniform(4)).difference_count == 0


def test_a_layer_that_a_policy_does_not_name_is_a_gap() -> None:
    partial = Policy(layers=dict(list(uniform(4).layers.items())[:-1]))

    strip = one_strip(uniform(4), partial)

    assert strip.rows[1].cells[-1].bits is None
    assert strip.rows[1].cells[-1].look == "bit-strip__cell--none bit-strip__cell--differs"


def test_other_networks_have_a_strip_of_their_own() -> None:
    jobs = [run_with(uniform(4)), run_with(OTHER_NETWORK.contenders[-1].policy, OTHER_NETWORK)]  # type: ignore[arg-type] # it has one

    assert [strip.model for strip in strips(runs_of(jobs))] == ["mobilenet_v2_small", "resnet20"]


def test_a_run_without_a_result_is_left_out() -> None:
    queued = Job(name="Queued", kind=Job.Kind.QUANTIZE, status=Job.Status.QUEUED)

    assert [strip.rows[0].letter for strip in strips(runs_of([queued, run_with(uniform(4))]))] == [
        "B"
    ]


widths = st.lists(st.integers(2, 8), min_size=len(NAMES), max_size=len(NAMES))


@settings(deadline=None, max_examples=25)  # each reads two whole results
@given(widths, widths)
def test_whatever_the_order_of_two_runs_the_same_layers_differ(
    first: list[int], second: list[int]
) -> None:
    one, other = (
        Policy(
            layers={
                name: LayerBits(weight_bits=bits, activation_bits=4)
                for name, bits in zip(NAMES, each, strict=True)
            }
        )
        for each in (first, second)
    )

    forwards, backwards = one_strip(one, other), one_strip(other, one)

    assert forwards.differing == backwards.differing
    assert forwards.differing == tuple(a != b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("bits", range(1, 9))
def test_every_width_has_a_look(bits: int) -> None:
    from pathlib import Path

    css = Path("static/css/bit-strip.css").read_text()

    assert f".bit-strip__cell--{bits} " in css
