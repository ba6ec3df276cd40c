"""What cannot be deleted is named, and deleted later by the journal."""

from __future__ import annotations

from tests.conformance.conftest import RUN, left


def test_what_cannot_be_deleted_is_named(cli, conformance, emulator, sagemaker, tmp_path):
    """With the commands; once it can be, the journal deletes it."""
    emulator.faults.add(kind="access-denied", operation="DeleteEndpoint", times=None)
    done = conformance("--only", "minimum-duration")
    assert (1, [RUN]) == (done.code, left(sagemaker))
    assert f"endpoint {RUN} (access denied" in done.err
    assert f"aws sagemaker delete-endpoint --region us-east-1 --endpoint-name {RUN}" in done.err
    assert done.record["ended"].endswith("not all was deleted")
    emulator.faults.clear()
    journal = str(tmp_path / f"{RUN}.journal.json")
    told = ("conformance", "--clean-up", journal, "--waiter-delay", "0", "--yes")
    wrong = cli(*told, "--region-name", "eu-west-1")
    assert (1, True) == (wrong.code, "Add --region-name us-east-1" in wrong.err)
    assert (0, []) == (cli(*told).code, left(sagemaker))
    assert (1, True) == ((gone := cli(*told)).code, "no journal of a run" in gone.err)
