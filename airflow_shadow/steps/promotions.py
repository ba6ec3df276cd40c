"""What an endpoint serves since which run: one tag on the endpoint, left by promotions.

A promotion writes the tag before it asks AWS to promote, because a task that does not wait never
sees the end. So the tag lists two rollouts, what serves now and what is about to, and whoever reads
it takes the one whose model serves by then: it is right whether the promotion happened or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_shadow.exceptions import AwsAccessDeniedError, AwsRefusedError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook

SERVES, PROMOTED = "airflow-shadow:serves", "airflow-shadow:promoted"


@dataclass(frozen=True)
class Rollout:
    """A model, and the moment of the run that promoted it.

    :param moment: aware, whole seconds
    """

    model_name: str
    moment: datetime

    def __str__(self) -> str:
        return f"{self.model_name}@{self.moment.astimezone(UTC).isoformat(timespec='seconds')}"


def parse(value: str) -> list[Rollout]:
    """Return the rollouts that a tag lists; what is none is left out, anybody may write tags."""
    return [found for text in value.split() if (found := _rollout(text))]


def _rollout(text: str) -> Rollout | None:
    model_name, _, moment = text.partition("@")
    try:
        since = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return Rollout(model_name, since) if model_name and since.tzinfo else None


def latest(rollouts: Iterable[Rollout], model_name: str) -> Rollout | None:
    """Return the rollout of a model, `None` if it is unknown since when it serves.

    A model that was promoted onto itself stands there twice; the later run counts.
    """
    own = [rollout for rollout in rollouts if rollout.model_name == model_name]
    return max(own, key=lambda rollout: rollout.moment, default=None)


def tag_value(rollouts: Iterable[Rollout], *, serves: str, candidate: Rollout) -> str:
    """Return the tag to leave before a promotion, at most 256 characters.

    :param rollouts: those of the tag so far
    :param serves: the model that production runs now
    """
    now = latest(rollouts, serves)
    if now and now.model_name == candidate.model_name:
        return str(latest([now, candidate], serves))
    return " ".join(map(str, filter(None, [now, candidate])))


def find_endpoint_tags(hook: InferenceExperimentHook, endpoint_arn: str) -> dict[str, str] | None:
    """Read the tags of an endpoint (ListTags), `None` if that is denied."""
    try:
        return hook.find_tags(endpoint_arn)
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        _warn(hook, endpoint_arn, error)
        return None


def find_rollouts(hook: InferenceExperimentHook, endpoint_arn: str) -> list[Rollout] | None:
    """Read what an endpoint's tag lists (ListTags), `None` if that is denied."""
    tags = find_endpoint_tags(hook, endpoint_arn)
    return None if tags is None else parse(tags.get(SERVES, ""))


def latest_proof(value: str, endpoint: Mapping[str, Any]) -> Rollout | None:
    """Return the promotion that was seen to serve after an endpoint's last change, if any.

    :param value: of the tag that :func:`leave_proof` writes
    :param endpoint: DescribeEndpoint
    """
    changed = endpoint.get("LastModifiedTime")
    if not changed:
        return None
    since = datetime.fromisoformat(changed)
    return next((proof for proof in parse(value) if proof.moment > since), None)


def leave_proof(hook: InferenceExperimentHook, endpoint_arn: str, promoted: Rollout) -> None:
    """Tag an endpoint with what was seen to serve (AddTags), unless its tag is as new.

    That tags cannot be used was said before the promotion.

    :param promoted: its moment is by AWS's clock
    """
    moment = promoted.moment.replace(microsecond=0)  # as the tag holds it
    with suppress(AwsAccessDeniedError, AwsRefusedError):
        seen = parse(hook.find_tags(endpoint_arn).get(PROMOTED, ""))
        if not any(one.moment >= moment for one in seen):
            hook.add_tags(endpoint_arn, {PROMOTED: str(promoted)})


def leave_rollout(
    hook: InferenceExperimentHook,
    endpoint_arn: str,
    *,
    rollouts: Iterable[Rollout],
    serves: str,
    candidate: Rollout,
) -> None:
    """Write the tag of an endpoint (AddTags), unless it says so already.

    Assumed: an endpoint takes tags whatever its status.
    """
    value = tag_value(rollouts, serves=serves, candidate=candidate)
    if value == " ".join(map(str, rollouts)):
        return
    try:
        hook.add_tags(endpoint_arn, {SERVES: value})
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        _warn(hook, endpoint_arn, error)


def _warn(hook: InferenceExperimentHook, endpoint_arn: str, error: Exception) -> None:
    hook.log.warning(
        "The order of rollouts on endpoint %r is not protected: an older run may undo a newer "
        "one's promotion, because the endpoint's tag cannot be used. %s",
        endpoint_arn.rpartition("/")[-1],
        error,
    )
