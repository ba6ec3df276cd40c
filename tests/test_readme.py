"""Every block of README and guide is a file, a command that is run here, or what one printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
import pytest

from airflow_shadow import operators
from airflow_shadow.conformance.program import PREFIX
from airflow_shadow.exceptions import ShadowError
from airflow_shadow.experiments.lifecycle import DEADLINES
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
DOCS = {path.stem: path.read_text() for path in (ROOT / "docs").glob("*.md")}
#: The pages whose blocks are checked here; the others have tests beside what they are about.
PAGES = [
    README,
    *(DOCS[name] for name in ("quickstart", "airflow", "permissions", "testing-your-dags")),
]
BLOCK = re.compile(r"<!-- (?P<what>.*?) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)
BLOCKS = [(found["what"], found["text"]) for page in PAGES for found in BLOCK.finditer(page)]
#: What a comment before a block may say, other than a file's path.
KINDS = {
    "a project's conftest.py",
    "a project's tests/test_promote_churn.py",
    "a project's tests/test_rollout_on_answers.py",
    "commands of a new project: run",
    "commands of a new project: set up",
    "lines of a project's tests/test_promote_churn.py",
    "a command that the tests run",
    "a command for your own Airflow",
    "a connection that the tests use",
    "lines of the demo's output",
    "the calls that the code makes",
    "the output of the demo",
    "the role of a Processing job",
    "what capturing adds for the caller",
    "what capturing adds for the role",
    "what a Processing job adds for the caller",
    "what comparing adds for the caller",
    "what conformance needs",
}
#: The permission that each of S3's operations needs.
S3_ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
}


def blocks(kind: str) -> list[str]:
    """Return the blocks of one kind."""
    return [text for what, text in BLOCKS if what == kind]


def test_every_block_says_what_it_is():
    """Every code block is marked as a file, a command or an output, so that it can be compared."""
    assert 2 * len(BLOCKS) == sum(page.count("```") for page in PAGES)
    unknown = [what for what, _ in BLOCKS if what not in KINDS and not (ROOT / what).is_file()]
    assert [] == unknown


@pytest.mark.parametrize(("file", "text"), [b for b in BLOCKS if b[0] not in KINDS])
def test_code_is_that_of_the_file(file, text):
    """A code block that shows a file has the same text as the file."""
    assert text in (ROOT / file).read_text()


def test_commands_are_those_that_are_run():
    """The commands that the README shows are run by this project's own tests."""
    assert ["make demo\n"] == blocks("a command that the tests run")
    makefile = (ROOT / "Makefile").read_text()
    assert "\t.venv/bin/python -m demo\n" in makefile


def test_the_connection_leads_to_the_emulator(monkeypatch):
    """The connection that the README shows gives a client of the emulator."""
    (text,) = blocks("a connection that the tests use")
    found = re.search(r"export (\w+)='(.*)'", text, re.DOTALL)
    monkeypatch.setenv(found[1], found[2])
    client = InferenceExperimentHook().conn
    extra = json.loads(found[2])["extra"]
    assert extra == {
        "region_name": client.meta.region_name,
        "endpoint_url": client.meta.endpoint_url,
    }


def test_the_table_of_operators_is_complete():
    """Each operator has a row, with what it waits for and how long, as the code has it."""
    for name in operators.__all__:
        operator, link = getattr(operators, name), f"[`{name}`](operators/{name}.md)"
        if not hasattr(operator, "deadline_row"):  # it calls nothing
            assert f"| {link} | nothing |" in DOCS["operators"]
            continue
        deadline = DEADLINES[operator.deadline_row]
        hours = f"{deadline.seconds // 3600} h"
        row = f"| {link} | {operator.api_operation} | {deadline.waits_for} | {hours} |"
        assert row in DOCS["operators"]


def test_the_policy_allows_the_calls_that_the_code_makes():
    """The least policy is the operations that the hook calls, and the role that it passes."""
    (text,) = blocks("the calls that the code makes")
    own, passed = json.loads(text)["Statement"]
    assert {"iam:PassRole"} == {passed["Action"]}
    called = [each for each in called_by_hooks() if "ProcessingJob" not in each]
    assert called == own["Action"]


def called_by_hooks() -> list[str]:
    """Return the operations that the hooks call, S3's apart."""
    hook = "\n".join(path.read_text() for path in (ROOT / "airflow_shadow/hooks").glob("*.py"))
    return [
        f"{service}:{operation}"
        for service in ("sagemaker", "cloudwatch", "application-autoscaling")
        for operation in sorted(operations_of(service) & set(re.findall(r'"(\w+)"', hook)))
    ]


def test_the_policy_of_jobs_allows_the_calls_that_the_code_makes():
    """A comparison in a Processing job adds its two calls, and the role that it passes."""
    (text,) = blocks("what a Processing job adds for the caller")
    *_, own, passed = json.loads(text)["Statement"]
    called = [each for each in called_by_hooks() if "ProcessingJob" in each]
    assert (called, "iam:PassRole") == (own["Action"], passed["Action"])
    (text,) = blocks("the role of a Processing job")
    (comparing,) = blocks("what comparing adds for the caller")
    needed = {action for each in json.loads(comparing)["Statement"] for action in each["Action"]}
    allowed = {action for each in json.loads(text)["Statement"] for action in each["Action"]}
    assert set() == needed - allowed


