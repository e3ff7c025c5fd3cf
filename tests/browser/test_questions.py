"""HAQ's other questions, from the form to the result: codebooks, an accuracy drop, budgets."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Person, twin_rows
from tests.browser.reading import both_themes, read_through, violations

STATES: dict[str, Callable[[dict[str, str]], str]] = {
    "codebooks": lambda asked: asked["size"],
    "an accuracy drop": lambda asked: asked["drop"],
    "the form of a drop": lambda asked: f"/jobs/new/haq/?from={id_in(asked['drop'])}",
    "compared": lambda asked: "/compare/?" + "&".join(f"job={id_in(at)}" for at in asked.values()),
}
every_state = pytest.mark.parametrize("path_of", STATES.values(), ids=STATES.keys())


def id_in(address: str) -> str:
    return address.split("/")[-2]


def settle(page: Page) -> None:
    """Wait until the server's answers to what was chosen are in the page."""
    page.wait_for_load_state("networkidle")


def open_further(page: Page) -> None:
    page.get_by_text("Further budgets", exact=True).click()


def test_codebooks_are_launched_by_size_and_never_speak_of_activation_bits(
    ada: Person, asked: dict[str, str]
) -> None:
    page = ada.open(asked["size"])

    expect(page.get_by_role("region", name="The answer")).to_contain_text("Within 230 kB")
    rows = twin_rows(page, "Bits per layer")
    assert len(rows) == 53
    assert all(re.search(r" \d float ", row) for row in rows)
    expect(page.get_by_role("heading", name="on other devices")).to_have_count(0)
    expect(page.locator("body")).not_to_contain_text("32 bit")
    page.close()


def test_an_accuracy_drop_is_answered_by_the_smallest_cost(
    ada: Person, asked: dict[str, str]
) -> None:
    page = ada.open(asked["drop"])

    answer = page.get_by_role("region", name="The answer")
    expect(answer).to_contain_text("Asked to lose at most 3 points on")
    expect(answer).to_contain_text("gets down to a latency of")
    latency = page.get_by_role("region", name="Budgets").get_by_role("row", name="Latency")
    expect(latency).to_contain_text("the smallest that kept the accuracy")
    expect(page.get_by_role("heading", name="Did learning pay?")).to_be_visible()
    expect(page.get_by_role("heading", name="Why these bits")).to_be_visible()
    page.close()


def test_its_settings_come_back_to_the_form(ada: Person, asked: dict[str, str]) -> None:
    page = ada.open(asked["drop"])

    page.get_by_role("link", name="Start from this run").click()

    expect(page.get_by_label("The smallest cost within an accuracy drop")).to_be_checked()
    expect(page.get_by_label("Accuracy lost, at most")).to_have_value("3")
    expect(page.get_by_label("At most", exact=True)).to_be_hidden()
    expect(page.get_by_label("Model size at most")).to_have_value("400")
    page.close()


def test_the_form_shows_what_belongs_to_the_question(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/")
    limit, drop = page.get_by_label("At most", exact=True), page.get_by_label("Accuracy lost")
    expect(drop).to_be_hidden()

    page.get_by_label("The smallest cost within an accuracy drop").check()
    expect(limit).to_be_hidden()
    expect(drop).to_be_visible()
    page.get_by_label("The best accuracy within a budget").check()
    expect(limit).not_to_have_value("")

    page.get_by_label("Weights alone, by codebooks").check()
    expect(page.get_by_label("Model size", exact=True)).to_be_checked()
    expect(page.get_by_label("Latency", exact=True)).to_be_disabled()
    expect(page.get_by_text("Further budgets", exact=True)).to_be_hidden()
    expect(page.locator("#limit-unit")).to_have_text("kB")
    page.close()


def test_budgets_that_contradict_each_other_say_what_to_raise(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/")
    page.get_by_label("Target device").select_option("cortex-m7")
    expect(page.get_by_text("on Arm Cortex-M7").first).to_be_visible()
    settle(page)
    limit = page.get_by_label("At most", exact=True)
    limit.fill("0.001")
    page.get_by_role("button", name="Use").click()
    settle(page)
    open_further(page)
    size = page.get_by_label("Model size at most")
    size.fill("170")

    page.get_by_role("button", name="Queue the search").click()

    expect(page.get_by_text("Nothing was queued yet")).to_be_visible()
    expect(size).to_have_accessible_description(
        re.compile(r"contradict each other: with the first, model size is at least [\d.]+ kB")
    )
    page.close()


def test_a_further_limit_out_of_reach_is_offered_the_nearest(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/")
    open_further(page)
    size = page.get_by_label("Model size at most")

    size.fill("20")
    page.locator("#reach-model_bytes").get_by_role("button", name="Use").click()

    expect(size).to_be_focused()
    expect(page.locator("#reach-model_bytes")).not_to_contain_text("is below the lowest")
    assert float(size.input_value()) > 100
    page.close()


@every_state
@both_themes
def test_a_page_of_another_question_has_no_serious_barrier(
    ada: Person, asked: dict[str, str], path_of: Callable[[dict[str, str]], str], theme: str
) -> None:
    page = ada.open(path_of(asked))
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type] # "light" or "dark"
    read_through(page)

    assert violations(page) == []
    page.close()


@every_state
def test_a_page_of_another_question_fits_a_phone(
    ada: Person, asked: dict[str, str], path_of: Callable[[dict[str, str]], str]
) -> None:
    page = ada.open(path_of(asked))
    page.set_viewport_size({"width": 360, "height": 740})
    read_through(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
