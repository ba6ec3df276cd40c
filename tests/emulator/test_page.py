"""The page at /shadow."""

import urllib.request

from airflow_shadow.emulator.fleet import create_endpoint


def _page(emulator):
    with urllib.request.urlopen(f"{emulator.url}/shadow") as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_it_shows_variants_weights_and_experiments(emulator, experiments):
    """The page shows variants, experiments and the history."""
    experiments.running(sampling_percentage=25)
    kind, page = _page(emulator)
    words = ["AllTraffic", "Shadow", "weight 0.25", "25 %", "Running", "x: Creating → Running"]
    assert ("text/html; charset=utf-8", []) == (kind, [word for word in words if word not in page])


def test_it_loads_nothing_from_elsewhere(emulator, experiments):
    """The page is one file that works without a network."""
    _, page = _page(emulator)
    assert [] == [word for word in ("src=", "href=", "@import", "url(") if word in page]


def test_looking_is_no_read(emulator, experiments):
    """Showing the page does not move statuses."""
    experiments.create()
    for _ in range(5):
        _page(emulator)
    assert ["Creating", "Creating", "Running"] == experiments.seen_until("Running")


def test_names_cannot_inject_markup(client, emulator, experiments):
    """Text from requests is escaped."""
    experiments.running()
    experiments.ended(Reason="<script>alert(1)</script>")
    _, page = _page(emulator)
    assert (False, True) == ("<script>" in page, "&lt;script&gt;" in page)


def test_it_is_there_when_there_is_nothing(emulator):
    """An empty emulator has a page, too."""
    assert "What happened" in _page(emulator)[1]


def test_each_region_has_its_own_part(emulator, connect, experiments):
    """Each account and region has its own heading."""
    create_endpoint(connect(region="eu-west-1"), endpoint_name="far", model_name="m1")
    _, page = _page(emulator)
    assert (True, True) == ("eu-west-1, account 123456789012" in page, ">far<" in page)
