"""Monitoring schedules, as far as they name the endpoint whose captured data they read."""

from datetime import datetime

from airflow_shadow.emulator.account_state import AccountState, Document
from airflow_shadow.emulator.sagemaker import rules


def create(state: AccountState, request: Document, now: datetime) -> Document:
    """Keep a schedule and return its summary; nothing ever runs by it."""
    name = str(request["MonitoringScheduleName"])
    rules.require(name not in state.schedules, f'There is a monitoring schedule "{name}" already.')
    state.schedules[name] = {
        "MonitoringScheduleName": name,
        "MonitoringScheduleArn": state.arn("monitoring-schedule", name.lower()),
        "CreationTime": now,
        "LastModifiedTime": now,
        "MonitoringScheduleStatus": "Scheduled",
        "EndpointName": _endpoint(request.get("MonitoringScheduleConfig") or {}),
    }
    return state.schedules[name]


def _endpoint(config: Document) -> str:
    """Return the endpoint of a schedule whose job is written out; one by name tells none here."""
    inputs = (config.get("MonitoringJobDefinition") or {}).get("MonitoringInputs") or [{}]
    return str((inputs[0].get("EndpointInput") or {}).get("EndpointName", ""))


def of_endpoint(state: AccountState, endpoint: str | None) -> list[Document]:
    """Return the summaries of an endpoint's schedules, or of all."""
    found = state.schedules.values()
    return [one for one in found if endpoint in (None, one["EndpointName"])]
