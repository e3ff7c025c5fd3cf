"""People before a browser: who they are, and what they do there again and again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.product import Product

# Cell by cell: a row that is drawn anew just then has no layout, and its text would run together.
CELLS_OF_ROWS = "rows => rows.map(row => Array.from(row.cells, cell => cell.textContent.trim()))"

IN_TIME_MS = 90_000  # for a small search on two busy cores

# A real search with the real engine, as small as it can be.
TINY = {
    "Episodes of the agent": "2",
    "Policies scored": "3",
    "Images for clipping": "32",
    "Images for sensitivity": "16",
    "Images to score a policy": "32",
    "Fine-tune images an epoch": "256",
    "Images in the report": "256",
}


@dataclass
class Person:
    """One person, signed in, with as many tabs as they like."""

    name: str
    context: BrowserContext
    product: Product
    complaints: list[str] = field(default_factory=list)  # errors of the pages' own

    def open(self, path: str) -> Page:
        """Open a page in a new tab."""
        page = self.context.new_page()
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.product.address + path)
        return page

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


def sign_in(browser: Browser, product: Product, name: str, **options: object) -> Person:
    """Return a person who signed in through the form."""
    context = browser.new_context(base_url=product.address, **options)  # type: ignore[arg-type] # Playwright's own options
    person = Person(name=name, context=context, product=product)
    page = person.open("/accounts/login/")
    page.get_by_label("Username or email").or_(page.get_by_label("Login")).first.fill(name)
    page.get_by_label("Password", exact=True).fill(product.password(name))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    page.close()
    return person


def tab_to(page: Page, target: Locator, *, most: int = 60) -> None:
    """Press Tab until an element has the focus, as who has no mouse must."""
    for _ in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by {most} presses of Tab")


def fill_by_keyboard(page: Page, values: dict[str, str]) -> None:
    """Go from field to field in the page's order and type."""
    for label, value in values.items():
        tab_to(page, page.get_by_label(re.compile(f"^{re.escape(label)}")))
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(value)


def fill(page: Page, values: dict[str, str]) -> None:
    """Fill fields by their labels."""
    for label, value in values.items():
        page.get_by_label(re.compile(f"^{re.escape(label)}")).fill(value)


def launch(
    person: Person, path: str, values: dict[str, str], *, choose: Sequence[str] = ()
) -> Page:
    """Queue a search from a form's page, once some choices are made, and return the job's page."""
    page = person.open(path)
    for choice in choose:
        with page.expect_response("**/reach/**"):
            page.get_by_label(choice).check()
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    page.evaluate("document.querySelectorAll('form details').forEach(each => each.open = true)")
    # What does not belong to the choices is hidden.
    tiny = {label: count for label, count in TINY.items() if page.get_by_label(label).is_visible()}
    fill(page, {**tiny, **values})
    page.get_by_role("button", name="Queue the search").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    return page


def wait_for_state(page: Page, state: str) -> None:
    """Wait until a job's page says how the job stands."""
    badge = page.locator(".state").first
    expect(badge).to_have_text(re.compile(f"^{state}"), timeout=IN_TIME_MS)


def twin_rows(page: Page, title: str, *, count: int | None = None) -> list[str]:
    """Return the rows of a chart's table twin, each as one text, once there are `count`."""
    twin = page.locator("details", has_text=f"{title}: as a table")
    if twin.get_attribute("open") is None:
        twin.locator("summary").click()
    if count is not None:  # the events come after the page
        expect(twin.locator("tbody tr")).to_have_count(count, timeout=30_000)
    return [" ".join(cells) for cells in twin.locator("tbody tr").evaluate_all(CELLS_OF_ROWS)]
