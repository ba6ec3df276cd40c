"""The page at /shadow: endpoints and their variants, experiments, and what happened."""

from collections.abc import Callable, Iterable
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from airflow_shadow.emulator.account_state import AccountState, Deployed, Endpoint, Experiment

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

PATH = "/shadow"

_SHOWN = 100  # entries of the history, newest first
_SECONDS = 5  # between two refreshes

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{seconds}">
<title>Shadow tests</title>
<style>{style}</style>
</head>
<body>
<h1>Shadow tests</h1>
<p class="soft">Emulated SageMaker. Its time is {now}, at speed {speed:g}.
Statuses move by {pace}.</p>
{body}
</body>
</html>
"""

_PACES = {"count": "reads", "time": "the clock"}
_TONES = {
    "InService": "good",
    "Running": "good",
    "Completed": "good",
    "Created": "idle",
    "Cancelled": "idle",
    "Failed": "bad",
}


def application(emulator: "Emulator") -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application that shows an emulator."""

    @Request.application
    def answer(_: Request) -> Response:
        return Response(render(emulator), content_type="text/html; charset=utf-8")

    return answer


def render(emulator: "Emulator") -> str:
    """Return the page as HTML; looking at it counts as no read."""
    with emulator.lock:
        sections = [_account(state) for state in emulator.account_states()]
        sections.append(_history(emulator.history()))
    return _PAGE.format(
        seconds=_SECONDS,
        style=files(__package__).joinpath("style.css").read_text(encoding="utf-8"),
        now=_time(emulator.clock.now()),
        speed=emulator.clock.speed,
        pace=_PACES[emulator.pace],
        body="\n".join(sections),
    )


def _time(time: datetime) -> str:
    return f"<time>{time:%Y-%m-%d %H:%M:%S} UTC</time>"


def _account(state: AccountState) -> str:
    endpoints = [_endpoint(one, state.region) for one in state.endpoints.values()]
    experiments = [_experiment(one, state.region) for one in reversed(state.experiments.values())]
    title = f"<h2>{escape(state.region)}, account {escape(state.account)}</h2>"
    return f"{title}{_grid(endpoints)}{_grid(experiments)}"


def _grid(cards: list[str]) -> str:
    return f'<div class="grid">{"".join(cards)}</div>'


def _head(kind: str, name: str, status: str, tone: str) -> str:
    return (
        f'<p class="soft">{kind}</p><div class="head"><h3>{escape(name)}</h3>'
        f'<span class="badge {tone}">{status}</span></div>'
    )


def _card(region: str, kind: str, name: str, content: str) -> str:
    """Return a card that the links of Airflow's tasks lead to."""
    place = escape(f"{region}-{kind}-{name}")
    return f'<section class="card" id="{place}">{content}</section>'


def _endpoint(endpoint: Endpoint, region: str) -> str:
    variants = [
        *(_variant(variant, "production") for variant in endpoint.production),
        *(_variant(variant, "shadow") for variant in endpoint.shadow),
    ]
    facts = _facts({"Configuration": endpoint.config, "Failure": endpoint.failure})
    head = _head("Endpoint", endpoint.name, endpoint.status, _TONES.get(endpoint.status, "busy"))
    return _card(region, "endpoint", endpoint.name, f"{head}{facts}{''.join(variants)}")


def _variant(variant: Deployed, role: str) -> str:
    weight = variant.current_weight
    width = min(100.0, 100 * weight)
    runs = f"{variant.model or 'no model'} on {variant.current_count or 0}"
    return (
        f'<div class="variant"><div class="head"><strong>{escape(variant.name)}</strong>'
        f'<span class="soft">{role}, weight {weight:g}</span></div>'
        f'<div class="bar {role}"><span style="width:{width:g}%"></span></div>'
        f'<p class="soft">{escape(runs)} &times; {escape(variant.instance_type or "serverless")}'
        "</p></div>"
    )


def _experiment(experiment: Experiment, region: str) -> str:
    facts = _facts(
        {
            "Endpoint": experiment.endpoint,
            "Shadow": f"{experiment.shadow_name}, {experiment.sampling} % of the requests",
            "Start": f"{experiment.start:%Y-%m-%d %H:%M} UTC",
            "End": f"{experiment.end:%Y-%m-%d %H:%M} UTC",
            "Reason": experiment.reason,
            "Failure": experiment.failure,
        }
    )
    # Cancelled is red only if something broke: most are stopped on purpose.
    tone = "bad" if experiment.failure else _TONES.get(experiment.status, "busy")
    head = _head("Experiment", experiment.name, experiment.status, tone)
    return _card(region, "experiment", experiment.name, f"{head}{facts}")


def _facts(facts: dict[str, str | None]) -> str:
    rows = (f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in facts.items() if text)
    return f"<dl>{''.join(rows)}</dl>"


def _history(entries: list[dict[str, Any]]) -> str:
    newest = [_entry(entry) for entry in reversed(entries) if entry["kind"] != "variant"]
    return f'<h2>What happened</h2><ol class="history">{"".join(newest[:_SHOWN])}</ol>'


def _entry(entry: dict[str, Any]) -> str:
    text = escape(_sentence(entry))
    return f"<li>{_time(datetime.fromisoformat(entry['at']))}<span>{text}</span></li>"


def _sentence(entry: dict[str, Any]) -> str:
    if entry["kind"] == "call":
        return f"{entry['operation']} {entry['name'] or ''}"
    if entry["kind"] == "status":
        return f"{entry['name']}: {entry['from'] or 'new'} → {entry['to']}"
    return f"{entry['endpoint']}: {entry['status']} with {entry['config']}, by {entry['cause']}"
