"""The ProxylessNAS form: a person's words to a config, every error at the field it speaks of."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict

from engine.catalog.presets import SEARCH_PRESETS
from engine.catalog.spaces import space_for
from engine.catalog.tables import table_target
from engine.catalog.targets import TARGETS
from engine.schema.codec import config_from_json
from engine.schema.configs import SearchConfig, SearchEffort, TrainingRecipe
from engine.schema.space_shape import SpaceShape
from tests.configs import search_config
from tests.unit.engine.cost.measured_tables import table_of_space
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.jobs.search_choices import count_words
from webapp.jobs.search_effort_fields import EFFORT_FIELDS, RECIPE_FIELDS
from webapp.jobs.search_form import SearchForm
from webapp.jobs.search_prefill import search_initial
from webapp.jobs.search_shape import SHAPE_FIELDS
from webapp.teams.models import Team

LARGEST = SpaceShape(cells=(64, 64, 64, 64), strides=(1, 2, 2, 1), channels=8192)


@pytest.fixture
def said(team: Team) -> dict[str, Any]:
    """What a person says who changes nothing but the target and the budget."""
    return {
        "space": "tiny",
        "width": "1",
        "dataset": "fashion-mnist",
        "target": "counted",
        "metric": "macs",
        "limit": "2",
        "preset": "smoke",
        "algorithm": "gradient",
        "zero_gradient": "all",
        "starting_weights": "scratch",
        "precision": "fp32",
        "seed": "0",
        "device": "auto",
        "threads": "1",
        "team": str(team.pk),
    }


def form_of(said: dict[str, Any], user: User, **changes: str) -> SearchForm:
    data = QueryDict(mutable=True)
    data.update({**said, **changes})
    return SearchForm(data, user=user)


def test_what_is_said_becomes_the_config(said: dict[str, Any], ada: User) -> None:
    form = form_of(
        said, ada, algorithm="reinforce", seed="7", width="1.5", limit="3", pricing_bits="6"
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
def test_a_preset_brings_its_settings(said: dict[str, Any], ada: User, preset: str) -> None:
    form = form_of(said, ada, preset=preset)

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
    said: dict[str, Any], ada: User, changes: dict[str, str]
) -> None:
    form = form_of(said, ada, **changes)

    assert form.is_valid(), form.errors
    assert form.config().preset == "custom"


def test_a_launched_job_is_queued_as_the_form_says(said: dict[str, Any], ada: User) -> None:
    job = form_of(said, ada, name="First").launch()

    assert job is not None
    assert (job.status, job.kind, job.name) == (Job.Status.QUEUED, Job.Kind.SEARCH, "First")
    assert isinstance(config_from_json(job.config), SearchConfig)


def test_a_shape_is_said_stage_by_stage(said: dict[str, Any], ada: User) -> None:
    form = form_of(said, ada, widths="16, 24,40", cells="1 2 1", stem="8", limit="0.9")

    assert form.is_valid(), form.errors
    assert form.config().shape == SpaceShape(widths=(16, 24, 40), cells=(1, 2, 1), stem=8)
    assert form.fitted is not None
    assert form.fitted.size == 6 * 6 * 7 * 6
    assert form.has_shape


def test_a_form_offers_what_the_chosen_space_has(said: dict[str, Any], ada: User) -> None:
    tiny, tree = form_of(said, ada), form_of(said, ada, space="cifar-tree")

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


def test_every_number_of_an_effort_and_of_the_recipe_can_be_said(
    said: dict[str, Any], ada: User
) -> None:
    form = form_of(said, ada)

    numbers = {field.name for field in fields(SearchEffort)}
    assert numbers == set(EFFORT_FIELDS)
    assert {field.name for field in fields(TrainingRecipe)} == set(RECIPE_FIELDS.values())
    folded = [field.name for _, group in form.advanced for field in group]
    assert len(folded) == len(set(folded))
    assert {*folded, *form.fields} == set(form.fields)
    shown = {"space", "dataset", "folder", "target", "metric", "limit", "preset", "algorithm"}
    assert set(form.fields) - set(folded) == {*shown, *SHAPE_FIELDS, "name", "team"}


def test_numbers_of_the_effort_and_of_the_recipe_reach_the_config(
    said: dict[str, Any], ada: User
) -> None:
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
    form = form_of(said, ada, **changes)

    assert form.is_valid(), form.errors
    effort, recipe = form.config().effort, form.config().recipe
    found = {name: getattr(effort, name, None) for name in changes if not name.startswith("final")}
    assert found == {name: float(changes[name]) for name in found}
    assert (recipe.learning_rate, recipe.batch_size) == (0.05, 32)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        pytest.param({"widths": "24, 40"}, "widths", "has 3 stages", id="too few widths"),
        pytest.param({"widths": "24, x, 80"}, "widths", "as 24, 40, 80", id="no width"),
        pytest.param({"cells": "2, 0, 1"}, "cells", "Must lie in 1 .. 64", id="no block"),
        pytest.param({"strides": "1, 3, 1"}, "strides", "Must lie in 1 .. 2", id="a stride"),
        pytest.param({"stem": "a"}, "stem", "whole number", id="no stem"),
        pytest.param({"first_block": "8"}, "first_block", "no block without", id="not in space"),
        pytest.param(
            {"space": "cifar-tree", "channels": "60"}, "channels", "multiple of 8", id="last block"
        ),
        pytest.param(
            {"space": "cifar-mobile", "strides": "2,2,2,2,2,1"},
            "strides",
            "take images of at least 64 px, or a space or strides for small images",
            id="images too small for its strides",
        ),
        pytest.param({"frozen_epochs": "3"}, "frozen_epochs", "below the epochs", id="all frozen"),
        pytest.param({"settled_epochs": "0"}, "settled_epochs", "at least 1", id="never unsettled"),
        pytest.param({"weight_decay": "-1"}, "weight_decay", "not be negative", id="growth"),
        pytest.param({"label_smoothing": "1"}, "label_smoothing", "0 .. 1", id="smoothed away"),
        pytest.param(
            {"final_learning_rate": "0"}, "final_learning_rate", "above 0", id="no learning"
        ),
        pytest.param({"limit": "1"}, "limit", "below the lowest", id="a budget too small"),
        pytest.param({"limit": "9"}, "limit", "nothing would be left", id="a budget too large"),
        pytest.param({"limit": "0"}, "limit", "below the lowest", id="a budget of nothing"),
        pytest.param({"metric": "latency_ms"}, "metric", "has no latency", id="no such metric"),
        pytest.param(
            {"target": "pixel1", "metric": "bit_ops"}, "metric", "in float", id="bits of float"
        ),
        pytest.param({"space": "huge"}, "space", "not one of", id="no such space"),
        pytest.param({"width": "0"}, "width", "0.1", id="no width"),
        pytest.param({"epochs": "0"}, "epochs", "at least 1", id="no epoch"),
        pytest.param({"final_epochs": "0"}, "final_epochs", "at least 1", id="no final epoch"),
        pytest.param({"search_images": "3"}, "search_images", "at least 16", id="too few images"),
        pytest.param(
            {"search_images": "32", "batch_size": "64"}, "batch_size", "at most", id="a batch"
        ),
        pytest.param({"threads": "0"}, "threads", "at least 1", id="no thread"),
        pytest.param({"seed": "-1"}, "seed", "Must lie in", id="a seed"),
        pytest.param({"dataset": "cifar10"}, "dataset", "not on this machine", id="absent data"),
        pytest.param(
            {"dataset": "folder", "folder": "/etc"}, "folder", "must lie below", id="a foreign path"
        ),
        pytest.param(
            {"hardware_strength": "-1"}, "hardware_strength", "above 0", id="a negative strength"
        ),
    ],
)
def test_an_error_stands_at_its_field(
    *, said: dict[str, Any], ada: User, changes: dict[str, str], field: str, words: str
) -> None:
    form = form_of(said, ada, **changes)

    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert words in str(form.errors[field])
    assert form.launch() is None
    assert not Job.objects.exists()


@pytest.fixture
def pets(tmp_path: Path, settings: Any) -> str:
    """A folder of 20 images in two classes, where jobs may read: three of them search."""
    settings.DATA_FOLDERS = [tmp_path]
    for name, count in (("cats", 10), ("dogs", 12)):
        folder = tmp_path / "pets" / name
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{number}.png").touch()
    return str(tmp_path / "pets")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        pytest.param({}, "batch_size", "A batch of 64 is more than the 4 images", id="a batch"),
        pytest.param(
            {"batch_size": "4", "algorithm": "reinforce"},
            "policy_images",
            "A batch of 200 is more than the 4 images",
            id="an update of REINFORCE",
        ),
    ],
)
def test_a_search_split_that_is_too_small_is_refused_before_it_is_queued(
    *,
    said: dict[str, Any],
    ada: User,
    pets: str,
    changes: dict[str, str],
    field: str,
    words: str,
) -> None:
    form = form_of(said, ada, dataset="folder", folder=pets, **changes)

    assert form.launch() is None
    assert list(form.errors) == [field]
    assert words in str(form.errors[field])
    assert "give more images" in str(form.errors[field])
    assert form.has_advanced_errors
    assert not Job.objects.exists()


def test_images_without_labels_are_refused_once_at_their_folder(
    said: dict[str, Any], ada: User, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_FOLDERS = [tmp_path]
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(48):
        (photos / f"{number}.png").touch()

    form = form_of(said, ada, dataset="folder", folder=str(photos))

    assert list(form.errors) == ["folder"]
    assert "has no labels" in str(form.errors["folder"])
    assert form.unfit == {}


def test_an_operation_that_the_target_cannot_price_is_named(
    said: dict[str, Any], ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = table_target(table_of_space(space_for("tiny")))
    monkeypatch.setitem(TARGETS, "bench", replace(measured, id="bench"))
    changes = {"target": "bench", "metric": "latency_ms", "limit": "1000"}

    form = form_of(said, ada, widths="24, 48, 80", **changes)

    assert list(form.errors) == ["target"]
    assert "k3" in str(form.errors["target"])
    assert "hoose another target" in str(form.errors["target"])
    assert "target" not in form_of(said, ada, **changes).errors


def test_a_budget_out_of_reach_names_the_lowest_that_works(said: dict[str, Any], ada: User) -> None:
    error = str(form_of(said, ada, limit="1").errors["limit"])

    assert "The nearest that works is 1.05917" in error
    assert form_of(said, ada, limit="1.05917").is_valid()


def test_an_error_under_advanced_opens_it(said: dict[str, Any], ada: User) -> None:
    assert form_of(said, ada, epochs="0").has_advanced_errors
    assert not form_of(said, ada, limit="0").has_advanced_errors


def test_the_same_search_is_not_queued_twice(said: dict[str, Any], ada: User) -> None:
    first = form_of(said, ada).launch()
    assert first is not None
    Job.objects.filter(pk=first.pk).update(status=Job.Status.SUCCEEDED, result={})

    again = form_of(said, ada)

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
    said: dict[str, Any], ada: User, changes: dict[str, Any]
) -> None:
    smoke = SEARCH_PRESETS["smoke"]
    config = search_config(**{"effort": smoke.effort, "recipe": smoke.recipe, **changes})

    initial = {name: str(value) for name, value in search_initial(config).items() if value != ""}
    form = form_of({**said, **initial, "hardware_strength": ""}, ada)

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
