"""Words that many tests use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel, StructureShape

from airflow_shadow._compat import AirflowException
from airflow_shadow.emulator import Emulator, fleet

#: A creation that derives everything else from the endpoint.
CREATE: dict[str, Any] = {
    "role_arn": fleet.ROLE_ARN,
    "endpoint_name": "churn",
    "shadow_model_name": "churn-v2",
    "sampling_percentage": 10,
    "duration": "2h",
}
#: A rollout of a candidate that nothing compares the answers of.
ROLLOUT: dict[str, Any] = {
    "role_arn": fleet.ROLE_ARN,
    "endpoint_name": "churn",
    "shadow_model_name": "churn-v2",
    "promote_on": "operational",
}
#: A task instance after a clear: it raises `max_tries` by the tries that were used.
CLEARED = {"max_tries": 1}


def input_shape(operation: str) -> StructureShape:
    """Return the shape of a SageMaker operation's input, without a client or credentials."""
    shape: StructureShape = _sagemaker().operation_model(operation).input_shape
    return shape


@cache
def _sagemaker() -> ServiceModel:
    """Keep the model: reading it takes a tenth of a second."""
    return ServiceModel(create_loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def run_dag(file: Path, *runs: str) -> subprocess.CompletedProcess[str]:
    """Run a Dag's file in a process of its own, once for each date or form (JSON)."""
    return subprocess.run(
        [sys.executable, Path(__file__).with_name("run_dag.py"), file, *runs],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=file.parent,
        env={
            **os.environ,
            "AIRFLOW__AIRFLOW_SHADOW__WAITER_DELAY": "0.3",
            "AIRFLOW__CORE__DAGS_FOLDER": str(file.parent),
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",  # as a user runs it
        },
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return the end of what a run said, for the failure's message."""
    return (done.stdout + done.stderr)[-6000:]


def accepted(emulator: Emulator, operation: str) -> list[str]:
    """Return the names that a changing call was accepted for, in order."""
    calls = [event for event in emulator.history() if event["kind"] == "call"]
    return [event["name"] for event in calls if event["operation"] == operation]


def created(emulator: Emulator) -> list[str]:
    """Return the names of the experiments that were created, in order."""
    return accepted(emulator, "CreateInferenceExperiment")


def statuses(emulator: Emulator, name: str) -> list[str]:
    """Return the statuses that an experiment went through."""
    events = [event for event in emulator.history() if event["kind"] == "status"]
    return [event["to"] for event in events if event["name"] == name]


def serves(sagemaker: Any, endpoint_name: str = "churn") -> list[str]:
    """Return the models that an endpoint's production variants run."""
    endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    return [variant["ModelName"] for variant in config["ProductionVariants"]]


def bears_a_shadow(sagemaker: Any, endpoint_name: str = "churn") -> bool:
    """Tell whether an endpoint bears a shadow variant."""
    endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    return bool(endpoint.get("ShadowProductionVariants"))


def described(sagemaker: Any, name: str) -> dict[str, Any]:
    """Return the description of an experiment."""
    return dict(sagemaker.describe_inference_experiment(Name=name))


def by_turns(rows: Iterable[Any], columns: Sequence[Any]) -> list[Any]:
    """Pair every row with every column; in `make test` each row meets one column, by turns."""
    return [
        pytest.param(row, column, marks=[] if i % len(columns) == j else [pytest.mark.thorough])
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]


def until(sagemaker: Any, name: str, status: str) -> dict[str, Any]:
    """Describe an experiment until it shows a status."""
    deadline = time.monotonic() + 10
    while (shown := described(sagemaker, name))["Status"] != status:
        assert time.monotonic() < deadline, f"{name} is still {shown['Status']}, not {status}"
    return shown


def somebodys(
    sagemaker: Any, name: str = "theirs", rests: str = "Running", **members: Any
) -> dict[str, Any]:
    """Create an experiment with a plain client, configured as `CREATE` would, until it rests."""
    request = fleet.experiment_request(
        name=name,
        endpoint_name="churn",
        model_name="churn-v1",
        shadow_model_name="churn-v2",
        shadow_variant_name="churn-v2",
        sampling_percentage=10,
    )
    sagemaker.create_inference_experiment(**{**request, **members})
    return until(sagemaker, name, rests)


def stop(sagemaker: Any, name: str, **members: Any) -> dict[str, Any]:
    """Stop an experiment as a person does, production staying, and wait for its end."""
    mode = described(sagemaker, name)["ShadowModeConfig"]
    shadow = mode["ShadowModelVariants"][0]["ShadowModelVariantName"]
    actions = {mode["SourceModelVariantName"]: "Retain", shadow: "Remove"}
    request = {"ModelVariantActions": actions, "DesiredState": "Cancelled", **members}
    sagemaker.stop_inference_experiment(Name=name, **request)
    return until(sagemaker, name, request["DesiredState"])


def expire(emulator: Emulator, sagemaker: Any, name: str) -> dict[str, Any]:
    """Let time pass until an experiment of two hours has ended by itself."""
    emulator.clock.advance(3 * 3600)
    return until(sagemaker, name, "Completed")


def tags_of(sagemaker: Any, name: str) -> dict[str, str]:
    """Return the tags of an experiment."""
    listed = sagemaker.list_tags(ResourceArn=described(sagemaker, name)["Arn"])["Tags"]
    return {tag["Key"]: tag["Value"] for tag in listed}


def fails(kind: type[AirflowException], run: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Return the text of a failure of exactly this kind."""
    with pytest.raises(AirflowException) as caught:
        run(*args, **kwargs)
    assert kind is caught.type
    return str(caught.value)


def another(sagemaker: Any, *variants: dict[str, Any], name: str = "other", **members: Any) -> None:
    """Create an endpoint of any kind."""
    usual = {
        "VariantName": "AllTraffic",
        "ModelName": "churn-v1",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
    }
    production = [{**usual, **variant} for variant in variants or [{}]]
    production = [{k: v for k, v in one.items() if v is not None} for one in production]
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=production, **members
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    fleet.wait_in_service(sagemaker, endpoint_name=name)


def redeploy(sagemaker: Any, *, model_name: str, endpoint_name: str = "churn") -> None:
    """Put another model behind production's variant, as a person does who forgets the test."""
    name = sagemaker.describe_endpoint(EndpointName=endpoint_name)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    production = [{**one, "ModelName": model_name} for one in config["ProductionVariants"]]
    sagemaker.create_endpoint_config(
        EndpointConfigName="by-hand",
        ProductionVariants=production,
        ShadowProductionVariants=config["ShadowProductionVariants"],
    )
    sagemaker.update_endpoint(EndpointName=endpoint_name, EndpointConfigName="by-hand")
    fleet.wait_in_service(sagemaker, endpoint_name=endpoint_name)


def scale(sagemaker: Any, variant_name: str, count: int, endpoint_name: str = "churn") -> None:
    """Give a variant another number of instances, as automatic scaling does."""
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint_name,
        DesiredWeightsAndCapacities=[{"VariantName": variant_name, "DesiredInstanceCount": count}],
    )
    fleet.wait_in_service(sagemaker, endpoint_name=endpoint_name)


def deploy(sagemaker: Any, model: str, *, wait: bool = True, **variant: Any) -> None:
    """Let somebody put another model on the endpoint."""
    usual = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 2,
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"{model}-by-hand", ProductionVariants=[{**usual, **variant}]
    )
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName=f"{model}-by-hand")
    if wait:
        fleet.wait_in_service(sagemaker, endpoint_name="churn")


def explicit(**production: Any) -> dict[str, Any]:
    """Return arguments that give both variants in full."""
    variant = {"variant_name": "AllTraffic", "model_name": "churn-v1", **production}
    return {
        "shadow_model_name": None,
        "sampling_percentage": None,
        "model_variants": [
            fleet.model_variant(**variant),
            fleet.model_variant(variant_name="Candidate", model_name="churn-v2"),
        ],
        "shadow_mode_config": fleet.shadow_mode(
            source=variant["variant_name"], shadow="Candidate", sampling_percentage=33
        ),
    }


@contextmanager
def meanwhile(emulator: Emulator, act: Callable[[], Any]) -> Iterator[None]:
    """Act as soon as a call of the block is held, then let that go."""
    with ThreadPoolExecutor(1) as pool:
        acted = pool.submit(when_held, emulator, act)
        yield
        acted.result()


def when_held(emulator: Emulator, act: Callable[[], Any]) -> None:
    """Wait until a call is held, act, and let it go."""
    deadline = time.monotonic() + 300
    while not emulator.holds.held():
        assert time.monotonic() < deadline, "no call was held"
        time.sleep(0.05)
    act()
    emulator.holds.let_go()
