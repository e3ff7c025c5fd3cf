"""A real Chromium before the real product, started once for all tests of this folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.people import Person, launch, sign_in, wait_for_state
from tests.browser.product import Product

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; where there is none, the tests say so."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Chromium on this machine; apt-get install chromium runs the browser tests"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def product(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product, running; after the browser, so that none is started in vain."""
    product = Product(tmp_path_factory.mktemp("product"))
    try:
        product.start()
        yield product
    finally:
        product.stop()


@pytest.fixture(scope="session")
def ada(browser: Browser, product: Product) -> Iterator[Person]:
    """The owner of a team."""
    person = sign_in(browser, product, "ada")
    yield person
    person.context.close()


@pytest.fixture(scope="session")
def ben(browser: Browser, product: Product) -> Iterator[Person]:
    """A member of Ada's team."""
    person = sign_in(browser, product, "ben")
    yield person
    person.context.close()


@pytest.fixture(scope="session")
def cleo(browser: Browser, product: Product) -> Iterator[Person]:
    """A stranger with a team of her own."""
    person = sign_in(browser, product, "cleo")
    yield person
    person.context.close()


@pytest.fixture(scope="session")
def finished(ada: Person) -> list[str]:
    """The addresses of two searches that ended well, the second with another seed."""
    first = launch(ada, "/jobs/new/haq/", {"Name": "First search"})
    address = _path_of(first)
    wait_for_state(first, "Succeeded")
    second = launch(
        ada, f"/jobs/new/haq/?from={address.split('/')[-2]}", {"Name": "Second search", "Seed": "1"}
    )
    wait_for_state(second, "Succeeded")
    paths = [address, _path_of(second)]
    first.close()
    second.close()
    return paths


@pytest.fixture(scope="session")
def asked(ada: Person) -> dict[str, str]:
    """The addresses of searches that asked other questions: by codebooks, within a drop."""
    size = launch(
        ada,
        "/jobs/new/haq/",
        {"Name": "Codebooks", "At most": "230"},
        choose=["Weights alone, by codebooks"],
    )
    drop = launch(
        ada,
        "/jobs/new/haq/",
        {"Name": "Small cost", "Accuracy lost, at most": "3", "Model size at most": "400"},
        choose=["The smallest cost within an accuracy drop"],
    )
    paths = {}
    for name, page in (("size", size), ("drop", drop)):
        paths[name] = _path_of(page)
        wait_for_state(page, "Succeeded")
        page.close()
    return paths


def _path_of(page: Page) -> str:
    return "/" + page.url.split("/", 3)[3]
