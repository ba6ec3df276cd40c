"""An endpoint under traffic, with candidates that are good or bad."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic

#: About every 14th request fails, and each takes twice as long as production's.
BAD: Mapping[str, str] = {"SHADOW_ERROR_RATE": "0.07", "SHADOW_LATENCY_MS": "100"}


@dataclass(frozen=True, kw_only=True)
class TestedEndpoint:
    """An endpoint of the emulator, as a team has one before it tests a candidate.

    client: a boto3 client of the emulator's SageMaker.
    """

    #: Not a test, in spite of its name.
    __test__ = False

    name: str
    client: Any

    def add_candidate(self, model_name: str, **environment: str) -> str:
        """Create a model; `SHADOW_LATENCY_MS="80"` and such say how it behaves (docs/emulator.md).

        Without any it is as good as production. Returns the model's name.
        """
        fleet.create_model(self.client, name=model_name, environment=environment)
        return model_name

    def add_bad_candidate(self, model_name: str) -> str:
        """Create a model that fails about every 14th request and takes twice as long."""
        return self.add_candidate(model_name, **BAD)

    @property
    def serves(self) -> str:
        """The model that answers the endpoint's callers now."""
        [variant] = self._config()["ProductionVariants"]
        return str(variant["ModelName"])

    @property
    def shadows(self) -> list[str]:
        """The models that get a copy of the endpoint's requests now."""
        variants = self._config().get("ShadowProductionVariants", [])
        return [str(variant["ModelName"]) for variant in variants]

    def _config(self) -> dict[str, Any]:
        endpoint = self.client.describe_endpoint(EndpointName=self.name)
        name = endpoint["EndpointConfigName"]
        return dict(self.client.describe_endpoint_config(EndpointConfigName=name))


def create(client: Any, *, name: str, model_name: str, traffic: Traffic | None) -> TestedEndpoint:
    """Create an endpoint that serves a model under traffic, and return it once it is InService."""
    fleet.create_endpoint(client, endpoint_name=name, model_name=model_name, traffic=traffic)
    return TestedEndpoint(name=name, client=client)
