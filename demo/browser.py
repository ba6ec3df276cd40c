"""Airflow's pages in a real browser, as a person uses them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from playwright.sync_api import sync_playwright  # of the dependency group `pictures`

#: Milliseconds for one step on a busy machine, and until a run has ended.
STEP, RUN = 300_000, 1_800_000
SIZE: Any = {"width": 1280, "height": 800}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """Start Debian's Chromium and give a page of it; end it."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise SystemExit("There is no Chromium: apt-get install chromium")
    # Chromium's sandbox needs another user than root.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=options)
        context = browser.new_context(viewport=SIZE, device_scale_factor=1.5, timezone_id="UTC")
        page = context.new_page()
        page.set_default_timeout(STEP)
        yield page
        browser.close()


class Pages:
    """Airflow's pages.

    :param page: Playwright's page
    :param url: Airflow's address
    """

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url

    def trigger(self, dag_id: str, when: datetime | None = None) -> None:
        """Open a Dag from the list, and trigger it, for now unless told otherwise.

        :param when: the logical date, in UTC
        """
        self.page.goto(f"{self.url}/dags")
        self.page.get_by_role("link", name=dag_id, exact=True).click()
        self.page.get_by_label("Show Graph").wait_for()
        self.page.get_by_test_id("trigger-dag-button").click()
        form = self.page.get_by_role("dialog").first
        if when:
            self._choose(form.get_by_test_id("datetime-input"), when)
        form.get_by_role("button", name="Trigger", exact=True).click()
        form.wait_for(state="hidden")

    def _choose(self, field: Any, when: datetime) -> None:
        """Fill in a date and a time."""
        field.click()
        for placeholder, text in (("YYYY/MM/DD", f"{when:%Y/%m/%d}"), ("HH:mm", f"{when:%H:%M}")):
            self.page.get_by_placeholder(placeholder).fill(text)
            self.page.keyboard.press("Enter")
        field.get_by_text(f"{when:%b %d, %Y %H:%M}").wait_for()
        field.click()

    def newest_run(self, dag_id: str) -> tuple[str, str]:
        """Wait for the end of a Dag's newest run; return its address and its state."""
        self.page.goto(f"{self.url}/dags/{dag_id}/runs")
        row = self.page.locator("tbody tr").first
        row.get_by_text("Success").or_(row.get_by_text("Failed")).first.wait_for(timeout=RUN)
        state = "success" if row.get_by_text("Success").count() else "failed"
        href = row.locator("a[href*='/runs/']").first.get_attribute("href")
        return f"{self.url}{href}", state

    def show_graph(self, run: str) -> Any:
        """Show a run's graph with all of its groups open; return its element."""
        self.page.set_viewport_size({"width": 1280, "height": 400})
        self.page.goto(run)
        self.page.get_by_label("Show Graph").click()
        self.page.get_by_test_id("expand-all-button").click()
        self.page.get_by_label("Collapse Details Panel").click()
        self.page.get_by_text("notify").last.wait_for()
        self.page.wait_for_timeout(2000)  # the graph moves while it is laid out
        self.page.locator(".react-flow__controls-fitview").click()
        self.page.add_style_tag(content=".react-flow__panel{display:none}")
        self.page.wait_for_timeout(2000)
        self.page.evaluate("localStorage.clear()")  # else each Dag is shown as its graph alone
        return self.page.locator(".react-flow").first

    def open_link(self, task: str, name: str) -> Any:
        """Click on a link among a task's details; return the page that it opens."""
        self.page.set_viewport_size(SIZE)
        self.page.goto(f"{task}/details")
        with self.page.context.expect_page() as opened:
            self.page.get_by_role("link", name=name).click()
        opened.value.wait_for_load_state("networkidle")
        return opened.value
