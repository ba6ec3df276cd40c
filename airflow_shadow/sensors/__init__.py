"""Wait for a transition that somebody else makes."""

from airflow_shadow.sensors.inference_experiment import InferenceExperimentSensor

__all__ = ["InferenceExperimentSensor"]
