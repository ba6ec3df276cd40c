"""Read and write an endpoint's tags, which tell which run promoted what it serves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from airflow_shadow.exceptions import AwsAccessDeniedError, AwsRefusedError
from airflow_shadow.experiments.promotions import (
    PROMOTED,
    SERVES,
    Promotion,
    parse_promotions,
    promotions_tag,
    with_candidate,
)
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook


def find_endpoint_tags(hook: InferenceExperimentHook, endpoint_arn: str) -> dict[str, str] | None:
    """Read the tags of an endpoint (ListTags), `None` if that is denied."""
    try:
        return hook.find_tags(endpoint_arn)
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        _warn(hook, endpoint_arn, error)
        return None


def find_promotions(hook: InferenceExperimentHook, endpoint_arn: str) -> list[Promotion] | None:
    """Read the promotions that an endpoint's tag lists (ListTags), `None` if that is denied."""
    tags = find_endpoint_tags(hook, endpoint_arn)
    return None if tags is None else parse_promotions(tags.get(SERVES, ""))


def tag_promoted(hook: InferenceExperimentHook, endpoint_arn: str, promoted: Promotion) -> None:
    """Tag an endpoint with what was seen to serve (AddTags), unless its tag is as new.

    Where tags cannot be used, a warning was logged before the promotion.

    :param promoted: its moment is by AWS's clock
    """
    with suppress(AwsAccessDeniedError, AwsRefusedError):
        seen = parse_promotions(hook.find_tags(endpoint_arn).get(PROMOTED, ""))
        if not any(one.moment >= promoted.moment for one in seen):
            hook.add_tags(endpoint_arn, {PROMOTED: str(promoted)})


def tag_serves(
    hook: InferenceExperimentHook,
    endpoint_arn: str,
    promotions: Sequence[Promotion] | None,
    *,
    serves: str,
    candidate: Promotion,
) -> None:
    """Tag an endpoint before a promotion (AddTags), unless its tag says so already.

    Assumed: an endpoint takes tags whatever its status.

    :param promotions: those that the tag lists, `None` if it could not be read
    :param serves: the model that production runs now
    """
    if promotions is None:
        return
    listed = with_candidate(promotions, serves=serves, candidate=candidate)
    if listed == promotions:
        return
    try:
        hook.add_tags(endpoint_arn, {SERVES: promotions_tag(listed)})
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        _warn(hook, endpoint_arn, error)


def _warn(hook: InferenceExperimentHook, endpoint_arn: str, error: Exception) -> None:
    hook.log.warning(
        "The endpoint's tag cannot be used, so an older run may undo the promotion of a newer one "
        "on endpoint %r. %s",
        endpoint_arn.rpartition("/")[-1],
        error,
    )
