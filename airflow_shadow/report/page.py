"""The whole page: the verdict first, then its evidence, then the specification."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.analysis.formatting import number, reasons
from airflow_shadow.report.answers import (
    answer_pictures,
    coverage,
    latest,
    matrix,
    outputs,
)
from airflow_shadow.report.chart import chart
from airflow_shadow.report.charts import pictures, timeline
from airflow_shadow.report.forest import forest
from airflow_shadow.report.histogram import score_histograms
from airflow_shadow.report.inputs import Ending, Experiment, Stage
from airflow_shadow.report.markup import text
from airflow_shadow.report.ramp import ramp
from airflow_shadow.report.scale import moment
from airflow_shadow.report.summary import basis, first_line, heading, next_steps
from airflow_shadow.report.tables import (
    baseline_table,
    breaker_table,
    evidence_table,
    percentile_table,
    stage_table,
)

if TYPE_CHECKING:
    from jinja2 import Template


def render_report(
    *,
    stages: Sequence[Stage],
    experiment: Experiment,
    spec: AnalysisSpec,
    ending: Ending | None = None,
    versions: Mapping[str, str] | None = None,
    made_at: float | None = None,
) -> str:
    """Return one HTML file that needs nothing else: no script, no request, no font.

    It writes nothing and reads no clock, so the same arguments give the same text. A month of
    minutes stays below 100 kB, because charts are thinned.

    :param stages: one for each sampling percentage, in the order of time; the last one decides.
        Without any the report says that nothing was judged
    :param experiment: the shadow test
    :param spec: the specification, printed as JSON that :func:`read_spec` reads back
    :param ending: what became of the shadow test; by default that it runs
    :param versions: package to version, for repeating the verdict
    :param made_at: when the report was made, seconds since 1970
    """
    rows = {**experiment.rows, **(versions or {})}
    return _template().render(
        experiment=experiment,
        ending=ending or Ending(),
        stages=stages,
        spec=spec,
        specification=json.dumps(spec.to_dict(), indent=1, ensure_ascii=False),
        configuration={label: [value] for label, value in rows.items()},
        made_at=made_at,
    )


#: Functions that the template calls, by name.
_FUNCTIONS: Sequence[Callable[..., object]] = (
    *(baseline_table, breaker_table, evidence_table, percentile_table, stage_table),
    *(chart, forest, moment, number, pictures, ramp, reasons, timeline),
    *(basis, first_line, heading, next_steps),
    *(answer_pictures, coverage, latest, matrix, outputs, score_histograms),
)


@cache
def _template() -> Template:
    """Return the page's template; Jinja2 is imported only where a report is made.

    `finalize` escapes everything put into it, and replaces characters that HTML forbids.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("airflow_shadow.report", "."),
        autoescape=True,
        finalize=text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {each.__name__: each for each in _FUNCTIONS}
    return environment.get_template("report.html.j2")
