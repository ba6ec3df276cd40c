"""What the scenarios on evidence judge by, in forty minutes."""

#: The latency of one good candidate in twenty would be left open by then; errors decide surely.
SPEC = {
    "initial_delay": 60,
    "min_duration": 1200,
    "min_periods": 20,
    "min_effective_periods": 5,
    "criteria": [
        {
            "name": "server errors",
            "metric": "Invocation5XXErrors",
            "comparison": "difference",
            "tolerance": 0.005,
        }
    ],
}
