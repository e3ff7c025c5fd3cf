"""A table of one's own device: brought, looked at, and a search launched on it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.catalog.datasets import dataset_entry
from engine.catalog.models import layer_table
from engine.catalog.spaces import space_for
from engine.schema.codec import to_json
from engine.schema.cost_table import CostTable
from tests.browser.people import TINY, Person, fill, wait_for_state
from tests.browser.reading import both_themes, read_through, violations
from tests.unit.engine.cost.measured_tables import end_to_end, grids_of_model, table_of_space

DATA = dataset_entry("fashion-mnist")
BOARD = table_of_space(
    space_for("tiny", dataset=DATA), title="A board", end_to_end={"fp32": end_to_end(1.1, 0.02)}
)


def bring(person: Person, table: CostTable | str, folder: Path) -> Page:
    """Send a table's file with the form, and return the page that answers."""
    text = table if isinstance(table, str) else json.dumps(to_json(table))
    file = folder / "table.json"
    file.write_text(text, encoding="utf-8")
    page = person.open("/devices/")
    page.get_by_role("link", name="Add a table").click()
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Read the file").click()
    return page


@pytest.fixture
def draft(cleo: Person, tmp_path: Path) -> Iterator[Page]:
    page = bring(cleo, BOARD, tmp_path)
    expect(page.get_by_text("not kept yet")).to_be_visible()
    yield page
    page.close()


@pytest.fixture
def kept(draft: Page) -> Iterator[Page]:
    """The page of a table; the table goes in the end."""
    draft.get_by_role("button", name="Keep this table").click()
    expect(draft.get_by_text("A board is a device of")).to_be_visible()
    yield draft
    draft.get_by_text("Delete this table").click()
    draft.get_by_role("button", name="Delete A board").click()
    expect(draft.get_by_text("A board was deleted")).to_be_visible()


def test_a_file_that_cannot_stand_names_its_row(cleo: Person, tmp_path: Path) -> None:
    document = to_json(BOARD)
    document["blocks"][3]["times"]["fp32"]["median_ms"] = -2

    page = bring(cleo, json.dumps(document), tmp_path)

    error = page.locator("#id_file_error")
    expect(error).to_contain_text("Blocks[3]: ")
    expect(error).to_contain_text("a time must be a number above 0, got -2")
    expect(page.get_by_label("File", exact=True)).to_have_attribute("aria-invalid", "true")
    page.close()


@both_themes
def test_a_table_that_is_not_kept_yet_has_no_serious_barrier(draft: Page, theme: str) -> None:
    draft.emulate_media(color_scheme=theme)  # type: ignore[arg-type] # "light" or "dark"
    read_through(draft)

    assert violations(draft) == []


@both_themes
def test_a_tables_page_has_no_serious_barrier(kept: Page, theme: str) -> None:
    kept.emulate_media(color_scheme=theme)  # type: ignore[arg-type] # "light" or "dark"
    kept.set_viewport_size({"width": 360, "height": 740})
    kept.reload()
    read_through(kept)

    assert violations(kept) == []
    assert kept.evaluate("document.documentElement.scrollWidth") <= 360
    kept.reload()  # what was unfolded is folded again


def test_a_search_is_launched_on_a_table_that_was_brought(cleo: Person, tmp_path: Path) -> None:
    cleo.complaints.clear()
    network = layer_table("mobilenet_v2_small", DATA)
    assert network is not None
    page = bring(cleo, grids_of_model(network), tmp_path)
    row = page.get_by_role("row", name=re.compile("MobileNetV2 small .* Fashion-MNIST 14 of 14"))
    expect(row).to_contain_text("whole")
    page.get_by_role("button", name="Keep this table").click()
    expect(page.get_by_text("An FPGA is a device of")).to_be_visible()

    page.goto(cleo.product.address + "/jobs/new/haq/")
    with page.expect_response("**/reach/**"):
        page.get_by_label("Target device").select_option(label="An FPGA")
    expect(page.get_by_text(re.compile("reaches .* on An FPGA"))).to_be_visible()
    expect(page.get_by_label("At most", exact=True)).to_have_value(re.compile(r"^0\.0"))
    page.get_by_text("Advanced", exact=True).click()
    fill(page, TINY)
    page.get_by_role("button", name="Queue the search").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    expect(page.get_by_role("heading", name="mobilenet_v2_small on An FPGA")).to_be_visible()

    job = page.url
    page.goto(cleo.product.address + "/jobs/")
    expect(page.get_by_role("cell", name=re.compile("^An FPGA Latency ≤")).first).to_be_visible()
    page.goto(job)
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the run").click()
    wait_for_state(page, "Cancelled")
    assert cleo.complaints == []
    page.close()
