"""What joining and summing captured answers costs, beside two ways in pandas.

Generates a day of captures once, in SageMaker's layout, and lets each contender sum it in a
process of its own: ours hour by hour on two threads, a lean loop that keeps a tuple of each record,
and one that keeps parsed records as a notebook does, on a quarter of the data. Their counts must be
equal, and their sums to 1e-9. Prints times, peaks of memory and ratios.

Needs pandas. `--requests 10000000 --only ours` measures ours alone.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

#: 2026-03-02T00:00:00Z.
START = 1772409600
HOURS, FILES = 24, 120
ENDPOINT, PRODUCTION, SHADOW = "churn", "AllTraffic", "Shadow-01"
WITHIN = 0.05
#: Share of records that one side loses, and of answers that are broken.
LOST, BROKEN = 0.0125, 0.002
#: What is compared of the contenders' results, with what rounding.
COUNTS, SUMS = ("pairs", "compared", "disagreed"), ("difference", "difference_squared")
ROUNDING = 1e-9
CONTENDERS = ("ours", "lean", "notebook")


def main() -> None:
    """Generate what is missing, run the contenders, and print what they took."""
    arguments = parsed()
    if arguments.run:
        print(json.dumps(measured(arguments.run, arguments.folder, arguments.memory)))
        return
    results = {}
    for name in arguments.only or CONTENDERS:
        requests = arguments.requests // (4 if name == "notebook" else 1)
        folder = generated(arguments.folder, requests)
        results[name] = {"requests": requests, **in_process(name, folder, arguments.memory)}
        print(line(name, results[name]), flush=True)
    compare(results)
    if "notebook" in results and "ours" in results:
        quarter = generated(arguments.folder, arguments.requests // 4)
        results["ours, a quarter"] = in_process("ours", quarter, arguments.memory)
        print(
            line(
                "ours, a quarter",
                {"requests": arguments.requests // 4} | results["ours, a quarter"],
            )
        )
    ratios(results)


def parsed() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000_000)
    parser.add_argument("--memory", type=int, default=384, help="megabytes of DuckDB's memory")
    parser.add_argument("--only", nargs="*", choices=CONTENDERS)
    parser.add_argument("--run", choices=CONTENDERS, help=argparse.SUPPRESS)
    default = Path(tempfile.gettempdir()) / "airflow-shadow-bench-answers"
    parser.add_argument("--folder", type=Path, default=default, help="where the captures are kept")
    return parser.parse_args()


def generated(folder: Path, requests: int) -> Path:
    """Return the folder of a day of captures, which is made if it is not there yet."""
    made = folder / str(requests)
    if not (made / "done").exists():
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(partial(write_hour, made, requests // HOURS), range(HOURS)))
        (made / "done").touch()
    return made


def write_hour(folder: Path, requests: int, hour: int) -> None:
    """Write an hour of both variants, the same for the same seed."""
    draw = random.Random(hour)  # noqa: S311 - reproducible, not secret
    inputs = [", ".join(str(draw.randrange(10**6)) for _ in range(11)) for _ in range(1000)]
    per_file = -(-requests // FILES)
    for file in range(FILES):
        at = START + hour * 3600 + file * 3600 // FILES
        first, end = file * per_file, min((file + 1) * per_file, requests)
        write_files(
            folder, f"{hour}-{file}", at, lines_of(range(first, end), hour, at, inputs, draw)
        )


def write_files(folder: Path, name: str, at: int, sides: tuple[list[str], list[str]]) -> None:
    """Write a file of each variant."""
    stamp = datetime.fromtimestamp(at, tz=UTC)
    for variant, lines in zip((PRODUCTION, SHADOW), sides, strict=True):
        path = folder / ENDPOINT / variant / f"{stamp:%Y/%m/%d/%H/%M-%S-000}-{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines))


def lines_of(
    numbers: range, hour: int, at: int, inputs: list[str], draw: random.Random
) -> tuple[list[str], list[str]]:
    """Return the lines of both variants for some requests of half a minute."""
    times = [f"{datetime.fromtimestamp(at + n, tz=UTC):%Y-%m-%dT%H:%M:%SZ}" for n in range(30)]
    lines: tuple[list[str], list[str]] = ([], [])
    for n in numbers:
        given = f"{n}, {inputs[draw.randrange(1000)]}"
        moment = times[(n - numbers.start) * 30 // len(numbers)]
        for side, answer in zip(lines, answers(draw), strict=True):
            if draw.random() >= LOST:
                side.append(record(f"{hour}-{n}", given, answer, moment, draw.getrandbits(128)))
    return lines


def answers(draw: random.Random) -> tuple[str, str]:
    """Return what both variants answer to a request."""
    score = draw.random()
    other = score + draw.gauss(0.001, 0.02)
    texts = [f'{{\\"predictions\\": [{{\\"score\\": {each!r}}}]}}' for each in (score, other)]
    both = [text if draw.random() >= BROKEN else "Internal error" for text in texts]
    return both[0], both[1]


def record(name: str, given: str, answer: str, moment: str, event: int) -> str:
    """Return a captured line."""
    return (
        '{"captureData":{"endpointInput":{"observedContentType":"application/json","mode":"INPUT",'
        f'"data":"{{\\"instances\\": [{{\\"features\\": [{given}]}}]}}","encoding":"JSON"}},'
        '"endpointOutput":{"observedContentType":"application/json","mode":"OUTPUT",'
        f'"data":"{answer}","encoding":"JSON"}}}},"eventMetadata":{{"eventId":"{event:032x}",'
        f'"inferenceId":"{name}","inferenceTime":"{moment}"}},"eventVersion":"0"}}\n'
    )


def in_process(name: str, folder: Path, memory: int) -> dict[str, Any]:
    """Return what a contender took in a process of its own, and its sums."""
    command = [sys.executable, __file__, "--run", name, "--folder", str(folder)]
    command += ["--memory", str(memory)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - itself
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measured(name: str, folder: Path, memory: int) -> dict[str, Any]:
    """Run a contender in this process."""
    began = time.monotonic()
    contenders = {"ours": partial(ours, memory=memory), "lean": lean, "notebook": notebook}
    sums = contenders[name](folder)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall": time.monotonic() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "rss": usage.ru_maxrss / 1024,
        "sums": sums,
    }


def ours(folder: Path, *, memory: int) -> dict[str, list[float]]:
    """Sum with this package, hour by hour."""
    from airflow_shadow.analysis.outputs import Output  # noqa: PLC0415 - counted
    from airflow_shadow.answers import FolderStore, Limits, compare_captures  # noqa: PLC0415 - counted

    output = Output(answer="$.predictions[0].score", kind="score", within=WITHIN)
    sums = compare_captures(
        FolderStore(folder, endpoint=ENDPOINT),
        {"it": output},
        production=PRODUCTION,
        shadow=SHADOW,
        start=START,
        end=START + HOURS * 3600,
        limits=Limits(memory_mb=memory),
    )
    return {name: list(sums.outputs["it"][name]) for name in ("minute", *COUNTS, *SUMS)}


def score_of(text: str) -> float | None:
    """Return the score of an answer, None if it has none."""
    try:
        return float(json.loads(text)["predictions"][0]["score"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def minute_of(text: str) -> int:
    """Return the minute of an inferenceTime."""
    return int(datetime.fromisoformat(text).timestamp() // 60)


def lean(folder: Path) -> dict[str, list[float]]:
    """Sum with pandas, of which only id, minute and score of each record are kept."""
    import pandas as pd  # noqa: PLC0415 - counted

    frames = []
    for variant in (PRODUCTION, SHADOW):
        rows = []
        for path in sorted((folder / ENDPOINT / variant).rglob("*.jsonl")):
            with path.open() as file:
                for text in file:
                    line = json.loads(text)
                    meta = line["eventMetadata"]
                    score = score_of(line["captureData"]["endpointOutput"]["data"])
                    rows.append((meta["inferenceId"], minute_of(meta["inferenceTime"]), score))
        frames.append(pd.DataFrame(rows, columns=["id", "minute", "score"]))
    return summed(frames[0].merge(frames[1], on="id", suffixes=("", "_s")))


def notebook(folder: Path) -> dict[str, list[float]]:
    """Sum with pandas, of which all parsed records are kept, as in AWS's notebook."""
    import pandas as pd  # noqa: PLC0415 - counted

    frames = []
    for variant in (PRODUCTION, SHADOW):
        records = []
        for path in sorted((folder / ENDPOINT / variant).rglob("*.jsonl")):
            with path.open() as file:
                records += [json.loads(text) for text in file]
        frame = pd.json_normalize(records)
        frame["id"] = frame["eventMetadata.inferenceId"]
        frame["minute"] = frame["eventMetadata.inferenceTime"].map(minute_of)
        frame["score"] = frame["captureData.endpointOutput.data"].map(score_of)
        frames.append(frame)
    return summed(frames[0].merge(frames[1], on="id", suffixes=("", "_s")))


