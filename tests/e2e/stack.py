"""A real Airflow on PostgreSQL, each component a program of its own, beside the emulator."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from tests.e2e import servers
from tests.e2e.processes import Program, free_port, tail, until

ROOT = Path(__file__).resolve().parents[2]
DAGS = Path(__file__).parent / "dags"
AIRFLOW = str(Path(sys.executable).parent / "airflow")
#: Where a failed run leaves Airflow's logs.
LOGS = ROOT / ".demo" / "e2e-logs"
REGION = "us-east-1"
#: Emulator seconds in a real one: a creation (240 s) takes under a second.
SPEED = 300.0

Executor = Literal["LocalExecutor", "CeleryExecutor"]
#: With Celery, each of these is a machine: it bears its name as the host name.
WORKERS, TRIGGERERS = ("worker-1", "worker-2"), ("triggerer-1", "triggerer-2")

#: Airflow at a test's pace: what it notices after minutes by default, it notices after seconds.
_SWIFT = {
    "API__WORKERS": "1",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__PARALLELISM": "6",
    "CORE__MAX_ACTIVE_TASKS_PER_DAG": "16",
    "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "2",
    "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    # A file is parsed when it changes, and otherwise left alone.
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    "DAG_PROCESSOR__STALE_DAG_THRESHOLD": "7200",
    "DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    "LOGGING__LOGGING_LEVEL": "INFO",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "SCHEDULER__JOB_HEARTBEAT_SEC": "1",
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
    "TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    "WORKERS__EXECUTION_API_TIMEOUT": "30",
    "AIRFLOW_SHADOW__WAITER_DELAY": "0.5",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
}


@dataclass
class Stack:
    """The addresses of a running Airflow and its emulator, and the programs behind them.

    :param programs: by name; empty where somebody else started them
    """

    home: Path
    page: str
    emulator_url: str
    environment: dict[str, str]
    programs: dict[str, Program] = field(default_factory=dict)

    def install(self, name: str, text: str) -> None:
        """Put a Dag file into the Dags' folder, whole at once."""
        part = self.home / f"{name}.part"
        part.write_text(text)
        part.rename(self.home / "dags" / name)

    def airflow(self, name: str, *command: str, **environment: str) -> Program:
        """Start one of Airflow's components; PostgreSQL knows its connections by its name."""
        program = Program(
            name=name,
            command=[AIRFLOW, *command],
            log=self.home / "logs" / f"{name}.log",
            environment={**self.environment, "PGAPPNAME": name, **environment},
        )
        if name in self.programs:
            # What its lost predecessor left running, such as its workers, ends with the stack.
            self.programs[f"{name} before {len(self.programs)}"] = self.programs[name]
        self.programs[name] = program.start()
        return program

    def end(self) -> None:
        """End all programs, the servers last."""
        for program in reversed(list(self.programs.values())):
            program.end()

    def tails(self) -> str:
        """Return the ends of all components' logs, for a failed test."""
        logs = sorted((self.home / "logs").glob("*.log"))
        return "\n".join(f"--- {log.stem}\n{tail(log)}" for log in logs)

    def complaints(self, *, since: float, most: int = 60) -> str:
        """Return what tasks have logged as errors, for a failed test.

        :param since: epoch seconds; older logs are left out
        """
        logs = (self.home / "logs").glob("dag_id=*/**/*.log")
        return "\n".join(
            f"--- {log.relative_to(self.home / 'logs')}\n{line}"
            for log in sorted(logs)
            if log.stat().st_mtime >= since
            for line in log.read_text(errors="replace").splitlines()[-most:]
            if '"level":"error"' in line or '"level":"critical"' in line
        )

    def knows_of_end(self, task: Mapping[str, Any]) -> bool:
        """Tell whether the scheduler knows that a try of a task that waits has ended its process.

        Airflow 3.3.2 takes a wait that is over before that for a task that was lost. A try that
        waits a second time cannot be told from its first wait.

        :param task: a task instance as the public API shows it
        """
        key = (
            f"dag_id='{task['dag_id']}', task_id='{task['task_id']}', "
            f"run_id='{task['dag_run_id']}', try_number={task['try_number']}, "
            f"map_index={task['map_index']}"
        )
        log = (self.home / "logs" / "scheduler.log").read_text(errors="replace")
        return f"event with state success for task instance TaskInstanceKey({key})" in log

    def save(self) -> None:
        """Write down the addresses, so that another process can use this Airflow."""
        plain = {
            "page": self.page,
            "emulator_url": self.emulator_url,
            "environment": self.environment,
        }
        (self.home / "stack.json").write_text(json.dumps(plain))

    @classmethod
    def attached(cls, home: Path) -> Stack:
        """Return the Airflow that another process started (`python -m tests.e2e.stack`)."""
        return cls(home=home, **json.loads((home / "stack.json").read_text()))


