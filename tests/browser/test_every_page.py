"""What holds for each page: accessible in light and dark, no wider than a phone, no complaint."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.people import Person, sign_in
from tests.browser.product import Product
from tests.browser.reading import both_themes, fits_a_phone, has_no_barrier, violations

PAGES: dict[str, Callable[[list[str]], str]] = {
    "runs": lambda _: "/jobs/",
    "no run fits": lambda _: "/jobs/?q=nothing-has-this-name",
    "new job": lambda _: "/jobs/new/",
    "form": lambda _: "/jobs/new/haq/",
    "search form": lambda _: "/jobs/new/proxylessnas/",
    "profile form": lambda _: "/jobs/new/profile/",
    "result": lambda finished: finished[0],
    "compare": lambda finished: (
        "/compare/?" + "&".join(f"job={path.split('/')[-2]}" for path in finished)
    ),
    "devices": lambda _: "/devices/",
    "device": lambda _: "/devices/bismo-edge/",
    "host": lambda _: "/devices/host-gpu/",
    "add a table": lambda _: "/devices/tables/add/",
    "password": lambda _: "/accounts/password/change/",
    "e-mail": lambda _: "/accounts/email/",
    "not found": lambda _: "/jobs/00000000-0000-0000-0000-000000000000/",
}
OUTSIDE = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
every_page = pytest.mark.parametrize("path_of", PAGES.values(), ids=PAGES.keys())


@pytest.fixture(scope="module")
def reader(browser: Browser, product: Product) -> Iterator[Person]:
    person = sign_in(browser, product, "ada")
    yield person
    person.context.close()


@every_page
@both_themes
def test_a_page_has_no_serious_barrier(
    reader: Person, finished: list[str], path_of: Callable[[list[str]], str], theme: str
) -> None:
    has_no_barrier(reader, path_of(finished), theme)


@both_themes
@pytest.mark.parametrize("path", OUTSIDE)
def test_a_page_before_the_door_has_no_serious_barrier(
    browser: Browser, product: Product, path: str, theme: str
) -> None:
    page = browser.new_page(color_scheme=theme)  # type: ignore[arg-type] # "light" or "dark"
    page.goto(product.address + path)

    assert violations(page) == []
    page.close()


@every_page
def test_a_page_fits_a_phone_and_complains_of_nothing(
    reader: Person, finished: list[str], path_of: Callable[[list[str]], str]
) -> None:
    fits_a_phone(reader, path_of(finished))


def test_the_chosen_theme_is_kept(reader: Person) -> None:
    page = reader.open("/jobs/")
    page.locator("summary", has_text="ada").click()
    page.get_by_label("Dark", exact=True).check()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("summary", has_text="ada").click()
    page.get_by_label("Light", exact=True).check()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    page.get_by_label("System", exact=True).check()
    page.close()


def test_who_uses_a_keyboard_may_skip_the_bar(reader: Person) -> None:
    page = reader.open("/jobs/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "content"
    page.close()
