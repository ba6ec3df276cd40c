"""Compare what both variants answered, and join that to a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_shadow._compat import Context
from airflow_shadow.operators.analysis import ShadowAnalysisOperator
from airflow_shadow.operators.choices import AnswersEngine, Choices

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps

#: Not `None`, which is the verdict of an analysis that was skipped.
_NOT_GIVEN: Any = object()


class CompareAnswersOperator(ShadowAnalysisOperator):
    """Compare the answers that an experiment captured, and judge the candidate on them, too.

    The experiment must capture (`capture` of its creation), and the specification say in `answers`
    what is compared. The worker reads the captured files (ListObjectsV2, GetObject) with the
    `answers` extra of this package, hour by hour; production's and the shadow's metrics
    (GetMetricData) say how many answers there should be.

    With `verdict`, that of an analysis, its window and looks are taken, and its outcome is joined:
    PASS needs both, FAIL one. Without it the task judges the metrics itself first, as
    :class:`~airflow_shadow.operators.ShadowAnalysisOperator` does. A FAIL on the metrics is
    returned as it is, for nothing is left to compare for.

    Captured files come late: the task waits `capture_delay` after the window, and while answers are
    missing compares again, until `capture_timeout`. If nothing was captured at all, the verdict is
    INCONCLUSIVE and says what to look at.

    Returns the joined verdict as JSON-able values, with the XComs of the analysis, and `answers`,
    which the report draws. No content of requests and answers is in them, nor in the log, in an
    error or in the report, but the names of frequent classes (`show_classes` of an output).

    :param verdict: what the analysis returned: its `output`, a template, or JSON text; without
        `since`, `duration`, `until` and `sampling_percentage`, for it has its window (templated)
    :param capture_delay: how long after the window's end files are waited for before they are read
        (duration, templated)
    :param capture_timeout: how long after the window's end they are read again while answers are
        missing (duration, templated)
    :param results: `s3://bucket/prefix`, outside of what is captured, where sums a minute are kept,
        a few kB an hour, so that a retry or a later task reads no hour again
    :param buckets: further buckets in which `labels` and `values` of the specification may be;
        those of the captures and of `results`, and those that stand in the specification as the
        Dag's author wrote it, need not be named
    :param engine: where the files are read: `"worker"`, or `"processing"`, a SageMaker Processing
        job, which needs `processing` and `results`, and of the worker neither the extra nor memory
    :param processing: what CreateProcessingJob needs besides, with the API's own field names:
        `RoleArn` and `AppSpecification` (`ImageUri`), and what else is wanted, such as
        `ProcessingResources` (one ml.m5.xlarge with 30 GB by default) or `NetworkConfig`
        (templated)
    :param spool_mb: megabytes of disk that files take at most while they are read
    :param memory_mb: megabytes of memory that the engine takes at most
    :param examples: how many disagreements of each output are kept, with what both variants
        answered
    :param examples_path: the file for them on the worker, which only its owner may read
    :raises AirflowFailException: the experiment captures nothing, `answers` says nothing, or the
        extra is missing
    """

    deadline_row = "answers"
    template_fields: Sequence[str] = (
        *ShadowAnalysisOperator.template_fields,
        "capture_delay",
        "capture_timeout",
        "processing",
        "verdict",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "processing": "json",
        "spec": "json",
        "verdict": "json",
    }
    choices: ClassVar[Choices] = {"engine": get_args(AnswersEngine)}
    #: Without them files would be read before they can be there.
    never_nothing = ShadowAnalysisOperator.never_nothing | {"capture_delay", "capture_timeout"}

    def __init__(
        self,
        *,
        verdict: Mapping[str, Any] | str | None = _NOT_GIVEN,
        capture_delay: timedelta | float | str = "5m",
        capture_timeout: timedelta | float | str = "30m",
        results: str | None = None,
        buckets: Sequence[str] = (),
        engine: AnswersEngine = "worker",
        processing: Mapping[str, Any] | None = None,
        spool_mb: int = 512,
        memory_mb: int = 384,
        examples: int = 0,
        examples_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.has_verdict = verdict is not _NOT_GIVEN
        self.verdict = verdict if self.has_verdict else None
        self.capture_delay: Any = capture_delay
        self.capture_timeout: Any = capture_timeout
        self.results = results
        self.buckets = buckets
        self.engine = engine
        self.processing = processing
        self.spool_mb = spool_mb
        self.memory_mb = memory_mb
        self.examples = examples
        self.examples_path = examples_path
        self.check_literals()

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.answers import CompareAnswersSteps

        return CompareAnswersSteps(self, context)
