"""The page at /shadow."""

import json
import re
import urllib.request
from collections import Counter
from datetime import timedelta
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from airflow_shadow.emulator.faults import CALL_FAULTS, WORK_FAULTS
from airflow_shadow.emulator.fleet import create_endpoint
from airflow_shadow.emulator.page import facts
from airflow_shadow.emulator.sagemaker.responses import ShadowResponse
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.experiments import ownership, promotions
from airflow_shadow.experiments.lifecycle import Action, mark

STYLE = Path(facts.__file__).with_name("style.css").read_text()
OWNER = partial(ownership.Identity, deployment="", task_id="shadow.create", map_index=-1)


def _get(emulator, query=""):
    with urllib.request.urlopen(f"{emulator.url}/shadow{query}") as answer:
        return answer.headers, answer.read().decode()


def _page(emulator):
    headers, page = _get(emulator)
    return headers["Content-Type"], page


class Element:
    """An element of a page, with what is in it."""

    def __init__(self, name, attributes=None, parent=None):
        self.name, self.attributes, self.parent = name, attributes or {}, parent
        self.children, self.text = [], ""

    def all(self, *names):
        """Yield the elements of these names in it, in order; all without any."""
        for child in self.children:
            if not names or child.name in names:
                yield child
            yield from child.all(*names)

    def words(self):
        """Return the text in it."""
        return " ".join(f"{self.text} {' '.join(one.words() for one in self.children)}".split())


class Reader(HTMLParser):
    """Make elements of a page; an end tag has to be that of the element that is open."""

    EMPTY = frozenset({"input", "link", "meta", "path"})

    def __init__(self, page):
        super().__init__()
        self.root = self.open = Element("page")
        self.feed(page)
        self.close()
        assert self.root is self.open

    def handle_starttag(self, tag, attrs):
        """Open an element."""
        element = Element(tag, dict(attrs), self.open)
        self.open.children.append(element)
        if tag not in self.EMPTY:
            self.open = element

    def handle_endtag(self, tag):
        """Close the element that is open."""
        if tag not in self.EMPTY:
            assert tag == self.open.name
            self.open = self.open.parent

    def handle_data(self, data):
        """Keep the text of the element that is open."""
        self.open.text += data


def read(emulator, query=""):
    """Return the page as an element."""
    return Reader(_get(emulator, query)[1]).root


def card(emulator, element_id):
    """Return the facts of a card by their names, and all its words."""
    [found] = [one for one in read(emulator).all() if one.attributes.get("id") == element_id]
    names = [one.words() for one in found.all("dt")]
    return dict(zip(names, [one.words() for one in found.all("dd")], strict=True)), found.words()


def test_it_shows_variants_weights_and_experiments(emulator, experiments):
    """The page shows variants, experiments and the history."""
    experiments.running(sampling_percentage=25)
    kind, page = _page(emulator)
    words = ["AllTraffic", "Shadow", "weight 0.25", "25 %", "Running", "x: Creating → Running"]
    assert ("text/html; charset=utf-8", []) == (kind, [word for word in words if word not in page])


def test_it_loads_nothing_from_elsewhere(emulator, experiments):
    """The page is one file that works without a network, and its policy forbids all else."""
    headers, page = _get(emulator)
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert [] == [link for link in links if not link.startswith(("#", "data:,"))]
    assert [] == [word for word in ("@import", "url(", "style=") if word in page]
    policy = headers["Content-Security-Policy"]
    assert ["default-src 'none'", "frame-ancestors 'none'"] == re.findall(
        r"(?:default-src|frame-ancestors) [^;]*", policy
    )
    [nonce] = set(re.findall(r'nonce="([^"]*)"', page))
    again = _page(emulator)[1]
    assert (True, False) == (f"script-src 'nonce-{nonce}'" in policy, nonce in again)


def test_looking_is_no_read(emulator, experiments):
    """Showing the page does not move statuses."""
    experiments.create()
    for _ in range(5):
        _page(emulator)
    assert ["Creating", "Creating", "Running"] == experiments.seen_until("Running")


