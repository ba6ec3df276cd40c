"""What Describe and List show, in the API's members; moto serialises them."""

from airflow_shadow.emulator.account_state import (
    AccountState,
    Deployed,
    Document,
    Endpoint,
    Experiment,
    Status,
)

_SUMMARY_MEMBERS = ("Name", "Type", "RoleArn", "Description")
_MEMBERS = (*_SUMMARY_MEMBERS, "DataStorageConfig", "ShadowModeConfig", "KmsKey")


def _without_none(document: Document) -> Document:
    return {key: value for key, value in document.items() if value is not None}


def _read_status(experiment: Experiment) -> Status:
    """Return the status that a read shows, and count the read."""
    work = experiment.work
    if work is None:
        return experiment.status
    if work.late_reads:  # (assumed: update-shown-late)
        work.late_reads -= 1
        return experiment.idle
    work.reads += 1
    return experiment.status


def experiment_description(state: AccountState, experiment: Experiment) -> Document:
    """Return the answer of DescribeInferenceExperiment."""
    request = experiment.request
    late = _is_late(experiment)
    return _without_none(
        {
            **{member: request.get(member) for member in _MEMBERS},
            **_state(experiment, _read_status(experiment), late=late),
            "Arn": experiment.arn,
            "EndpointMetadata": _endpoint_metadata(state, experiment, late=late),
            "ModelVariants": [
                {**variant, "Status": _variant_status(experiment, variant, late=late)}
                for variant in request["ModelVariants"]
            ],
        }
    )


def experiment_summary(experiment: Experiment) -> Document:
    """Return an entry of ListInferenceExperiments, which counts as a read."""
    members = {member: experiment.request.get(member) for member in _SUMMARY_MEMBERS}
    late = _is_late(experiment)
    return _without_none(members | _state(experiment, _read_status(experiment), late=late))


def _state(experiment: Experiment, status: Status, *, late: bool) -> Document:
    return {
        "Status": status,
        "StatusReason": experiment.reason,
        "Schedule": {"StartTime": experiment.start, "EndTime": experiment.end},
        "CreationTime": experiment.created,
        "CompletionTime": experiment.completed,
        "LastModifiedTime": experiment.modified_before if late else experiment.modified,
    }


def _is_late(experiment: Experiment) -> bool:
    return bool(experiment.work and experiment.work.late_reads)


def _variant_status(experiment: Experiment, variant: Document, *, late: bool) -> str:
    if late:
        return "InService" if experiment.idle == "Running" else "Creating"
    return experiment.variants[variant["VariantName"]]


def _endpoint_metadata(state: AccountState, experiment: Experiment, *, late: bool) -> Document:
    endpoint = state.endpoints.get(experiment.endpoint)
    return _without_none(
        {
            "EndpointName": experiment.endpoint,
            "EndpointConfigName": endpoint and endpoint.config,
            "EndpointStatus": "InService" if late else endpoint and endpoint.status,
            "FailureReason": experiment.failure,  # (assumed: failure-reason-stays)
        }
    )


def endpoint_description(state: AccountState, endpoint: Endpoint) -> Document:
    """Return the answer of DescribeEndpoint, and count the read."""
    description = endpoint_summary(endpoint) | _without_none(
        {
            "EndpointConfigName": endpoint.config,
            "FailureReason": endpoint.failure,
            "DataCaptureConfig": _capture(endpoint),
            "PendingDeploymentSummary": _pending(endpoint),
            "AsyncInferenceConfig": endpoint.document.get("AsyncInferenceConfig"),
            # (assumed: no-variants-yet)
            "ProductionVariants": [_variant_summary(one) for one in endpoint.production] or None,
            "ShadowProductionVariants": [_variant_summary(one) for one in endpoint.shadow] or None,
        }
    )
    _count_endpoint_read(state, endpoint)
    return description


def _capture(endpoint: Endpoint) -> Document | None:
    """Return the current data capture: the endpoint's own, or that of its experiment."""
    capture = endpoint.document.get("DataCaptureConfig")
    if capture is None:
        return None
    enabled = bool(capture.get("EnableCapture"))
    return _without_none(
        {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture.get("InitialSamplingPercentage"),
            "DestinationS3Uri": capture.get("DestinationS3Uri"),
            "KmsKeyId": capture.get("KmsKeyId") or "",
        }
    )


def _pending(endpoint: Endpoint) -> Document | None:
    """Return the deployment of another configuration that is in progress, if there is one."""
    if endpoint.work is None or endpoint.next_config is None:
        return None
    return {"EndpointConfigName": endpoint.next_config, "StartTime": endpoint.work.since}


def _count_endpoint_read(state: AccountState, endpoint: Endpoint) -> None:
    experiment = state.live_on(endpoint.name)
    if endpoint.work:
        endpoint.work.reads += 1
    elif experiment and experiment.work:  # (assumed: endpoint-reads-count)
        experiment.work.endpoint_reads += 1


def endpoint_summary(endpoint: Endpoint) -> Document:
    """Return an entry of ListEndpoints."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }


def _variant_summary(variant: Deployed) -> Document:
    image = {
        "SpecifiedImage": variant.image,
        "ResolvedImage": variant.image,
        "ResolutionTime": variant.since,
    }
    return _without_none(
        {
            "VariantName": variant.name,
            "CurrentWeight": variant.current_weight,
            "DesiredWeight": variant.desired_weight,
            "CurrentInstanceCount": variant.current_count,
            "DesiredInstanceCount": variant.desired_count,
            "DeployedImages": [image] if variant.image else None,
            "CurrentServerlessConfig": variant.serverless,
            "DesiredServerlessConfig": variant.serverless,
        }
    )
