"""The file to send with a report names nobody."""

from __future__ import annotations

import json

import pytest

from airflow_shadow.conformance.record import redacted


def test_the_record_names_nobody(conformance, emulator):
    """No account, ARN, model, role, address or key, whatever AWS's texts have in them."""
    emulator.faults.add(kind="access-denied", operation="UpdateEndpoint", times=None)
    text = json.dumps(conformance().record)
    for secret in ("123456789012", "arn:", "model-a", "model-b", "AKIA", "127.0.0.1", "role/"):
        assert secret not in text, secret


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("User: arn:aws:sts::123456789012:assumed-role/x/me is not", "User: <arn> is not"),
        ("account 123456789012 has", "account <account> has"),
        ("key AKIAIOSFODNN7EXAMPLE", "key <key>"),
        ("at https://a.b/c?d in s3://bucket/x", "at <address> in <bucket>"),
        ("by me@example.org", "by <person>"),
        ("model churn-v10 and churn-v1", "model <B> and <A>"),
    ],
)
def test_secrets_are_taken_out(text, kept):
    """In any text of the record."""
    assert {"a": [kept]} == redacted({"a": [text]}, {"churn-v1": "<A>", "churn-v10": "<B>"})
