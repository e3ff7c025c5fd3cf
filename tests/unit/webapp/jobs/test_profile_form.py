"""The form that measures a device: what one says, what comes of it, and what stands against it."""

import re
from typing import Any

import pytest
from django.test import Client

from engine.schema.codec import config_from_json, to_json
from engine.schema.profile_config import ProfileConfig
from engine.schema.space_shape import SpaceShape
from tests.configs import profile_config, quantize_config
from tests.factories import JobFactory
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.jobs.profile_form import ProfileForm, table_name
from webapp.jobs.profile_prefill import profile_initial
from webapp.teams.models import Team

FORM, PLAN = "/jobs/new/profile/", "/jobs/new/profile/plan/"


def sent(team: Team, **changes: Any) -> dict[str, Any]:
    said = {
        "subject": "tiny",
        "target": "host-cpu",
        "preset": "balanced",
        "batch": "1",
        "threads": "1",
        "seed": "0",
        "team": str(team.pk),
    }
    return {**said, **changes}


def form_of(ada: User, team: Team, **changes: Any) -> ProfileForm:
    form = ProfileForm(sent(team, **changes), user=ada)
    form.is_valid()
    return form


def test_a_profile_is_queued_for_the_team(client: Client, ada: User, team: Team) -> None:
    client.force_login(ada)

    answer = client.post(FORM, sent(team, precisions=["int8"], name="My laptop"))

    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert (job.team, job.owner, job.name, job.kind) == (team, ada, "My laptop", "profile")
    assert (job.model, job.target, job.budget_metric) == ("tiny", "host-cpu", "")
    config = config_from_json(job.config)
    assert isinstance(config, ProfileConfig)
    assert (config.name, config.precisions, config.preset) == ("cpu-tiny", ("int8",), "balanced")


def test_a_stranger_cannot_measure_for_the_team(client: Client, cleo: User, team: Team) -> None:
    client.force_login(cleo)

    answer = client.post(FORM, sent(team))

    assert not Job.objects.exists()
    assert "Select a valid choice" in answer.content.decode()


def test_a_member_may_measure_the_same_again(client: Client, ben: User, team: Team) -> None:
    config = profile_config()
    JobFactory(team=team, kind="profile", status="queued", config=to_json(config))
    client.force_login(ben)

    for _ in range(2):
        client.post(FORM, sent(team))

    assert Job.objects.filter(owner=ben, kind="profile").count() == 2


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"subject": "other", "subject_other": "nope.net"}, "subject_other", "is no model"),
        (
            {"precisions": ["fp16"]},
            "precisions",
            "There are no fp16 kernels for whole blocks on cpu",
        ),
        ({"target": "host-gpu", "precisions": ["int8"]}, "precisions", "kernels for whole blocks"),
        ({"target": "pixel1"}, "target", "Select a valid choice"),
        ({"table": "My table"}, "table", "Must be 1 to 48 small letters"),
        ({"networks": "3"}, "networks", "Must be 0 (no check) or lie in 5 .. 500, got 3"),
        ({"samples": "2"}, "samples", "Must lie in 5 .. 10000, got 2"),
        ({"threads": "0"}, "threads", "Must lie in 1 .. 256, got 0"),
        ({"dataset": "folder", "folder": "/etc"}, "folder", "Image folders must lie below"),
        ({"width": "9"}, "width", "Ensure this value is less than or equal to"),
        ({"widths": "24, x"}, "widths", "'x' is no whole number"),
    ],
    ids=lambda value: "" if not isinstance(value, dict) else "-".join(map(str, value.values())),
)
def test_what_is_wrong_is_said_at_its_field(
    ada: User, team: Team, changes: dict[str, Any], field: str, message: str
) -> None:
    form = form_of(ada, team, **changes)

    assert list(form.errors) == [field]
    assert message in " ".join(form.errors[field])


def test_numbers_of_its_own_make_the_effort_a_custom_one(ada: User, team: Team) -> None:
    config = form_of(ada, team, preset="smoke", networks="6", sampling_s="3").config()

    assert config.preset == "custom"
    assert (config.effort.networks, config.effort.sampling_s) == (6, 3.0)
    assert config.effort.longest_s >= 3.0
    assert config.effort.samples == 10  # as the preset


def test_the_plan_counts_what_is_measured(client: Client, ada: User, team: Team) -> None:
    client.force_login(ada)

    answer = client.get(PLAN, sent(team, preset="smoke"))

    text = answer.content.decode()
    assert "39 distinct blocks and layers in fp32 and int8, then up to 8 whole networks" in text
    assert re.search(r"at least 14\s*s", text)  # (39 + 8) x 2 x 0.15 s


def test_the_plan_of_a_network_that_nobody_described_says_so(
    client: Client, ada: User, team: Team
) -> None:
    client.force_login(ada)

    answer = client.get(PLAN, sent(team, subject="other", subject_other="shufflenet_v2_x0_5"))

    assert "they are counted at the start" in answer.content.decode()


def test_what_is_wrong_stands_in_the_place_of_the_plan(
    client: Client, ada: User, team: Team
) -> None:
    client.force_login(ada)

    answer = client.get(PLAN, sent(team, dataset="folder", folder="/etc"))

    assert "Image folders must lie below" in answer.content.decode()


@pytest.mark.parametrize(
    "config",
    [
        profile_config(),
        profile_config(subject="shufflenet_v2_x0_5", name="own", precisions=("int8",), threads=2),
        profile_config(device="cuda", name="cuda-tiny", dataset="cifar10", batch=8, seed=3),
        profile_config(shape=SpaceShape(width=0.5, cells=(1, 2, 1))),
    ],
    ids=["tiny", "another network", "a gpu", "a shaped space"],
)
def test_run_again_asks_for_the_same(ada: User, team: Team, config: ProfileConfig) -> None:
    initial = profile_initial(config)

    again = form_of(ada, team, **{name: value for name, value in initial.items() if value != ""})

    assert not again.errors
    effort = again.config().effort
    assert to_json(again.config()) | {"preset": "", "effort": {}} == to_json(config) | {
        "preset": "",
        "effort": {},
    }
    assert (effort.samples, effort.sampling_s, effort.networks) == (5, 0.005, 6)


def test_an_address_may_name_what_a_search_form_asks(client: Client, ada: User, team: Team) -> None:
    client.force_login(ada)

    of_search = client.get(FORM, {"space": "cifar-mobile", "dataset": "cifar10", "width": "0.5"})
    of_bits = client.get(FORM, {"model": "resnet20", "dataset": "cifar10", "target": "host-gpu"})

    initial = of_search.context["form"].initial
    assert (initial["subject"], initial["dataset"], initial["width"]) == (
        "cifar-mobile",
        "cifar10",
        "0.5",
    )
    assert of_bits.context["form"].initial["subject"] == "resnet20"
    assert 'value="host-gpu" id="id_target_gpu" checked' in of_bits.content.decode()


def test_settings_of_another_kind_of_run_are_left_alone(
    client: Client, ada: User, team: Team
) -> None:
    job = JobFactory(team=team, config=to_json(quantize_config()))
    client.force_login(ada)

    answer = client.get(FORM, {"from": str(job.pk)})

    assert answer.status_code == 200
    assert "subject" not in answer.context["form"].initial


def test_a_table_is_named_after_what_is_measured() -> None:
    assert table_name("mobilenet_v2@0.5", "cuda") == "cuda-mobilenet_v2-0.5"
