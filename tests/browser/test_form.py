"""The form: the band before anything is queued, refusals with a way out, life without script."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.people import Person
from tests.browser.product import Product


def marker_x(page: Page) -> float:
    return float((page.locator("[data-marker]").get_attribute("x") or "").rstrip("%"))


def test_the_band_follows_number_and_slider(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/")
    start = marker_x(page)

    page.get_by_label("At most", exact=True).fill("7")
    expect(page.locator("svg").get_by_text("budget 7.00")).to_be_visible()
    by_number = marker_x(page)
    page.get_by_label("Budget, by slider").focus()
    page.keyboard.press("Home")

    assert start < by_number
    expect(page.locator("[data-marker]")).to_have_attribute("x", "0%")
    assert float(page.get_by_label("At most", exact=True).input_value()) < 3
    page.close()


def test_a_budget_out_of_reach_offers_the_nearest_one(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/")
    limit = page.get_by_label("At most", exact=True)

    limit.fill("0.5")
    page.get_by_role("button", name="Use").click()

    expect(page.get_by_text("is below the lowest")).to_be_hidden()
    assert float(limit.input_value()) > 1.9
    expect(limit).to_be_focused()
    page.close()


def test_another_target_changes_metrics_unit_and_limit(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/")

    page.get_by_label("Target device").select_option("counted")

    expect(page.locator("#limit-unit")).to_have_text("kB")
    latency = page.get_by_label("Latency", exact=True)
    expect(latency).to_be_disabled()
    expect(latency).to_have_accessible_description(
        "No device: size and operations has no latency to offer."
    )
    limit = page.get_by_label("At most", exact=True)
    assert float(limit.input_value()) > 100
    assert 0 < marker_x(page) < 100
    limit.fill("300")  # the field is another element now, and still followed
    expect(page.locator("svg").get_by_text("budget 300")).to_be_visible()
    page.close()


def test_a_network_outside_the_catalogue_is_described_while_one_waits(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/")

    page.get_by_label("Network", exact=True).select_option("other")
    page.get_by_label("Other network").fill("squeezenet1_1")
    page.get_by_label("Other network").blur()

    expect(page.get_by_text("Describing squeezenet1_1 on a worker")).to_be_visible()
    expect(page.locator("[data-reach]")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("torchvision squeezenet1_1 reaches")).to_be_visible()
    page.close()


def test_a_network_there_is_not_is_refused_at_its_field(ada: Person) -> None:
    page = ada.open("/jobs/new/haq/")

    page.get_by_label("Network", exact=True).select_option("other")
    page.get_by_label("Other network").fill("no_such_net")
    page.get_by_label("Other network").blur()

    problem = page.locator("#model-problem")
    expect(problem).to_contain_text("no_such_net", timeout=90_000)
    page.close()


def test_without_script_the_form_checks_and_refuses_as_well(
    browser: Browser, product: Product, ada: Person
) -> None:
    context = browser.new_context(
        java_script_enabled=False, storage_state=ada.context.storage_state()
    )
    page = context.new_page()
    page.goto(f"{product.address}/jobs/new/haq/")

    page.get_by_label("At most", exact=True).fill("0.5")
    page.get_by_role("button", name="Check the range").click()
    expect(page.get_by_text("The nearest that works is").first).to_be_visible()
    page.get_by_role("button", name="Queue the search").click()

    expect(page.get_by_text("Nothing was queued yet")).to_be_visible()
    expect(page.get_by_label("At most", exact=True)).to_have_accessible_description(
        re.compile("below the lowest this model reaches here. The nearest that works is 1.9")
    )
    context.close()
