"""The server: several emulators at once, the control API, and the command line."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from http.client import HTTPConnection

import pytest

from airflow_shadow.emulator import Emulator

pytestmark = pytest.mark.http


def call(url, method="GET", body=None):
    """Return status and JSON of a request to the control API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.fixture
def control(emulator):
    """Call the control API."""

    def make(name, method="GET", body=None):
        return call(f"{emulator.url}/shadow-api/{name}", method, body)

    return make


def test_the_clock_over_http(emulator, control):
    """The clock can be read, advanced and sped up."""
    before = emulator.clock.now()
    _, answer = control("clock", "POST", {"advance": 3600, "speed": 0})
    assert (
        (before + timedelta(hours=1)).isoformat(),
        0,
    ) == (answer["now"], control("clock")[1]["speed"])
    assert emulator.clock.now() == datetime.fromisoformat(control("clock")[1]["now"])


def test_the_pace_over_http(emulator, control):
    """The pace and the number of reads can be changed."""
    control("pace", "POST", {"pace": "time", "reads": 5})
    assert ("time", {"pace": "time", "reads": 5}) == (emulator.pace, control("pace")[1])


def test_faults_over_http(emulator, control, experiments):
    """Faults can be added, listed and cleared."""
    body = {"kind": "throttle", "operation": "ListInferenceExperiments", "times": None}
    _, waiting = control("faults", "POST", body)
    found = experiments.refusal(experiments.client.list_inference_experiments)
    _, after = control("faults", "DELETE")
    assert ("throttle", "ThrottlingException", []) == (waiting[0]["kind"], found.code, after)


def test_history_over_http(emulator, control, experiments):
    """The history is the same as in process."""
    experiments.create()
    status, history = control("history?account=123456789012&region=us-east-1")
    assert (200, emulator.history()) == (status, history)


def test_the_busy_code_over_http(emulator, control):
    """The code of a busy endpoint can be chosen."""
    control("busy-code", "POST", {"busy_code": "ConflictException"})
    assert "ConflictException" == emulator.busy_code


def test_the_samples_of_errors_over_http(emulator, control):
    """It can be chosen whether requests that did not fail send a 0."""
    answers = [
        control("error-samples"),
        control("error-samples", "POST", {"error_samples": "ones"}),
    ]
    assert [(200, {"error_samples": "zeros"}), (200, {"error_samples": "ones"})] == answers
    assert "ones" == emulator.error_samples


def test_captures_over_http(emulator, control):
    """How captures come can be chosen."""
    control("capture", "POST", {"capture_late_seconds": 5, "event_ids": "shared"})
    expected = {"capture_late_seconds": 5.0, "failed_captures": "none", "event_ids": "shared"}
    assert (200, expected) == control("capture")
    assert "shared" == emulator.event_ids


def test_reset_over_http(control, emulator, experiments):
    """A reset clears the emulator's state and moto's."""
    emulator.busy_code, emulator.pace = "ConflictException", "time"
    emulator.error_samples = "ones"
    experiments.create()
    control("reset", "POST", {})
    assert [] == emulator.history()
    assert ("ResourceInUse", "count") == (emulator.busy_code, emulator.pace)
    assert "zeros" == emulator.error_samples
    assert [] == experiments.client.list_models()["Models"]


def test_motos_own_reset_clears_experiments(emulator, experiments):
    """Moto's own /moto-api/reset clears the emulator, too."""
    experiments.create()
    call(f"{emulator.url}/moto-api/reset", "POST", {})
    assert [] == experiments.client.list_inference_experiments()["InferenceExperiments"]


@pytest.mark.parametrize(
    ("name", "method", "body", "status"),
    [
        ("nonsense", "GET", None, 404),
        ("pace", "POST", {"pace": "quick"}, 400),
        ("faults", "POST", {"kind": "nonsense"}, 400),
        ("clock", "POST", {"advance": -1}, 400),
        ("clock", "POST", [], 400),
        ("clock", "POST", {"advance": "next-change"}, 400),
        ("clock", "POST", {"advance": "soon"}, 400),
        ("faults", "POST", {"kind": "old-endpoint", "updates": 11}, 400),
        ("clock", "POST", {"advance": 3e11}, 400),
        ("clock", "POST", {"advance": 10**400}, 400),
        ("clock", "POST", {"speed": float("inf")}, 400),
        ("clock", "POST", {"speed": float("nan")}, 400),
        ("clock", "POST", {"speed": 1e308}, 400),
        ("pace", "POST", {"reads": float("inf")}, 400),
        ("busy-code", "POST", {"busy_code": "Nonsense"}, 400),
        ("error-samples", "POST", {"error_samples": "twos"}, 400),
    ],
)
def test_mistakes_are_explained(control, name, method, body, status):
    """A wrong call of the control API says what is wrong."""
    found, answer = control(name, method, body)
    assert (status, True) == (found, bool(answer["message"]))
    assert 200 == control("clock")[0]


def test_a_body_that_is_no_json_is_explained(emulator):
    """As any other mistake, in JSON."""
    request = urllib.request.Request(f"{emulator.url}/shadow-api/clock", data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as answer:
        message = json.loads(answer.read())["message"]
    assert (400, True) == (answer.code, "Expecting value" in message)


def test_clients_at_the_same_moment_are_served_one_by_one(emulator, experiments):
    """Of eight simultaneous Creates of one experiment, one succeeds."""
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(experiments.create) for _ in range(8)]
    errors = [one.exception() for one in asked if one.exception()]
    codes = {error.response["Error"]["Code"] for error in errors}
    assert (7, {"ResourceInUse"}) == (len(errors), codes)


