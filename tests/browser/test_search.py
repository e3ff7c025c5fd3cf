"""A ProxylessNAS search before a browser: launched by keyboard, watched, its result read."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.schema.events import GatesUpdated
from tests import search_run
from tests.browser.people import (
    Person,
    fill_by_keyboard,
    sign_in,
    tab_to,
    twin_rows,
    wait_for_state,
)
from tests.browser.product import Product
from tests.browser.reading import both_themes, fits_a_phone, has_no_barrier, read_through
from tests.configs import search_config

FORM = "/jobs/new/proxylessnas/"
SHAPE = {"Widths": "16, 24, 40", "Blocks": "1, 1, 1"}
# A real search with the real engine, as small as it can be; in the order of the page.
TINY = {
    "Warm-up epochs": "1",
    "Images an epoch": "64",
    "Batch size": "32",
    "Search epochs": "1",
    "Search images": "64",
    "Candidates scored anew": "2",
    "Images to score them": "32",
    "Random networks": "1",
    "Final epochs": "1",
    "Final training images": "64",
    "Images in the report": "64",
}


def test_a_search_in_a_shape_of_ones_own_is_launched_and_read_by_keyboard(ada: Person) -> None:
    page = ada.open("/jobs/new/")
    tab_to(page, page.get_by_role("link", name="Set up a ProxylessNAS search"))
    page.keyboard.press("Enter")
    unfold(page, "Shape of the space")
    fill_by_keyboard(page, SHAPE)
    page.keyboard.press("Tab")
    expect(page.get_by_text("3 blocks, 216 networks")).to_be_visible()
    expect(page.locator("[data-reach]")).to_be_visible()
    unfold(page, "Advanced")
    fill_by_keyboard(page, TINY)
    tab_to(page, page.get_by_role("button", name="Queue the search"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))

    wait_for_state(page, "Succeeded")
    answer = page.get_by_role("region", name="The answer")
    expect(answer).to_contain_text("Tiny (grey, 32 px), stages 16–24–40 wide, 1–1–1 blocks a stage")
    expect(answer).to_contain_text("cannot be told from a random draw")  # one is too few
    assert len(twin_rows(page, "The network, block by block")) == 3
    tab_to(page, page.get_by_role("link", name="Quantise this network"))
    page.keyboard.press("Enter")

    expect(page.get_by_label("Network", exact=True)).to_have_value(re.compile("^result:"))
    expect(page.locator("[data-reach]")).to_be_visible()
    page.close()


def unfold(page: Page, words: str) -> None:
    tab_to(page, page.locator("summary", has_text=words))
    page.keyboard.press("Enter")


def test_the_count_and_the_band_follow_what_is_typed(ada: Person) -> None:
    page = ada.open(FORM)
    page.get_by_text("Shape of the space").click()

    page.get_by_label("Blocks", exact=True).fill("1, 1")
    page.get_by_label("Blocks", exact=True).blur()
    expect(page.locator("#space-note")).to_contain_text("Blocks: The space has 3 stages")
    page.get_by_label("Blocks", exact=True).fill("1, 1, 1")
    page.get_by_label("Blocks", exact=True).blur()
    expect(page.get_by_text("3 blocks, 216 networks")).to_be_visible()
    page.get_by_label("Search space").select_option("cifar-mobile")

    expect(page.get_by_label("Widths")).to_have_attribute("placeholder", "24, 40, 80, 96, 192, 320")
    expect(page.get_by_label("Blocks", exact=True)).to_have_value("")
    expect(page.get_by_label("First block")).to_be_visible()
    page.close()


# --- pages of a search whose events are told, and nothing is trained ----------------------------


@pytest.fixture(scope="module")
def staged(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Ada, in a product whose engine tells a whole search and waits before its end."""
    product = Product(tmp_path_factory.mktemp("staged"), scripted="--hold")
    try:
        product.start()
        person = sign_in(browser, product, "ada")
        yield person
        person.context.close()
    finally:
        product.stop()


