"""Every target of the catalogue, so that the next one cannot be forgotten."""

import pytest

from engine.catalog.targets import TARGETS, target_entry
from engine.cost.pricing import cost_model
from engine.schema.codec import from_json, to_json
from engine.schema.cost import COUNTED_METRICS
from engine.schema.errors import InvalidConfig
from engine.schema.target import Target

every_target = pytest.mark.parametrize("target_id", TARGETS)


@every_target
def test_a_target_can_be_priced_under_its_own_id(target_id: str) -> None:
    assert cost_model(target_entry(target_id)).target.id == target_id


@every_target
def test_a_target_answers_the_counted_metrics_too(target_id: str) -> None:
    assert set(COUNTED_METRICS) <= set(target_entry(target_id).metrics)


@every_target
def test_a_target_says_how_well_it_is_known(target_id: str) -> None:
    target = target_entry(target_id)

    assert target.title
    assert target.description
    assert target.validation
    assert target.source


@every_target
def test_a_target_offers_ascending_widths(target_id: str) -> None:
    target = target_entry(target_id)

    for widths in (target.weight_bits, target.activation_bits):
        assert list(widths) == sorted(set(widths))
        assert set(widths) <= set(range(1, 9))


@every_target
def test_a_target_survives_json(target_id: str) -> None:
    target = target_entry(target_id)

    assert from_json(Target, to_json(target)) == target


def test_an_unknown_target_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidConfig, match=r"target: 'abacus' is not known.*bismo-cloud"):
        target_entry("abacus")
