"""One operator for each thing that a Dag does to an experiment."""

from airflow_shadow.operators.analysis import ShadowAnalysisOperator
from airflow_shadow.operators.answers import CompareAnswersOperator
from airflow_shadow.operators.branch import ShadowVerdictBranchOperator
from airflow_shadow.operators.conclude import (
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.operators.delete import DeleteInferenceExperimentOperator
from airflow_shadow.operators.start import StartInferenceExperimentOperator
from airflow_shadow.operators.stop import StopInferenceExperimentOperator
from airflow_shadow.operators.update import UpdateInferenceExperimentOperator

__all__ = [
    "CompareAnswersOperator",
    "CreateInferenceExperimentOperator",
    "DeleteInferenceExperimentOperator",
    "PromoteShadowVariantOperator",
    "RemoveShadowVariantOperator",
    "ShadowAnalysisOperator",
    "ShadowVerdictBranchOperator",
    "StartInferenceExperimentOperator",
    "StopInferenceExperimentOperator",
    "UpdateInferenceExperimentOperator",
]
