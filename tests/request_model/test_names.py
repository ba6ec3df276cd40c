"""How the API's fields are named in Python."""

from airflow_shadow.request_model import field_names
from tests.helpers import input_shape


def test_field_names_are_botocores():
    """Arguments are named as botocore's paginators and waiters would name them."""
    names = field_names(input_shape("StopInferenceExperiment"))
    assert ("ModelVariantActions", "DesiredState") == (
        names["model_variant_actions"],
        names["desired_state"],
    )
