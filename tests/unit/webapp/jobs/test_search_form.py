"""The ProxylessNAS form: a person's words to a config."""

from dataclasses import fields
from typing import Any

import pytest

from engine.catalog.presets import SEARCH_PRESETS
from engine.catalog.spaces import space_for
from engine.schema.codec import config_from_json
from engine.schema.config_parts import TrainingRecipe
from engine.schema.search_config import SearchConfig, SearchEffort
from engine.schema.space_shape import SpaceShape
from tests.configs import search_config
from tests.unit.webapp.jobs.search_said import form_of
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.jobs.search_choices import count_words
from webapp.jobs.search_effort_fields import EFFORT_FIELDS, RECIPE_FIELDS
from webapp.jobs.search_fields import FURTHER_FIELDS
from webapp.jobs.search_prefill import search_initial
from webapp.jobs.search_shape import SHAPE_FIELDS
from webapp.teams.models import Team

LARGEST = SpaceShape(cells=(64, 64, 64, 64), strides=(1, 2, 2, 1), channels=8192)


def test_what_is_said_becomes_the_config(ada: User, team: Team) -> None:
    form = form_of(
        ada, team, algorithm="reinforce", seed="7", width="1.5", limit="3", pricing_bits="6"
    )

    assert form.is_valid(), form.errors
    config = form.config()
    assert (config.space, config.dataset, config.target) == ("tiny", "fashion-mnist", "counted")
    assert [(b.metric, b.limit) for b in config.budgets] == [("macs", 3e6)]
    assert (config.algorithm, config.seed, config.shape.width, config.pricing_bits) == (
        "reinforce",
        7,
        1.5,
        6,
    )


@pytest.mark.parametrize("preset", SEARCH_PRESETS)
def test_a_preset_brings_its_settings(ada: User, team: Team, preset: str) -> None:
    form = form_of(ada, team, preset=preset)

    assert form.is_valid(), form.errors
    config, entry = form.config(), SEARCH_PRESETS[preset]
    assert config.preset == preset
    assert (config.effort, config.recipe) == (entry.effort, entry.recipe)
    assert (config.gate_mode, config.sharing) == (entry.gate_mode, entry.sharing)
    assert config.hardware_loss == entry.hardware_loss


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"epochs": "5"}, id="a count"),
        pytest.param({"final_epochs": "9"}, id="the recipe"),
        pytest.param({"gate_mode": "full_v2"}, id="a setting"),
    ],
)
def test_what_differs_from_its_preset_is_called_custom(
    ada: User, team: Team, changes: dict[str, str]
) -> None:
    form = form_of(ada, team, **changes)

    assert form.is_valid(), form.errors
    assert form.config().preset == "custom"


def test_a_launched_job_is_queued_as_the_form_says(ada: User, team: Team) -> None:
    job = form_of(ada, team, name="First").launch()

    assert job is not None
    assert (job.status, job.kind, job.name) == (Job.Status.QUEUED, Job.Kind.SEARCH, "First")
    assert isinstance(config_from_json(job.config), SearchConfig)


def test_a_shape_is_said_stage_by_stage(ada: User, team: Team) -> None:
    form = form_of(ada, team, widths="16, 24,40", cells="1 2 1", stem="8", limit="0.9")

    assert form.is_valid(), form.errors
    assert form.config().shape == SpaceShape(widths=(16, 24, 40), cells=(1, 2, 1), stem=8)
    assert form.fitted is not None
    assert form.fitted.size == 6 * 6 * 7 * 6
    assert form.has_shape


def test_a_form_offers_what_the_chosen_space_has(ada: User, team: Team) -> None:
    tiny, tree = form_of(ada, team), form_of(ada, team, space="cifar-tree")

    assert [field.name for field in tiny.shape_fields] == [
        "width",
        "widths",
        "cells",
        "strides",
        "stem",
        "feature_mix",
    ]
    assert [field.name for field in tree.shape_fields] == [
        "width",
        "cells",
        "strides",
        "stem",
        "channels",
    ]
    assert tiny["widths"].field.widget.attrs["placeholder"] == "24, 40, 80"
    assert "3 stages" in tiny.shape_sentence
    assert not tiny.has_shape


