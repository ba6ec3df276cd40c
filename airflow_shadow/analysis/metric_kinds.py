"""The metrics that the judge knows by name."""

from __future__ import annotations

SERVER_ERRORS = "Invocation5XXErrors"
ERRORS = frozenset({SERVER_ERRORS, "Invocation4XXErrors", "InvocationModelErrors"})
LATENCIES = frozenset({"ModelLatency", "OverheadLatency"})
#: SageMaker's metrics with one sample for each request.
REQUEST_METRICS = LATENCIES | ERRORS
