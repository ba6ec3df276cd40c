"""The limits of single values that AWS documents, as one table from path to limit.

A path is the operation and its members, `[]` for the members of a list, `{key}` and `{value}` for
those of a map. Copied from AWS's reference pages, not read from botocore (except for the instance
types, of which new ones come every month), so that a test can compare it with the service model.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from airflow_shadow.emulator.account_state import Status

Kind = Literal["string", "integer", "timestamp", "structure", "list", "map"]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The limits of a value; minimum and maximum are lengths, for integers values."""

    kind: Kind = "string"
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] | None = None
    # The shape of botocore's model that lists the allowed values, where they are many.
    enum_shape: str | None = None


def _must(limit: Limit) -> Limit:
    return replace(limit, required=True)


def _under(path: str, limits: dict[str, Limit]) -> dict[str, Limit]:
    return {f"{path}{name}": limit for name, limit in limits.items()}


STRUCTURE = Limit(kind="structure")
TIMESTAMP = Limit(kind="timestamp")

NAME = Limit(minimum=1, maximum=120, pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}")
ENTITY_NAME = Limit(minimum=0, maximum=63, pattern=r"[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?")
ENDPOINT_NAME = Limit(minimum=0, maximum=63, pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
TEXT = Limit(minimum=0, maximum=1024, pattern=r".*")
KMS_KEY = Limit(minimum=0, maximum=2048, pattern=r"[a-zA-Z0-9:/_-]*")
ROLE_ARN = Limit(
    minimum=20,
    maximum=2048,
    pattern=r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
)
RESOURCE_ARN = Limit(
    minimum=0, maximum=256, pattern=r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+"
)
CONTENT_TYPE = Limit(
    minimum=1,
    maximum=256,
    pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9])*\/[a-zA-Z0-9](-*[a-zA-Z0-9.])*",
)
CONTENT_TYPES = Limit(kind="list", minimum=1, maximum=10)
TAG_TEXT = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
TAG_KEY = Limit(required=True, minimum=1, maximum=128, pattern=TAG_TEXT)
TAG_VALUE = Limit(required=True, minimum=0, maximum=256, pattern=TAG_TEXT)
TYPE = Limit(enum=("ShadowMode",))
NEXT_TOKEN = Limit(minimum=0, maximum=8192, pattern=r".*")

SCHEDULE = {"": STRUCTURE, ".StartTime": TIMESTAMP, ".EndTime": TIMESTAMP}

MODEL_VARIANTS = {
    "": Limit(kind="list", minimum=1, maximum=2),
    "[]": STRUCTURE,
    "[].ModelName": _must(ENTITY_NAME),
    "[].VariantName": _must(ENTITY_NAME),
    "[].InfrastructureConfig": _must(STRUCTURE),
    "[].InfrastructureConfig.InfrastructureType": Limit(required=True, enum=("RealTimeInference",)),
    "[].InfrastructureConfig.RealTimeInferenceConfig": _must(STRUCTURE),
    "[].InfrastructureConfig.RealTimeInferenceConfig.InstanceType": Limit(
        required=True, enum_shape="InstanceType"
    ),
    "[].InfrastructureConfig.RealTimeInferenceConfig.InstanceCount": Limit(
        kind="integer", required=True, minimum=0
    ),
}

DATA_STORAGE = {
    "": STRUCTURE,
    ".Destination": Limit(
        required=True, minimum=0, maximum=512, pattern=r"(https|s3)://([^/])/?(.*)"
    ),
    ".KmsKey": KMS_KEY,
    ".ContentType": STRUCTURE,
    ".ContentType.CsvContentTypes": CONTENT_TYPES,
    ".ContentType.CsvContentTypes[]": CONTENT_TYPE,
    ".ContentType.JsonContentTypes": CONTENT_TYPES,
    ".ContentType.JsonContentTypes[]": CONTENT_TYPE,
}

SHADOW_MODE = {
    "": STRUCTURE,
    ".SourceModelVariantName": _must(ENTITY_NAME),
    ".ShadowModelVariants": Limit(kind="list", required=True, minimum=1, maximum=1),
    ".ShadowModelVariants[]": STRUCTURE,
    ".ShadowModelVariants[].ShadowModelVariantName": _must(ENTITY_NAME),
    # No minimum is documented; `rules` refuses a negative percentage.
    ".ShadowModelVariants[].SamplingPercentage": Limit(kind="integer", required=True, maximum=100),
}

