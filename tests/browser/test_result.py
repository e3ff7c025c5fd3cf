"""What a finished search shows, hands out, and hides from strangers."""

import hashlib
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.people import Person, twin_rows


def test_the_page_opens_with_the_answer_and_draws_its_charts(
    ada: Person, finished: list[str]
) -> None:
    page = ada.open(finished[0])

    expect(page.get_by_role("region", name="The answer")).to_contain_text(
        "of unseen images of Fashion-MNIST right"
    )
    for name in ("Bits per layer", "Accuracy against latency", "Sensitivity"):
        figure = page.get_by_role("figure").filter(has_text=name).first
        figure.scroll_into_view_if_needed()
        expect(figure.locator(".main-svg").first).to_be_visible()
    rows = twin_rows(page, "Bits per layer")
    assert len(rows) == 53
    assert rows[0].startswith("features.0.0 1 convolution")
    page.close()


def test_a_download_is_the_file_whose_hash_the_page_shows(
    ada: Person, finished: list[str], tmp_path: Path
) -> None:
    page = ada.open(finished[0])
    row = page.get_by_role("row").filter(has_text="checkpoint.safetensors")
    shown = row.locator("[data-full]").get_attribute("data-full")

    with page.expect_download() as download:
        row.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "checkpoint.safetensors")

    content = (tmp_path / "checkpoint.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == shown
    page.close()


def test_a_team_mate_sees_it_and_a_stranger_finds_nothing(
    ben: Person, cleo: Person, finished: list[str]
) -> None:
    page = ben.open(finished[0])
    file = page.get_by_role("link", name="Download policy.json").get_attribute("href")
    expect(page.get_by_role("heading", name="First search")).to_be_visible()

    assert ben.context.request.get(str(file)).status == 200
    for path in (finished[0], f"{finished[0]}events/", str(file)):
        assert cleo.context.request.get(path).status == 404
    assert "First search" not in cleo.open("/jobs/").content()
    page.close()


def test_two_runs_are_ticked_and_compared(ada: Person, finished: list[str]) -> None:
    page = ada.open("/jobs/?q=search&state=succeeded")
    for name in ("First search", "Second search"):
        page.get_by_label(f"Compare {name}").check()

    bar = page.get_by_role("region", name="Comparison")
    expect(bar).to_contain_text("2 runs ticked")
    bar.get_by_role("button", name="Compare").click()

    expect(page.get_by_role("heading", name="Compare runs")).to_be_visible()
    seeds = page.get_by_role("row").filter(has_text="Seed")
    expect(seeds).to_contain_text("differs")
    expect(page.get_by_role("row").filter(has_text="Clipping")).not_to_contain_text("differs")
    expect(page.get_by_role("heading", name="Bits per layer, mobilenet_v2_small")).to_be_visible()
    page.get_by_role("link", name="Only what differs").click()
    expect(page.get_by_role("row").filter(has_text="Clipping")).to_have_count(0)
    page.close()


def test_ticks_outlast_a_filter_and_the_address_keeps_it(ada: Person, finished: list[str]) -> None:
    page = ada.open("/jobs/")
    page.get_by_label("Compare First search").check()

    page.get_by_label("Search", exact=True).fill("second")
    expect(page.get_by_role("link", name="First search")).to_be_hidden()
    assert "q=second" in page.url
    page.get_by_label("Search", exact=True).fill("")

    expect(page.get_by_label("Compare First search")).to_be_checked()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_label("Compare First search")).not_to_be_checked()
    page.close()
