"""What must hold of the history of one life, whatever went wrong in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.audit import Entry, Story, audit, standing, stories

#: Whose changes of an endpoint's configuration are their own business.
OTHERS = frozenset({"CreateEndpoint", "UpdateEndpoint"})


@dataclass(frozen=True, kw_only=True)
class Served:
    """What a configuration of the endpoint serves: production's model, and the shadow's if any."""

    model: str
    shadow: str | None = None


def audit_life(
    history: list[Entry],
    *,
    endpoint: str,
    configs: Mapping[str, Served],
    passed_at: str | None,
) -> None:
    """Assert one experiment, one stop at most, planned models in production, and no shadow left.

    :param configs: what each configuration serves, by its name
    :param passed_at: AWS's time of the first PASS, ISO-8601, `None` if there was none
    """
    audit(history, endpoints=[endpoint], deployed=[endpoint])
    told = [told for _, told in stories(history)][-1]
    ran = [story.name for story in told if story.ran or not story.deleted]
    assert 1 == len(ran), f"{len(ran)} experiments instead of one: {ran}"
    stops = [stop["name"] for story in told for stop in story.stops]
    assert len(stops) <= 1, f"{len(stops)} stops instead of one at most: {stops}"
    _assert_planned(history, configs, passed_at)
    live = [story.name for story in told if story.live]
    assert [] == live, f"experiments that go on: {live}"
    assert configs[_deployed(history)[-1]["config"]].shadow is None, "a shadow is left"


def _deployed(history: list[Entry]) -> list[Entry]:
    return [e for e in history if e["kind"] == "endpoint" and "config" in e["changed"]]


def _assert_planned(
    history: list[Entry], configs: Mapping[str, Served], passed_at: str | None
) -> None:
    requests: dict[str, Any] = {}
    before, found = "", ""
    for entry, told in stories(history):
        if entry["kind"] == "call" and entry["operation"] == "CreateInferenceExperiment":
            requests[entry["name"]], found = entry["request"], before
        if entry["kind"] != "endpoint" or "config" not in entry["changed"]:
            continue
        model = configs[entry["config"]].model
        if entry["cause"] not in OTHERS:
            named = {**entry, "name": entry["cause"]}
            story, request = standing(told, named), requests[entry["cause"]]
            planned = _planned(story, request, before, found, passed_at)
            assert model in planned, f"production serves {model}, not one of {planned}: {entry}"
        before = model


def _planned(
    story: Story | None, request: Entry, serves: str, found: str, passed_at: str | None
) -> set[str]:
    """Return the models that a deployment by an experiment may put into production.

    :param serves: what was in production right before
    :param found: what was in production when the experiment was created
    """
    if story is None or (story.status != "Stopping" and not story.stops):
        return {serves}
    stop = story.stops[-1] if story.stops else None
    if stop and "Promote" in stop["request"]["ModelVariantActions"].values():
        production, candidate = (one["ModelName"] for one in request["ModelVariants"])
        is_planned = passed_at and passed_at <= stop["at"] and serves == production
        return {candidate} if is_planned else {serves}
    # The end of a test gives back what was before it, whoever ends it (assumed: revert).
    return {serves, found}
