"""The servers behind a real Airflow: PostgreSQL, Redis, and the emulator; all on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.e2e.processes import Program, free_port, until

#: PostgreSQL refuses to run as root; Debian's package brings this user.
_POSTGRES_USER = "postgres"


def _postgres_tool(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        raise SystemExit("PostgreSQL is not installed. Next: bash tests/e2e/services.sh")
    return str(found[-1])


def postgres(home: Path) -> tuple[Program, str]:
    """Start an empty PostgreSQL and return it with the address of its database `airflow`."""
    # Not below `home`: a folder of root's own would be closed to its user.
    data, port = Path(tempfile.mkdtemp(prefix="airflow-shadow-postgres-")), free_port()
    user = _POSTGRES_USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(data, user)
    subprocess.run(
        [_postgres_tool("initdb"), "--auth=trust", "--username=airflow", "--no-sync", str(data)],
        user=user,
        check=True,
        capture_output=True,
    )
    quick = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")
    options = [f"-c{option}" for option in (*quick, "listen_addresses=127.0.0.1")]
    server = Program(
        name="postgres",
        command=[
            _postgres_tool("postgres"),
            "-D",
            str(data),
            f"-p{port}",
            f"-k{data}",
            *options,
        ],
        log=home / "logs" / "postgres.log",
        user=user,
        scratch=data,
    ).start()
    create = [_postgres_tool("createdb"), "-h127.0.0.1", f"-p{port}", "-Uairflow", "airflow"]
    until(
        lambda: subprocess.run(create, capture_output=True, check=False).returncode == 0,
        what="PostgreSQL to take connections",
        seconds=60,
    )
    return server, f"postgresql+psycopg2://airflow@127.0.0.1:{port}/airflow"


def redis(home: Path) -> tuple[Program, str]:
    """Start an empty Redis and return it with its address."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = Program(
        name="redis", command=[*command, "--dir", str(home)], log=home / "logs" / "redis.log"
    ).start()
    ping = ["redis-cli", "-h", "127.0.0.1", "-p", str(port), "ping"]
    until(
        lambda: b"PONG" in subprocess.run(ping, capture_output=True, check=False).stdout,
        what="Redis to answer",
        seconds=60,
    )
    return server, f"redis://127.0.0.1:{port}/0"


def emulator(home: Path, *, speed: float) -> tuple[Program, str]:
    """Start the emulator as a user would and return it with its address."""
    port = free_port()
    program = [sys.executable, "-m", "airflow_shadow.emulator", "--port", str(port)]
    server = Program(
        name="emulator",
        command=[*program, "--speed", str(speed)],
        log=home / "logs" / "emulator.log",
    ).start()
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(f"{url}/shadow-api/clock"), what="the emulator to answer", seconds=60)
    return server, url


def answers(url: str) -> bool:
    """Tell whether a page answers with success."""
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status < 300)
    return False
