# PYTHON_ARGCOMPLETE_OK
"""The console script `airflow-shadow`, and `python -m airflow_shadow.cli`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from airflow_shadow import __version__
from airflow_shadow.cli.arguments import Command
from airflow_shadow.cli.commands import COMMANDS
from airflow_shadow.cli.failures import show
from airflow_shadow.exceptions import ShadowError

#: Exit codes besides the commands' own; `argparse` ends with 2.
FAILED, INTERRUPTED = 1, 130
_EPILOG = (
    "airflow-shadow COMMAND --help shows a command's arguments. "
    'Completion: eval "$(register-python-argcomplete airflow-shadow)"'
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    :param argv: arguments without the program's name; those of the process unless given
    :return: the exit code
    :raises SystemExit: with 2, the arguments are wrong; with 0, help was asked for
    """
    parser = make_parser()
    _complete(parser)
    args = parser.parse_args(argv)
    return run_command(args.command, args)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="airflow-shadow", description="Amazon SageMaker shadow tests.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        text = f"{command.help}. {command.description}"
        own = commands.add_parser(command.name, help=command.help, description=text)
        own.set_defaults(command=command)
        for one in command.arguments:
            own.add_argument(*one.flags, **one.settings)
    return parser


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks for completions, and end; otherwise do nothing."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)


def run_command(command: Command, args: argparse.Namespace) -> int:
    """Run a command in quiet surroundings and return the exit code; errors are shown."""
    try:
        with _surroundings(command, args):
            code = command.run(args)
            sys.stdout.flush()  # a closed pipe is noticed here, not when Python ends
            return code
    except ShadowError as error:
        show(error)
        return FAILED
    except BrokenPipeError:  # whoever read our output has read enough
        _print_no_more()
        return FAILED
    except OSError as error:  # a disk is full, where output, reports or Airflow's home go
        _print_no_more()
        show(_refused(command, error))
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted; what AWS has accepted goes on.", file=sys.stderr)
        return INTERRUPTED


def _print_no_more() -> None:
    """Throw away what is not printed yet: Python would try once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refused(command: Command, error: OSError) -> ShadowError:
    """Return our error for one of the system."""
    where = f" ({error.filename})" if error.filename else ""
    return ShadowError(
        asked=f"airflow-shadow {command.name}",
        found=f"the system refused to read or write: {error.strerror or error}{where}",
        next_step="Correct that and run the command again; what AWS has accepted goes on.",
    )


def _surroundings(command: Command, args: argparse.Namespace) -> AbstractContextManager[None]:
    """Return Airflow at hand, whose import takes most of a second, for a command that needs it."""
    if not command.needs_airflow:
        return nullcontext()
    from airflow_shadow.cli.surroundings import airflow_at_hand

    return airflow_at_hand(verbose=args.verbose)


if __name__ == "__main__":
    sys.exit(main())
