"""Delete what a journal names: experiments, then the endpoint, then configurations."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from airflow_shadow.conformance.account import OPERATIONS, Account, Document
from airflow_shadow.conformance.checks import CannotSeeError
from airflow_shadow.conformance.journal import Entry, Kind
from airflow_shadow.exceptions import ShadowError
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    Status,
    production_variant,
    shadow_variant,
    status_of,
)

_ORDER: tuple[Kind, ...] = ("experiment", "endpoint", "endpoint-config")
#: Why the shadow is removed, which AWS keeps.
_REASON = "airflow-shadow conformance cleans up"
#: What is not found twice is gone: a read right after a creation may not show it yet.
_MISSING = 2
_BY_HAND = {
    "experiment": "aws sagemaker delete-inference-experiment --region {region} --name {name}",
    "endpoint": "aws sagemaker delete-endpoint --region {region} --endpoint-name {name}",
    "endpoint-config": (
        "aws sagemaker delete-endpoint-config --region {region} --endpoint-config-name {name}"
    ),
}


@dataclass
class CleanUp:
    """Delete what the run has made; what cannot be deleted stays in the journal.

    :param account: whose journal it is
    """

    account: Account
    #: Whether anything that the journal names was there.
    has_found: bool = False
    why: dict[Entry, str] = field(default_factory=dict)

    def delete_all(self) -> None:
        """Delete everything; an error with one thing does not keep the others."""
        self._delete_each("experiment")
        with suppress(ShadowError):  # those that were seen are in the journal
            _find_configs(self.account)  # now, because the end of an experiment makes another one
        self._delete_each("endpoint")
        self._delete_each("experiment")  # one that its endpoint held, if there is any left
        self._delete_each("endpoint-config")

    def _delete_each(self, kind: Kind) -> None:
        for entry in reversed(self.account.journal.entries):
            if entry.kind == kind:
                self.delete(entry)

    def delete(self, entry: Entry) -> bool:
        """Delete one thing of the run and return whether it is gone."""
        try:
            self._delete(entry)
        except CannotSeeError as error:
            self.why[entry] = str(error)
        except ShadowError as error:
            self.why[entry] = f"{error.found} {error.reason}".strip()
        except (LookupError, TypeError, ValueError) as error:
            self.why[entry] = f"AWS's answer is none that this program knows: {error!r}"
        else:
            self.account.journal.remove(entry)
            self.why.pop(entry, None)
            self.account.say(f"{entry.kind} {entry.name} is deleted.")
            return True
        self.account.say(f"{entry.kind} {entry.name} is left: {self.why[entry]}")
        return False

    def _delete(self, entry: Entry) -> None:
        """Act and look until it is not there.

        :raises CannotSeeError: it is somebody else's, or still there after the limit
        """
        missing, acted, deadline = 0, False, time.monotonic() + self.account.pace.limit
        while missing < _MISSING and not (missing and acted):
            found = self.account.find(entry.kind, entry.name)
            if found is None:
                missing += 1
            else:
                self.has_found, missing = True, 0
                if why := self.account.why_not_ours(entry, found):
                    raise CannotSeeError(f"{why}; it was not touched")
                if time.monotonic() > deadline:
                    raise CannotSeeError(f"it is still there after {self.account.pace.limit:.0f} s")
                acted = self._act(entry, found)
            if not (missing and acted):
                self.account.pause()

    def _act(self, entry: Entry, found: Document) -> bool:
        """Do what leads towards the end; return whether that was the deletion."""
        how = OPERATIONS[entry.kind]
        status = status_of(found) if entry.kind == "experiment" else None
        # Each step of an experiment may put another configuration on the endpoint.
        self.account.note_config(self.account.find("endpoint", self.account.run) or {})
        if status is Status.RUNNING:
            self.account.attempt("StopInferenceExperiment", _removal(found))
            return False
        if entry.kind == "experiment" and status not in CONCLUDED | {Status.CREATED}:
            return False  # its work goes on
        if found.get("EndpointStatus") == "Deleting":
            return True
        return self.account.attempt(how.delete, {how.name: entry.name}) == ""

    def by_hand(self) -> list[str]:
        """Return the commands that delete what is left."""
        journal = self.account.journal
        return [
            _BY_HAND[kind].format(name=entry.name, region=journal.region)
            for kind in _ORDER
            for entry in journal.entries
            if entry.kind == kind
        ]


def _removal(experiment: Document) -> dict[str, Any]:
    """Return the request that stops an experiment and keeps production."""
    production, shadow = production_variant(experiment), shadow_variant(experiment)
    actions = {one["VariantName"]: "Retain" for one in (production,) if one}
    actions |= {one["VariantName"]: "Remove" for one in (shadow,) if one}
    return {
        "Name": experiment["Name"],
        "ModelVariantActions": actions,
        "DesiredState": str(Status.CANCELLED),
        "Reason": _REASON,
    }


def _find_configs(account: Account) -> None:
    """Write down the configurations of the run's name that AWS has made, seen or not."""
    token: dict[str, str] = {}
    while True:
        page = account.read(
            "ListEndpointConfigs", {"NameContains": account.run, "MaxResults": 100} | token
        )
        for one in page.get("EndpointConfigs", ()):
            if not account.journal.knows(name := str(one["EndpointConfigName"])):
                account.journal.add(Entry("endpoint-config", name, by_service=True))
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