@pytest.fixture(scope="module")
def running(staged: Person) -> str:
    """The address of a search that has told all but its end."""
    page = staged.open(FORM)
    page.get_by_label("Target device").select_option("counted")
    expect(page.locator("#limit-unit")).to_have_text("M")
    page.get_by_label("At most", exact=True).fill("2")
    page.get_by_role("button", name="Queue the search").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    expect(page.get_by_text("Training the networks")).to_have_attribute("aria-current", "step")
    path = "/" + page.url.split("/", 3)[3]
    page.close()
    return path


@pytest.fixture(scope="module")
def finished_search(staged: Person, running: str) -> str:
    """The same address once the search was paused and has gone on to its end."""
    page = staged.open(running)
    page.get_by_role("button", name="Pause").click()
    wait_for_state(page, "Paused")
    page.get_by_role("button", name="Resume").click()
    wait_for_state(page, "Succeeded")
    page.close()
    return running


def test_a_late_visitor_sees_every_chart_of_the_search(staged: Person, running: str) -> None:
    told = [one for one in search_run.events(search_config()) if isinstance(one, GatesUpdated)]
    shares = [share for own in told[-1].probabilities for share in own]

    page = staged.open(running)
    cost = twin_rows(page, "MACs against the budget", count=3 * len(told))
    paths = twin_rows(page, "Path probabilities", count=len(shares))
    networks = twin_rows(page, "Accuracy of the trained networks", count=6)
    twin_rows(page, "The likeliest network so far", count=len(told[-1].argmax))
    twin_rows(page, "Entropy of the choices", count=len(told))
    twin_rows(page, "Loss of the supernet", count=5)

    assert [float(row.split()[-1]) for row in cost[: len(told)]] == [
        pytest.approx(one.expected_cost / 1e6, abs=1e-4) for one in told
    ]
    assert [float(row.split()[-1]) for row in paths] == pytest.approx(shares, abs=1e-4)
    assert [row.split()[0] for row in networks] == [
        *("Found", "Found", "MobileNetV2", "MobileNetV2", "random-1,", "random-1,")
    ]
    expect(page.get_by_text("Best so far:")).to_be_visible()
    page.close()


@both_themes
def test_the_live_page_has_no_serious_barrier(staged: Person, running: str, theme: str) -> None:
    has_no_barrier(staged, running, theme)


def test_the_live_page_fits_a_phone_and_complains_of_nothing(staged: Person, running: str) -> None:
    fits_a_phone(staged, running)


@both_themes
def test_the_result_has_no_serious_barrier(
    staged: Person, finished_search: str, theme: str
) -> None:
    has_no_barrier(staged, finished_search, theme)


def test_the_result_fits_a_phone_and_complains_of_nothing(
    staged: Person, finished_search: str
) -> None:
    fits_a_phone(staged, finished_search)


def test_charts_keep_their_height_when_a_phone_is_turned(
    staged: Person, finished_search: str
) -> None:
    page = staged.open(finished_search)
    read_through(page)
    heights = "[...document.querySelectorAll('.js-plotly-plot')].map(each => each.clientHeight)"
    upright, first = page.evaluate(heights), page.locator(".js-plotly-plot .main-svg").first
    width = str(first.get_attribute("width"))

    page.set_viewport_size({"width": 360, "height": 740})
    expect(first).not_to_have_attribute("width", width)

    assert len(upright) == 4
    assert page.evaluate(heights) == upright
    page.close()


def test_the_slider_goes_back_to_any_moment(staged: Person, finished_search: str) -> None:
    page = staged.open(finished_search)
    words = page.locator("[data-moment-words]")
    expect(words).to_contain_text("step 120")

    page.get_by_label("Moment of the search").focus()
    page.keyboard.press("Home")

    expect(words).to_contain_text("step 10,")
    page.close()