def environment(home: Path, *, database: str, page: str, emulator_url: str) -> dict[str, str]:
    """Return the settings; whatever Airflow the caller's environment speaks of is left alone."""
    others = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    keyless = {
        "conn_type": "aws",
        "extra": {"region_name": REGION, "endpoint_url": emulator_url},
    }
    connection = {
        **keyless,
        "login": "AKIAIOSFODNN7EXAMPLE",
        "password": "the-secret-of-the-connection",
    }
    swift = {f"AIRFLOW__{key}": value for key, value in _SWIFT.items()}
    return {
        **others,
        **swift,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "AIRFLOW_CONN_AWS_KEYLESS": json.dumps(keyless),
        "AIRFLOW__API__BASE_URL": page,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": page.rsplit(":", 1)[-1],
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{page}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "EMULATOR": emulator_url,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


@contextmanager
def running(
    home: Path, *, executor: Executor = "LocalExecutor", speed: float = SPEED, **settings: str
) -> Iterator[Stack]:
    """Start everything in a folder, wait until Airflow says it is healthy, and end it all.

    :param settings: Airflow's, `SECTION__KEY`, over those of all scenarios
    """
    (home / "logs").mkdir(parents=True)
    shutil.copytree(DAGS, home / "dags")
    (home / "config").mkdir()
    shutil.copy(Path(__file__).parent / "airflow_local_settings.py", home / "config")
    started: dict[str, Program] = {}
    stack: Stack | None = None
    try:
        started["postgres"], database = servers.postgres(home)
        started["emulator"], emulator_url = servers.emulator(home, speed=speed)
        page = f"http://127.0.0.1:{free_port()}"
        variables = environment(home, database=database, page=page, emulator_url=emulator_url)
        variables |= {f"AIRFLOW__{key}": value for key, value in settings.items()}
        variables["AIRFLOW__CORE__EXECUTOR"] = executor
        stack = Stack(home, page, emulator_url, variables, started)
        if executor == "CeleryExecutor":
            started["redis"], broker = servers.redis(home)
            stack.environment |= _celery(broker, database)
        _start_airflow(stack)
        stack.save()
        yield stack
    finally:
        _end(started)


def _end(started: Mapping[str, Program]) -> None:
    """End the programs: Airflow's at once, since all it knows goes too, then the servers."""
    for program in started.values():
        if program.command[0] == AIRFLOW:
            program.kill()
    for program in reversed(list(started.values())):
        program.end()


def _celery(broker: str, database: str) -> Mapping[str, str]:
    return {
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": database.replace("postgresql", "db+postgresql", 1),
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "3",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "airflow_local_settings.machine",
    }


def _start_airflow(stack: Stack) -> None:
    migrate = stack.airflow("migrate", "db", "migrate")
    until(lambda: not migrate.alive, what="the database's migration")
    if migrate.process is None or migrate.process.returncode:
        raise AssertionError(f"The migration failed:\n{migrate.tail()}")
    del stack.programs["migrate"]
    stack.airflow("api-server", "api-server")
    stack.airflow("dag-processor", "dag-processor")
    # Their log servers would listen on every address.
    stack.airflow("scheduler", "scheduler", "--skip-serve-logs")
    if "AIRFLOW__CELERY__BROKER_URL" in stack.environment:
        _start_machines(stack)
    else:
        stack.airflow("triggerer", "triggerer", "--skip-serve-logs")
    until(
        lambda: (healthy(stack) and _machines_answer(stack)) or _dead(stack),
        what="Airflow to be healthy",
        seconds=300,
    )
    if dead := _dead(stack):
        raise AssertionError(f"{dead} did not start:\n{stack.programs[dead].tail()}")


def _start_machines(stack: Stack) -> None:
    for name in TRIGGERERS:
        stack.airflow(name, "triggerer", "--skip-serve-logs", E2E_MACHINE=name)
    # Two workers need neither gossip nor mingling, which would slow their start.
    worker = ("celery", "worker", "--skip-serve-logs", "--without-gossip", "--without-mingle")
    for name in WORKERS:
        stack.airflow(name, *worker, "--celery-hostname", name, E2E_MACHINE=name)


def _dead(stack: Stack) -> str:
    return next((name for name, program in stack.programs.items() if not program.alive), "")


def healthy(stack: Stack) -> bool:
    """Tell whether Airflow's own health page says that all of its parts are well."""
    from tests.e2e.api import Api  # noqa: PLC0415 - it needs a stack

    return Api(stack).healthy()


def _machines_answer(stack: Stack) -> bool:
    """Tell whether both workers answer Celery's ping and both triggerers beat; without, `True`."""
    broker = stack.environment.get("AIRFLOW__CELERY__BROKER_URL")
    if broker is None:
        return True
    from celery import Celery  # noqa: PLC0415 - only a stack with Celery needs it

    from tests.e2e.api import Api  # noqa: PLC0415 - it needs a stack

    if not set(TRIGGERERS) <= Api(stack).alive("TriggererJob"):
        return False
    with Celery(broker=broker) as client:
        answers = client.control.ping(destination=[f"celery@{name}" for name in WORKERS])
    return len(answers) == len(WORKERS)


def main(arguments: list[str]) -> int:
    """Run a command beside a fresh Airflow, or without one serve it until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.stack", description=main.__doc__)
    parser.add_argument("--executor", choices=get_args(Executor), default="LocalExecutor")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        tempfile.TemporaryDirectory(prefix="airflow-shadow-e2e-") as place,
        running(Path(place) / "home", executor=asked.executor) as own,
    ):
        print(f"AIRFLOW_SHADOW_E2E={own.home}  # {own.page} {own.emulator_url}", flush=True)
        if not asked.command:
            signal.pause()
        beside = {**os.environ, "AIRFLOW_SHADOW_E2E": str(own.home)}
        code = subprocess.run(asked.command, env=beside, check=False).returncode
        if code:
            shutil.rmtree(LOGS, ignore_errors=True)
            shutil.copytree(own.home / "logs", LOGS)
            print(f"All logs of this Airflow are in {LOGS.relative_to(ROOT)}.", flush=True)
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
