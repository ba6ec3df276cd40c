"""Names, tags and the decision whose experiment it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_shadow.experiments.ownership import (
    ARGUMENTS,
    Claim,
    Identity,
    address_of,
    claim,
    default_names,
    digest,
    legal_name,
    slug,
)
from tests.helpers import input_shape

ME = Identity("", "promote", "scheduled__2026-03-01T00:00:00+00:00", "create", -1)
NAME = input_shape("CreateInferenceExperiment").members["Name"]
TAG = input_shape("CreateInferenceExperiment").members["Tags"].member.members["Value"]
LEGAL_NAME = re.compile(NAME.metadata["pattern"])
LEGAL_TAG = re.compile(r"[\w\s.:/=+\-@]*")
ANY = st.text(max_size=300)
IDENTITIES = st.builds(Identity, ANY, ANY, ANY, ANY, st.integers(-1, 2**40))


def names(identity, endpoint_name="churn", count=3):
    """Return the first default names."""
    return list(islice(default_names(identity, endpoint_name=endpoint_name), count))


def test_a_name_is_readable():
    """A console list shows endpoint and run first."""
    [name] = names(ME, count=1)
    assert name.startswith("churn-scheduled-2026-03-01T00-00-00-")


def test_a_name_is_the_same_in_every_process():
    """A retry runs elsewhere, with another seed of Python's own hashes."""
    code = f"""
from airflow_shadow.experiments.ownership import Identity, default_names
print(next(default_names({ME!r}, endpoint_name="churn")))
"""
    env = {**os.environ, "PYTHONHASHSEED": "4711"}
    found = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert names(ME)[0] == found.stdout.strip()


@given(identity=IDENTITIES, endpoint_name=ANY)
def test_every_default_name_is_legal(identity, endpoint_name):
    """Whatever run ids Airflow's users invent, with its ordinals too."""
    for name in names(identity, endpoint_name):
        assert LEGAL_NAME.fullmatch(name), name
        assert len(name) <= NAME.metadata["max"]


@given(one=IDENTITIES, other=IDENTITIES)
def test_names_do_not_collide(one, other):
    """Slugs alone would: `a b` and `a-b` look the same."""
    assert (one == other) == (names(one) == names(other))


def test_raw_identities_differ_where_slugs_do_not():
    """The hash is of the raw identity, not of its slugs."""
    assert names(replace(ME, run_id="a b")) != names(replace(ME, run_id="a-b"))


@pytest.mark.parametrize("field", ["deployment", "dag_id", "run_id", "task_id", "map_index"])
def test_each_part_of_the_identity_counts(field):
    """Two Airflows may share an account, and mapped tasks a task id."""
    other = replace(ME, **{field: 7 if field == "map_index" else "other"})
    assert names(ME)[0][-8:] != names(other)[0][-8:]


def test_neither_address_nor_retries_count():
    """They may differ between workers, and change while an experiment runs."""
    other = replace(ME, address="air.example.com", clears=3, retries=5)
    assert (names(ME), ME.owner) == (names(other), other.owner)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Air.Example.com/prod/", "air.example.com/prod"),
        ("https://user:secret@air.example.com:8443", "air.example.com"),
        ("http://10.0.0.7:8080", "10.0.0.7"),
        ("http://localhost:8080", ""),
        ("http://127.0.0.2:8080/airflow", ""),
        ("http://[::1]:8080", ""),
        ("http://0.0.0.0:8080", ""),
        ("http://air.localhost", ""),
        ("air.example.com", ""),
        ("http://[", ""),
        ("/", ""),
        ("", ""),
    ],
)
def test_the_address_of_an_airflow(url, expected):
    """Host and path, in words; what every machine calls itself is nobody's address."""
    assert expected == address_of(url)


PROD, STAGING = (replace(ME, address=f"{name}.example.com") for name in ("prod", "staging"))


@pytest.mark.parametrize(
    ("mine", "theirs", "there"),
    [
        (STAGING, PROD, "prod.example.com"),
        (PROD, PROD, ""),
        (STAGING, ME, ""),
        (ME, PROD, ""),
        (replace(STAGING, deployment="x"), replace(PROD, deployment="x"), ""),
        (STAGING, replace(PROD, dag_id="other"), ""),
    ],
)
def test_the_same_task_of_another_airflow_is_somebody_else(mine, theirs, there):
    """Where both addresses are known, and no name is given to the Airflow."""
    assert there == mine.namesake(theirs.tags(known_failure=""))
    expected = mine.owner == theirs.owner and not there
    assert expected == mine.is_owner(theirs.tags(known_failure=""))


