"""The hook: the seven operations of inference experiments, and what an endpoint runs now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow_shadow.exceptions import (
    AwsRefusedError,
    ExperimentNotFoundError,
    InvalidRequestError,
)
from airflow_shadow.experiments.lifecycle import LIVE, Action, Status, mark, status_of, stop_request
from airflow_shadow.hooks.autoscaling import AutoscalingHook
from airflow_shadow.hooks.base import CallingHook
from airflow_shadow.hooks.capture import CaptureHook
from airflow_shadow.hooks.cloudwatch import CloudWatchHook
from airflow_shadow.hooks.errors import NOT_FOUND, VALIDATION, without_user
from airflow_shadow.hooks.holders import Holders
from airflow_shadow.hooks.responses import to_plain
from airflow_shadow.request_model import InvalidParametersError, Prepared, coerce, prepare

_PAGE = 100  # the largest that ListInferenceExperiments allows


class InferenceExperimentHook(CallingHook):
    """Call Amazon SageMaker's inference experiments (shadow tests).

    Requests use the API's own names; rendered text is converted to the types of the service's
    model. Descriptions come back as plain values: times are ISO-8601 text in UTC.

    Every method raises the errors of :mod:`airflow_shadow.exceptions`. The parameters are those of
    :class:`~airflow_shadow.hooks.base.CallingHook`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "sagemaker"
        super().__init__(*args, **kwargs)
        #: The experiment that was described last, for the links of a task that is about to defer.
        self.described: dict[str, Any] | None = None
        self._holders = Holders()

    @cached_property
    def cloudwatch(self) -> CloudWatchHook:
        """Return the hook for CloudWatch that uses the same connection."""
        return CloudWatchHook.beside(self)

    @cached_property
    def autoscaling(self) -> AutoscalingHook:
        """Return the hook for Application Auto Scaling that uses the same connection."""
        return AutoscalingHook.beside(self)

    @cached_property
    def capture(self) -> CaptureHook:
        """Return the hook for S3 that uses the same connection."""
        return CaptureHook.beside(self)

    @property
    def is_at_aws(self) -> bool:
        """Tell whether calls go to AWS, not to an emulator."""
        host = urlsplit(self.conn.meta.endpoint_url).hostname or ""
        return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))

    @property
    def emulator(self) -> str:
        """The address of the emulator that calls go to, without a password; empty at AWS."""
        address = str(self.conn.meta.endpoint_url)
        return "" if self.is_at_aws else without_user(address).rstrip("/")

    def remove_shadow_now(self, name: str, *, reason: str) -> None:
        """Remove an experiment's shadow in one attempt of at most four seconds, keeping production.

        For a task that is killed, which cannot wait. An experiment that is not Running is left.
        """
        self.forget_connection()
        self._hurried = True
        experiment = self.describe_inference_experiment(name)
        if status_of(experiment) is Status.RUNNING:
            self.stop_inference_experiment(
                stop_request(
                    experiment,
                    promote=False,
                    desired_state=str(Status.CANCELLED),
                    reason=mark(Action.REMOVE, reason),
                )
            )

    # --- calling -------------------------------------------------------------------------

    def input_shape(self, operation: str) -> Any:
        """Return the shape of an operation's request in the service's model."""
        return self.conn.meta.service_model.operation_model(operation).input_shape

    def prepare(self, operation: str, values: Mapping[str, Any]) -> Prepared:
        """Give rendered values the API's types and check them against the service's model.

        :raises InvalidRequestError: with all faults, each with its path
        """
        shape = self.input_shape(operation)
        try:
            return prepare(operation=operation, shape=shape, values=values)
        except InvalidParametersError as error:
            raise InvalidRequestError(asked=operation, found=str(error)) from error

    def coerce(self, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Give rendered values the API's types, leaving out (and logging) what rendered to nothing.

        :raises InvalidRequestError: with all faults, each with its path
        """
        try:
            coerced = coerce(operation=operation, shape=self.input_shape(operation), values=values)
        except InvalidParametersError as error:
            raise InvalidRequestError(asked=operation, found=str(error)) from error
        for path in coerced.left_out:
            self.log.info("%s rendered to nothing and is left out.", path)
        return coerced.params

    def _change(self, operation: str, values: Mapping[str, Any] | Prepared) -> str:
        prepared = values if isinstance(values, Prepared) else self.prepare(operation, values)
        for fault in prepared.warnings:
            self.log.warning("%s; sent nevertheless, because AWS may know it.", fault)
        return str(self._ask(operation, prepared.params).get("InferenceExperimentArn", ""))

    def _ask(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation on an experiment, which may not exist."""
        try:
            return self.call(operation, params)
        except AwsRefusedError as error:
            if error.code != NOT_FOUND:
                raise
            raise ExperimentNotFoundError(
                asked=error.asked,
                found=f"no experiment named {params['Name']!r}",
                reason=error.reason,
            ) from error

    # --- the seven operations ------------------------------------------------------------

    def create_inference_experiment(self, values: Mapping[str, Any] | Prepared) -> str:
        """Call CreateInferenceExperiment and return the ARN.

        :param values: the request, or the result of :meth:`prepare`
        """
        return self._change("CreateInferenceExperiment", values)

    def describe_inference_experiment(self, name: str) -> dict[str, Any]:
        """Call DescribeInferenceExperiment.

        :raises ExperimentNotFoundError: there is none of that name
        """
        self.described = self._ask("DescribeInferenceExperiment", {"Name": name})
        return self.described

    def update_inference_experiment(self, values: Mapping[str, Any] | Prepared) -> str:
        """Call UpdateInferenceExperiment and return the ARN.

        :param values: the request, or the result of :meth:`prepare`
        """
        return self._change("UpdateInferenceExperiment", values)

    def start_inference_experiment(self, name: str) -> str:
        """Call StartInferenceExperiment, which starts a scheduled one now; return the ARN."""
        return self._change("StartInferenceExperiment", {"Name": name})

    def stop_inference_experiment(self, values: Mapping[str, Any] | Prepared) -> str:
        """Call StopInferenceExperiment and return the ARN.

        :param values: the request, or the result of :meth:`prepare`
        """
        return self._change("StopInferenceExperiment", values)

    def delete_inference_experiment(self, name: str) -> str:
        """Call DeleteInferenceExperiment, which leaves endpoint and variants alone."""
        return self._change("DeleteInferenceExperiment", {"Name": name})

    def list_inference_experiments(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Call ListInferenceExperiments page by page, even if a page is empty.

        :param filters: the request's fields by the API's names
        """
        operation = "ListInferenceExperiments"
        params = self.prepare(operation, {"MaxResults": _PAGE, **filters}).params
        for page in self.pages(operation, params):
            yield from to_plain(page).get("InferenceExperiments", [])

    # --- around experiments --------------------------------------------------------------

    def find_experiment(self, name: str) -> dict[str, Any] | None:
        """Describe an experiment, `None` if there is none of that name."""
        try:
            return self.describe_inference_experiment(name)
        except ExperimentNotFoundError:
            return None

    def find_endpoint(self, name: str) -> dict[str, Any] | None:
        """Call DescribeEndpoint, `None` if there is none of that name."""
        return self._find("DescribeEndpoint", {"EndpointName": name})

    def _find(self, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        # SageMaker's older operations answer ValidationException where a name is unknown.
        try:
            return self.call(operation, params)
        except AwsRefusedError as error:
            if error.code not in {VALIDATION, NOT_FOUND}:
                raise
            return None

    def find_endpoint_config(self, name: str) -> dict[str, Any] | None:
        """Call DescribeEndpointConfig, `None` if there is none of that name."""
        return self._find("DescribeEndpointConfig", {"EndpointConfigName": name})

    def find_model(self, name: str) -> dict[str, Any] | None:
        """Call DescribeModel, `None` if there is none of that name."""
        return self._find("DescribeModel", {"ModelName": name})

    def find_model_package(self, name: str) -> dict[str, Any] | None:
        """Call DescribeModelPackage, `None` if there is none of that ARN or name."""
        return self._find("DescribeModelPackage", {"ModelPackageName": name})

    def find_processing_job(self, name: str) -> dict[str, Any] | None:
        """Call DescribeProcessingJob, `None` if there is none of that name."""
        return self._find("DescribeProcessingJob", {"ProcessingJobName": name})

    def create_processing_job(self, values: Mapping[str, Any]) -> None:
        """Call CreateProcessingJob.

        :param values: the request, as rendered
        """
        prepared = self.prepare("CreateProcessingJob", values)
        self.call("CreateProcessingJob", prepared.params)

    def find_monitoring_schedules(self, endpoint_name: str) -> list[str]:
        """Call ListMonitoringSchedules page by page; return the names of an endpoint's."""
        request = {"EndpointName": endpoint_name, "MaxResults": _PAGE}
        pages = self.pages("ListMonitoringSchedules", request)
        found = (one for page in pages for one in page.get("MonitoringScheduleSummaries", []))
        return sorted(one["MonitoringScheduleName"] for one in found)

    def find_tags(self, arn: str) -> dict[str, str]:
        """Call ListTags page by page."""
        pages = self.pages("ListTags", {"ResourceArn": arn, "MaxResults": _PAGE})
        return {tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags", [])}

    def add_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Call AddTags, which overwrites the values of known keys."""
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.call("AddTags", {"ResourceArn": arn, "Tags": listed})

    def find_occupying_experiment(self, endpoint_name: str) -> dict[str, Any] | None:
        """Find the live experiment on an endpoint, and describe it as it is now.

        All live ones are described once, for List tells no endpoints, and may lag behind.
        """
        holder = self._holders.read(self).get(endpoint_name)
        found = self.find_experiment(holder["Name"]) if holder else None
        return found if found and found["Status"] in LIVE else None

    def find_running(self, endpoint_name: str) -> dict[str, Any] | None:
        """Describe an endpoint with the model and instance type that its production runs now."""
        endpoint = self.find_endpoint(endpoint_name)
        if endpoint is None:
            return None
        config = self.find_endpoint_config(endpoint["EndpointConfigName"]) or {}
        production = (config.get("ProductionVariants") or [{}])[0]
        return {**endpoint, "Config": config, "ModelName": production.get("ModelName")}
