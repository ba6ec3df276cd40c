"""The script of the page at /shadow, in a real browser: Debian's Chromium and Playwright.

Both come with `make pictures`; without them there is nothing to drive it with.
"""

import shutil
from datetime import timedelta

import pytest

pytest.importorskip("playwright.sync_api")

from airflow_shadow.emulator.fleet import create_model
from demo.browser import BROWSERS, chromium

pytestmark = [
    pytest.mark.http,
    pytest.mark.thorough,
    pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="there is no Chromium"),
]


@pytest.fixture(scope="module")
def browser_page():
    """Return a page of a browser, which all tests use one after the other."""
    with chromium() as page:
        yield page


@pytest.fixture
def page(browser_page, emulator, experiments):
    """Open the emulator's page with one experiment; an error in its script fails the test."""
    experiments.create(Name="exp")
    errors = []

    def keep(error):
        errors.append(error)

    browser_page.on("pageerror", keep)
    browser_page.goto(f"{emulator.url}/shadow")
    yield browser_page
    browser_page.remove_listener("pageerror", keep)
    assert [] == errors


def press(page, name):
    """Press a button, and return what the page says of it."""
    said = page.locator("#said")
    said.evaluate("one => one.textContent = ''")
    page.get_by_role("button", name=name, exact=True).click()
    page.locator("#said:not(:empty)").wait_for()
    return said.inner_text()


def test_a_button_moves_the_clock(page, emulator):
    """The clock moves by what the button says, and the page shows the new time."""
    before = emulator.clock.now()
    assert "The clock was advanced." == press(page, "+1 h")
    assert timedelta(hours=1) == emulator.clock.now() - before
    page.locator("#clock time").get_by_text(f"{emulator.clock.now():%H:%M}").wait_for()


def test_a_button_sets_the_speed(page, emulator):
    """The clock stands still, and the button that was chosen is pressed afterwards."""
    emulator.clock.speed = 60
    page.locator('button[aria-pressed="true"]', has_text="60").wait_for()
    assert "The speed was changed." == press(page, "Stop")
    page.locator('button[aria-pressed="true"]', has_text="Stop").wait_for()
    assert 0 == emulator.clock.speed


def test_the_form_adds_a_fault(page, emulator):
    """The fault is what was chosen, is listed, and a button removes it."""
    page.get_by_label("What goes wrong").select_option("throttle")
    page.get_by_label("Of which call").select_option("StopInferenceExperiment")
    page.get_by_label("How often").select_option("3")
    page.get_by_label("Only about a name with").fill("exp")
    assert "The fault was added." == press(page, "Add the fault")
    listed = page.locator("#faults li")
    listed.wait_for()
    assert "throttled: StopInferenceExperiment, about exp, 3 more" == listed.inner_text()
    assert "All faults were removed." == press(page, "Remove all faults")
    listed.wait_for(state="detached")


def test_it_stays_current_without_losing_what_is_typed(page, client):
    """News appear by themselves; focus, choice and text stay."""
    page.get_by_label("How often").select_option("10")
    field = page.get_by_label("Only about a name with")
    field.fill("typed")
    field.focus()
    create_model(client, name="news")
    page.locator("#happened").get_by_text("CreateModel news").wait_for()
    assert ("typed", "10") == (field.input_value(), page.get_by_label("How often").input_value())
    assert field.evaluate("one => one === document.activeElement")


def test_a_start_afresh_asks_first(page, emulator):
    """Only who says yes loses the experiment."""
    card = page.locator("section.card", has=page.get_by_role("heading", name="exp", exact=True))
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Start afresh").click()
    assert 1 == card.count()
    page.once("dialog", lambda dialog: dialog.accept())
    assert "The emulator started afresh." == press(page, "Start afresh")
    card.wait_for(state="detached")


def test_it_says_when_the_emulator_is_gone(page):
    """What it shows stays, with a word on what it is; it goes on when there is an answer again."""
    page.route("**/shadow?main", lambda route: route.abort())
    said = page.locator("#said")
    said.get_by_text("The emulator does not answer").wait_for()
    page.unroute("**/shadow?main")
    said.get_by_text("The emulator answers again.").wait_for()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_on_a_screen(page, width):
    """Nothing is wider than the screen."""
    size = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size(size)
