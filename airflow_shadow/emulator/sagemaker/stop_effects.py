"""What an endpoint runs during an experiment and after it."""

from dataclasses import dataclass

from airflow_shadow.emulator.account_state import Document, Endpoint, Experiment, Stop
from airflow_shadow.emulator.pace import WorkKind
from airflow_shadow.emulator.sagemaker.deploy import content_of, with_variants

_CAPTURE = "DataCaptureConfig"


@dataclass(frozen=True, kw_only=True)
class StopEffect:
    """What a stop leaves: a configuration, instance counts, and what Describe shows of variants."""

    content: Document
    counts: dict[str, Document]
    variants: list[Document]
    statuses: dict[str, str]


def unfinished_statuses(experiment: Experiment, kind: WorkKind) -> dict[str, str]:
    """Return the statuses of the variants while work is in progress."""
    names = (experiment.source_name, experiment.shadow_name)
    if kind in ("create", "start"):
        return dict.fromkeys(names, "Creating")
    if kind == "update":
        return dict.fromkeys(names, "Updating")
    actions = experiment.stop.actions if experiment.stop else {experiment.shadow_name: "Remove"}
    return {name: "Deleting" if actions.get(name) == "Remove" else "Updating" for name in names}


def running_content(experiment: Experiment, document: Document) -> Document:
    """Return the configuration of an endpoint under test.

    The weight of the shadow beside production's 1 is the sampling rate.
    """
    source = _production_variant(experiment.variant(experiment.source_name), 1.0)
    shadow = _production_variant(
        experiment.variant(experiment.shadow_name), experiment.sampling / 100
    )
    content = with_variants(document, production=[source], shadow=[shadow])
    return content | _capture(experiment.request.get("DataStorageConfig"))


def _capture(storage: Document | None) -> Document:
    """Return an experiment's capture, which replaces the endpoint's (assumed: capture)."""
    if storage is None:
        return {}
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": storage["Destination"],
        "KmsKeyId": storage.get("KmsKey"),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": storage.get("ContentType"),
    }
    return {_CAPTURE: {key: value for key, value in capture.items() if value}}


def _production_variant(variant: Document, weight: float) -> Document:
    infrastructure = variant["InfrastructureConfig"]["RealTimeInferenceConfig"]
    return {
        "VariantName": variant["VariantName"],
        "ModelName": variant["ModelName"],
        "InstanceType": infrastructure["InstanceType"],
        "InitialInstanceCount": infrastructure["InstanceCount"],
        "InitialVariantWeight": weight,
    }


def stop_effect(experiment: Experiment, stop: Stop, endpoint: Endpoint) -> StopEffect:
    """Return what a stop leaves, by the table of actions (assumed: stop-table)."""
    desired = {variant["VariantName"]: variant for variant in stop.desired}
    variants = [desired.get(one["VariantName"], one) for one in experiment.request["ModelVariants"]]
    statuses = {
        name: "Deleted" if action == "Remove" else "InService"
        for name, action in stop.actions.items()
    }
    if stop.actions[experiment.shadow_name] == "Remove" and not desired:
        # (assumed: revert)
        content, counts = content_of(experiment.former or {}), experiment.former_counts
    else:
        kept = {
            one["VariantName"]: one
            for one in variants
            if stop.actions[one["VariantName"]] != "Remove"
        }
        content = _kept_content(experiment, kept, endpoint)
        # Variants whose counts were given in the request do not keep their current ones.
        counts = {name: count for name, count in endpoint.counts().items() if name not in desired}
    return StopEffect(content=content, counts=counts, variants=variants, statuses=statuses)


def _kept_content(
    experiment: Experiment, kept: dict[str, Document], endpoint: Endpoint
) -> Document:
    # (assumed: promoted-name) A variant that stays alone gets all requests.
    first = kept.pop(experiment.source_name, None) or kept.pop(experiment.shadow_name)
    content = with_variants(
        endpoint.document,
        production=[_production_variant(first, 1.0)],
        shadow=[_production_variant(one, experiment.sampling / 100) for one in kept.values()],
    )
    return _without_capture(content, experiment)


def _without_capture(content: Document, experiment: Experiment) -> Document:
    """Return a configuration with the capture of before the experiment (assumed: capture)."""
    if experiment.request.get("DataStorageConfig") is None:
        return content
    former = (experiment.former or {}).get(_CAPTURE)
    others = {name: value for name, value in content.items() if name != _CAPTURE}
    return others | ({_CAPTURE: former} if former else {})
