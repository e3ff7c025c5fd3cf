"""Time from a worker's event to the changed page: log, doorbell, socket, DOM.

Starts the product in a folder of its own, opens a running job's page in Chromium, and appends
events from another process, as a worker does. The page's observer notes when each has changed
the text; meanwhile the page draws its charts. Prints one JSON object: milliseconds by event
beside a reference, the round trip of a plain HTTP request to the same server in the same run.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.product import Product

_OBSERVE = """
() => {
  const seen = (window.seen = {});
  const place = document.querySelector("[data-done]");
  new MutationObserver(() => {
    seen[place.textContent.split(" ")[0]] ??= performance.timeOrigin + performance.now();
  }).observe(place, { childList: true, characterData: true, subtree: true });
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--pause-s", type=float, default=0.1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        product = Product(Path(folder))
        try:
            product.start()
            report = measure(product, options.events, options.pause_s)
        finally:
            product.stop()
    print(json.dumps({"benchmark": "live_latency", **report}, indent=1))


def measure(product: Product, events: int, pause_s: float) -> dict[str, Any]:
    """Return the delays of this many events, and of plain requests to the same server."""
    job_id = _emitter(product, "job").strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(base_url=product.address)
        _sign_in(page, product.password("ada"))
        page.goto(f"/jobs/{job_id}/")
        page.get_by_text("Live", exact=True).wait_for()
        page.evaluate(_OBSERVE)
        sent = json.loads(_emitter(product, "emit", job_id, str(events), str(pause_s)))
        page.wait_for_timeout(1000)
        seen: dict[str, float] = page.evaluate("window.seen")
        browser.close()
    delays = [seen[number] - at for number, at in sent.items() if number in seen]
    return {
        "events": events,
        "seen": len(delays),
        "event_to_dom_ms": _spread(delays),
        "http_round_trip_ms": _spread([_round_trip_ms(product) for _ in range(50)]),
    }


def _emitter(product: Product, *arguments: str) -> str:
    environment = {
        **os.environ,
        "DATA_DIR": str(product.data_dir),
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.event_emitter", *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _sign_in(page: Page, password: str) -> None:
    page.goto("/accounts/login/")
    page.locator("[name=login]").fill("ada")
    page.locator("[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/jobs/")


def _round_trip_ms(product: Product) -> float:
    started = time.perf_counter()
    with urllib.request.urlopen(f"{product.address}/healthz", timeout=5) as answer:
        answer.read()
    return 1000 * (time.perf_counter() - started)


def _spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
        "max": round(ordered[-1], 1),
    }


if __name__ == "__main__":
    main()
