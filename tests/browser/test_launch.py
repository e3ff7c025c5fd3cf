"""From the click to the result: launched by keyboard, watched live, stopped with the best kept."""

import re

from playwright.sync_api import Page, expect

from tests.browser.people import (
    TINY,
    Person,
    fill_by_keyboard,
    tab_to,
    twin_rows,
    wait_for_state,
)


def test_a_search_is_launched_by_keyboard_and_all_tabs_see_the_same(
    ada: Person, ben: Person
) -> None:
    page = ada.open("/jobs/")
    launch_by_keyboard(page, {**TINY, "Episodes of the agent": "400", "Policies scored": "400"})
    expect(page.get_by_text("Best so far:")).to_be_visible(timeout=90_000)
    job = page.url.removeprefix(ada.product.address)

    pause(page)
    second_tab, late_visitor = ada.open(job), ben.open(job)
    page_rows = twin_rows(page, "Accuracy by episode")
    expect(second_tab.get_by_text("Best so far:")).to_be_visible()
    expect(late_visitor.get_by_text("Best so far:")).to_be_visible()

    assert page_rows
    assert len(set(page_rows)) == len(page_rows)  # nothing twice
    count = len(page_rows)
    assert twin_rows(second_tab, "Accuracy by episode", count=count) == page_rows
    assert twin_rows(late_visitor, "Accuracy by episode", count=count) == page_rows
    page.reload()
    expect(page.get_by_text("Best so far:")).to_be_visible()
    assert twin_rows(page, "Accuracy by episode", count=count) == page_rows
    expect(page.locator("[data-log] li")).to_have_count(len(log_lines(second_tab)))
    assert log_lines(page) == log_lines(second_tab)

    finish(second_tab)
    for watcher in (page, second_tab, late_visitor):  # each turns into the result by itself
        expect(watcher.get_by_role("heading", name="Contenders")).to_be_visible(timeout=90_000)
        watcher.close()
    assert not ada.complaints
    assert not ben.complaints


def launch_by_keyboard(page: Page, values: dict[str, str]) -> None:
    tab_to(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="New job"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Set up a HAQ search"))
    page.keyboard.press("Enter")
    fill_by_keyboard(page, {"At most": "4.5"})
    tab_to(page, page.locator("summary", has_text="Advanced"))
    page.keyboard.press("Enter")
    fill_by_keyboard(page, values)
    tab_to(page, page.get_by_role("button", name="Queue the search"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))


def pause(page: Page) -> None:
    page.get_by_role("button", name="Pause").click()
    wait_for_state(page, "Paused")
    expect(page.get_by_text("Resume goes on from the last checkpoint")).to_be_visible()


def finish(page: Page) -> None:
    page.get_by_role("button", name="Resume").click()
    wait_for_state(page, "Running")
    stop = page.get_by_role("button", name="Stop and keep the best")
    expect(stop).to_be_visible(timeout=60_000)
    stop.click()


def log_lines(page: Page) -> list[str]:
    lines = page.locator("[data-log] li").all_inner_texts()
    assert len(set(lines)) == len(lines)
    return lines


def test_a_cancelled_search_is_asked_about_first(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/?")
    page.get_by_role("button", name="Queue the search").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))

    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog", name="Cancel this run?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Let it run")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog.get_by_role("button", name="Cancel the run").click()

    wait_for_state(page, "Cancelled")
    expect(page.get_by_text("delivered nothing")).to_be_visible()
    page.close()
