"""The operations as moto's dispatcher finds them: one method each, by its name in snake case."""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.responses import SageMakerResponse

from airflow_shadow.emulator.account_state import Document, Endpoint, Experiment
from airflow_shadow.emulator.base_response import EmulatedResponse
from airflow_shadow.emulator.sagemaker import endpoints, experiments, listing, rules, tags, views
from airflow_shadow.emulator.sagemaker.checks import check
from airflow_shadow.emulator.sagemaker.listing import Listed
from airflow_shadow.emulator.sagemaker.models import find_model
from airflow_shadow.emulator.sagemaker.recorder import declared

Answer = ActionResult


class ShadowResponse(EmulatedResponse, SageMakerResponse):
    """SageMaker of moto, with experiments, and with endpoints that take their time."""

    def _checked(self) -> Document:
        request = self.request
        check(self.operation, request)
        return request

    def _arn(self, experiment: Experiment) -> Answer:
        return ActionResult({"InferenceExperimentArn": experiment.arn})

    def create_inference_experiment(self) -> Answer:
        """Answer CreateInferenceExperiment."""
        request, now = self._checked(), self.emulator.clock.now()
        code = self.emulator.busy_code
        return self._arn(experiments.create(self.state, request, now, busy_code=code))

    def update_inference_experiment(self) -> Answer:
        """Answer UpdateInferenceExperiment."""
        request, now = self._checked(), self.emulator.clock.now()
        return self._arn(experiments.update(self.state, request, now))

    def start_inference_experiment(self) -> Answer:
        """Answer StartInferenceExperiment."""
        request, now = self._checked(), self.emulator.clock.now()
        return self._arn(experiments.start(self.state, request, now))

    def stop_inference_experiment(self) -> Answer:
        """Answer StopInferenceExperiment."""
        request, now = self._checked(), self.emulator.clock.now()
        return self._arn(experiments.stop(self.state, request, now))

    def delete_inference_experiment(self) -> Answer:
        """Answer DeleteInferenceExperiment."""
        return self._arn(experiments.delete(self.state, self._checked()))

    def describe_inference_experiment(self) -> Answer:
        """Answer DescribeInferenceExperiment."""
        experiment = experiments.find(self.state, self._checked()["Name"])
        return ActionResult(views.experiment_description(self.state, experiment))

    def list_inference_experiments(self) -> Answer:
        """Answer ListInferenceExperiments."""
        request = self._checked()
        found = listing.select(self.state.experiments.values(), _experiment_facts, request)
        given, token = listing.page(found, request, key=lambda one: one.name)
        summaries = [views.experiment_summary(one) for one in given]
        return ActionResult({"InferenceExperiments": summaries, "NextToken": token})

    def create_model(self) -> Answer:
        """Answer CreateModel: moto's, by the emulator's clock, and not twice."""
        name = self.request["ModelName"]
        taken = find_model(self.state, name) is not None
        rules.require(not taken, f'There is a model "{name}" already.')
        declared(self.request)
        answer = super().create_model()
        self.sagemaker_backend.describe_model(name).creation_time = self.emulator.clock.now()
        return answer

    def create_endpoint_config(self) -> Answer:
        """Answer CreateEndpointConfig."""
        config = endpoints.create_config(self.state, self.request, self.emulator.clock.now())
        return ActionResult({"EndpointConfigArn": config["EndpointConfigArn"]})

    def describe_endpoint_config(self) -> Answer:
        """Answer DescribeEndpointConfig."""
        return ActionResult(endpoints.config(self.state, self.request["EndpointConfigName"]))

    def delete_endpoint_config(self) -> Answer:
        """Answer DeleteEndpointConfig."""
        endpoints.delete_config(self.state, self.request["EndpointConfigName"])
        return EmptyResult()

    def list_endpoint_configs(self) -> Answer:
        """Answer ListEndpointConfigs."""
        found = listing.select(self.state.configs.values(), _config_facts, self.request)
        key = "EndpointConfigName"
        given, token = listing.page(found, self.request, key=lambda one: str(one[key]))
        return ActionResult({"EndpointConfigs": given, "NextToken": token})

    def create_endpoint(self) -> Answer:
        """Answer CreateEndpoint."""
        endpoint = endpoints.create(self.state, self.request, self.emulator.clock.now())
        return ActionResult({"EndpointArn": endpoint.arn})

    def describe_endpoint(self) -> Answer:
        """Answer DescribeEndpoint."""
        endpoint = rules.known_endpoint(self.state, self.request["EndpointName"])
        return ActionResult(views.endpoint_description(self.state, endpoint))

    def delete_endpoint(self) -> Answer:
        """Answer DeleteEndpoint."""
        name, now = self.request["EndpointName"], self.emulator.clock.now()
        endpoints.delete(self.state, name, now)
        return EmptyResult()

    def update_endpoint(self) -> Answer:
        """Answer UpdateEndpoint."""
        endpoint = endpoints.update(self.state, self.request, self.emulator.clock.now())
        return ActionResult({"EndpointArn": endpoint.arn})

    def update_endpoint_weights_and_capacities(self) -> Answer:
        """Answer UpdateEndpointWeightsAndCapacities."""
        endpoint = endpoints.scale(self.state, self.request, self.emulator.clock.now())
        return ActionResult({"EndpointArn": endpoint.arn})

    def list_endpoints(self) -> Answer:
        """Answer ListEndpoints."""
        found = listing.select(self.state.endpoints.values(), _endpoint_facts, self.request)
        given, token = listing.page(found, self.request, key=lambda one: one.name)
        summaries = [views.endpoint_summary(one) for one in given]
        return ActionResult({"Endpoints": summaries, "NextToken": token})

    def add_tags(self) -> Answer:
        """Answer AddTags."""
        request = self._checked()
        if not tags.is_ours(request["ResourceArn"]):
            return super().add_tags()
        merged = tags.add_tags(self.state, request["ResourceArn"], request["Tags"])
        return ActionResult({"Tags": _tag_list(merged)})

    def list_tags(self) -> Answer:
        """Answer ListTags."""
        request = self._checked()
        if not tags.is_ours(request["ResourceArn"]):
            return super().list_tags()
        found = _tag_list(tags.tags_of(self.state, request["ResourceArn"]))
        given, token = listing.page(found, request, key=lambda tag: tag["Key"], size=50)
        return ActionResult({"Tags": given, "NextToken": token})

    def delete_tags(self) -> Answer:
        """Answer DeleteTags."""
        request = self._checked()
        if not tags.is_ours(request["ResourceArn"]):
            return super().delete_tags()
        tags.delete_tags(self.state, request["ResourceArn"], request["TagKeys"])
        return EmptyResult()


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