TAGS = {
    "": Limit(kind="list", minimum=0, maximum=50),
    "[]": STRUCTURE,
    "[].Key": TAG_KEY,
    "[].Value": TAG_VALUE,
}

_CREATE = "CreateInferenceExperiment"
_UPDATE = "UpdateInferenceExperiment"
_STOP = "StopInferenceExperiment"
_LIST = "ListInferenceExperiments"

LIMITS: dict[str, Limit] = {
    f"{_CREATE}.Name": _must(NAME),
    f"{_CREATE}.Type": _must(TYPE),
    **_under(f"{_CREATE}.Schedule", SCHEDULE),
    f"{_CREATE}.Description": TEXT,
    f"{_CREATE}.RoleArn": _must(ROLE_ARN),
    f"{_CREATE}.EndpointName": _must(ENDPOINT_NAME),
    **_under(f"{_CREATE}.ModelVariants", MODEL_VARIANTS | {"": _must(MODEL_VARIANTS[""])}),
    **_under(f"{_CREATE}.DataStorageConfig", DATA_STORAGE),
    **_under(f"{_CREATE}.ShadowModeConfig", SHADOW_MODE | {"": _must(STRUCTURE)}),
    f"{_CREATE}.KmsKey": KMS_KEY,
    **_under(f"{_CREATE}.Tags", TAGS),
    f"{_UPDATE}.Name": _must(NAME),
    **_under(f"{_UPDATE}.Schedule", SCHEDULE),
    f"{_UPDATE}.Description": TEXT,
    **_under(f"{_UPDATE}.ModelVariants", MODEL_VARIANTS),
    **_under(f"{_UPDATE}.DataStorageConfig", DATA_STORAGE),
    **_under(f"{_UPDATE}.ShadowModeConfig", SHADOW_MODE),
    "StartInferenceExperiment.Name": _must(NAME),
    f"{_STOP}.Name": _must(NAME),
    f"{_STOP}.ModelVariantActions": Limit(kind="map", required=True, minimum=1, maximum=2),
    f"{_STOP}.ModelVariantActions{{key}}": ENTITY_NAME,
    f"{_STOP}.ModelVariantActions{{value}}": Limit(enum=("Retain", "Remove", "Promote")),
    **_under(f"{_STOP}.DesiredModelVariants", MODEL_VARIANTS),
    f"{_STOP}.DesiredState": Limit(enum=("Completed", "Cancelled")),
    f"{_STOP}.Reason": TEXT,
    "DescribeInferenceExperiment.Name": _must(NAME),
    "DeleteInferenceExperiment.Name": _must(NAME),
    f"{_LIST}.NameContains": Limit(minimum=0, maximum=63, pattern=r"[a-zA-Z0-9\-]+"),
    f"{_LIST}.Type": TYPE,
    f"{_LIST}.StatusEquals": Limit(enum=get_args(Status)),
    f"{_LIST}.CreationTimeAfter": TIMESTAMP,
    f"{_LIST}.CreationTimeBefore": TIMESTAMP,
    f"{_LIST}.LastModifiedTimeAfter": TIMESTAMP,
    f"{_LIST}.LastModifiedTimeBefore": TIMESTAMP,
    f"{_LIST}.SortBy": Limit(enum=("Name", "CreationTime", "Status")),
    f"{_LIST}.SortOrder": Limit(enum=("Ascending", "Descending")),
    f"{_LIST}.NextToken": NEXT_TOKEN,
    f"{_LIST}.MaxResults": Limit(kind="integer", minimum=1, maximum=100),
    "AddTags.ResourceArn": _must(RESOURCE_ARN),
    **_under("AddTags.Tags", TAGS | {"": _must(TAGS[""])}),
    "ListTags.ResourceArn": _must(RESOURCE_ARN),
    "ListTags.NextToken": NEXT_TOKEN,
    "ListTags.MaxResults": Limit(kind="integer", minimum=50),
    "DeleteTags.ResourceArn": _must(RESOURCE_ARN),
    "DeleteTags.TagKeys": Limit(kind="list", required=True, minimum=1, maximum=50),
    "DeleteTags.TagKeys[]": replace(TAG_KEY, required=False),
}
