"""A device is measured before a browser: launched by keyboard, watched live, its table used."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.people import (
    Person,
    fill_by_keyboard,
    sign_in,
    tab_to,
    twin_rows,
    wait_for_state,
)
from tests.browser.product import Product
from tests.browser.reading import (
    both_themes,
    fits_a_phone,
    has_no_barrier,
    read_through,
    violations,
)
from tests.programs import wait_until

# As quick as a measurement can be; in the order of the page.
TINY = {
    "Name of the run": "This machine",
    "Whole networks": "6",
    "Samples of each": "5",
    "Seconds of each": "0.02",
    "Seconds of warm-up": "0",
    "Repeats": "0",
}
SHAPES = 39  # distinct blocks and layers of the tiny space


@pytest.fixture(scope="module")
def reader(browser: Browser, product: Product) -> Iterator[Person]:
    person = sign_in(browser, product, "ada")
    yield person
    person.context.close()


@pytest.fixture(scope="module")
def measured(reader: Person) -> str:
    """The address of a profile that ended well: launched by keyboard from the devices' page."""
    page = reader.open("/devices/")
    tab_to(page, page.get_by_role("link", name="Measure a device"))
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{SHAPES} distinct blocks and layers")).to_be_visible()
    tab_to(page, page.locator("summary", has_text="Advanced"))
    page.keyboard.press("Enter")
    fill_by_keyboard(page, TINY)
    page.keyboard.press("Tab")
    expect(page.get_by_text("then up to 6 whole networks: at least 1.8")).to_be_visible()
    queue(page)
    expect(page.get_by_text("Measured last:")).to_be_visible(timeout=90_000)
    wait_for_state(page, "Succeeded")
    address = page.url.removeprefix(reader.product.address)
    page.close()
    return address


@pytest.fixture(scope="module")
def running(reader: Person, measured: str) -> Iterator[Page]:
    """The page of a profile that measures for minutes; cancelled at the end."""
    page = reader.open("/jobs/new/profile/?preset=thorough&name=A+long+one")
    queue(page)
    expect(page.get_by_text("Measured last:")).to_be_visible(timeout=90_000)
    expect(page.locator("[data-live-chart]:not([hidden])")).to_have_count(4)
    yield page
    page.set_viewport_size({"width": 1280, "height": 720})
    page.get_by_role("button", name="Cancel").first.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Cancel")).click()
    wait_for_state(page, "Cancelled")
    page.close()


def queue(page: Page) -> None:
    tab_to(page, page.get_by_role("button", name="Queue the measuring"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))


def test_the_result_tells_what_was_measured_and_how_well_sums_do(
    reader: Person, ben: Person, measured: str
) -> None:
    page, seen_by_ben = reader.open(measured), ben.open(measured)

    for each in (page, seen_by_ben):
        expect(each.get_by_role("region", name="The answer")).to_contain_text("mean error of")
    assert len(twin_rows(page, "Whole networks against the table, fp32")) == 6
    assert len(twin_rows(page, "Times of blocks and layers")) == 2 * SHAPES
    page.close()
    seen_by_ben.close()


def test_a_search_is_cut_to_the_table_with_one_click(reader: Person, measured: str) -> None:
    page = reader.open(measured)

    page.get_by_role("link", name="Search a network for it").click()

    target = page.get_by_label("Target device")
    assert (target.input_value() or "").startswith("table:cpu-tiny@")
    expect(page.locator("[data-reach]")).to_be_visible()
    page.close()


def test_the_file_that_is_downloaded_is_the_table(reader: Person, measured: str) -> None:
    page = reader.open(measured)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download table.json").click()

    assert '"provenance": "measured"' in download.value.path().read_text()
    page.close()


@both_themes
def test_the_result_has_no_serious_barrier(reader: Person, measured: str, theme: str) -> None:
    has_no_barrier(reader, measured, theme)


def test_the_result_fits_a_phone_and_complains_of_nothing(reader: Person, measured: str) -> None:
    fits_a_phone(reader, measured)


def test_each_live_chart_stays_in_its_panel_though_others_come_beside_it(running: Page) -> None:
    fits = """[...document.querySelectorAll('.js-plotly-plot')].every((plot) =>
      plot.querySelector('.main-svg')?.clientWidth <= plot.clientWidth)"""

    expect(running.locator(".js-plotly-plot")).to_have_count(4, timeout=30_000)

    wait_until(lambda: running.evaluate(fits), within_s=10, what="charts within their panels")


@both_themes
def test_a_page_that_is_live_has_no_serious_barrier(running: Page, theme: str) -> None:
    running.emulate_media(color_scheme=theme)  # type: ignore[arg-type] # "light" or "dark"
    read_through(running)

    assert violations(running) == []


def test_a_page_that_is_live_fits_a_phone(running: Page) -> None:
    running.set_viewport_size({"width": 360, "height": 740})
    read_through(running)

    assert running.evaluate("document.documentElement.scrollWidth") <= 360
