"""Which model an endpoint serves, promoted by which run: the content of two tags on the endpoint.

A promotion writes the tag `serves` before it calls AWS, because a task that does not wait never
sees the end. So that tag lists two promotions, of the model that serves now and of the one that is
about to, and whoever reads it takes the one whose model serves by then: that is right whether the
promotion happened or not. The tag `promoted` is written once the candidate was seen to serve.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SERVES, PROMOTED = "airflow-shadow:serves", "airflow-shadow:promoted"


@dataclass(frozen=True)
class Promotion:
    """A model, and the moment of the run that promoted it.

    :param moment: aware
    """

    model_name: str
    moment: datetime

    def __str__(self) -> str:
        return f"{self.model_name}@{self.moment.astimezone(UTC).isoformat()}"


def parse_promotions(tag: str) -> list[Promotion]:
    """Return the promotions that a tag lists, without what is none: anybody may write tags."""
    return [found for text in tag.split() if (found := _promotion(text))]


def _promotion(text: str) -> Promotion | None:
    model_name, _, moment = text.partition("@")
    try:
        since = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return Promotion(model_name, since) if model_name and since.tzinfo else None


def promotions_tag(promotions: Iterable[Promotion]) -> str:
    """Return the tag that lists promotions."""
    return " ".join(map(str, promotions))


def latest_promotion(promotions: Iterable[Promotion], model_name: str) -> Promotion | None:
    """Return the promotion of a model, `None` if it is unknown since when it serves.

    A model that was promoted onto itself is listed twice; the later run counts.
    """
    own = [promotion for promotion in promotions if promotion.model_name == model_name]
    return max(own, key=lambda promotion: promotion.moment, default=None)


def with_candidate(
    promotions: Iterable[Promotion], *, serves: str, candidate: Promotion
) -> list[Promotion]:
    """Return the promotions to list before another one, at most 256 characters of a tag.

    :param promotions: those listed so far
    :param serves: the model that production runs now
    """
    now = latest_promotion(promotions, serves)
    if now and now.model_name == candidate.model_name:
        return [max(now, candidate, key=lambda promotion: promotion.moment)]
    return [now, candidate] if now else [candidate]


def promotion_since_change(tag: str, endpoint: Mapping[str, Any]) -> Promotion | None:
    """Return the promotion that was seen to serve after an endpoint's last change, if any.

    :param tag: the value of :data:`PROMOTED`
    :param endpoint: DescribeEndpoint
    """
    changed = endpoint.get("LastModifiedTime")
    if not changed:
        return None
    since = datetime.fromisoformat(changed)
    return next((seen for seen in parse_promotions(tag) if seen.moment > since), None)
