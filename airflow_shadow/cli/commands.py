"""The commands. Each imports what it needs when it runs: `--help` and completion stay fast."""

from __future__ import annotations

from argparse import Namespace

from airflow_shadow.cli.arguments import (
    CONFORMANCE,
    CONNECTION,
    ENDPOINT,
    METRICS,
    NAME,
    OUTPUT,
    PLAN,
    SPEC,
    VERBOSE,
    WAITING,
    WINDOW,
    YES,
    Command,
    argument,
    seconds,
    whole,
)
from airflow_shadow.emulator.options import OPTIONS
from airflow_shadow.experiments.lifecycle import Status

_REASON = argument(
    "--reason", metavar="TEXT", help="why; becomes the experiment's StatusReason at AWS"
)


def _list(args: Namespace) -> int:
    from airflow_shadow.cli.experiments import list_experiments

    return list_experiments(args)


def _describe(args: Namespace) -> int:
    from airflow_shadow.cli.experiments import describe_experiment

    return describe_experiment(args)


def _watch(args: Namespace) -> int:
    from airflow_shadow.cli.watching import watch

    return watch(args)


def _check(args: Namespace) -> int:
    from airflow_shadow.cli.endpoints import check

    return check(args)


def _forecast(args: Namespace) -> int:
    from airflow_shadow.cli.endpoints import forecast_plan

    return forecast_plan(args)


def _validate(args: Namespace) -> int:
    from airflow_shadow.cli.files import validate

    return validate(args)


def _skeleton(args: Namespace) -> int:
    from airflow_shadow.cli.files import show_skeleton

    return show_skeleton(args)


def _analyze(args: Namespace) -> int:
    from airflow_shadow.cli.verdicts import analyze

    return analyze(args)


def _promote(args: Namespace) -> int:
    from airflow_shadow.cli.conclusion import promote

    return promote(args)


def _remove(args: Namespace) -> int:
    from airflow_shadow.cli.conclusion import remove

    return remove(args)


def _emulator(args: Namespace) -> int:
    from airflow_shadow.cli.local import serve_emulator

    return serve_emulator(args)


def _conformance(args: Namespace) -> int:
    from airflow_shadow.cli.conformance import conformance

    return conformance(args)


