"""SageMaker's operations, where moto's dispatcher finds them: methods named in snake case."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.responses import SageMakerResponse

from airflow_shadow.emulator.account_state import Document, Endpoint, Experiment
from airflow_shadow.emulator.base_response import EmulatedResponse
from airflow_shadow.emulator.sagemaker import (
    endpoints,
    experiments,
    listing,
    monitoring,
    rules,
    tags,
    views,
)
from airflow_shadow.emulator.sagemaker.checks import check
from airflow_shadow.emulator.sagemaker.listing import Listed
from airflow_shadow.emulator.sagemaker.models import find_model
from airflow_shadow.emulator.sagemaker.recorder import check_declarations

Answer = ActionResult
Item = TypeVar("Item")


class ShadowResponse(EmulatedResponse, SageMakerResponse):
    """Moto's SageMaker with inference experiments, and with endpoints whose work takes time."""

    def _checked(self) -> Document:
        request = self.request
        check(self.operation, request)
        return request

    def create_inference_experiment(self) -> Answer:
        return _experiment_arn(experiments.create(self.state, self._checked(), self.now))

    def update_inference_experiment(self) -> Answer:
        return _experiment_arn(experiments.update(self.state, self._checked(), self.now))

    def start_inference_experiment(self) -> Answer:
        return _experiment_arn(experiments.start(self.state, self._checked(), self.now))

    def stop_inference_experiment(self) -> Answer:
        return _experiment_arn(experiments.stop(self.state, self._checked(), self.now))

    def delete_inference_experiment(self) -> Answer:
        return _experiment_arn(experiments.delete(self.state, self._checked()))

    def describe_inference_experiment(self) -> Answer:
        experiment = experiments.find(self.state, self._checked()["Name"])
        return ActionResult(views.experiment_description(self.state, experiment))

    def list_inference_experiments(self) -> Answer:
        self._checked()
        items, member = self.state.experiments.values(), "InferenceExperiments"
        return self._list(items, _experiment_facts, member, views.experiment_summary)

    def create_model(self) -> Answer:
        """Let moto create the model, at the emulator's time, and only once."""
        name = self.request["ModelName"]
        exists = find_model(self.state, name) is not None
        rules.require(not exists, f'There is a model "{name}" already.')
        check_declarations(self.request)
        answer = super().create_model()
        self.sagemaker_backend.describe_model(name).creation_time = self.now
        return answer

    def create_endpoint_config(self) -> Answer:
        config = endpoints.create_config(self.state, self.request, self.now)
        return ActionResult({"EndpointConfigArn": config["EndpointConfigArn"]})

    def describe_endpoint_config(self) -> Answer:
        return ActionResult(endpoints.config(self.state, self.request["EndpointConfigName"]))

    def delete_endpoint_config(self) -> Answer:
        endpoints.delete_config(self.state, self.request["EndpointConfigName"])
        return EmptyResult()

    def list_endpoint_configs(self) -> Answer:
        return self._list(self.state.configs.values(), _config_facts, "EndpointConfigs", dict)

    def create_endpoint(self) -> Answer:
        return _endpoint_arn(endpoints.create(self.state, self.request, self.now))

    def describe_endpoint(self) -> Answer:
        endpoint = rules.known_endpoint(self.state, self.request["EndpointName"])
        return ActionResult(views.endpoint_description(self.state, endpoint))

    def delete_endpoint(self) -> Answer:
        endpoints.delete(self.state, self.request["EndpointName"], self.now)
        return EmptyResult()

    def update_endpoint(self) -> Answer:
        return _endpoint_arn(endpoints.update(self.state, self.request, self.now))

    def update_endpoint_weights_and_capacities(self) -> Answer:
        return _endpoint_arn(endpoints.scale(self.state, self.request, self.now))

    def list_endpoints(self) -> Answer:
        items = self.state.endpoints.values()
        return self._list(items, _endpoint_facts, "Endpoints", views.endpoint_summary)

    def create_monitoring_schedule(self) -> Answer:
        made = monitoring.create(self.state, self.request, self.now)
        return ActionResult({"MonitoringScheduleArn": made["MonitoringScheduleArn"]})

    def list_monitoring_schedules(self) -> Answer:
        items = monitoring.of_endpoint(self.state, self.request.get("EndpointName"))
        return self._list(items, _schedule_facts, "MonitoringScheduleSummaries", dict)

    def _list(
        self,
        items: Iterable[Item],
        facts: Callable[[Item], Listed],
        member: str,
        summary: Callable[[Item], Document],
    ) -> Answer:
        found = listing.select(items, facts, self.request)
        key, falling = listing.order(self.request)
        page, token = listing.page(
            found, self.request, key=lambda one: key(facts(one)), falling=falling
        )
        return ActionResult({member: [summary(one) for one in page], "NextToken": token})

    def add_tags(self) -> Answer:
        request = self._checked()
        if not tags.is_ours(request["ResourceArn"]):
            return super().add_tags()
        merged = tags.add_tags(self.state, request)
        return ActionResult({"Tags": _tag_list(merged)})

    def list_tags(self) -> Answer:
        request = self._checked()
        if not tags.is_ours(request["ResourceArn"]):
            return super().list_tags()
        found = _tag_list(tags.tags_of(self.state, request["ResourceArn"]))
        page, token = listing.page(found, request, key=lambda tag: (tag["Key"],), size=50)
        return ActionResult({"Tags": page, "NextToken": token})

    def delete_tags(self) -> Answer:
        request = self._checked()
        if not tags.is_ours(request["ResourceArn"]):
            return super().delete_tags()
        tags.delete_tags(self.state, request)
        return EmptyResult()


def _experiment_arn(experiment: Experiment) -> Answer:
    return ActionResult({"InferenceExperimentArn": experiment.arn})


def _endpoint_arn(endpoint: Endpoint) -> Answer:
    return ActionResult({"EndpointArn": endpoint.arn})


def _tag_list(found: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in found.items()]


def _experiment_facts(one: Experiment) -> Listed:
    return Listed(
        name=one.name,
        created=one.created,
        modified=one.modified,
        status=one.status,
        type=one.request["Type"],
    )


def _endpoint_facts(one: Endpoint) -> Listed:
    return Listed(name=one.name, created=one.created, modified=one.modified, status=one.status)


def _config_facts(one: dict[str, Any]) -> Listed:
    created = one["CreationTime"]
    return Listed(name=one["EndpointConfigName"], created=created, modified=created)


def _schedule_facts(one: dict[str, Any]) -> Listed:
    return Listed(
        name=one["MonitoringScheduleName"],
        created=one["CreationTime"],
        modified=one["LastModifiedTime"],
        status=one["MonitoringScheduleStatus"],
    )
