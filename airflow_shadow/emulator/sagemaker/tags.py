"""Tags on experiments, endpoints and their configurations; moto keeps those of everything else."""

from airflow_shadow.emulator.account_state import AccountState
from airflow_shadow.emulator.errors import Invalid, NotFound

_MOST = 50


def is_ours(arn: str) -> bool:
    """Whether this ARN names a resource whose tags the emulator keeps."""
    kind = arn.rsplit(":", 1)[-1].split("/", 1)[0]
    return kind in ("inference-experiment", "endpoint", "endpoint-config")


def tags_of(state: AccountState, arn: str) -> dict[str, str]:
    """Return the tags of a resource. Raises NotFound if there is no such resource."""
    if arn not in state.tags:
        raise NotFound(f"There is no resource {arn}.")
    return state.tags[arn]


def add_tags(state: AccountState, arn: str, tags: list[dict[str, str]]) -> dict[str, str]:
    """Add tags, or change those that are there: AddTags."""
    merged = tags_of(state, arn) | {tag["Key"]: tag["Value"] for tag in tags}
    if len(merged) > _MOST:
        raise Invalid(f"{arn} would have {len(merged)} tags; {_MOST} are allowed.")
    state.tags[arn] = merged
    return merged


def delete_tags(state: AccountState, arn: str, keys: list[str]) -> None:
    """Remove tags; keys that are not there do not matter: DeleteTags."""
    tags = tags_of(state, arn)
    for key in keys:
        tags.pop(key, None)
