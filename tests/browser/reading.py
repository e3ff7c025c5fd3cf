"""How a page is read to its end, and what stands in somebody's way there."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

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
