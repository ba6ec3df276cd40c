"""Join what both variants answered, and sum it by minute; contents stay inside the engine.

Needs the extra ``answers`` (DuckDB). `docs/answers.md` says how answers are joined and summed.
"""

from airflow_shadow.answers.compare import Limits, compare_captures, compare_files
from airflow_shadow.answers.examples import Examples
from airflow_shadow.answers.store import CaptureStore, FolderStore

__all__ = [
    "CaptureStore",
    "Examples",
    "FolderStore",
    "Limits",
    "compare_captures",
    "compare_files",
]
