"""Names and tags of experiments, and what to do with one that already has the name.

A task must find its own experiment again after a retry, a clear or a lost answer, in another
process, from AWS alone. So the name is deterministic, and tags hold the owner, the generation
(which a clear raises and a retry does not) and the arguments.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    Ending,
    Experiment,
    Status,
    ending,
    failure_reason,
    status_of,
)

_PREFIX = "airflow-shadow:"
OWNER, GENERATION, ARGUMENTS = f"{_PREFIX}owner", f"{_PREFIX}generation", f"{_PREFIX}arguments"
KNOWN_FAILURE, TASK = f"{_PREFIX}known-failure", f"{_PREFIX}task"
TRY = f"{_PREFIX}try"
CLEARS, AIRFLOW = f"{_PREFIX}clears", f"{_PREFIX}airflow"
#: Tags of the creation itself, which an adoption does not change.
_OF_THE_CREATION = frozenset({KNOWN_FAILURE, TRY})
_NAME_LIMIT, _TAG_LIMIT = 120, 256
_SLUG_LIMIT = 50


def digest(value: Any, length: int = 16) -> str:
    """Return a short hash of a plain value; equal values give equal hashes in every process."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def slug(text: str, limit: int = _SLUG_LIMIT) -> str:
    """Return a text as AWS allows it in names: letters, digits and inner hyphens."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-")[:limit].strip("-")


@dataclass(frozen=True)
class Identity:
    """The task instance to which an experiment belongs.

    :param deployment: name of the Airflow, where several share an AWS account
    :param generation: `max_tries`: raised by a clear of this task, not by a retry
    :param arguments: hash of the arguments as the user rendered them
    :param try_number: for readers of the log; it decides nothing
    :param clears: how often tasks of the run were cleared, this one or others
    :param retries: those that the Dag gives the task now
    :param address: host and path of the Airflow, `""` if it has none of its own; in no name and no
        hash, because it may differ between workers and change with a domain
    """

    deployment: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    generation: int = 0
    arguments: str = ""
    try_number: int = 1
    clears: int = 0
    retries: int = 0
    address: str = ""

    @property
    def owner(self) -> str:
        """Return the hash of the raw identity; slugs alone would collide."""
        return digest([self.deployment, self.dag_id, self.run_id, self.task_id, self.map_index], 32)

    def is_owner(self, tags: Mapping[str, str]) -> bool:
        """Tell whether this task instance created the experiment with these tags."""
        return tags.get(OWNER) == self.owner and not self.namesake(tags)

    def namesake(self, tags: Mapping[str, str]) -> str:
        """Return the address of another Airflow whose same task created it, else `""`.

        Where `deployment` names the Airflow, its address says nothing.
        """
        there, is_named = tags.get(AIRFLOW, ""), bool(self.deployment)
        same = is_named or tags.get(OWNER) != self.owner
        return "" if same or not self.address or there == self.address else there

    def is_same_generation(self, tags: Mapping[str, str]) -> bool:
        """Tell whether it did so since the task was last cleared.

        `max_tries` alone misses a clear if `retries` was lowered by the tries that were used; then
        the run's count of clears decides, which other tasks' clears raise, too.
        """
        if tags.get(GENERATION) != str(self.generation):
            return False
        clears, _, retries = tags.get(CLEARS, "").partition("/")
        return not clears or str(self.retries) == retries or str(self.clears) == clears

    def tags(self, *, known_failure: str) -> dict[str, str]:
        """Return the tags by which a later process recognises the experiment.

        :param known_failure: the endpoint's FailureReason before the experiment
        """
        where = [self.deployment, self.dag_id, self.run_id, self.task_id, str(self.map_index)]
        readable = "/".join(filter(None, where))
        return {
            OWNER: self.owner,
            GENERATION: str(self.generation),
            ARGUMENTS: self.arguments,
            TRY: str(self.try_number),
            KNOWN_FAILURE: digest(known_failure) if known_failure else "",
            TASK: _legal_tag(readable),
            CLEARS: f"{self.clears}/{self.retries}",
            AIRFLOW: _legal_tag(self.address),
        }

    def tags_of_adoption(self) -> dict[str, str]:
        """Return the tags that make an experiment of an earlier generation this generation's."""
        tags = self.tags(known_failure="")
        return {key: value for key, value in tags.items() if key not in _OF_THE_CREATION}


