"""Tags on experiments, endpoints and their configurations; moto keeps those of everything else."""

from airflow_shadow.emulator.account_state import AccountState, Document
from airflow_shadow.emulator.errors import Invalid, NotFound

_MOST = 50


def read_tags(request: Document) -> dict[str, str]:
    """Return the tags of a Create request as a dict."""
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}


def is_ours(arn: str) -> bool:
    """Whether this ARN names a resource whose tags the emulator keeps."""
    kind = arn.rsplit(":", 1)[-1].split("/", 1)[0]
    return kind in ("inference-experiment", "endpoint", "endpoint-config")


def tags_of(state: AccountState, arn: str) -> dict[str, str]:
    """Return the tags of a resource. Raises NotFound if there is no such resource."""
    if arn not in state.tags:
        raise NotFound(f"There is no resource {arn}.")
    return state.tags[arn]


def add_tags(state: AccountState, request: Document) -> dict[str, str]:
    """Add tags, or change existing ones: AddTags."""
    arn = request["ResourceArn"]
    merged = tags_of(state, arn) | read_tags(request)
    if len(merged) > _MOST:
        raise Invalid(f"{arn} would have {len(merged)} tags; {_MOST} are allowed.")
    state.tags[arn] = merged
    return merged


def delete_tags(state: AccountState, request: Document) -> None:
    """Remove tags; keys that do not exist are ignored: DeleteTags."""
    tags = tags_of(state, request["ResourceArn"])
    for key in request["TagKeys"]:
        tags.pop(key, None)
