"""What the ProxylessNAS form refuses: every error at the field it speaks of, with the remedy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.spaces import space_for
from engine.catalog.tables import table_target
from engine.catalog.targets import TARGETS
from tests.unit.engine.cost.measured_tables import table_of_space
from tests.unit.webapp.jobs.search_said import form_of
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.teams.models import Team


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
    *, ada: User, team: Team, changes: dict[str, str], field: str, words: str
) -> None:
    form = form_of(ada, team, **changes)

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
    ada: User,
    team: Team,
    pets: str,
    changes: dict[str, str],
    field: str,
    words: str,
) -> None:
    form = form_of(ada, team, dataset="folder", folder=pets, **changes)

    assert form.launch() is None
    assert list(form.errors) == [field]
    assert words in str(form.errors[field])
    assert "give more images" in str(form.errors[field])
    assert form.has_advanced_errors
    assert not Job.objects.exists()


def test_images_without_labels_are_refused_once_at_their_folder(
    ada: User, team: Team, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_FOLDERS = [tmp_path]
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(48):
        (photos / f"{number}.png").touch()

    form = form_of(ada, team, dataset="folder", folder=str(photos))

    assert list(form.errors) == ["folder"]
    assert "has no labels" in str(form.errors["folder"])
    assert form.unfit == {}


def test_an_operation_that_the_target_cannot_price_is_named(
    ada: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = table_target(table_of_space(space_for("tiny")))
    monkeypatch.setitem(TARGETS, "bench", replace(measured, id="bench"))
    changes = {"target": "bench", "metric": "latency_ms", "limit": "1000"}

    form = form_of(ada, team, widths="24, 48, 80", **changes)

    assert list(form.errors) == ["target"]
    assert "k3" in str(form.errors["target"])
    assert "hoose another target" in str(form.errors["target"])
    assert "target" not in form_of(ada, team, **changes).errors


def test_a_budget_out_of_reach_names_the_lowest_that_works(ada: User, team: Team) -> None:
    error = str(form_of(ada, team, limit="1").errors["limit"])

    assert "The nearest that works is 1.05917" in error
    assert form_of(ada, team, limit="1.05917").is_valid()


def test_an_error_under_advanced_opens_it(ada: User, team: Team) -> None:
    assert form_of(ada, team, epochs="0").has_advanced_errors
    assert not form_of(ada, team, limit="0").has_advanced_errors
