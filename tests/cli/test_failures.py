"""Errors in the words of a terminal, and where Airflow is set up."""

from __future__ import annotations

import pytest

from airflow_shadow import exceptions
from airflow_shadow.cli.failures import in_a_terminal, text_of
from airflow_shadow.cli.surroundings import has_database, is_set_up
from airflow_shadow.exceptions import (
    AwsRefusedError,
    InvalidRequestError,
    ShadowError,
    UnconcludedError,
)


@pytest.mark.parametrize(
    ("told", "here"),
    [
        ("Retry the task.", "Run the command again."),
        ("Correct it and clear the task.", "Correct it and run the command again."),
        (
            "Update it, or pass allow_partial_sampling=True.",
            "Update it, or pass --allow-partial-sampling.",
        ),
        (
            "If it is, pass allow_lost_settings=['A', 'B'] (or True), also to the promotion.",
            "If it is, pass --allow-lost-setting A --allow-lost-setting B.",
        ),
        ("Or pass autoscaling='ignore' to leave it.", "Or pass --autoscaling ignore to leave it."),
        ("If it stays, check region, network and", "If it stays, check --region-name, network and"),
    ],
)
def test_next_steps_name_options(told, here):
    """What tasks are told is put into the words of the command line."""
    assert here == in_a_terminal(told)


#: The errors, but for the one that only a rollout's clean-up raises.
KINDS = set(exceptions._subclasses(ShadowError).values()) - {UnconcludedError}


@pytest.mark.parametrize("kind", sorted(KINDS, key=lambda kind: kind.__name__))
def test_no_error_speaks_of_tasks(kind):
    """Every class's own next step makes sense at a terminal."""
    assert "the task" not in text_of(kind(asked="this", found="that"))


def test_a_sentence_ends_once():
    """Some texts bring their own full stop."""
    error = InvalidRequestError(asked="this", found="that.", next_step="Go.")
    assert "Asked: this.\nFound: that.\nNext: Go." == text_of(error)


def test_botocores_own_refusals_have_steps():
    """By the name of its error."""
    error = AwsRefusedError(asked="this", found="that", code="NoRegionError")
    assert text_of(error).endswith("Next: Add --region-name, or give the connection a region_name.")


@pytest.mark.parametrize(
    ("files", "variables", "expected"),
    [
        ({}, {}, (False, False)),
        ({"airflow.db": ""}, {}, (True, True)),
        ({"airflow.cfg": ""}, {}, (True, False)),
        ({"airflow.cfg": "[database]\nsql_alchemy_conn = postgresql://db/a"}, {}, (True, True)),
        ({"airflow.cfg": "[database]\nsql_alchemy_conn = sqlite:////nowhere"}, {}, (True, False)),
        ({"airflow.cfg": "no configuration"}, {}, (True, False)),
        ({}, {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "mysql://db/a"}, (True, True)),
        ({}, {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere"}, (False, False)),
        ({}, {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": "cat secret"}, (True, True)),
    ],
)
def test_where_airflow_is_set_up(tmp_path, files, variables, expected):
    """Connections are looked for in a database only where there is one: SQLite would make it."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    environment = {"AIRFLOW_HOME": str(tmp_path), **variables}
    assert expected == (is_set_up(environment), has_database(environment))
