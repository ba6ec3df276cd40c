"""What an endpoint's production variant runs, and what an experiment would change of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_shadow.text.values import epoch

_VARIANT_NAME_LIMIT = 63
#: What every deployment changes, beside the status.
_DEPLOYMENT = ("EndpointArn", "EndpointConfigName", "CreationTime", "LastModifiedTime")


@dataclass(frozen=True)
class ProductionVariant:
    """The production variant as the endpoint runs it at this moment.

    :param instance_count: the desired count, which scaling may have moved far from the
        configuration's initial count
    :param kms_key: the key of the instances' storage volumes, if any
    :param endpoint: DescribeEndpoint, with DescribeEndpointConfig as `Config`
    :param model_is_newer: whether the model was created after the endpoint's configuration, so
        that its name stands for something else than what runs
    :param model_exists: `False` if the model was deleted since production was deployed
    """

    arn: str
    endpoint_name: str
    variant_name: str
    model_name: str
    instance_type: str
    instance_count: int
    kms_key: str | None = None
    endpoint: Mapping[str, Any] = field(default_factory=dict)
    model_is_newer: bool = False
    model_exists: bool = True

    @classmethod
    def of(cls, endpoint: Mapping[str, Any], model: Mapping[str, Any] | None) -> ProductionVariant:
        """Return the production variant of an endpoint that shadow tests support.

        :param endpoint: DescribeEndpoint, with DescribeEndpointConfig as `Config`
        :param model: DescribeModel of its model, `None` if it does not exist
        """
        config = endpoint["Config"]
        configured, deployed = config["ProductionVariants"][0], _first(endpoint)
        count = deployed.get("DesiredInstanceCount") or deployed.get("CurrentInstanceCount")
        return cls(
            arn=endpoint["EndpointArn"],
            endpoint_name=endpoint["EndpointName"],
            variant_name=configured["VariantName"],
            model_name=configured["ModelName"],
            instance_type=configured["InstanceType"],
            instance_count=int(count or configured["InitialInstanceCount"]),
            kms_key=config.get("KmsKeyId"),
            endpoint=endpoint,
            model_is_newer=is_created_after(model or {}, config),
            model_exists=model is not None,
        )

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the endpoint's configuration (DescribeEndpointConfig)."""
        config: Mapping[str, Any] = self.endpoint.get("Config") or {}
        return config

    def is_deployed_as(self, endpoint: Mapping[str, Any]) -> bool:
        """Tell whether a later DescribeEndpoint shows the same deployment."""
        return all(endpoint.get(key) == self.endpoint.get(key) for key in _DEPLOYMENT)


def _first(description: Mapping[str, Any]) -> Mapping[str, Any]:
    variants: list[Mapping[str, Any]] = description.get("ProductionVariants") or [{}]
    return variants[0]


def is_created_after(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether one description's `CreationTime` is later than another's, if both have one."""
    created, before = one.get("CreationTime"), other.get("CreationTime")
    return bool(created and before) and epoch(created) > epoch(before)


def unsupported_reasons(
    endpoint: Mapping[str, Any], model: Mapping[str, Any] | None
) -> Iterator[str]:
    """Yield why shadow tests exclude an endpoint (developer guide, shadow tests, exclusions).

    The parameters are those of :meth:`ProductionVariant.of`.
    """
    config, containers = endpoint["Config"], (model or {}).get("Containers") or []
    variants, configured = config.get("ProductionVariants") or [], _first(config)
    name = configured.get("ModelName")
    if len(variants) > 1:
        yield f"it has {len(variants)} production variants, but a shadow test takes one"
    if config.get("AsyncInferenceConfig"):
        yield "it is asynchronous"
    if configured.get("ServerlessConfig"):
        yield "it is serverless"
    elif not name:
        yield "it hosts inference components, so its variant names no model"
    elif not configured.get("InstanceType"):
        yield "its variant names no instance type"
    if str(configured.get("InstanceType")).startswith("ml.inf1."):
        yield "it runs on Inf1 instances"
    if len(containers) > 1:
        yield f"its model {name!r} has {len(containers)} containers"
    if ((model or {}).get("PrimaryContainer") or {}).get("Mode") == "MultiModel":
        yield f"its model {name!r} is a multi-model container"


def model_variant(
    *, model_name: str, variant_name: str, instance_type: str, instance_count: int
) -> dict[str, Any]:
    """Return a `ModelVariantConfig` in the API's words."""
    return {
        "ModelName": model_name,
        "VariantName": variant_name,
        "InfrastructureConfig": {
            "InfrastructureType": "RealTimeInference",
            "RealTimeInferenceConfig": {
                "InstanceType": instance_type,
                "InstanceCount": instance_count,
            },
        },
    }


def shadow_variant_name(model_name: str, *, production: str) -> str:
    """Return the default name of the shadow variant: the model's, unless production has that name.

    A fixed name would collide on the second night: after a promotion production has the last
    shadow's name.
    """
    name = re.sub(r"[^a-zA-Z0-9]+", "-", model_name).strip("-")[:_VARIANT_NAME_LIMIT].strip("-")
    if name != production:
        return name
    suffix = "-shadow"
    return name[: _VARIANT_NAME_LIMIT - len(suffix)].strip("-") + suffix


def shadow_request(
    production: ProductionVariant,
    *,
    model_name: str,
    sampling_percentage: Any,
    variant_name: str | None = None,
) -> dict[str, Any]:
    """Return `ModelVariants` and `ShadowModeConfig` that test a model and change nothing else.

    The shadow gets production's instance type and count, as AWS advises.

    :param sampling_percentage: share of the requests that are copied to the shadow, 0 to 100
    """
    source = production.variant_name
    shadow = variant_name or shadow_variant_name(str(model_name), production=source)
    models = ((source, production.model_name), (shadow, model_name))
    return {
        "ModelVariants": [
            model_variant(
                model_name=model,
                variant_name=name,
                instance_type=production.instance_type,
                instance_count=production.instance_count,
            )
            for name, model in models
        ],
        "ShadowModeConfig": {
            "SourceModelVariantName": source,
            "ShadowModelVariants": [
                {"ShadowModelVariantName": shadow, "SamplingPercentage": sampling_percentage}
            ],
        },
    }


def production_changes(
    request: Mapping[str, Any], production: ProductionVariant, *, keeps_count: bool = False
) -> list[str]:
    """Return in what a request's production entry differs from what the endpoint runs.

    CreateInferenceExperiment redeploys production as `ModelVariants` says, so that a wrong entry
    changes what customers get. More instances than now are no harm.

    :param request: or an experiment's description
    :param keeps_count: whether the call that is about to be made leaves the count as it is
    """
    source = request["ShadowModeConfig"]["SourceModelVariantName"]
    entry = next((v for v in request["ModelVariants"] if v["VariantName"] == source), None)
    if entry is None:
        return [f"no entry for the production variant {source!r}"]
    infrastructure = entry["InfrastructureConfig"]["RealTimeInferenceConfig"]
    fields = [
        ("variant", production.variant_name, source),
        ("model", production.model_name, entry["ModelName"]),
        ("instance type", production.instance_type, infrastructure["InstanceType"]),
    ]
    changes = [f"{what} {now!r} would become {then!r}" for what, now, then in fields if now != then]
    count = int(infrastructure["InstanceCount"])
    if count < production.instance_count and not keeps_count:
        changes.append(f"{production.instance_count} instances would become {count}")
    return changes