def test_every_number_of_an_effort_and_of_the_recipe_can_be_said(ada: User, team: Team) -> None:
    form = form_of(ada, team)

    numbers = {field.name for field in fields(SearchEffort)}
    assert numbers == set(EFFORT_FIELDS)
    assert {field.name for field in fields(TrainingRecipe)} == set(RECIPE_FIELDS.values())
    folded = [field.name for _, group in form.advanced for field in group]
    assert len(folded) == len(set(folded))
    assert {*folded, *form.fields} == set(form.fields)
    shown = {"space", "dataset", "folder", "target", "metric", "limit", "preset", "algorithm"}
    assert set(form.fields) - set(folded) == {
        *shown,
        *SHAPE_FIELDS,
        *FURTHER_FIELDS.values(),
        "name",
        "team",
    }


def test_numbers_of_the_effort_and_of_the_recipe_reach_the_config(ada: User, team: Team) -> None:
    changes = {
        "frozen_epochs": "1",
        "settled_epochs": "2",
        "settled_entropy": "0.5",
        "policy_every": "3",
        "policy_samples": "6",
        "architecture_every": "2",
        "weight_decay": "0",
        "final_learning_rate": "0.05",
        "final_batch_size": "32",
    }
    form = form_of(ada, team, **changes)

    assert form.is_valid(), form.errors
    effort, recipe = form.config().effort, form.config().recipe
    found = {name: getattr(effort, name, None) for name in changes if not name.startswith("final")}
    assert found == {name: float(changes[name]) for name in found}
    assert (recipe.learning_rate, recipe.batch_size) == (0.05, 32)


def test_the_same_search_is_not_queued_twice(ada: User, team: Team) -> None:
    first = form_of(ada, team).launch()
    assert first is not None
    Job.objects.filter(pk=first.pk).update(status=Job.Status.SUCCEEDED, result={})

    again = form_of(ada, team)

    assert again.launch() is None
    assert again.duplicate == first


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="a preset"),
        pytest.param(
            {"shape": SpaceShape(width=0.9), "pricing_bits": 8, "algorithm": "reinforce"},
            id="settings",
        ),
        pytest.param({"gate_mode": "full_v2", "hardware_loss": "hinge"}, id="of the preset's"),
        pytest.param(
            {"shape": SpaceShape(widths=(24, 40, 96), strides=(1, 2, 2), stem=8)}, id="a shape"
        ),
        pytest.param({"recipe": TrainingRecipe(epochs=3, learning_rate=0.1)}, id="a recipe"),
    ],
)
def test_a_form_from_an_earlier_run_says_the_same(
    ada: User, team: Team, changes: dict[str, Any]
) -> None:
    smoke = SEARCH_PRESETS["smoke"]
    config = search_config(**{"effort": smoke.effort, "recipe": smoke.recipe, **changes})

    initial = {name: str(value) for name, value in search_initial(config).items() if value != ""}
    form = form_of(ada, team, **{**initial, "hardware_strength": ""})

    assert form.is_valid(), form.errors
    found = form.config()
    assert {**vars_of(found), "preset": ""} == {**vars_of(config), "preset": ""}


def vars_of(config: SearchConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (74_088, "74,088"),
        (7**17 * 6**4, "about 3 × 10¹⁷"),
        (7**648, "about 4.2 × 10⁵⁴⁷"),
        (space_for("cifar-tree", shape=LARGEST).size, "about 1.3 × 10²⁵⁹⁶"),
    ],
)
def test_a_count_reads_as_one_says_it(count: int, words: str) -> None:
    assert count_words(count) == words
