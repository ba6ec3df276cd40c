"""The metrics that the judge knows by name."""

from __future__ import annotations

#: Metrics about the answers themselves, not only about how they were served.
OUTPUT_METRICS = frozenset({"prediction_disagreement"})
SERVER_ERRORS = "Invocation5XXErrors"
ERRORS = frozenset({SERVER_ERRORS, "Invocation4XXErrors", "InvocationModelErrors"})
LATENCIES = frozenset({"ModelLatency", "OverheadLatency"})
#: SageMaker's metrics with one sample for each request.
REQUEST_METRICS = LATENCIES | ERRORS
