"""How a page is read to its end, and what stands in somebody's way there."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.people import Person

SERIOUS = ("serious", "critical")
both_themes = pytest.mark.parametrize("theme", ["light", "dark"])


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def read_through(page: Page) -> None:
    """Open all that is folded and scroll to the end, so that every chart is drawn."""
    page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 700):
        page.evaluate(f"scrollTo(0, {top})")
        page.wait_for_timeout(40)
    expect(page.locator("[data-figure]:not(.js-plotly-plot)")).to_have_count(0)


def has_no_barrier(person: Person, path: str, theme: str) -> None:
    """Check a page, with all that is folded, in light or dark."""
    page = person.open(path)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type] # "light" or "dark"
    read_through(page)

    assert violations(page) == []
    page.close()


def fits_a_phone(person: Person, path: str) -> None:
    """Check that a page is no wider than a phone and complains of nothing but of being absent."""
    person.complaints.clear()
    page = person.open(path)
    page.set_viewport_size({"width": 360, "height": 740})
    read_through(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert [each for each in person.complaints if "404" not in each] == []
    page.close()