def test_names_cannot_inject_markup(client, emulator, experiments):
    """Text from requests is escaped, and what no HTML may hold is replaced."""
    experiments.running(Description="<i>")
    before = Counter(one.name for one in read(emulator).all())
    experiments.ended(Reason="</dd><script>alert(1)</script>\ud83d\x00")
    _, page = _page(emulator)
    after = Counter(one.name for one in Reader(page).root.all())
    assert (before["script"], False) == (after["script"], "<i>" in page)
    assert "&lt;/dd&gt;&lt;script&gt;alert(1)&lt;/script&gt;\ufffd\ufffd" in page


def test_it_is_there_when_there_is_nothing(emulator):
    """An empty emulator has a page, too."""
    assert "What happened" in _page(emulator)[1]


def test_each_region_has_its_own_part(emulator, connect, experiments):
    """Each account and region has its own heading."""
    create_endpoint(connect(region="eu-west-1"), endpoint_name="far", model_name="m1")
    _, page = _page(emulator)
    assert (True, True) == ("eu-west-1, account 123456789012" in page, ">far<" in page)


def test_accounts_share_no_ids(emulator, experiments):
    """The same endpoint of another account has an id of its own; the first has that of links."""
    emulator.account_state(account="210987654321", region="us-east-1").endpoints.update(
        emulator.account_state(account="123456789012", region="us-east-1").endpoints
    )
    ids = Counter(one.attributes.get("id") for one in read(emulator).all())
    assert (1, 1) == (ids["us-east-1-endpoint-ep"], ids["210987654321-us-east-1-endpoint-ep"])


# --- what it tells --------------------------------------------------------------------------


def test_it_tells_who_made_an_experiment(emulator, experiments):
    """From the tags that the operators write."""
    identity = OWNER(dag_id="promote", run_id="manual__2026-03-01T00:00:00+00:00", try_number=2)
    tags = identity.tags(known_failure="")
    experiments.running(Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    expected = {
        "Dag": "promote",
        "Run": "manual__2026-03-01T00:00:00+00:00",
        "Task": "shadow.create, try 2",
    }
    shown, _ = card(emulator, "us-east-1-experiment-x")
    assert expected == {name: shown[name] for name in expected}


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("", {"Made by": "no task of Airflow, by its tags"}),
        ("somebody", {"Made by": "somebody"}),
        ("prod/d/r/t/3", {"Airflow": "prod", "Dag": "d", "Run": "r", "Task": "t, mapped 3"}),
    ],
)
def test_any_tag_will_do(emulator, experiments, tag, expected):
    """Anybody may write tags."""
    experiments.running(Tags=[{"Key": facts.TASK, "Value": tag}])
    shown, _ = card(emulator, "us-east-1-experiment-x")
    assert expected == {name: shown[name] for name in expected}


def test_the_tags_are_those_of_the_provider():
    """The emulator does not import them."""
    assert (ownership.TASK, ownership.TRY, promotions.SERVES) == (
        facts.TASK,
        facts.TRY,
        facts.SERVES,
    )


@pytest.mark.parametrize(
    ("actions", "reason", "expected"),
    [
        ("promote", mark(Action.PROMOTE, "PASS (x): y"), ("promoted", "PASS", "PASS (x): y")),
        ("remove", mark(Action.REMOVE, "FAIL (x): y"), ("no, removed", "FAIL", "FAIL (x): y")),
        ("remove", "Enough.", ("no, removed", "none in its Reason", "Enough.")),
        ("retain", "Enough.", ("no, the shadow stays", "none in its Reason", "Enough.")),
    ],
)
def test_it_tells_how_an_experiment_was_concluded(emulator, experiments, actions, reason, expected):
    """Whether the candidate was promoted, and on which verdict."""
    experiments.running()
    before, _ = card(emulator, "us-east-1-experiment-x")
    experiments.ended(getattr(experiments, actions), Reason=reason)
    shown, _ = card(emulator, "us-east-1-experiment-x")
    assert "not yet" == before["Promoted"]
    assert expected == (shown["Promoted"], shown["Verdict"], shown["Reason"])


def test_the_end_of_the_schedule_promotes_nothing(emulator, scheduled, experiments):
    """An experiment whose time was over is Completed, and says that it is not promoted."""
    scheduled(hours=2, days=1)
    starts = card(emulator, "us-east-1-experiment-x")[1]
    emulator.clock.advance(timedelta(hours=3))
    experiments.seen_until("Running")
    runs = card(emulator, "us-east-1-experiment-x")[1]
    emulator.clock.advance(timedelta(days=1))
    experiments.seen_until("Completed")
    shown, ended = card(emulator, "us-east-1-experiment-x")
    assert "no, its time was over" == shown["Promoted"]
    assert ["Starts in 2 h", "23 h left", "Ended after 1 d 1 h"] == [
        re.search(pattern, text)[0]
        for pattern, text in (
            ("Starts in 2 h", starts),
            ("23 h left", runs),
            ("Ended after 1 d 1 h", ended),
        )
    ]


