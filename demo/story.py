"""What happened at the emulator, as lines a person can follow."""

import json
import re
import textwrap
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from demo.evidence import comparisons

#: How an experiment ends; what comes before shows in what the endpoint runs.
_ENDS = frozenset({"Completed", "Cancelled"})
#: What a trigger logs of a look that decides, without its reservations.
_VERDICT = re.compile(
    r"\] ((?:PASS|FAIL|INCONCLUSIVE|Good so far) \(operational metrics only\): [^;\n]*)"
)
#: A message of the log begins with a time; what follows the last one may be half a message.
_MESSAGE = b"\n20"
#: Columns of a terminal, and where a line goes on that needs more.
_WIDTH, _INDENT = 120, " " * 14
#: What a terminal makes colours of.
_COLOURS = re.compile(r"\x1b\[[\d;]*m")


def _is_by_the_way(event: dict[str, Any]) -> bool:
    """Tell whether a call only keeps a note in a tag, or gives a slow run more time."""
    update = event["operation"] == "UpdateInferenceExperiment"
    moves_the_end = update and "ShadowModeConfig" not in event.get("request", {})
    return moves_the_end or event["operation"] == "AddTags"


class Story:
    """Tells the emulator's history as it grows.

    :param url: of the emulator
    :param sagemaker: a boto3 client of it
    :param log: Airflow's, which has the verdicts
    """

    def __init__(self, *, url: str, sagemaker: Any, log: Path) -> None:
        self.url = url
        self.sagemaker = sagemaker
        self.log = log
        self.read, self.verdict = 0, ""
        self.start: datetime | None = None
        self.told = len(self._history())

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/shadow-api/{what}") as answer:  # noqa: S310
            return json.load(answer)

    def _history(self) -> list[dict[str, Any]]:
        return list(self._ask("history"))

    def tell_news(self) -> None:
        """Print what has happened since the last call, with the emulator's time since the start."""
        for verdict in self._verdicts():
            if verdict == self.verdict:  # the tasks that follow it log it again
                continue
            self.verdict = verdict
            self._print(self._ask("clock")["now"], verdict)
        news = self._history()[self.told :]
        self.told += len(news)
        for event in news:
            text = self._text(event)
            if text:
                self._print(event["at"], text)

    def _print(self, at: str, text: str) -> None:
        line = f"   {self._since_start(at)}  {text}"
        print(textwrap.fill(line, _WIDTH, subsequent_indent=_INDENT), flush=True)

    def _verdicts(self) -> Iterator[str]:
        """Yield what Airflow has logged of verdicts since the last call, whole messages only."""
        with self.log.open("rb") as log:
            log.seek(self.read)
            new = log.read()
        whole = new[: new.rfind(_MESSAGE) + 1]
        self.read += len(whole)
        text = _COLOURS.sub("", whole.decode(errors="replace"))
        looks = ((found.start(), found[1]) for found in _VERDICT.finditer(text))
        yield from (verdict for _, verdict in sorted([*looks, *comparisons(text)]))

    def _since_start(self, at: str) -> str:
        moment = datetime.fromisoformat(at)
        self.start = self.start or moment
        seconds = int((moment - self.start).total_seconds())
        return f"+{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"

    def _text(self, event: dict[str, Any]) -> str | None:
        if event["kind"] == "call" and not _is_by_the_way(event):
            named = f" {event['name']}" if event["operation"].startswith("Create") else ""
            return f"Airflow calls {event['operation']}{named}"
        if event["kind"] == "status" and event["to"] in _ENDS:
            return f"  the experiment is {event['to']}"
        if event["kind"] == "endpoint" and "config" in event["changed"]:
            return f"  the endpoint runs {self._config(event['config'])}"
        return None

    def _config(self, name: str) -> str:
        config = self.sagemaker.describe_endpoint_config(EndpointConfigName=name)
        parts = [
            f"{v['ModelName']} ({v['InitialInstanceCount']} x {v['InstanceType']})"
            for v in config["ProductionVariants"]
        ]
        parts += [
            f"a shadow of {v['ModelName']} on {v['InitialVariantWeight']:.0%} of requests"
            for v in config.get("ShadowProductionVariants", [])
        ]
        return " and ".join(parts)

    def reason(self, model: str) -> str:
        """Return why AWS's own record says that a candidate's experiment ended."""
        for summary in self.sagemaker.list_inference_experiments()["InferenceExperiments"]:
            experiment = self.sagemaker.describe_inference_experiment(Name=summary["Name"])
            if model in [variant["ModelName"] for variant in experiment["ModelVariants"]]:
                return str(experiment["StatusReason"])
        return "there is no experiment"

    def endpoint(self, name: str) -> str:
        """Say what an endpoint runs now."""
        endpoint = self.sagemaker.describe_endpoint(EndpointName=name)
        return self._config(endpoint["EndpointConfigName"])

    def serves(self, name: str) -> str:
        """Return the model that serves an endpoint."""
        endpoint = self.sagemaker.describe_endpoint(EndpointName=name)
        config = self.sagemaker.describe_endpoint_config(
            EndpointConfigName=endpoint["EndpointConfigName"]
        )
        return str(config["ProductionVariants"][0]["ModelName"])
