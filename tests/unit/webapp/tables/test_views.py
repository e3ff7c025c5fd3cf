"""The pages by which a table comes in, is looked at, and goes."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from engine.catalog.models import layer_table
from engine.catalog.spaces import SPACES
from engine.schema.codec import from_json, to_json
from engine.schema.cost_table import CostTable, Machine
from tests.factories import DeviceTableFactory, JobFactory
from tests.unit.engine.cost.measured_tables import end_to_end, table_of_model, table_of_space
from tests.unit.engine.cost.test_table_import import CSV, YAML, npy, with_cell
from webapp.accounts.models import User
from webapp.tables.models import DeviceTable, TableDraft
from webapp.teams.models import Team

ADD = "/devices/tables/add/"
TINY = table_of_space(
    SPACES["tiny"],
    title="A board",
    source="Ada's bench",
    machine=Machine(processor="Cortex-A55", system="Linux 6.1"),
    end_to_end={"fp32": end_to_end(1.1, 0.02)},
)
TINY_JSON = json.dumps(to_json(TINY)).encode()


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def as_cleo(cleo: User) -> Client:
    client = Client()
    client.force_login(cleo)
    return client


def send(client: Client, team: Team, name: str, data: bytes, **said: object) -> HttpResponse:
    """Send a file with the form, as a browser does."""
    file = SimpleUploadedFile(name, data)
    answer: HttpResponse = client.post(ADD, {"file": file, "team": team.pk, **said})
    return answer


def keep(client: Client, draft: HttpResponse) -> HttpResponse:
    answer: HttpResponse = client.post(draft["Location"], {"keep": "1"})
    return answer


def test_a_table_is_seen_before_it_is_kept(as_ada: Client, team: Team) -> None:
    sent = send(as_ada, team, "board.json", TINY_JSON)
    preview = as_ada.get(sent["Location"]).content.decode()

    assert "Tiny (grey, 32 px)" in preview
    assert "39 of 39" in preview
    assert "conv 32x32x3 -&gt; 16x16x16 k3 s2" in preview  # what it lacks on CIFAR-10
    assert "Cortex-A55, Linux 6.1" in preview
    assert not DeviceTable.objects.exists()

    kept = as_ada.get(keep(as_ada, sent)["Location"]).content.decode()

    row = DeviceTable.objects.get()
    assert from_json(CostTable, row.document) == TINY
    assert "uploaded by ada" in kept
    assert "R² 0.990 and Kendall’s tau 0.95" in kept
    assert not TableDraft.objects.exists()


def test_a_table_that_is_not_kept_leaves_nothing(as_ada: Client, team: Team) -> None:
    sent = send(as_ada, team, "board.json", TINY_JSON)

    as_ada.post(sent["Location"], {"drop": "1"})

    assert not TableDraft.objects.exists()
    assert not DeviceTable.objects.exists()


def test_a_table_that_is_there_already_is_not_kept_twice(as_ada: Client, team: Team) -> None:
    DeviceTableFactory(team=team, table=TINY)

    sent = send(as_ada, team, "board.json", TINY_JSON)

    assert "has this very table already" in as_ada.get(sent["Location"]).content.decode()
    keep(as_ada, sent)
    assert DeviceTable.objects.count() == 1


def test_an_array_of_haqs_becomes_a_device_by_bits(as_ada: Client, team: Team) -> None:
    cycles = np.arange(1, 28 * 64 + 1).reshape(28, 8, 8)

    sent = send(
        as_ada,
        team,
        "latency.npy",
        npy(cycles),
        title="Our FPGA (rev. B)",
        source="Ben, Vivado 2023.1",
        batch="16",
        unit="cycles",
        clock_mhz="200",
        network="mobilenet_v1_small",
    )
    keep(as_ada, sent)

    row = DeviceTable.objects.get()
    assert row.target.startswith("table:our-fpga-rev-b@")
    assert row.has_grids
    table = from_json(CostTable, row.document)
    assert table.batch == 16
    assert table.source == "Ben, Vivado 2023.1"
    assert table.grids[1].latencies_ms[0] == pytest.approx(65 / 200e6 * 1e3)


@pytest.mark.parametrize(
    ("name", "data", "unit"),
    [("pixel.yaml", YAML, "ms"), ("edge.csv", CSV, "us")],
    ids=["yaml", "csv"],
)
def test_tables_of_text_are_read(
    as_ada: Client, team: Team, name: str, data: str, unit: str
) -> None:
    keep(as_ada, send(as_ada, team, name, data.encode(), title="Phone", unit=unit))

    assert DeviceTable.objects.get().provenance == "table"


BOTH = {"title": "x", "network": "mobilenet_v1_small"}
TWICE = {**to_json(TINY), "blocks": [*to_json(TINY)["blocks"], to_json(TINY)["blocks"][0]]}
OTHER = layer_table("resnet20")
assert OTHER is not None


class Refused(NamedTuple):
    """A file that cannot be taken in, and what is said of it."""

    name: str
    data: str | bytes
    said: dict[str, str]
    field: str
    message: str


@pytest.mark.parametrize(
    "file",
    [
        Refused("a.npy", npy(with_cell(float("nan"))), BOTH, "file", r"Layer 2 .* bits 5: .*NaN"),
        Refused("a.npy", npy(with_cell(-1)), BOTH, "file", "Layer 2 .*above 0 and finite, got -1"),
        Refused("a.npy", npy(np.ones((53, 8, 8))), BOTH, "file", "it is another network's table"),
        Refused("a.npy", npy(np.ones((28, 64))), BOTH, "file", "The file has shape 28x64"),
        Refused("a.npy", npy(np.ones((28, 8, 8))), {"title": "x"}, "network", "hoose the model"),
        Refused(
            "a.csv", CSV + "linear,1,1280,1,1000,1,1,1,9\n", BOTH, "file", "Line 4: the same shape"
        ),
        Refused("a.csv", CSV.replace("5.81", "nan"), BOTH, "file", "Line 2: .*NaN"),
        Refused(
            "a.csv", CSV.replace("latency", "ms"), BOTH, "file", "Line 1: has no column 'latency'"
        ),
        Refused("a.csv", CSV, {**BOTH, "network": "resnet20"}, "file", "another network's table"),
        Refused("a.csv", CSV, {"title": " "}, "title", "Say which device"),
        Refused("a.csv", "", BOTH, "file", "The file is empty; choose the one"),
        Refused(
            "a.csv", CSV, {"title": "x", "unit": "cycles"}, "clock_mhz", "eed the device's clock"
        ),
        Refused("a.csv", CSV, {"title": "x", "batch": "0"}, "batch", "1 .. 4096"),
        Refused("a.yaml", "a: &a [x]\nb: [*a, *a]\n", BOTH, "file", "Line 1: is not a row"),
        Refused("a.json", json.dumps(TWICE), {}, "file", r"Blocks\[\d+\]: the same shape as in"),
        Refused(
            "a.json",
            json.dumps({**to_json(TINY), "title": ""}),
            {},
            "file",
            "The file has no title",
        ),
        Refused(
            "a.json",
            json.dumps({**to_json(TINY), "name": "../x"}),
            {},
            "file",
            "Name: must be 1 to 48 small letters",
        ),
        Refused("a.json", "{" * 100_000, {}, "file", "The file is not JSON"),
        Refused("a.zip", "PK\x03\x04", BOTH, "file", r"is none of \.npy"),
        Refused("a.csv", "PK\x03\x04" + "\0" * 99, BOTH, "file", r"is compressed \(zip\)"),
        Refused(
            "a.csv",
            "kind,in_channels,out_channels,latency\n" + "linear,1,1,1\n" * 200_000,
            BOTH,
            "file",
            "Line 160002: a table has at most 160,000 lines",
        ),
    ],
    ids=range(21),
)
def test_what_cannot_stand_is_named_at_its_field_and_nothing_is_kept(
    as_ada: Client, team: Team, file: Refused
) -> None:
    data = file.data.encode() if isinstance(file.data, str) else file.data

    answer = send(as_ada, team, file.name, data, **file.said)

    form = answer.context["form"]  # type: ignore[attr-defined] # of the test client
    assert answer.status_code == 200
    assert list(form.errors) == [file.field]
    assert re.search(file.message, form.errors[file.field][0])
    assert not TableDraft.objects.exists()
    assert not DeviceTable.objects.exists()


def test_a_file_beyond_the_limit_is_not_read(
    as_ada: Client, team: Team, settings: Settings
) -> None:
    settings.TABLE_LIMIT_MB = 1

    answer = send(as_ada, team, "a.csv", b"x" * (2**20 + 1), title="x")

    assert "a table may have at most 1 MiB" in answer.content.decode()


def test_a_download_loads_back_as_the_same_table(
    as_ada: Client, team: Team, as_cleo: Client, cleo: User
) -> None:
    keep(as_ada, send(as_ada, team, "board.json", TINY_JSON))
    row = DeviceTable.objects.get()

    sent = as_ada.get(f"/devices/tables/{row.pk}/table.json")
    theirs = cleo.memberships.get().team
    keep(as_cleo, send(as_cleo, theirs, "copy.json", sent.content))

    assert sent["Content-Disposition"] == 'attachment; filename="bench.json"'
    assert DeviceTable.objects.get(team=theirs).target == row.target


def test_everything_of_a_team_is_nothing_to_a_stranger(
    as_ada: Client, as_cleo: Client, team: Team
) -> None:
    row = DeviceTableFactory(team=team, table=TINY)
    draft = send(as_ada, team, "b.json", json.dumps(to_json(replace(TINY, batch=2))).encode())
    paths = [
        f"/devices/tables/{row.pk}/",
        f"/devices/tables/{row.pk}/table.json",
        f"/devices/{row.target}/",
        draft["Location"],
    ]

    assert [as_ada.get(path).status_code for path in paths] == [200, 200, 200, 200]
    assert [as_cleo.get(path).status_code for path in paths] == [404, 404, 404, 404]
    assert as_cleo.post(draft["Location"], {"keep": "1"}).status_code == 404
    assert as_cleo.post(f"/devices/tables/{row.pk}/delete/").status_code == 404
    assert "A board" not in as_cleo.get("/devices/").content.decode()
    assert DeviceTable.objects.count() == 1


def test_a_second_click_on_keep_leads_to_the_kept_table(
    as_ada: Client, as_cleo: Client, team: Team
) -> None:
    draft = send(as_ada, team, "board.json", TINY_JSON)["Location"]
    page = as_ada.get(draft).content.decode()
    hidden = dict(re.findall(r'type="hidden" name="(target|team)" value="([^"]+)"', page))

    first, second = (as_ada.post(draft, {**hidden, "keep": "1"}) for _ in range(2))

    assert second["Location"] == first["Location"]
    assert as_ada.get(second["Location"]).status_code == 200
    assert DeviceTable.objects.count() == 1
    assert as_cleo.post(draft, {**hidden, "keep": "1"}).status_code == 404
    assert as_ada.post(draft, {**hidden, "drop": "1"}).status_code == 404


def test_a_stranger_cannot_bring_a_table_to_a_team(as_cleo: Client, team: Team) -> None:
    answer = send(as_cleo, team, "board.json", TINY_JSON)

    assert list(answer.context["form"].errors) == ["team"]  # type: ignore[attr-defined] # of the test client


def test_a_draft_is_its_makers_alone_and_not_for_ever(
    as_ada: Client, ben: User, team: Team
) -> None:
    draft = send(as_ada, team, "board.json", TINY_JSON)["Location"]
    as_ben = Client()
    as_ben.force_login(ben)

    assert as_ben.get(draft).status_code == 404
    assert as_ada.get(draft).status_code == 200

    TableDraft.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert as_ada.get(draft).status_code == 404
    assert as_ada.get(f"/devices/tables/drafts/{uuid4()}/").status_code == 404


def test_ben_sees_adas_table_among_the_devices(ben: User, ada: User, team: Team) -> None:
    row = DeviceTableFactory(team=team, made_by=ada, table=TINY, machine="Cortex-A55")
    as_ben = Client()
    as_ben.force_login(ben)

    devices = as_ben.get("/devices/").content.decode()

    assert f'href="/devices/tables/{row.pk}/"' in devices
    assert "Measured on Cortex-A55; uploaded by ada, " in devices
    assert as_ben.get(f"/devices/tables/{row.pk}/").status_code == 200


def test_a_table_goes_when_no_run_needs_it(as_ada: Client, team: Team) -> None:
    row = DeviceTableFactory(team=team, table=TINY)
    run = JobFactory(team=team, target=row.target, name="Night run")

    kept = as_ada.post(f"/devices/tables/{row.pk}/delete/", follow=True).content.decode()
    assert "Night run still needs it" in kept
    assert DeviceTable.objects.exists()

    run.delete()
    gone = as_ada.post(f"/devices/tables/{row.pk}/delete/", follow=True).content.decode()
    assert "A board was deleted" in gone
    assert not DeviceTable.objects.exists()


def test_the_pages_ask_the_database_little(
    as_ada: Client, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [DeviceTableFactory(team=team, table=replace(TINY, batch=n)) for n in (1, 2, 3)]
    as_ada.get("/devices/")  # tables are parsed once

    with django_assert_num_queries(5):  # session, user, runs, tables, the top bar's teams
        as_ada.get("/devices/")
    with django_assert_num_queries(6):
        as_ada.get(f"/devices/tables/{rows[0].pk}/")


def test_bits_of_a_table_have_a_page_as_on_any_device(as_ada: Client, team: Team) -> None:
    spec = layer_table("mobilenet_v2")
    assert spec is not None
    row = DeviceTableFactory(team=team, table=table_of_model(spec))

    page = as_ada.get(f"/devices/{row.target}/").content.decode()

    assert f'href="/devices/tables/{row.pk}/"' in page
    assert "Latency of MobileNetV2" in page


GUIDE = (Path(__file__).parents[4] / "docs/guides/add-a-device-table.md").read_text("utf-8")
EXAMPLES = re.findall(r"```(csv|yaml|json)\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize(("ending", "text"), EXAMPLES, ids=[ending for ending, _ in EXAMPLES])
def test_the_examples_of_the_guide_are_taken_in(
    as_ada: Client, team: Team, ending: str, text: str
) -> None:
    sent = send(as_ada, team, f"example.{ending}", text.encode(), title="As in the guide")

    assert sent.status_code == 302
