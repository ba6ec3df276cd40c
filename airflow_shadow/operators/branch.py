"""Branch on a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, get_args

from airflow_shadow._compat import AirflowFailException, BaseBranchOperator, Context
from airflow_shadow.decision import PromoteOn, read_verdict, taken_as
from airflow_shadow.exceptions import InvalidRequestError, ShadowError
from airflow_shadow.operators.choices import Choices, ClosedChoices
from airflow_shadow.operators.templating import TextTemplates
from airflow_shadow.text.messages import short_repr


class ShadowVerdictBranchOperator(ClosedChoices, TextTemplates, BaseBranchOperator):
    """Follow the tasks that belong to a verdict's outcome and skip the others.

    It calls nothing of AWS: an upstream :class:`~airflow_shadow.sensors.ShadowAnalysisSensor`,
    :class:`~airflow_shadow.operators.ShadowAnalysisOperator` or
    :class:`~airflow_shadow.operators.CompareAnswersOperator` has judged the shadow test.

    The tasks to follow are directly downstream. Each argument takes a task's or a task group's id,
    several, or `None` for none; inside a task group its prefix may be left out.

    :param verdict: what the analysis returned: its `output`, a template, or JSON text (templated)
    :param on_pass: what to follow on PASS
    :param on_fail: what to follow on FAIL
    :param on_inconclusive: what to follow on INCONCLUSIVE
    :param promote_on: `"answers"` takes a PASS on operational metrics alone as INCONCLUSIVE,
        because a fast model without errors may still answer wrongly; `"operational"` takes it as
        PASS; `"outputs"` is the older word for `"answers"`. What compares answers is
        :class:`~airflow_shadow.operators.CompareAnswersOperator`
    :raises AirflowFailException: there is no verdict, or a task to follow is not downstream
    """

    template_fields: Sequence[str] = ("verdict",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"verdict": "json"}
    template_ext: Sequence[str] = ()
    ui_color = "#e8f0fe"
    choices: ClassVar[Choices] = {"promote_on": get_args(PromoteOn)}
    #: For the tasks directly downstream, which check what was decided.
    decides_on_verdict = True

    def __init__(
        self,
        *,
        verdict: Mapping[str, Any] | str,
        on_pass: str | Iterable[str] | None,
        on_fail: str | Iterable[str] | None,
        on_inconclusive: str | Iterable[str] | None,
        promote_on: PromoteOn = "answers",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.verdict = verdict
        self.on_pass = on_pass
        self.on_fail = on_fail
        self.on_inconclusive = on_inconclusive
        self.promote_on = promote_on
        self.check_literals()

    def choose_branch(self, context: Context) -> list[str] | None:
        """Return the ids to follow; `None` skips all that is directly downstream."""
        self.check_choices()
        try:
            return self._choose(context)
        except ShadowError as error:
            raise AirflowFailException(str(error)) from error

    def _choose(self, _context: Context) -> list[str] | None:
        # All three are looked up, so that a wrong id shows before its outcome occurs.
        ways = {
            "PASS": self._found("on_pass", self.on_pass),
            "FAIL": self._found("on_fail", self.on_fail),
            "INCONCLUSIVE": self._found("on_inconclusive", self.on_inconclusive),
        }
        verdict = read_verdict(self.verdict, asked="to branch on a verdict")
        self.log.info("%s", verdict["reason"])
        outcome, why = taken_as(verdict, promote_on=self.promote_on)
        if outcome != verdict["outcome"]:
            self.log.info(why)
        return ways[outcome] or None

    def _found(self, argument: str, ids: str | Iterable[str] | None) -> list[str]:
        """Return the ids that an argument names, with their groups' prefixes."""
        names = [ids] if isinstance(ids, str) else list(ids or ())
        known = set(self._followable())
        return [self._whole(argument, name, known) for name in names]

    def _whole(self, argument: str, name: str, known: set[str]) -> str:
        group: Any = self.task_group
        whole = [name, group.child_id(name)] if group else [name]
        if found := next((each for each in whole if each in known), None):
            return found
        raise InvalidRequestError(
            asked=f"{argument}={short_repr(name)}",
            found=f"not directly downstream of {self.task_id!r}, whose downstream "
            f"tasks and groups are: {', '.join(map(repr, sorted(known))) or 'none'}",
            next_step="Correct the id, or set the task downstream, and clear this task.",
        )

    def _followable(self) -> Iterator[str]:
        """Yield the tasks directly downstream, and the groups that begin with one of them."""
        direct = set(self.downstream_task_ids)
        yield from direct
        dag: Any = self.dag
        for group_id, group in dag.task_group_dict.items():
            if direct & {root.node_id for root in group.roots}:
                yield group_id
