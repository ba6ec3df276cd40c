"""The beliefs that this program does not check, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping

_REQUESTS = (
    "it takes requests, whose contents only the models' owner knows: compare it on the first test"
)
_MANY = "it takes thousands of requests, and of a certain kind"
_EMULATOR = "it is about the emulator alone, not about AWS"

#: Key of a belief in `emulator/assumed.py` -> why there is no check.
NOT_CHECKED: Mapping[str, str] = {
    "capture": _REQUESTS,
    "capture-files": _REQUESTS,
    "capture-late": _REQUESTS,
    "capture-loss": _MANY,
    "capture-without-bucket": "nothing shows it but files that never come",
    "components-refused": "inference components need an endpoint and a model of another kind",
    "endpoint-reads-count": _EMULATOR,
    "error-zeros": _REQUESTS,
    "errors-shared": _EMULATOR,
    "event-ids": _REQUESTS,
    "failed-captures": _REQUESTS,
    "lag": "that one run meets no stale read does not show that there are none",
    "late-minutes": _REQUESTS,
    "latency-percentiles": _REQUESTS,
    "metric-pages": "it takes more metrics than two variants have",
    "model-errors": "it takes a model that fails on demand",
    "periods": _REQUESTS,
    "sampling": _MANY,
    "scalable-target": (
        "registering a scalable target may create a service-linked role, which would stay"
    ),
    "start-takes-over": "a scheduled moment would have to fall into a deployment of unknown length",
    "texts": "it says that texts are not documented; those that were met are in the record",
    "utilisation": _REQUESTS,
    "warm-after-update": "no call of AWS shows when containers start",
}
