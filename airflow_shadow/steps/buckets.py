"""Which buckets a comparison may read: a specification from a form must not choose others."""

from __future__ import annotations

from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.answers.store import split_address
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.operators.answers import CompareAnswersOperator
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.steps.load_argument import list_of_text


def check_buckets(
    op: CompareAnswersOperator | RolloutPlanOperator, spec: AnalysisSpec, *, captures: str
) -> None:
    """Refuse labels and own numbers in a bucket that the Dag's author did not name.

    Allowed are the captures' bucket, that of `results`, those of `buckets`, and those that the
    author wrote into the specification, which a template did not give.

    :param captures: where the experiment captures
    :raises InvalidRequestError: naming the output, the address and what to add
    """
    named = [captures, *filter(None, [op.results])]
    allowed = {split_address(address)[0] for address in named if "://" in address}
    allowed |= {*list_of_text(op.buckets, what="buckets"), *op.spec_buckets}
    for name, output in spec.answers.items():
        for what, address in (("labels", output.labels), ("values", output.values)):
            bucket = split_address(address)[0] if address is not None else None
            if bucket is not None and bucket not in allowed:
                raise InvalidRequestError(
                    asked=f"{what} of output {name!r} in {address}",
                    found=f"a bucket that only a template gave, and not one of {sorted(allowed)}",
                    next_step=f"If tasks may read it, give buckets=[{bucket!r}] in the Dag.",
                )
