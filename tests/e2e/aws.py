"""AWS as a scenario sees it: endpoints of its own, their history, and the audit."""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
import uuid
from typing import Any

import boto3

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from tests.e2e.audit import Key, audit, created
from tests.e2e.processes import until

#: A region for each process that runs scenarios: a task that looks for who holds its endpoint
#: describes all live experiments of its region, and must not run into a neighbour's held call.
_REGIONS = (
    "us-east-1",
    "eu-west-1",
    "us-west-2",
    "eu-central-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
    "ca-central-1",
)
REGION = _REGIONS[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % len(_REGIONS)]
#: The account of whoever assumes no role of another.
ACCOUNT = "123456789012"


class Aws:
    """The emulator's SageMaker; what a scenario sets up here is audited at its end."""

    def __init__(self, url: str, *, region: str = REGION, account: str = ACCOUNT) -> None:
        self.url = url
        self.region = region
        self.account = account
        self.client = boto3.client(
            "sagemaker", endpoint_url=url, region_name=region, **_credentials(url, account)
        )
        self.endpoints: list[str] = []
        self.deployed: set[str] = set()

    # --- what there is ---------------------------------------------------------------------

    def endpoint(self, label: str, **more: Any) -> str:
        """Create an endpoint with a name of its own, and models to try on it."""
        return self.own(f"{label}-{uuid.uuid4().hex[:6]}", **more)

    def own(
        self,
        name: str,
        *,
        model: str = "v1",
        candidates: tuple[str, ...] = (),
        traffic: Traffic | None = None,
    ) -> str:
        """Create an endpoint of a given name, and models to try on it."""
        for model_name in (model, *candidates):
            self.model(model_name)
        fleet.create_endpoint(self.client, endpoint_name=name, model_name=model, traffic=traffic)
        self.endpoints.append(name)
        return name

    def model(self, name: str, **behaviour: str) -> str:
        """Create a model unless it is there.

        :param behaviour: what its container's environment declares, like `SHADOW_ERROR_RATE`
        """
        try:
            fleet.create_model(self.client, name=name, environment=behaviour)
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
        return name

    def bucket(self, label: str) -> str:
        """Create a bucket with a name of its own in this region and return the name."""
        name = f"{label}-{uuid.uuid4().hex[:6]}"
        s3 = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=self.region,
            **_credentials(self.url, self.account),
        )
        # S3 refuses the name of the region that is its default.
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        s3.create_bucket(Bucket=name, **({} if self.region == "us-east-1" else elsewhere))
        return name

    def deploy(self, endpoint: str, model: str) -> None:
        """Put another model on an endpoint as a person does, and wait until it serves."""
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": self.model(model),
            "InstanceType": "ml.m5.xlarge",
            "InitialInstanceCount": 2,
        }
        self.deployed.add(endpoint)
        name = f"{endpoint}-{model}"
        self.client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        self.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=name)
        fleet.wait_in_service(self.client, endpoint_name=endpoint)

    def serves(self, endpoint: str) -> str:
        """Return the model that an endpoint serves."""
        config = self.client.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        described = self.client.describe_endpoint_config(EndpointConfigName=config)
        return str(described["ProductionVariants"][0]["ModelName"])

    def experiments(self, endpoint: str) -> list[dict[str, Any]]:
        """Return the descriptions of an endpoint's experiments, oldest first."""
        pages = self.client.get_paginator("list_inference_experiments")
        # Default names begin with the endpoint's; nobody else's experiment is described.
        rows = pages.paginate(NameContains=endpoint)
        names = [row["Name"] for page in rows for row in page["InferenceExperiments"]]
        found = [self.client.describe_inference_experiment(Name=name) for name in names]
        mine = [one for one in found if one["EndpointMetadata"]["EndpointName"] == endpoint]
        return sorted(mine, key=lambda one: one["CreationTime"])

    # --- what happened -----------------------------------------------------------------------

    def history(self) -> list[dict[str, Any]]:
        """Return all that happened in the account and region, oldest first."""
        place = urllib.parse.urlencode({"account": self.account, "region": self.region})
        found: list[dict[str, Any]] = self.control("GET", f"history?{place}")
        return found

    def calls(self, endpoint: str, operation: str) -> list[dict[str, Any]]:
        """Return the accepted calls of one operation about an endpoint or its experiments."""
        return [
            entry
            for entry in self.history()
            if entry["kind"] == "call"
            and entry["operation"] == operation
            and endpoint in json.dumps(entry)
        ]

    def created(self, endpoint: str) -> list[Key]:
        """Return who created the endpoint's experiments, in order: (task instance, generation)."""
        return created(self.history(), endpoint)

    def promoted(self, endpoint: str) -> list[str]:
        """Return the models that were promoted on an endpoint, in order."""
        names = {
            call["name"]: call["request"]["ModelVariants"][1]["ModelName"]
            for call in self.calls(endpoint, "CreateInferenceExperiment")
        }
        stops = self.calls(endpoint, "StopInferenceExperiment")
        return [
            names[stop["name"]]
            for stop in stops
            if "Promote" in stop["request"]["ModelVariantActions"].values()
        ]

    def held(self, about: str, *, calls: int = 1) -> dict[str, Any]:
        """Wait until calls that name something are held; return one (see the emulator's `Holds`).

        :param calls: how many
        """

        def found() -> list[dict[str, Any]]:
            held = [one for one in self.control("GET", "held") if about in (one["name"] or "")]
            return held if len(held) >= calls else []

        first: dict[str, Any] = until(found, what=f"{calls} call(s) about {about} to be held")[0]
        return first

    def let_go(self, about: str, *, drop: bool = False) -> None:
        """Let held calls go on, or end their connections."""
        query = urllib.parse.urlencode({"name": about, "drop": str(drop).lower()})
        self.control("DELETE", f"held?{query}")

    def fault(self, **fault: Any) -> None:
        """Let something go wrong (see the emulator's `Faults.add`)."""
        self.control("POST", "faults", fault)

    def control(self, method: str, what: str, body: dict[str, Any] | None = None) -> Any:
        """Call the emulator's control API."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/shadow-api/{what}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def audit(self) -> None:
        """Assert that the history of this scenario's endpoints is as it must be."""
        audit(self.history(), endpoints=self.endpoints, deployed=self.deployed)


def _credentials(url: str, account: str) -> dict[str, str]:
    """Return what a client of an account needs: in another one than the caller's, a role."""
    own = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    if account == ACCOUNT:
        return own
    sts = boto3.client("sts", endpoint_url=url, region_name=REGION, **own)
    role = f"arn:aws:iam::{account}:role/tests"
    assumed = sts.assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
    return {
        "aws_access_key_id": assumed["AccessKeyId"],
        "aws_secret_access_key": assumed["SecretAccessKey"],
        "aws_session_token": assumed["SessionToken"],
    }