def test_a_failure_is_no_promotion(emulator, experiments):
    """It is told apart from a stop."""
    emulator.faults.add(kind="fail-start", operation="*")
    emulator.faults.add(kind="fail-creation")
    experiments.create()
    experiments.seen_until("Cancelled")
    assert "no, it failed" == card(emulator, "us-east-1-experiment-x")[0]["Promoted"]


def test_it_tells_what_an_endpoint_gets(emulator, client, connect):
    """Requests, failures and latencies of the last minutes, and a chart with a description."""
    create_endpoint(client, endpoint_name="busy", model_name="m", traffic=Traffic(daily_swing=0.0))
    emulator.clock.advance(timedelta(hours=2))
    words = card(emulator, "us-east-1-endpoint-busy")[1]
    [rate] = re.findall(r"(\d+) requests a minute, 0.0 % failed, \d+ ms", words)
    [chart] = read(emulator).all("svg")
    low, high = re.search(r"AllTraffic (\d+) to (\d+)\.", chart.attributes["aria-label"]).groups()
    assert int(low) <= int(rate) <= int(high)
    assert pytest.approx(300, rel=0.1) == int(rate)


def test_it_tells_what_else_there_is_of_an_endpoint(emulator, client, connect, fleet):
    """Its capture, its scaling, which run promoted what serves, and which models run nowhere."""
    create_endpoint(client, endpoint_name="rich", model_name="m3", capture="s3://b/p")
    connect("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/rich/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=2,
        MaxCapacity=6,
    )
    arn = client.describe_endpoint(EndpointName="rich")["EndpointArn"]
    tag = {"Key": facts.SERVES, "Value": "m3@2026-03-01T00:00:00+00:00 m9@2026-03-02T00:00:00Z"}
    client.add_tags(ResourceArn=arn, Tags=[tag])
    shown, _ = card(emulator, "us-east-1-endpoint-rich")
    assert {
        "Configuration": "rich-config",
        "Promoted": "m3 by the run of 2026-03-01T00:00:00+00:00",
        "Capture": "100 % to s3://b/p",
        "Scaled automatically": "AllTraffic: 2 to 6 instances",
    } == shown
    assert "Models that no endpoint runs: m2." in read(emulator).words()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (90_061, "1 d 1 h"),
    ],
)
def test_lengths_have_two_units(seconds, expected):
    """No more is read at a glance."""
    assert expected == facts.words(timedelta(seconds=seconds))


def test_faults_and_held_calls_are_listed(emulator):
    """With what they are about, and a button that ends them."""
    emulator.faults.add(kind="throttle", about="churn", times=2)
    text = read(emulator).words()
    assert "throttled: any call, about churn, 2 more" in text
    assert "Remove all faults" in text


def test_a_part_is_the_same_part(emulator, experiments):
    """What the page asks for every two seconds is what it shows."""
    experiments.running()
    [whole], [part] = ([*read(emulator, query).all("main")] for query in ("", "?main"))
    assert whole.words() == part.words()


# --- its buttons ----------------------------------------------------------------------------


def buttons(emulator):
    """Return what the buttons do: the call and its body by their names."""
    found = [one for one in read(emulator).all("button") if "data-call" in one.attributes]
    return {
        one.words(): (
            one.attributes["data-call"].split(),
            json.loads(one.attributes["data-body"]),
        )
        for one in found
    }


def press(emulator, name):
    """Do what the page's script does when a button is pressed."""
    (method, path), body = buttons(emulator)[name]
    request = urllib.request.Request(
        f"{emulator.url}/shadow-api/{path}",
        method=method,
        data=json.dumps(body).encode(),
        headers={"Origin": emulator.url},
    )
    with urllib.request.urlopen(request) as answer:
        return answer.status


