"""Airflow provider for Amazon SageMaker shadow tests (inference experiments)."""

__version__ = "0.1.0"
