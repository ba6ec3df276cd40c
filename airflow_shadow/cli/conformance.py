"""`conformance`: ask an account whether AWS does what is assumed, on an endpoint of its own."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from airflow_shadow.cli.access import confirm, opened
from airflow_shadow.cli.failures import show as show_error
from airflow_shadow.cli.logs import say
from airflow_shadow.cli.output import emit
from airflow_shadow.conformance.account import Account, Pace
from airflow_shadow.conformance.checks import Check, Outcome, Stage
from airflow_shadow.conformance.clean_up import CleanUp
from airflow_shadow.conformance.interrupts import Interrupts, taken
from airflow_shadow.conformance.journal import read_journal
from airflow_shadow.conformance.lab import Lab, Order
from airflow_shadow.conformance.not_checked import NOT_CHECKED
from airflow_shadow.conformance.program import Program, facts, names_of, new_lab
from airflow_shadow.conformance.record import document, write
from airflow_shadow.conformance.stages import chosen, names
from airflow_shadow.exceptions import InvalidRequestError, ShadowError
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.text.messages import short_repr

#: Exit codes besides 0 and that of a signal.
_FAILED, _DIFFERS = 1, 3
_TWO_MODELS = 2
_STYLES = {Outcome.AS_ASSUMED: "", Outcome.DIFFERS: "red", Outcome.UNSEEN: "yellow"}


def conformance(args: Namespace) -> int:
    """Show the checks, clean up what a run has left, or run."""
    stages = chosen(_only(args))
    if args.list_checks:
        emit(list(_listed(stages)), args.output)
        return 0
    if args.clean_up:
        return _clean_up(args)
    order, pace = _order(args), _pace(args)
    _check_folder(args.folder)
    with opened(args, InferenceExperimentHook) as hook:
        lab = new_lab(hook, order, pace, folder=Path(args.folder), say=_say)
        return _run(args, lab, stages)


def _say(text: str) -> None:
    """Write a line; a terminal that was closed must not end a clean-up."""
    with suppress(OSError):
        say(text)


def _only(args: Namespace) -> frozenset[str]:
    """Return the names of the chosen checks.

    :raises InvalidRequestError: there is none of a name
    """
    only = frozenset(args.only)
    if unknown := sorted(only - names()):
        raise InvalidRequestError(
            asked=f"only {', '.join(unknown)}",
            found="no check and no belief of that name"
            + "".join(f"; {name}: {NOT_CHECKED[name]}" for name in unknown if name in NOT_CHECKED),
            next_step="Choose among those of --list.",
        )
    return only


def _listed(stages: list[tuple[Stage, tuple[Check, ...]]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each check, and for each belief that has none."""
    for stage, checks in stages:
        for one in checks:
            yield {
                "stage": stage.name,
                "check": one.name,
                "belief": one.belief,
                "does": one.does,
                "expected": one.expected,
                "calls": one.calls,
                "deployments": one.deployments,
            }
    for belief, why in NOT_CHECKED.items():
        yield {
            "stage": "-",
            "check": "",
            "belief": belief,
            "does": f"not checked: {why}",
            "expected": "",
            "calls": 0,
            "deployments": 0,
        }


def _order(args: Namespace) -> Order:
    """Return what was asked for.

    :raises InvalidRequestError: something is missing
    """
    if len(set(args.models)) != _TWO_MODELS or len(args.models) != _TWO_MODELS or not args.role:
        raise InvalidRequestError(
            asked="a run",
            found=f"{len(set(args.models))} model(s) and {'a' if args.role else 'no'} role",
            next_step="Give two models (--model A --model B) and --role ARN; nothing was created.",
        )
    return Order(
        models=(args.models[0], args.models[1]),
        role_arn=args.role,
        instance_type=args.instance_type,
    )


def _pace(args: Namespace) -> Pace:
    """Return how often AWS is polled, and for how long.

    :raises InvalidRequestError: the limit is no duration
    """
    limit = parse_duration(args.wait_limit, argument="--wait-limit").total_seconds()
    return Pace(args.waiter_delay, limit)


def _check_folder(folder: str) -> None:
    """Refuse a folder that cannot be written to before anything is made.

    :raises InvalidRequestError: with the system's reason
    """
    probe = Path(folder) / ".shadow-conformance"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InvalidRequestError(
            asked=f"journal and record in folder {short_repr(folder)}",
            found=f"it cannot be written to: {error.strerror}",
            next_step="Give another --folder; nothing was created.",
        ) from error


