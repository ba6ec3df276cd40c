"""What must hold of the emulator's history after every scenario, however much went wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Entry = dict[str, Any]
#: Whose experiment it is: (dag/run/task/map index, generation), from the tags of its creation.
Key = tuple[str, str]

_CONCLUDED = {"Completed", "Cancelled"}
_TASK, _GENERATION = "airflow-shadow:task", "airflow-shadow:generation"


class Later(str):
    """A generation that is later than another: how much depends on the tries used before."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str(other).isdecimal() and int(str(other)) > int(self)

    def __hash__(self) -> int:
        return hash("later")


@dataclass
class Story:
    """One experiment from its creation to its deletion; a name may be used again after that."""

    name: str
    endpoint: str
    key: Key
    status: str = "Creating"
    ran: bool = False
    deleted: bool = False
    stops: list[Entry] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Tell whether it holds its endpoint."""
        return not self.deleted and self.status not in _CONCLUDED


def stories(history: Iterable[Entry]) -> Iterator[tuple[Entry, list[Story]]]:
    """Yield each entry with all experiments as they stood right after it."""
    told: list[Story] = []
    for entry in history:
        if entry["kind"] == "call":
            _tell_call(entry, told)
        elif entry["kind"] == "status" and (story := standing(told, entry)):
            story.status = entry["to"]
            story.ran = story.ran or story.status == "Running"
        yield entry, told


def standing(told: list[Story], entry: Entry) -> Story | None:
    """Return the experiment that bears the entry's name now."""
    named = [story for story in told if story.name == entry["name"] and not story.deleted]
    return named[-1] if named else None


def _tell_call(entry: Entry, told: list[Story]) -> None:
    story = standing(told, entry)
    if entry["operation"] == "CreateInferenceExperiment":
        request = entry["request"]
        told.append(Story(entry["name"], request["EndpointName"], key_of(request)))
    elif entry["operation"] == "StopInferenceExperiment" and story:
        story.stops.append(entry)
    elif entry["operation"] == "DeleteInferenceExperiment" and story:
        story.deleted = True


def made_by_hand(endpoint: str) -> str:
    """Return the name of the experiment that a person makes on an endpoint."""
    return f"{endpoint}-x"


def key_of(request: Entry) -> Key:
    """Return who created an experiment: of one that bears no tags of ours, its name alone."""
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
    return (tags[_TASK], tags[_GENERATION]) if _TASK in tags else (request["Name"], "")


def created(history: Iterable[Entry], endpoint: str) -> list[Key]:
    """Return who created experiments on an endpoint, in order."""
    told = [story for _, told in stories(history) for story in told[-1:]]
    unique = {id(story): story for story in told if story.endpoint == endpoint}
    return [story.key for story in unique.values()]


def audit(history: list[Entry], *, endpoints: list[str], deployed: Collection[str] = ()) -> None:
    """Assert what must hold of some endpoints whatever happened.

    Each experiment has its (run, task, map index, generation), or a person made it, and none of
    these has two; never two live ones on one endpoint, none stopped twice, and no change of an
    endpoint's configuration but by its own creation and by the experiment that lives on it. Which
    of these have an experiment at all, each scenario says itself: `Aws.created`.

    :param deployed: endpoints that a person may have changed, too
    """
    told: list[Story] = []
    for entry, told in stories(history):
        for endpoint in endpoints:
            live = [story.name for story in told if story.endpoint == endpoint and story.live]
            assert len(live) <= 1, f"{live} live on {endpoint} at once after {entry}"
        if entry["kind"] == "endpoint" and entry["endpoint"] in endpoints:
            by_hand = {"UpdateEndpoint"} if entry["endpoint"] in deployed else set()
            _assert_caused(entry, told, by_hand=by_hand | {"CreateEndpoint"})
    for endpoint in endpoints:
        _assert_bijection([story for story in told if story.endpoint == endpoint])


def _assert_caused(entry: Entry, told: list[Story], *, by_hand: set[str]) -> None:
    if "config" not in entry["changed"]:
        return
    live = {story.name for story in told if story.endpoint == entry["endpoint"] and story.live}
    assert entry["cause"] in live | by_hand, f"a change that nobody caused: {entry}"


def _assert_bijection(told: list[Story]) -> None:
    """Hold experiments against those who created them; one that never ran may be made anew."""
    strangers = [s.name for s in told if not s.key[1] and s.name != made_by_hand(s.endpoint)]
    assert [] == strangers, f"experiments of nobody: {strangers}"
    keys = [story.key for story in told if story.ran or not story.deleted]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    assert [] == twice, f"more than one experiment for {twice}"
    for story in told:
        assert len(story.stops) <= 1, f"{story.name} was stopped {len(story.stops)} times"