def test_the_policy_of_captures_allows_the_calls_that_the_code_makes():
    """Capturing adds what the code asks of S3; the role writes below the destination."""
    [caller] = json.loads(blocks("what capturing adds for the caller")[0])["Statement"]
    code = (ROOT / "airflow_shadow/hooks/capture.py").read_text()
    called = operations_of("s3") & set(re.findall(r'"(\w+)"', code))
    assert sorted({S3_ACTIONS[name] for name in called}) == caller["Action"]
    role, key = json.loads(blocks("what capturing adds for the role")[0])["Statement"]
    assert ["s3:PutObject"] == role["Action"]
    assert role["Resource"].startswith(caller["Resource"])
    assert "arn:aws:kms" == key["Resource"][:11]


def test_the_policy_of_comparisons_allows_the_calls_that_the_code_makes():
    """Comparing adds what reads captures, and what keeps results."""
    code = (ROOT / "airflow_shadow/answers/store.py").read_text()
    called = operations_of("s3") & set(re.findall(r"\b([A-Z]\w+)", code))
    [text] = blocks("what comparing adds for the caller")
    allowed = {one for each in json.loads(text)["Statement"] for one in each["Action"]}
    assert {S3_ACTIONS[name] for name in called} == {x for x in allowed if x.startswith("s3:")}


def test_the_policy_of_conformance_allows_the_calls_that_the_code_makes():
    """It reads everything, and changes only what bears the prefix of its names."""
    folder = ROOT / "airflow_shadow/conformance"
    code = "\n".join(path.read_text() for path in folder.glob("*.py"))
    called = operations_of("sagemaker") & set(re.findall(r'"(\w+)"', code))
    # By the hook's own methods, and by the tags of a creation.
    called |= {"DescribeModel", "ListTags", "AddTags"}
    reads, changes, passed = json.loads(blocks("what conformance needs")[0])["Statement"]
    assert sorted(f"sagemaker:{one}" for one in called) == sorted(
        [*reads["Action"], *changes["Action"]]
    )
    assert all(one.startswith(("sagemaker:Describe", "sagemaker:List")) for one in reads["Action"])
    assert changes["Resource"].endswith(f"*/{PREFIX}-*")
    assert "iam:PassRole" == passed["Action"]


def operations_of(service: str) -> set[str]:
    """Return the operations of an AWS service."""
    return set(boto3.client(service, "us-east-1").meta.service_model.operation_names)


def test_every_error_has_its_row():
    """The page on errors has a row for each class, with what to do next."""

    def leaves(error: type[ShadowError]) -> list[type[ShadowError]]:
        return [leaf for child in error.__subclasses__() for leaf in leaves(child)] or [error]

    for error in leaves(ShadowError):
        assert f"| `{error.__name__}` |" in DOCS["errors"]
        assert f"| {error.next_step} |" in DOCS["errors"]


def shape(text: str) -> list[str]:
    """Return a demo's output without times, ports and ids, which differ from run to run."""
    text = re.sub(r"\n {14}(?=\S)", " ", text)  # how a long line is broken follows from figures
    text = re.sub(r"\+\d\d:\d\d:\d\d", "+TIME", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text)
    text = re.sub(r"churn-manual-\S+", "EXPERIMENT", text)
    # Figures and the width of a table's columns follow from when a run began.
    return [_figureless(line) for line in text.rstrip().split("\n")]


def _figureless(line: str) -> str:
    outcome = r"(PASS|FAIL|INC|Good)"
    if not re.match(rf"   (criterion|AWS keeps|(\+TIME|[a-z ]+)  +{outcome})", line):
        return line
    line = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", "DAY", line)
    return " ".join(re.sub(r"[-+]?\d[\d.,:]*", "#", line).split())


@pytest.mark.skipif(
    version("apache-airflow") < "3", reason="`make demo` runs on the newest Airflow"
)
@pytest.mark.thorough
def test_the_demo_tells_the_story_of_the_readme():
    """`make demo` ends well, prints what the README shows, and leaves no process behind."""
    done = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    (shown,) = blocks("the output of the demo")
    told = shape(done.stdout)
    assert shape(shown) == told[: len(shape(shown))]


def test_the_readme_shows_lines_of_the_demo():
    """The output that the README shows is part of the demo's whole output."""
    (lines,), (output,) = blocks("lines of the demo's output"), blocks("the output of the demo")
    assert lines in output


@pytest.mark.skipif(version("apache-airflow") < "3", reason="it imports from airflow.sdk")
def test_the_dag_of_the_readme_is_read():
    """Airflow reads the README's Dag as it is shown, so it can be copied."""
    (text,) = blocks("example_dags/promote_churn.py")
    names: dict[str, Any] = {}
    exec(compile(text, "README.md", "exec"), names)
    assert {"create", "promote", "remove", "result"} <= {
        task_id.rpartition(".")[2] for task_id in names["dag"].task_ids
    }


def test_the_readme_is_short():
    """The README has at most 110 lines; everything else has a page in docs/."""
    assert len(README.splitlines()) <= 110
