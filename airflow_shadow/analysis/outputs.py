"""What is compared of the answers: named outputs, and what can be measured of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from airflow_shadow.analysis.answer_measures import (
    DISAGREEMENT,
    KNOWN,
    MEASURES,
    NAME,
    OWN_VALUES,
    split_metric,
)
from airflow_shadow.analysis.answer_path import parse_answer
from airflow_shadow.analysis.noise import noise_faults
from airflow_shadow.analysis.validation import Checked, Seconds, bound_faults, line_faults
from airflow_shadow.text.messages import short_repr

OutputKind = Literal["label", "score", "text", "json"]
Loss = Literal["squared", "absolute"]
FOLDER = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^?#]*)?", re.ASCII)
#: Labelled values below which accuracy and error say nothing: at one percentage point, the default
#: tolerance of accuracy, five of them would be expected to be wrong.
MIN_LABELLED = 500
#: Pairs with one of the user's own numbers below which it says nothing: as for every mean, because
#: nothing is known of its tails.
MIN_VALUES = 1000
#: More outputs share so little alpha that no experiment could decide.
MAX_OUTPUTS = 20


@dataclass(frozen=True, kw_only=True)
class Output(Checked):
    """Name one thing of each answer that is compared.

    An answer may hold several values (rows of a batch): they are compared one by one.

    :param answer: where it stands: a JSONPath (``$.predictions[*].score``), the number (from 0) or
        the header of a column of CSV; the whole text if left out
    :param kind: ``label`` (which of some classes), ``score`` (a number), ``text`` or ``json``
    :param within: difference up to which two scores agree, in the score's own unit
    :param labels: folder in S3 of what was right (``s3://bucket/prefix/``)
    :param threshold: scores from here on are the label 1, the others 0: for the accuracy of a score
    :param loss: what `error` is the mean of: the ``squared`` error of a score (Brier's, of a
        probability), or the ``absolute`` one, which rewards overconfidence
    :param noise: how often production disagrees with itself: disagreed/compared of an A/A test
        (``216/1800``), or ``repeats`` for its own requests that have an equal input
    :param values: folder in S3 of the user's own numbers: id, variant, name, value
    :param min_labelled: labelled values below which accuracy and error are INCONCLUSIVE
    :param min_values: pairs with one of the own numbers below which criteria on it are INCONCLUSIVE
    :param labels_wait: how long after the window the comparison waits for labels (duration)
    :param show_classes: of a label: whether its frequent classes are named in the report
    """

    answer: str = ""
    kind: OutputKind = "text"
    within: float = 0.0
    labels: str | None = None
    threshold: float | None = None
    loss: Loss = "squared"
    noise: str | None = None
    values: str | None = None
    min_labelled: int = MIN_LABELLED
    min_values: int = MIN_VALUES
    labels_wait: Seconds = Seconds(0)
    show_classes: bool = True

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types."""
        try:
            parse_answer(self.answer)
        except ValueError as error:
            yield f"answer: {error}"
        for name in ("labels", "values"):
            yield from _folder_faults(name, getattr(self, name))
        yield from noise_faults(self.noise)
        yield from bound_faults(self, "within", "min_labelled", "min_values", "labels_wait")
        yield from self._kind_faults()

    def _kind_faults(self) -> Iterator[str]:
        """Yield the settings that only scores can have, and labels of what cannot be right."""
        if self.kind != "score":
            for name, default in (("within", 0.0), ("threshold", None), ("loss", "squared")):
                if getattr(self, name) != default:
                    yield f"{name}: is for kind score, and this is {self.kind}"
        if self.kind != "label" and not self.show_classes:
            yield f"show_classes: is for kind label, and this is {self.kind}"
        if self.labels is not None and self.kind not in {"label", "score"}:
            yield f"labels: are for kind label or score, and this is {self.kind}"

    def least_of(self, measure: str) -> int | None:
        """Return how many of what comes late a measure needs, None for what all pairs have."""
        if measure.startswith(OWN_VALUES):
            return self.min_values
        needs_labels = measure in MEASURES and MEASURES[measure].needs_labels
        return self.min_labelled if needs_labels else None

    def refused_comparison(self, measure: str, comparison: str) -> str:
        """Return why a measure cannot be compared so, empty if it can."""
        if measure == DISAGREEMENT and comparison == "difference" and self.noise is None:
            return (
                "'difference' is from production's disagreement with itself, and the output has no "
                "noise; use 'absolute', or give noise"
            )
        return ""

    def refused(self, measure: str) -> str:
        """Return why a measure cannot be had of this output, empty if it can."""
        if measure.startswith(OWN_VALUES):
            return self._refused_value(measure.removeprefix(OWN_VALUES))
        if measure not in MEASURES:
            return f"{short_repr(measure)} is not one of {KNOWN}"
        if measure in {"shift", "error"} and self.kind != "score":
            return f"{measure} is for kind score, and this is {self.kind}"
        if MEASURES[measure].needs_labels and self.labels is None:
            return f"{measure} needs labels"
        if measure == "accuracy" and self.kind == "score" and self.threshold is None:
            return "accuracy of a score needs a threshold"
        return ""

    def _refused_value(self, name: str) -> str:
        if not NAME.fullmatch(name):
            return f"{short_repr(name)} is no name of a value ({NAME.pattern})"
        return "" if self.values is not None else "values need the folder in which they are"


def _folder_faults(name: str, value: str | None) -> Iterator[str]:
    if value is None:
        return
    lines = list(line_faults(name, value))
    yield from lines
    if not lines and not FOLDER.fullmatch(value):
        yield f"{name}: {short_repr(value)} is not like 's3://bucket/folder/'"


def metric_fault(metric: str, outputs: Mapping[str, Output]) -> str:
    """Return why a metric about answers cannot be had, empty if it can."""
    name, measure = split_metric(metric)
    if name not in outputs:
        declared = ", ".join(sorted(outputs)) or "none"
        return f"no output {short_repr(name)} is declared in answers; declared: {declared}"
    return outputs[name].refused(measure)


def comparison_fault(metric: str, comparison: str, outputs: Mapping[str, Output]) -> str:
    """Return why a metric of a declared output cannot be compared so, empty if it can."""
    name, measure = split_metric(metric)
    return outputs[name].refused_comparison(measure, comparison) if name in outputs else ""


def output_faults(name: object, output: Output) -> Iterator[str]:
    """Yield what is wrong with a named output, each with its path below `answers`."""
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        yield f"{short_repr(name)}: is no name of an output ({NAME.pattern})"
    yield from (f"{name}.{fault}" for fault in output.faults())
