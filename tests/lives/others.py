"""What people do in the middle of a life, through a client of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from airflow_shadow.emulator import Emulator, fleet

ENDPOINT, HOTFIX = "churn", "churn-v3"
_TAKEN = ("ProductionVariants", "ShadowProductionVariants")


@dataclass
class Others:
    """Deploys and stops; what goes wrong for the code under test does not for them."""

    emulator: Emulator
    sagemaker: Any
    number: Any

    @classmethod
    def of(cls, emulator: Emulator, sagemaker: Any) -> Others:
        """Return people who have done nothing yet."""
        return cls(emulator, sagemaker, count(1))

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        waiting = self.emulator.faults.waiting()
        self.emulator.faults.clear()
        yield
        for fault in waiting:
            options = fault.pop("options")
            self.emulator.faults.add(**fault, **options)

    def deploy(self, *, keeps_shadow: bool) -> bool:
        """Begin to put the hotfix into production; tell whether AWS took it."""
        with self._undisturbed():
            fleet.wait_in_service(self.sagemaker, endpoint_name=ENDPOINT)
            shown = self.sagemaker.describe_endpoint(EndpointName=ENDPOINT)
            config = self.sagemaker.describe_endpoint_config(
                EndpointConfigName=shown["EndpointConfigName"]
            )
            name = f"by-hand-{next(self.number)}"
            taken = {key: config[key] for key in _TAKEN[: 1 + keeps_shadow] if config.get(key)}
            production = [{**one, "ModelName": HOTFIX} for one in taken["ProductionVariants"]]
            self.sagemaker.create_endpoint_config(
                EndpointConfigName=name, **{**taken, "ProductionVariants": production}
            )
            return self._tried("update_endpoint", EndpointName=ENDPOINT, EndpointConfigName=name)

    def stop(self) -> bool:
        """Stop the experiment that runs, if one does; tell whether AWS took it."""
        with self._undisturbed():
            listed = self.sagemaker.list_inference_experiments(StatusEquals="Running")
            for one in listed["InferenceExperiments"]:
                mode = self.sagemaker.describe_inference_experiment(Name=one["Name"])[
                    "ShadowModeConfig"
                ]
                shadow = mode["ShadowModelVariants"][0]["ShadowModelVariantName"]
                actions = {mode["SourceModelVariantName"]: "Retain", shadow: "Remove"}
                return self._tried(
                    "stop_inference_experiment",
                    Name=one["Name"],
                    ModelVariantActions=actions,
                    DesiredState="Cancelled",
                    Reason="Enough.",
                )
        return False

    def _tried(self, method: str, **request: Any) -> bool:
        try:
            getattr(self.sagemaker, method)(**request)
        except ClientError:
            return False
        return True
