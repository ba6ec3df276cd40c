"""Contents stay inside, and nothing but the spool can be seen from inside."""

from __future__ import annotations

import logging
import signal
import traceback
from pathlib import Path

import pytest

from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.dialect import MACROS
from airflow_shadow.answers.engine import Engine
from airflow_shadow.exceptions import (
    AnswersTooLargeError,
    AnswersUnreadableError,
    InvalidRequestError,
)
from tests.answers.captured import compared, counts, lines, record, totals

SECRET = "SECRET-OF-A-PATIENT"
ATTACKS = (
    "$.a'; COPY (SELECT 1) TO '/tmp/x'; --",
    "a' || (SELECT content FROM read_text('/etc/passwd')) || '",
    "$['a'] FROM read_csv('/etc/passwd') --",
    "read_text('/etc/passwd')",
    "$path_0_0",
    "{first}",
    "x AS (SELECT 1)",
)


@pytest.fixture
def engine(tmp_path):
    """Hold an engine that may see one folder."""
    folder = tmp_path / "inside"
    folder.mkdir()
    with Engine(folder, memory_mb=128, spool_mb=1, threads=1) as engine:
        yield engine


def whole_chain(error: BaseException | None) -> list[str]:
    """Return the messages of an error and of all that led to it, shown or not."""
    found = []
    while error is not None:
        found += [str(error), *map(str, error.args), repr(error)]
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_path_is_data(tmp_path, attack):
    """A path that looks like SQL is refused when it is parsed, or is the header of a column."""
    both = [record(f'"{attack}",b\n7,1\n', inference_id="i", kind="text/csv")]
    if list(Output(answer=attack).faults()):
        with pytest.raises(ValueError, match="cannot be read"):
            compared(tmp_path, Output(answer=attack, kind="score"), both, both)
    else:
        found = totals(compared(tmp_path, Output(answer=attack, kind="score"), both, both))
        assert (1, 7.0) == (found["compared"], found["production_sum"])


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_ndjson('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('{file}')",
        "SELECT * FROM read_text('{inside}/../secret')",
        "SELECT * FROM read_text('{inside}/link')",
        "COPY (SELECT 1) TO '{file}.out'",
        "ATTACH '{file}' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_csv('https://example.com/x.csv')",
        "SELECT * FROM read_parquet('s3://bucket/x')",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET memory_limit = '1TB'",
        "SET lock_configuration = false",
    ],
)
def test_nothing_but_the_folder_is_seen(engine, tmp_path, statement):
    """Even SQL that somebody could slip in reads, writes, loads and allows nothing."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    (tmp_path / "inside" / "link").symlink_to(secret)
    text = statement.format(file=secret, inside=tmp_path / "inside")
    with pytest.raises(AnswersUnreadableError) as raised:
        engine.run(text)
    assert [] == [text for text in whole_chain(raised.value) if SECRET in text]
    assert not Path(f"{secret}.out").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT json_extract_string($x, '$.a')",
        "SELECT CAST($x AS DOUBLE)",
        "SELECT CAST($x AS TIMESTAMP)",
        "SELECT FROM_BASE64($x)",
        "SELECT error($x)",
    ],
)
def test_the_engines_words_go_nowhere(engine, statement, caplog):
    """DuckDB quotes what it could not read; its words are in no error, no cause and no log."""
    with caplog.at_level(logging.DEBUG), pytest.raises(AnswersUnreadableError) as raised:
        engine.run(statement, {"x": f'{{"a": "{SECRET}'})
    shown = "".join(traceback.format_exception(raised.value, chain=True))
    assert SECRET not in shown
    assert SECRET not in caplog.text
    assert [] == [text for text in whole_chain(raised.value) if SECRET in text]


def test_no_macro_raises_on_any_text(engine):
    """What a text means is worked out for any text, so that none can end a comparison."""
    from tests.answers.nasty import TEXTS, VALUES  # noqa: PLC0415 - beside its only use

    for macro in MACROS:
        engine.run(macro)
    meanings = "shape_of(x), label_of(x), score_of(x), text_of(x), fields(x), lines(x), is_json(x)"
    texts = [*TEXTS, *VALUES]
    rows = engine.run(
        f"SELECT {meanings}, decoded(x, 'BASE64') FROM (SELECT UNNEST($texts) AS x)",
        {"texts": texts},
    )
    assert len(texts) == len(rows)


def test_too_little_memory_says_what_to_set(engine):
    """Memory and room for spilling that do not suffice end with the arguments that raise them."""
    with pytest.raises(AnswersTooLargeError, match=r"(?s)memory_mb=128 and spool_mb=1.*memory_mb"):
        engine.run(
            "SELECT list(x ORDER BY x) FROM (SELECT repeat('x', 100) || i AS x "
            "FROM range(3000000) AS t(i))"
        )


def test_a_timeout_in_a_query_is_raised_as_it_is(engine):
    """What a signal raises, such as a task's timeout, ends a query and reaches the task."""

    def time_out(*_):
        raise TimeoutError("the task's own")

    before = signal.signal(signal.SIGALRM, time_out)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(TimeoutError, match="the task's own"):
            engine.run("SELECT COUNT(*) FROM range(1000000000) AS a, range(1000) AS b")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_without_duckdb_the_extra_is_named(tmp_path, monkeypatch):
    """Where the extra is missing, the error says how to get it."""
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(InvalidRequestError, match=r"airflow-shadow\[answers\]"):
        Engine(tmp_path, memory_mb=128, spool_mb=1, threads=1)


def test_nothing_of_the_contents_is_in_the_sums(tmp_path):
    """Neither sums nor notes hold a word of inputs, answers, labels or names."""
    path = tmp_path / "labels.csv"
    path.write_text(f"id,label\ni,{SECRET}\n{SECRET},1\n")
    production = [record({SECRET: SECRET}, inference_id="i", given=SECRET)]
    shadow = [record(f'{{"{SECRET}": [1', inference_id="i", given=SECRET)]
    output = Output(answer="$.x", kind="label", labels="s3://bucket/x/")
    sums = compared(
        tmp_path, output, lines(production) + SECRET.encode(), shadow, labels={"it": [path]}
    )
    assert 1 == counts(sums)["pairs_id"]
    assert SECRET not in str(sums.to_dict())