def summed(pairs: Any) -> dict[str, list[float]]:
    """Return the sums of joined records by minute."""
    apart = pairs["score_s"] - pairs["score"]
    table = {
        "minute": pairs["minute"],
        "pairs": 1,
        "compared": apart.notna().astype(int),
        "disagreed": (apart.abs() > WITHIN * (1 + 1e-9)).astype(int),
        "difference": apart,
        "difference_squared": apart * apart,
    }
    sums = pairs.assign(**table)[list(table)].groupby("minute").sum().reset_index()
    return {name: sums[name].tolist() for name in table}


def compare(results: dict[str, Any]) -> None:
    """Stop if two contenders that had the same data have other results."""
    same = [result["sums"] for name, result in results.items() if name != "notebook"]
    for other in same[1:]:
        for name in ("minute", *COUNTS):
            assert same[0][name] == other[name], name  # noqa: S101 - a benchmark's check
        for name in SUMS:
            apart = max(abs(a - b) for a, b in zip(same[0][name], other[name], strict=True))
            assert apart < ROUNDING, (name, apart)  # noqa: S101 - a benchmark's check


def line(name: str, result: dict[str, Any]) -> str:
    """Return what a contender took, as text."""
    pairs = sum(result["sums"]["pairs"])
    return (
        f"{name:16} {result['requests']:>10,} requests, {pairs:>10,.0f} pairs: "
        f"{result['wall']:6.1f} s, {result['cpu']:6.1f} s of CPU, {result['rss']:6.0f} MB"
    )


def ratios(results: dict[str, Any]) -> None:
    """Print how many times the time and the memory of ours the others took, of the same data."""
    for rival, mine in (("lean", "ours"), ("notebook", "ours, a quarter")):
        if rival in results and mine in results:
            time_ratio = results[rival]["wall"] / results[mine]["wall"]
            memory = results[rival]["rss"] / results[mine]["rss"]
            print(
                f"{rival}: {time_ratio:.1f} times the time of ours, {memory:.1f} times the memory"
            )


if __name__ == "__main__":
    main()
