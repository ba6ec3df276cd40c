"""Wait for a transition that somebody else makes, or for evidence."""

from airflow_shadow.sensors.analysis import ShadowAnalysisSensor
from airflow_shadow.sensors.inference_experiment import InferenceExperimentSensor

__all__ = ["InferenceExperimentSensor", "ShadowAnalysisSensor"]