def test_two_emulators_do_not_mix(emulator, experiments):
    """Each server has its own experiments, clock and faults."""
    with Emulator() as other:
        other.faults.add(kind="throttle", times=None)
        experiments.create()
        assert ([], "Creating") == (other.history(), experiments.status())


def test_an_emulator_can_be_entered_again():
    """Its port is free after the first time."""
    emulator = Emulator()
    urls = []
    for _ in range(2):
        with emulator:
            urls.append(emulator.url)
    assert 2 == len(urls)
    with pytest.raises(RuntimeError, match="not serving"):
        _ = emulator.url


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]
)
def test_the_command_line_serves_until_told_to_end(number):
    """It prints its address once it accepts connections, and ends cleanly on a signal."""
    options = ["--port", "0", "--speed", "600", "--error-samples", "ones"]
    command = [sys.executable, "-m", "airflow_shadow.emulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        line, page = (process.stdout.readline().decode() for _ in range(2))
        url = re.search(r"http://127\.0\.0\.1:\d+", line).group()
        answer, samples = (call(f"{url}/shadow-api/{name}") for name in ("pace", "error-samples"))
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert (200, {"pace": "time", "reads": 2}) == answer
    assert (200, {"error_samples": "ones"}) == samples
    assert f"Its page is {url}/shadow. Ctrl-C ends it.\n" == page
    assert (0, b"", b"") == (process.returncode, rest, errors)


def run(*options, code=None):
    """Return exit code and output of the command line, or of other code."""
    command = ["-c", code] if code else ["-m", "airflow_shadow.emulator", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment
    )
    return done.returncode, done.stdout + done.stderr


def test_without_its_extra_the_command_line_says_so():
    """In words, and before anything is imported that needs it."""
    code = (
        "import sys\n"
        "sys.modules['moto'] = None\n"  # which makes every import of it fail
        "from airflow_shadow.emulator import options, __main__\n"
        "options.find_spec = lambda name: None if name == 'moto' else name\n"
        "sys.argv = ['emulator']\n"
        "__main__.main()"
    )
    status, said = run(code=code)
    assert (1, True) == (status, "pip install 'airflow-shadow[emulator]'" in said)
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--speed", "1e9"], "'1e9' has to be a number from 0 to 86400"),
        (["--speed", "fast"], "'fast' has to be a number from 0 to 86400"),
        (["--speed", "nan"], "'nan' has to be a number"),
        (["--port", "http"], "invalid int value: 'http'"),
        (["--fleet", "mine"], "invalid choice: 'mine'"),
        (["--pace", "fast"], "invalid choice: 'fast'"),
    ],
)
def test_wrong_options_are_explained(options, words):
    """With the exit code of wrong usage."""
    status, said = run(*options)
    assert (2, True) == (status, words in said)


def test_help_needs_no_moto():
    """The options are read without what the emulator is built on."""
    code = (
        "import sys\n"
        "from airflow_shadow.cli.commands import COMMANDS\n"
        "import airflow_shadow.emulator.options\n"
        "print([name for name in ('moto', 'boto3', 'flask', 'werkzeug') if name in sys.modules])"
    )
    assert (0, "[]\n") == run(code=code)


def test_the_package_is_light_to_import():
    """Importing the package loads neither moto nor boto3."""
    code = (
        "import sys, airflow_shadow.emulator\n"
        "print([name for name in ('moto', 'boto3', 'flask') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=environment
    )
    assert "[]" == shown.stdout.decode().strip()


def ask(emulator, path, **headers):
    """Return status, Location and text of an answer, without following redirections."""
    host, port = emulator.url.removeprefix("http://").split(":")
    with closing(HTTPConnection(host, int(port), timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location"), answer.read().decode()


@pytest.mark.parametrize("path", ["/shadow-api/clock", "/shadow", "/moto-api/data.json"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:5000"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Host": "[x]"},
    ],
    ids=str,
)
def test_pages_of_elsewhere_do_not_steer(emulator, path, headers):
    """Requests of a foreign web page to the control API and the page are refused."""
    assert 403 == ask(emulator, path, **headers)[0]


@pytest.mark.parametrize("host", ["localhost:5000", "[::1]:5000", "10.0.0.7", "emulator:5000"])
def test_this_machine_and_containers_steer(emulator, host):
    """Requests by this machine's or a container's name or address are accepted."""
    assert 200 == ask(emulator, "/shadow-api/clock", Host=host, Origin=f"http://{host}")[0]


def test_services_are_asked_by_any_name(emulator):
    """AWS's services accept every host, because bucket names are part of it."""
    assert 403 != ask(emulator, "/", Host="bucket.s3.amazonaws.com")[0]


def test_pages_of_elsewhere_ask_no_service(emulator):
    """Requests of a foreign web page to AWS's services are refused."""
    assert 403 == ask(emulator, "/", Origin="https://evil.example")[0]


def test_a_page_under_a_name_of_its_own_asks_no_service(emulator):
    """A foreign name that resolves to this machine makes Host and Origin agree."""
    names = {"Host": "evil.example:5000", "Origin": "http://evil.example:5000"}
    assert 403 == ask(emulator, "/", **names)[0]


def test_a_browser_is_led_to_the_page(emulator):
    """A browser that opens the printed address is redirected to the page."""
    assert (302, "/shadow") == ask(emulator, "/", Accept="text/html,*/*")[:2]
