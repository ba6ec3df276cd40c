"""What a test asks for as labels."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from airflow_shadow.emulator.capture.config import Place
from airflow_shadow.emulator.capture.times import Written

Form = Literal["jsonl", "csv"]

_LATEST = 30 * 86_400.0


@dataclass(frozen=True, kw_only=True)
class LabelOrder:
    """Labels for the requests of an endpoint.

    destination: the folder in S3, `s3://bucket/prefix`.
    share: of the requests that get a label.
    late_seconds: how long after its minute a request's label is collected.
    form: "jsonl" is the groundTruthData of SageMaker's model monitor, "csv" has a header.
    Raises ValueError for what is not allowed.
    """

    destination: str
    share: float = 1.0
    late_seconds: float = 3600.0
    form: Form = "jsonl"
    written: Written = field(default_factory=Written)

    def __post_init__(self) -> None:
        """Check the values."""
        Place.read(self.destination)
        if not 0 <= self.share <= 1:
            raise ValueError(f"share={self.share!r} has to be a number from 0 to 1.")
        if not 0 <= self.late_seconds <= _LATEST:
            raise ValueError(
                f"late_seconds={self.late_seconds!r} has to be a number from 0 to {_LATEST:g}."
            )
        if self.form not in get_args(Form):
            raise ValueError(f"form={self.form!r} has to be one of {', '.join(get_args(Form))}.")

    @property
    def place(self) -> Place:
        """The folder."""
        return Place.read(self.destination)

    def facts(self) -> Mapping[str, Any]:
        """Return what was asked for, JSON-able."""
        return {name: value for name, value in asdict(self).items() if name != "written"}
