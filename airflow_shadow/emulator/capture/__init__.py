"""Data capture: what models answer, and the files that SageMaker writes of it to S3."""