# --- a run --------------------------------------------------------------------------------


def _run(args: Namespace, lab: Lab, stages: list[tuple[Stage, tuple[Check, ...]]]) -> int:
    """Run, clean up, and show what was seen; return the exit code."""
    program = Program(lab, stages, lambda question: confirm(question, yes=args.yes))
    _say(f"Run {lab.run}; its journal is {lab.journal.path} while it has anything to delete.")
    interrupts = Interrupts(lambda: _warn(lab))
    lab.check = interrupts.raise_again
    ended, code = "completely", 0
    with taken(interrupts):
        try:
            program.run()
        except KeyboardInterrupt:
            ended, code = "by a signal", interrupts.exit_code
            _say("Interrupted; cleaning up.")
        except ShadowError as error:
            ended, code = f"with an error: {error.found} {error.reason}", _FAILED
            show_error(error)
        finally:
            interrupts.begin_clean_up()
            left = _finish(CleanUp(lab), interrupts)
    code = max(code, left)  # that of a signal before that of an error
    _show(args, program, ended=f"{ended}; not all was deleted" if left else ended)
    differs = any(result.outcome is Outcome.DIFFERS for result in program.results)
    return code or (_DIFFERS if differs else 0)


def _finish(clean_up: CleanUp, interrupts: Interrupts) -> int:
    """Delete all that is left, and say what cannot be; return 0 if nothing is left."""
    is_ended = False
    try:
        clean_up.delete_all()
    except KeyboardInterrupt:
        is_ended = True
    interrupts.end_clean_up()
    if is_ended:
        _say("The clean-up was ended.")
    if clean_up.account.journal.entries:
        _say(_left(clean_up))
        return interrupts.exit_code if is_ended else _FAILED
    return 0


def _left(clean_up: CleanUp) -> str:
    """Return what is left, and how to delete it."""
    journal = clean_up.account.journal
    lines = [f"Left in {journal.region}, and perhaps billed:"]
    for entry in journal.entries:
        why = clean_up.why.get(entry, "not tried")
        lines.append(f"  {entry.kind} {entry.name} ({why})")
    lines.append(f"Delete it with:  airflow-shadow conformance --clean-up {journal.path}")
    lines.append("or by hand, in this order, a running experiment stopped first:")
    return "\n".join([*lines, *(f"  {line}" for line in clean_up.by_hand())])


def _warn(account: Account) -> None:
    names = ", ".join(entry.name for entry in account.journal.entries)
    _say(f"Cleaning up; once more leaves what is not deleted yet: {names}")


def _show(args: Namespace, program: Program, *, ended: str) -> None:
    """Print the table, and write the file to send with a report."""
    lab, path = program.lab, Path(args.folder) / f"{program.lab.run}.json"
    whole = document(program.results, about=facts(lab, ended=ended), names=names_of(lab))
    with suppress(OSError):
        emit([result.row() for result in program.results], args.output, whole=whole)
    write(path, whole)
    counts = ", ".join(
        f"{sum(result.outcome is outcome for result in program.results)} {outcome}"
        for outcome in Outcome
    )
    _say(f"{counts}. {path} can be sent with a report: it names no account, ARN or model.")


# --- what a run has left ------------------------------------------------------------------


def _clean_up(args: Namespace) -> int:
    """Delete what a journal names, of a run that could not."""
    journal = read_journal(Path(args.clean_up))
    pace = _pace(args)
    with opened(args, InferenceExperimentHook) as hook:
        if hook.conn_region_name != journal.region:
            raise InvalidRequestError(
                asked=f"to clean up run {journal.run!r}",
                found=f"it ran in {journal.region}, not in {hook.conn_region_name}",
                next_step=f"Add --region-name {journal.region}.",
            )
        account = Account(hook=hook, journal=journal, pace=pace, say=_say)
        return _delete_left(args, CleanUp(account))


def _delete_left(args: Namespace, clean_up: CleanUp) -> int:
    entries = ", ".join(f"{one.kind} {one.name}" for one in clean_up.account.journal.entries)
    if not confirm(f"Delete what is left of {entries}?", yes=args.yes):
        return _FAILED
    interrupts = Interrupts(lambda: _warn(clean_up.account))
    interrupts.begin_clean_up()
    clean_up.account.check = interrupts.raise_again
    with taken(interrupts):
        code = _finish(clean_up, interrupts)
    if not code and not clean_up.has_found:
        _say(f"Nothing of it was there {clean_up.account.hook.place}.")
    return code