def test_each_button_is_a_call_that_works(emulator, experiments):
    """All that can be pressed."""
    emulator.faults.add(kind="throttle", operation="StopInferenceExperiment")
    emulator.pace = "time"
    experiments.create()
    names = sorted(buttons(emulator), key="Start afresh".__eq__)  # which forgets the fault
    assert [(name, 200) for name in names] == [(name, press(emulator, name)) for name in names]


@pytest.mark.parametrize(
    ("name", "seconds"), [("+10 min", 600), ("+1 h", 3600), ("+1 day", 86_400)]
)
def test_the_clock_is_advanced(emulator, name, seconds):
    """By what the button says."""
    before = emulator.clock.now()
    press(emulator, name)
    assert timedelta(seconds=seconds) == emulator.clock.now() - before


def test_the_next_change_is_the_end_of_work_or_the_schedule(emulator, experiments):
    """One press for each status."""
    emulator.pace = "time"
    experiments.create()
    seen = []
    for _ in range(3):
        press(emulator, "To the next change")
        seen.append(experiments.status())
    assert ["Running", "Stopping", "Completed"] == seen
    assert "none is about to by the clock" in read(emulator).words()


def test_the_speed_that_is_chosen_is_pressed(emulator):
    """It is told by an attribute, not by a colour alone."""
    press(emulator, "60\u00d7")
    pressed = [
        one.words()
        for one in read(emulator).all("button")
        if one.attributes.get("aria-pressed") == "true"
    ]
    assert (60.0, ["60\u00d7"]) == (emulator.clock.speed, pressed)


def test_the_faults_are_those_of_the_emulator(emulator):
    """Kinds and operations of the form exist."""
    kinds, operations, *_ = ([*one.all("option")] for one in read(emulator).all("select"))
    assert set() == {one.attributes["value"] for one in kinds} - CALL_FAULTS - WORK_FAULTS
    names = [one.words() for one in operations[1:]]
    snake = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): name for name in names}
    others = {"GetMetricData"}
    assert (
        set()
        == {name for method, name in snake.items() if not hasattr(ShadowResponse, method)} - others
    )


# --- for everybody --------------------------------------------------------------------------


@pytest.fixture
def full(emulator, client, connect, experiments):
    """An emulator of which the page shows everything."""
    create_endpoint(client, endpoint_name="busy", model_name="m", traffic=Traffic())
    emulator.clock.advance(timedelta(hours=1))
    experiments.running()
    emulator.faults.add(kind="throttle")
    return read(emulator)


def test_headings_go_down_by_one(full):
    """There is one h1, and no level is left out."""
    levels = [int(one.name[1]) for one in full.all("h1", "h2", "h3", "h4")]
    assert (1, 1) == (levels[0], levels.count(1))
    assert [] == [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1]


def test_everything_has_a_name(full):
    """Controls have labels, pictures descriptions, groups and bars names; ids are unique."""
    [html] = full.all("html")
    assert ("en", 1) == (html.attributes["lang"], len([*full.all("main")]))
    nameless = [one.attributes for one in full.all("button", "a") if not one.words()]
    named = ("svg", "progress")
    nameless += [one.attributes for one in full.all(*named) if "aria-label" not in one.attributes]
    fields = [*full.all("input", "select")]
    nameless += [one.attributes for one in fields if not one.parent.words().strip()]
    assert ([], ["label"]) == (nameless, [*{one.parent.name for one in fields}])
    ids = Counter(one.attributes["id"] for one in full.all() if "id" in one.attributes)
    assert [] == [name for name, count in ids.items() if count > 1]
    targets = {one.attributes["href"][1:] for one in full.all("a")}
    assert set() == targets - set(ids)


def luminance(colour):
    """Return the relative luminance of a colour such as #1c2430 (WCAG 2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """Return the contrast of two colours, 1 to 21."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_colours_can_be_read(scheme):
    """Text has 4.5 to 1 on both grounds, and the edges of controls 3 to 1."""
    roots = re.findall(r":root \{([^}]*)\}", STYLE)
    colours = dict(re.findall(r"--(\w+): (#\w{6})", roots[scheme]))
    texts = ("ink", "soft", "accent", "shadow", "good", "busy", "bad")
    weak = [
        (text, ground, round(found, 2))
        for least, names in ((4.5, texts), (3.0, ("edge",)))
        for text in names
        for ground in ("paper", "card")
        if (found := contrast(colours[text], colours[ground])) < least
    ]
    assert [] == weak
