"""SageMaker's models, which moto keeps."""

from typing import Any

from moto.sagemaker.models import sagemaker_backends

from airflow_shadow.emulator.account_state import AccountState, Document


def models_of(state: AccountState) -> dict[str, Any]:
    """Return moto's own models of an account and region, by name."""
    # Moto has no look-up that does not raise. Its version is capped, so the attribute stays.
    models: dict[str, Any] = sagemaker_backends[state.account][state.region]._models  # noqa: SLF001
    return models


def find_model(state: AccountState, name: str) -> Document | None:
    """Return a model as DescribeModel shows it, or None."""
    model = models_of(state).get(name)
    return dict(model.response_object) if model else None


def containers_of(model: Document) -> list[Document]:
    """Return all containers of a model, the primary one first."""
    primary = model.get("PrimaryContainer")
    return [*([primary] if primary else []), *(model.get("Containers") or ())]


def image_of(state: AccountState, name: str | None) -> str | None:
    """Return the image of a model's first container, which DescribeEndpoint shows."""
    model = find_model(state, name) if name else None
    containers = containers_of(model) if model else []
    return containers[0].get("Image") if containers else None