COMMANDS = (
    Command(
        name="list",
        help="List shadow tests, the newest first",
        run=_list,
        arguments=(
            argument("--status", choices=tuple(map(str, Status)), help="only those of a status"),
            argument("--name-contains", metavar="TEXT", help="only names with this text"),
            argument(
                "--endpoint-name",
                metavar="ENDPOINT",
                help="only those on an endpoint (describes each one)",
            ),
            argument(
                "--max-items",
                type=whole,
                default=100,
                metavar="NUMBER",
                help="list at most so many (default: 100)",
            ),
            OUTPUT,
            *CONNECTION,
        ),
    ),
    Command(
        name="describe",
        help="Describe a shadow test",
        run=_describe,
        arguments=(NAME, OUTPUT, *CONNECTION),
    ),
    Command(
        name="watch",
        help="Watch a shadow test until it ends",
        description="Exit code: 0 promoted, 3 completed and not promoted, 4 removed or stopped, "
        "5 broken, 1 an error.",
        run=_watch,
        arguments=(
            NAME,
            *SPEC,
            argument("--no-verdict", action="store_true", help="do not judge what there is so far"),
            argument(
                "--waiter-delay",
                type=seconds,
                default=15.0,
                metavar="SECONDS",
                help="time between two polls of AWS (default: 15)",
            ),
            argument("--waiter-timeout", metavar="DURATION", help="give up after so long"),
            *CONNECTION,
        ),
    ),
    Command(
        name="check",
        help="Check whether an endpoint can be tested, and what would be lost",
        description="Exit code: 0 it can be tested and promoted, 3 it cannot as it is, 1 an error.",
        run=_check,
        arguments=(
            ENDPOINT,
            argument("--shadow-model-name", metavar="MODEL", help="a candidate to look for"),
            *SPEC,
            *PLAN,
            argument("--no-forecast", action="store_true", help="read no metrics"),
            OUTPUT,
            *CONNECTION,
        ),
    ),
    Command(
        name="forecast",
        help="Forecast how likely a candidate as good as production passes",
        description="From production's own metrics of the last days. Exit code: 0, 3 if nothing "
        "that is measured could lead to a PASS, 1 an error.",
        run=_forecast,
        arguments=(ENDPOINT, *SPEC, *PLAN, OUTPUT, *CONNECTION),
    ),
    Command(
        name="validate",
        help="Find all faults of a specification, without calling AWS",
        run=_validate,
        arguments=(
            argument("file", metavar="FILE", help="JSON or YAML; - reads standard input"),
            argument(
                "--request",
                choices=("create", "update", "stop"),
                help="the file is a request of the API, not a specification",
            ),
            METRICS,
            VERBOSE,
        ),
    ),
    Command(
        name="skeleton",
        help="Print an empty request of the API, to be filled in",
        run=_skeleton,
        needs_airflow=False,
        arguments=(
            argument("request", choices=("create", "update", "stop"), help="the request"),
            argument(
                "-o",
                "--output",
                choices=("json", "yaml"),
                default="yaml",
                help="output format (default: yaml)",
            ),
        ),
    ),
    Command(
        name="analyze",
        help="Judge a window of a shadow test, and write its report",
        description="Nothing is changed at AWS, not even a tag. Exit code: 0, 3 if the outcome is "
        "in --fail-on, 1 an error.",
        run=_analyze,
        arguments=(
            NAME,
            *SPEC,
            *WINDOW,
            argument(
                "--report",
                metavar="FILE",
                help="write the report, as one .html file; missing folders are made",
            ),
            argument(
                "--fail-on",
                action="append",
                choices=("FAIL", "INCONCLUSIVE", "PASS"),
                default=[],
                help="an outcome for which the exit code is 3; may be repeated",
            ),
            OUTPUT,
            *CONNECTION,
        ),
    ),
    Command(
        name="promote",
        help="Promote a candidate on a verdict that is asked for now",
        description="Judges the window, asks, and has the safeguards of "
        "PromoteShadowVariantOperator. Each try is one more look at the evidence: decide "
        "beforehand when to judge.",
        run=_promote,
        arguments=(
            NAME,
            *SPEC,
            *WINDOW,
            argument(
                "--promote-on",
                choices=("answers", "operational"),
                default="answers",
                help="operational promotes on latency and errors alone, which are all that this "
                "command judges (default: answers)",
            ),
            argument(
                "--force",
                action="store_true",
                help="promote without a PASS; needs --reason, all other safeguards stay",
            ),
            _REASON,
            argument(
                "--allow-partial-sampling",
                action="store_true",
                help="promote below 100 %% sampling",
            ),
            argument(
                "--allow-lost-setting",
                dest="allow_lost_settings",
                action="append",
                metavar="SETTING",
                default=[],
                help="a setting of production that may be lost; may be repeated",
            ),
            argument(
                "--allow-older",
                action="store_true",
                help="promote even if a run with a later date has promoted what serves",
            ),
            argument(
                "--autoscaling",
                choices=("refuse", "ignore"),
                default="refuse",
                help="what to do if production is scaled automatically (default: refuse)",
            ),
            argument(
                "--require-approved-model-package",
                action="store_true",
                help="wait until the registry has approved the candidate",
            ),
            argument(
                "--alarm",
                dest="alarms",
                action="append",
                metavar="ALARM",
                default=[],
                help="wait while this CloudWatch alarm fires; may be repeated",
            ),
            YES,
            *WAITING,
            *CONNECTION,
        ),
    ),
    Command(
        name="remove",
        help="Remove a candidate and keep production",
        run=_remove,
        arguments=(
            NAME,
            _REASON,
            argument(
                "--desired-state",
                choices=("Cancelled", "Completed"),
                default="Cancelled",
                help="status of the experiment afterwards (default: Cancelled)",
            ),
            YES,
            *WAITING,
            *CONNECTION,
        ),
    ),
    Command(
        name="emulator",
        help="Serve a local SageMaker with shadow tests, until Ctrl-C",
        run=_emulator,
        needs_airflow=False,
        arguments=tuple(argument(name, **settings) for name, settings in OPTIONS.items()),
    ),
    Command(
        name="conformance",
        help="Check on an endpoint of its own whether AWS does what is assumed",
        description="Asks before each stage with what it may cost, and deletes all that it has "
        "made. Exit code: 0, 3 if something differs, 1 an error or something is left.",
        run=_conformance,
        arguments=CONFORMANCE,
    ),
)
