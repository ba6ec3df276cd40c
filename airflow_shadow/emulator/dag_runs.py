"""Run a Dag in this process, with `dag.test()`, without the pauses that are meant for AWS."""

import inspect
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow_shadow.emulator.airflow_home import POLL_PAUSE

#: Arguments of operators that say how to pause, and what they are in a test.
_PAUSES: Mapping[str, Any] = {
    "mode": "poke",  # of sensors: each reschedule costs `dag.test()` a second
    "poke_interval": POLL_PAUSE,
    "retry_delay": timedelta(seconds=POLL_PAUSE),
    "waiter_delay": POLL_PAUSE,
}
#: A run without a logical date, where Airflow knows such runs.
When = datetime | date | str | None


def run_dag(dag: Any, logical_date: When = None, conf: Mapping[str, Any] | None = None) -> Any:
    """Run a Dag from its first task to its last and return Airflow's DagRun.

    Tasks run one after the other, triggers too; polls, pokes and retries follow at once, whatever
    the Dag says.
    dag: a Dag, or the id of one in Airflow's Dags folder.
    logical_date: a datetime, date or ISO text, in UTC unless it says otherwise; without one the run
    is as one that a person triggers with a form.
    conf: what the form is filled in with.
    Raises LookupError if the folder has no such Dag.
    """
    found = find_dag(dag)
    for task in found.tasks:
        _hurry(task)
    _keep(found)
    return found.test(**arguments(found, logical_date, conf))


def find_dag(dag: Any) -> Any:
    """Return a Dag as it is, or the one of an id in Airflow's Dags folder.

    Raises LookupError, with the errors of the files that could not be imported.
    """
    if not isinstance(dag, str):
        return dag
    # Airflow is imported late: only who runs a Dag pays for it.
    settings = import_module("airflow.configuration").conf
    folder = Path(settings.get("core", "dags_folder"))
    if not folder.is_dir():
        raise LookupError(
            f"There is no folder {folder} to look for Dag {dag!r} in. Name yours in pytest's"
            " configuration: shadow_dags_folder = path, relative to it."
        )
    if str(folder) not in sys.path:  # as Airflow does
        sys.path.append(str(folder))
    bag = _dagbag().DagBag(str(folder))
    if dag in bag.dags:
        return bag.dags[dag]
    wrong = "".join(f"\n{file}: {error}" for file, error in bag.import_errors.items())
    known = ", ".join(sorted(bag.dags)) or "none"
    raise LookupError(f"{folder} has no Dag {dag!r}; its Dags: {known}.{wrong}")


def _dagbag() -> Any:
    try:
        return import_module("airflow.dag_processing.dagbag")
    except ImportError:  # Airflow 2.11 and 3.0
        return import_module("airflow.models.dagbag")


def _keep(dag: Any) -> None:
    """Write a Dag to Airflow's database, where Airflow 3 reads it; it may be in no folder."""
    module = _dagbag()
    if not hasattr(module, "sync_bag_to_db"):  # Airflow 2.11
        return
    bundles = import_module("airflow.dag_processing.bundles.manager").DagBundlesManager()
    bundles.sync_bundles_to_db()
    bag = module.DagBag(collect_dags=False)
    bag.bag_dag(dag)
    module.sync_bag_to_db(bag, next(iter(bundles.get_all_dag_bundles())).name, None)


def connections_of(dag: Any) -> set[str]:
    """Return the AWS connections that a Dag's tasks name."""
    named = [getattr(task, "partial_kwargs", vars(task)).get("aws_conn_id") for task in dag.tasks]
    return {name for name in named if isinstance(name, str)}


def _hurry(task: Any) -> None:
    """Shorten a task's pauses; what a mapped one will be made with stands in `partial_kwargs`."""
    kept = getattr(task, "partial_kwargs", None)
    for name, value in _PAUSES.items():
        if kept is None and hasattr(task, name):
            setattr(task, name, value)
        elif kept is not None and name in kept:
            kept[name] = value


def arguments(dag: Any, logical_date: When, conf: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what `dag.test()` takes, whose first argument Airflow 3 renamed."""
    form = {"run_conf": dict(conf)} if conf else {}
    moment = _moment(logical_date)
    if "execution_date" not in inspect.signature(dag.test).parameters:
        return {"logical_date": moment, **form}
    return {"execution_date": moment, **form} if moment else form


def _moment(logical_date: When) -> datetime | None:
    if logical_date is None:
        return None
    if isinstance(logical_date, str):
        logical_date = datetime.fromisoformat(logical_date)
    if not isinstance(logical_date, datetime):
        logical_date = datetime.combine(logical_date, time())
    return logical_date if logical_date.tzinfo else logical_date.replace(tzinfo=UTC)