def _legal_tag(text: str) -> str:
    return re.sub(r"[^\w .:/=+\-@]", "_", text)[:_TAG_LIMIT]


def address_of(url: str) -> str:
    """Return host and path of an Airflow's base URL, `""` for none and for a loopback's."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:  # no URL
        return ""
    return "" if _is_loopback(host) else _legal_tag(f"{host}{parts.path.rstrip('/')}")


def _is_loopback(host: str) -> bool:
    if host in {"", "localhost"} or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:  # a name
        return False
    return address.is_loopback or address.is_unspecified


def default_names(identity: Identity, *, endpoint_name: str) -> Iterator[str]:
    """Yield the name of an experiment for a task instance, then its ordinals `-2`, `-3`, ...

    Endpoint and run come first, for readers of the console's list; the hash makes it unique.
    """
    run = slug(identity.run_id.removesuffix("+00:00"))
    base = "-".join(filter(None, [slug(endpoint_name), run, identity.owner[:8]]))
    yield base[:_NAME_LIMIT]
    ordinal = 2
    while True:
        yield f"{base}-{ordinal}"
        ordinal += 1


class Claim(StrEnum):
    """How to resolve an existing experiment of the same name."""

    CREATE = "create"
    ADOPT = "adopt"
    RECREATE = "delete and create again"
    AWAIT_END = "wait for its end"
    SUPERSEDE = "remove it first"
    NEXT_NAME = "take the next name"
    FOREIGN = "somebody else's"


def known_failure(experiment: Experiment, tags: Mapping[str, str]) -> str:
    """Return the experiment's FailureReason if it was there before the experiment, else `""`."""
    failure = failure_reason(experiment)
    return failure if failure and tags.get(KNOWN_FAILURE) == digest(failure) else ""


def claim(
    experiment: Experiment | None,
    tags: Mapping[str, str] | None,
    me: Identity,
    *,
    name_is_given: bool,
) -> Claim:
    """Decide what to do with an existing experiment of the name.

    :param experiment: `None` if there is none
    :param tags: `None` if they could not be read, which makes it somebody else's
    :param name_is_given: whether the user chose the name, which gets no ordinal then
    """
    if experiment is None:
        return Claim.CREATE
    if tags is None or not me.is_owner(tags):
        return Claim.FOREIGN
    if status_of(experiment) is Status.STOPPING:
        return Claim.AWAIT_END
    if me.is_same_generation(tags):
        return _claim_of_this_generation(experiment, tags)
    if status_of(experiment) in CONCLUDED:
        return Claim.RECREATE if name_is_given else Claim.NEXT_NAME
    return Claim.ADOPT if tags.get(ARGUMENTS) == me.arguments else Claim.SUPERSEDE


def _claim_of_this_generation(experiment: Experiment, tags: Mapping[str, str]) -> Claim:
    how = ending(experiment, known_failure=known_failure(experiment, tags))
    return Claim.RECREATE if how is Ending.BROKEN else Claim.ADOPT


def adoption(experiment: Experiment, tags: Mapping[str, str], me: Identity) -> str:
    """Return in one line with which experiment a task continues, and who created it."""
    shown = f"experiment {experiment['Name']!r} ({experiment['Status']})"
    if not me.is_owner(tags):
        return f"Found somebody else's {shown} of the same configuration, adopting it."
    since = [f"from try {tags[TRY]}"] if TRY in tags else []
    since += [] if me.is_same_generation(tags) else ["from before this task was cleared"]
    found = f"Found my {' '.join([shown, ', '.join(since)]).strip()}"
    if status_of(experiment) in CONCLUDED:
        return f"{found}; it has ended, so nothing is created."
    found += ", continuing."
    if me.is_same_generation(tags) and tags.get(ARGUMENTS, me.arguments) != me.arguments:
        found += " The task's arguments have changed since; clear the task to apply them."
    return found


def legal_name(text: str) -> str:
    """Return the nearest name that AWS accepts, for an error message's suggestion."""
    return slug(text, _NAME_LIMIT) or "experiment"
