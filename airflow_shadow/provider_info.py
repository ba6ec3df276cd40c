"""What Airflow reads about a provider; it imports nothing, so that `airflow` starts fast."""

from typing import Any

from airflow_shadow import __version__


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, as in Airflow's `provider_info.schema.json`.

    `package-name` must equal the distribution's name: Airflow refuses to start otherwise.
    """
    integration = "Amazon SageMaker shadow tests"
    return {
        "package-name": "airflow-shadow",
        "name": "Amazon SageMaker shadow tests",
        "description": "Create, update, judge, promote and remove SageMaker shadow tests.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": integration,
                "external-doc-url": "https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html",
                "tags": ["aws"],
            }
        ],
        "hooks": [
            {
                "integration-name": integration,
                "python-modules": ["airflow_shadow.hooks.inference_experiment"],
            }
        ],
        "operators": [
            {
                "integration-name": integration,
                "python-modules": [
                    "airflow_shadow.operators.create",
                    "airflow_shadow.operators.update",
                    "airflow_shadow.operators.start",
                    "airflow_shadow.operators.stop",
                    "airflow_shadow.operators.conclude",
                    "airflow_shadow.operators.branch",
                    "airflow_shadow.operators.delete",
                    "airflow_shadow.operators.analysis",
                    "airflow_shadow.operators.rollout",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": integration,
                "python-modules": [
                    "airflow_shadow.sensors.inference_experiment",
                    "airflow_shadow.sensors.analysis",
                    "airflow_shadow.sensors.rollout",
                ],
            }
        ],
        "triggers": [
            {
                "integration-name": integration,
                "python-modules": [
                    "airflow_shadow.triggers.inference_experiment",
                    "airflow_shadow.triggers.events",
                ],
            }
        ],
        "extra-links": [
            "airflow_shadow.links.inference_experiment.EndpointLink",
            "airflow_shadow.links.inference_experiment.MetricsLink",
            "airflow_shadow.links.report.ReportLink",
        ],
        "cli": ["airflow_shadow.cli.provider.get_cli_commands"],
        "config": {
            "airflow_shadow": {
                "description": "Settings of the provider for SageMaker shadow tests.",
                "options": {
                    "deployment": {
                        "description": "Names this Airflow where several share an AWS account.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "prod-eu",
                        "default": "",
                    },
                    "reports_folder": {
                        "description": "Folder, relative to AIRFLOW_HOME, or URL of Airflow's "
                        "object storage, below which reports are written.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3://my_aws_conn@reports/shadow",
                        "default": "shadow_reports",
                    },
                    "reports_url": {
                        "description": "Where a browser finds what is in the reports folder, for "
                        "the tasks' links to their reports; a local folder needs a web server.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "https://reports.example.com/shadow",
                        "default": "",
                    },
                    "max_calls_per_second": {
                        "description": "Calls to SageMaker that all waits of one connection in a "
                        "triggerer may make each second.",
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "10",
                        "default": "20",
                    },
                    "poll_interval": {
                        "description": "Longest pause, in seconds, between two polls of an "
                        "experiment whose end is known and far.",
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "120",
                        "default": "300",
                    },
                    "waiter_delay": {
                        "description": "Seconds between polls of AWS, for operators and sensors.",
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "60",
                        "default": "30",
                    },
                },
            }
        },
    }
