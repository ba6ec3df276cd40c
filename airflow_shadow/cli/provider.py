"""The commands as `airflow shadow ...`, which Airflow reads from 3.2 on; light to import."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from airflow_shadow.cli.arguments import Command
from airflow_shadow.cli.commands import COMMANDS


def get_cli_commands() -> list[Any]:
    """Return the group `shadow` in the words of Airflow's own command line."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    make: Any = Arg  # it has no types
    subcommands = [
        ActionCommand(
            name=command.name,
            help=command.help,
            func=_ending(command),
            args=[make(tuple(one.flags), **one.settings) for one in command.arguments],
            description=f"{command.help}. {command.description}",
        )
        for command in COMMANDS
    ]
    return [
        GroupCommand(
            name="shadow",
            help="Amazon SageMaker shadow tests",
            subcommands=subcommands,
        )
    ]


def _ending(command: Command) -> Callable[[Namespace], None]:
    """Return a command that ends the process, for Airflow ignores what commands return."""

    def run(args: Namespace) -> None:
        from airflow_shadow.cli.__main__ import run_command

        raise SystemExit(run_command(command, args))

    return run