TWICE = replace(ME, generation=2, clears=0, retries=2)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (replace(TWICE, try_number=2), True),
        (replace(TWICE, retries=1), True),  # a new version of the Dag
        (replace(TWICE, clears=1), True),  # another task was cleared
        (replace(TWICE, clears=1, retries=1), False),  # cleared after one try
        (replace(TWICE, clears=1, generation=3), False),
    ],
)
def test_a_clear_is_told_from_a_retry(later, expected):
    """Also where `retries` was lowered by the tries that were used, which keeps `max_tries`."""
    assert expected is later.is_same_generation(TWICE.tags(known_failure=""))


def test_a_clear_keeps_the_identity():
    """Else a cleared task could not find what it made before."""
    assert ME.owner == replace(ME, generation=3, arguments="else").owner


@given(text=ANY)
def test_a_suggested_name_is_legal(text):
    """The error shows a name that AWS accepts."""
    assert LEGAL_NAME.fullmatch(legal_name(text))


@given(text=ANY)
def test_a_slug_is_a_part_of_a_legal_name(text):
    """Or nothing."""
    assert not slug(text) or LEGAL_NAME.fullmatch(slug(text))


@given(identity=IDENTITIES, failure=ANY)
def test_every_tag_is_legal(identity, failure):
    """AWS refuses the whole creation for one bad tag."""
    for key, value in identity.tags(known_failure=failure).items():
        assert LEGAL_TAG.fullmatch(key + value), (key, value)
        assert len(value) <= TAG.metadata["max"]


def test_equal_arguments_have_equal_hashes():
    """The order of a mapping is no difference."""
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def stands(status):
    """Return what stands under the name."""
    return {"Name": "x", "Status": status}


EARLIER = replace(ME, generation=0, arguments="same")
NOW = replace(ME, generation=1, arguments="same")
OTHERS = replace(ME, dag_id="other")


@pytest.mark.parametrize(
    ("found", "by", "name_is_given", "expected"),
    [
        (None, None, False, Claim.CREATE),
        (stands("Running"), NOW, False, Claim.ADOPT),
        (stands("Completed"), NOW, True, Claim.ADOPT),
        (stands("Stopping"), NOW, False, Claim.AWAIT_END),
        (stands("Stopping"), EARLIER, True, Claim.AWAIT_END),
        (stands("Running"), EARLIER, False, Claim.ADOPT),
        (stands("Running"), replace(EARLIER, arguments="else"), False, Claim.SUPERSEDE),
        (stands("Thawing"), replace(EARLIER, arguments="else"), True, Claim.SUPERSEDE),
        (stands("Completed"), EARLIER, False, Claim.NEXT_NAME),
        (stands("Completed"), EARLIER, True, Claim.RECREATE),
        (stands("Running"), OTHERS, False, Claim.FOREIGN),
        (stands("Completed"), None, True, Claim.FOREIGN),
    ],
)
def test_the_table(found, by, name_is_given, expected):
    """Every row of "Whose experiment is it?"; creations run them (`test_whose_experiment.py`)."""
    tags = by.tags(known_failure="") if by else None
    assert expected is claim(found, tags, NOW, name_is_given=name_is_given)


def test_a_broken_one_of_this_generation_is_recreated():
    """Else retries would be useless."""
    broken = {**stands("Cancelled"), "EndpointMetadata": {"FailureReason": "new"}}
    tags = NOW.tags(known_failure="old")
    assert Claim.RECREATE is claim(broken, tags, NOW, name_is_given=False)


def test_a_failure_from_before_is_no_break():
    """The tag remembers what the endpoint said when the experiment began."""
    stopped = {**stands("Cancelled"), "EndpointMetadata": {"FailureReason": "old"}}
    tags = NOW.tags(known_failure="old")
    assert Claim.ADOPT is claim(stopped, tags, NOW, name_is_given=False)


def test_tags_hold_hashes_and_not_arguments():
    """Tags are readable to many; arguments may not be."""
    assert "same" == NOW.tags(known_failure="")[ARGUMENTS]
    assert 16 == len(digest({"secret": "x"}))
