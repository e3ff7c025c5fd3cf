"""What the result of a search says first: never a victory smaller than the noise."""

import re
from dataclasses import replace

import pytest

from engine.schema.results import SearchResult
from tests import search_run
from tests.configs import search_config
from webapp.jobs.random_band import random_band
from webapp.jobs.search_answer import search_answer
from webapp.jobs.search_contenders import network_table

SPREAD = (0.860, 0.870, 0.865, 0.868, 0.862)


def result(found: float = 0.87, mobilenet: float = 0.86, **changes: object) -> SearchResult:
    return search_run.result(
        search_config(), found=found, mobilenet=mobilenet, **{"randoms": SPREAD, **changes}
    )  # type: ignore[arg-type] # the factory's own


def test_the_sentence_names_budget_space_and_data() -> None:
    answer = search_answer(result())

    assert answer.lead.startswith("Within 2.00\u202fM on ")
    assert answer.subject == "the network found in Tiny (grey, 32 px) classifies"
    assert answer.value == "87.0\u202f%"
    assert answer.rest.startswith("of unseen images of Fashion-MNIST right")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(0.91, "5.0 points above MobileNetV2", id="clearly above"),
        pytest.param(0.865, "no clear difference from MobileNetV2", id="within the noise"),
        pytest.param(0.80, "6.0 points below MobileNetV2", id="clearly below"),
    ],
)
def test_the_found_network_is_held_against_mobilenet(found: float, words: str) -> None:
    assert words in search_answer(result(found)).rest


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(
            0.91, "did better than a random draw: the found network stands 4.5", id="above"
        ),
        pytest.param(0.873, "cannot be told from a random draw", id="better by less than chance"),
        pytest.param(0.865, "cannot be told from a random draw", id="amid them"),
        pytest.param(0.859, "0.6 points below their mean, within", id="below by less than chance"),
        pytest.param(
            0.80, "did worse than a random draw: the found network stands 6.5", id="below"
        ),
    ],
)
def test_random_networks_are_a_band_and_not_a_victory(found: float, words: str) -> None:
    rest = search_answer(result(found)).rest

    assert words in rest
    assert "Five random networks of the same space and budget reach 86.0–87.0\u202f%." in rest
    assert re.search(r"the \d\.\d that chance may give", rest)


def test_two_random_networks_are_too_few_to_beat() -> None:
    rest = search_answer(result(0.99, randoms=(0.5, 0.51))).rest

    assert "With so few the search cannot be told from a random draw." in rest


def test_without_baselines_nothing_is_claimed() -> None:
    alone = result()
    alone = replace(alone, contenders=(alone.contender("found"),))

    answer = search_answer(alone)

    assert answer.rest == "of unseen images of Fashion-MNIST right."
    assert random_band(alone) is None


def test_the_noise_of_a_band_is_no_less_than_that_of_the_images() -> None:
    same = result(randoms=(0.86, 0.86, 0.86))
    band, own = random_band(same), same.contender("found").report_accuracy
    assert band is not None
    assert own is not None

    assert band.spread == 0
    assert band.noise(own) >= 2 * own.standard_error


def test_every_headline_says_how_it_is_known() -> None:
    stats = search_answer(result()).stats

    assert [stat.term for stat in stats] == ["Accuracy", "Model size", "MACs", "Search time"]
    assert all(stat.provenance for stat in stats)
    assert "MobileNetV2" in stats[0].beside


def test_random_networks_stand_below_their_band() -> None:
    table = network_table(result())

    labels = [row.label for row in table.rows]
    assert labels[:3] == [
        "Found network",
        "MobileNetV2 ×0.35",
        "Random networks of the space (5)",
    ]
    assert table.rows[0].is_found
    assert table.rows[2].report_words == "86.0–87.0\u202f%, mean 86.5\u202f%"
    assert [column.metric for column in table.columns if column.is_budget] == ["macs"]
    assert {len(row.costs) for row in table.rows} == {len(table.columns)}
