"""DuckDB's dialect: how captured lines, labels and a user's numbers become what the SQL reads.

What is *broken* is said here and not by the engine. An answer is one JSON text as RFC 8259 has it
(no ``NaN``, no trailing comma, nothing behind it), a number is one that JSON could write, finite
and at most 1e30, and what the path does not lead to is broken, as are empty texts and ``null``.
No text of a specification stands in the SQL: paths and names are parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.analysis.answer_path import AnswerPath, parse_answer
from airflow_shadow.analysis.answer_sums import MAX_SCORE
from airflow_shadow.analysis.outputs import Output, OutputKind
from airflow_shadow.answers.sums import limit_of

#: Between the places of an answer; texts that hold it are compared by their hash.
BETWEEN = "CHR(31)"
#: Characters of an answer in a file of examples.
EXCERPT = 2000
#: Bytes beyond which a text is looked at for nesting before it is parsed.
LONG = 100_000
#: With which the names of the shadow's files end.
SHADOW_MARK = "-shadow"
#: What DuckDB's reader takes from JSON: what it has not declared is not read.
_LINE = """columns={
    captureData: 'STRUCT(endpointInput STRUCT(data VARCHAR), endpointOutput STRUCT(
        observedContentType VARCHAR, data VARCHAR, encoding VARCHAR))',
    eventMetadata: 'STRUCT(eventId VARCHAR, inferenceId VARCHAR, inferenceTime VARCHAR)'}"""
_LABEL = """columns={
    groundTruthData: 'STRUCT(data VARCHAR, encoding VARCHAR)',
    eventMetadata: 'STRUCT(eventId VARCHAR)'}"""
_OWN = "columns={id: 'VARCHAR', variant: 'VARCHAR', name: 'VARCHAR', value: 'VARCHAR'}"
_NDJSON = (
    "read_ndjson($files, {columns}, records=true, ignore_errors=true, maximum_object_size={line})"
)
_SPACE = "' ' || CHR(9) || CHR(10) || CHR(13)"
_NUMBER = r"-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?"
_STRING = r'"([^"\\\x00-\x1F]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
# Nothing but openings, 200 of them: a parser takes a kilobyte of memory for each.
_NESTED = r'(?:[\[{][ \t\r\n]*(?:"[^"]*"[ \t\r\n]*:[ \t\r\n]*)?){200}'
_BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_FIELD = r'("(?:[^"]|"")*"|[^",]*)'

#: What a text means; each is one expression, so the optimizer sees through it.
MACROS = (
    # Most texts need no trimming, and trimming given characters is slow.
    rf"""CREATE MACRO trimmed(x) AS CASE WHEN regexp_matches(x, '^[ \t\r\n]|[ \t\r\n]$')
        THEN TRIM(x, {_SPACE}) ELSE x END""",
    # Signs of what an engine may let pass; only then the text is taken apart.
    r"""CREATE MACRO is_odd(x) AS
        regexp_matches(x, ',[ \t\r\n]*[\]}]|[nN][aA][nN]|[iI][nN][fF]|''|/[/*]')""",
    f"""CREATE MACRO bare(x) AS regexp_replace(regexp_replace(regexp_replace(
        x, '{_STRING}', '""', 'g'), '\\b(true|false|null)\\b', '0', 'g'),
        '{_NUMBER}', '0', 'g')""",
    r"""CREATE MACRO is_plain(x) AS regexp_full_match(x, '[\[\]{}:,"0 \t\r\n]*')
        AND NOT regexp_matches(x, ',[ \t\r\n]*[\]}]')""",
    f"""CREATE MACRO is_deep(x) AS
        CASE WHEN STRLEN(x) > {LONG} THEN regexp_matches(x, '{_NESTED}') ELSE FALSE END""",
    """CREATE MACRO is_json(x) AS CASE WHEN is_deep(x) THEN FALSE WHEN json_valid(x)
        THEN CASE WHEN is_odd(x) THEN is_plain(bare(x)) ELSE TRUE END ELSE FALSE END""",
    """CREATE MACRO unquoted(j) AS
        CASE WHEN STARTS_WITH(CAST(j AS VARCHAR), '"') THEN json_extract_string(j, '$')
        ELSE CAST(j AS VARCHAR) END""",
    """CREATE MACRO is_scalar(j) AS
        LEFT(CAST(j AS VARCHAR), 1) NOT IN ('{', '[') AND CAST(j AS VARCHAR) <> 'null'""",
    f"""CREATE MACRO hashed(x) AS
        CASE WHEN LENGTH(x) > 100 OR CONTAINS(x, {BETWEEN}) THEN MD5(x) ELSE x END""",
    f"""CREATE MACRO is_number(x) AS
        regexp_full_match(x, '{_NUMBER}') AND ABS(TRY_CAST(x AS DOUBLE)) <= {MAX_SCORE!r}""",
    """CREATE MACRO number_of(x) AS CASE WHEN is_number(x)
        THEN CASE WHEN LENGTH(x) > 40 THEN CAST(TRY_CAST(x AS DOUBLE) AS VARCHAR) ELSE x END END""",
    # Each mention of an argument is worked out anew, so what is common comes first and bare.
    """CREATE MACRO score_of(x) AS
        CASE WHEN is_number(x) THEN number_of(x) ELSE number_of(trimmed(x)) END""",
    """CREATE MACRO score_in(j) AS CASE WHEN is_number(CAST(j AS VARCHAR))
        THEN number_of(CAST(j AS VARCHAR)) WHEN is_scalar(j) THEN score_of(unquoted(j)) END""",
    # "1.0" and "1" are the same label; of longer numbers no digit is lost.
    """CREATE MACRO whole(x) AS CASE WHEN regexp_full_match(x, '-?(0|[1-9][0-9]*)([.]0+)?')
        THEN REPLACE(SPLIT_PART('<' || x, '.', 1) || '>', '<-0>', '<0>')[2:-2] ELSE x END""",
    """CREATE MACRO label_of(x) AS
        CASE WHEN trimmed(x) <> '' THEN hashed(whole(trimmed(x))) END""",
    """CREATE MACRO label_in(j) AS CASE
        WHEN regexp_full_match(CAST(j AS VARCHAR), '-?[1-9][0-9]{0,17}|0') THEN CAST(j AS VARCHAR)
        WHEN is_scalar(j) THEN label_of(unquoted(j)) END""",
    """CREATE MACRO text_of(x) AS CASE WHEN trimmed(x) <> '' THEN MD5(trimmed(x)) END""",
    f"""CREATE MACRO joined(l) AS CASE WHEN LEN(l) > 0 THEN
        array_to_string(list_transform(l, lambda x: COALESCE(x, '')), {BETWEEN}) END""",
    """CREATE MACRO lines(x) AS string_split(
        RTRIM(REPLACE(x, CHR(13) || CHR(10), CHR(10)), CHR(10)), CHR(10))""",
    f"""CREATE MACRO fields(x) AS CASE WHEN NOT CONTAINS(x, '"') THEN string_split(x, ',')
        WHEN regexp_full_match(x || ',', '({_FIELD},)*')
        THEN list_transform(regexp_extract_all(x || ',', '{_FIELD},', 1), lambda f:
            CASE WHEN STARTS_WITH(f, '"') THEN REPLACE(f[2:-2], '""', '"') ELSE f END) END""",
    """CREATE MACRO unmarked(x) AS
        CASE WHEN STARTS_WITH(x, CHR(65279)) THEN LTRIM(x, CHR(65279)) ELSE x END""",
    f"""CREATE MACRO decoded(data, encoding) AS
        CASE WHEN encoding <> 'BASE64' OR encoding IS NULL THEN unmarked(data)
        WHEN regexp_full_match(data, '{_BASE64}')
        THEN unmarked(TRY(DECODE(FROM_BASE64(data)))) END""",
    """CREATE MACRO form_of(kind) AS CASE WHEN kind = 'application/json' THEN 'json'
        WHEN kind LIKE '%jsonl%' OR kind LIKE '%ndjson%'
        THEN 'lines' WHEN kind LIKE '%json%' THEN 'json' WHEN kind LIKE '%csv%' THEN 'csv'
        ELSE 'any' END""",
    """CREATE MACRO kind_of(j) AS CASE json_type(j) WHEN 'OBJECT' THEN 'an object' WHEN 'ARRAY'
        THEN 'an array of ' || json_array_length(j) WHEN 'VARCHAR' THEN 'a text'
        WHEN 'BOOLEAN' THEN 'a boolean' WHEN 'NULL' THEN 'null' ELSE 'a number' END""",
    f"""CREATE MACRO is_broken(a) AS a IS NULL OR a = '' OR STARTS_WITH(a, {BETWEEN})
        OR ENDS_WITH(a, {BETWEEN}) OR CONTAINS(a, {BETWEEN} || {BETWEEN})""",
    # Types and lengths: names may be contents, too.
    """CREATE MACRO shape_of(x) AS CASE WHEN trimmed(x) = '' OR x IS NULL THEN 'empty'
        WHEN NOT is_json(x) THEN 'text of ' || LEN(lines(x)) || ' line(s), no JSON'
        WHEN json_type(x) = 'OBJECT' THEN 'an object of ' || LEN(json_keys(x)) || ': '
            || array_to_string(list_transform(json_extract(x, '$.*')[1:8],
                               lambda j: kind_of(j)), ', ')
        WHEN json_type(x) = 'ARRAY' AND json_array_length(x) > 0
            THEN kind_of(x) || ', first ' || kind_of(json_extract(x, '$[0]'))
        ELSE kind_of(x) END""",
)
#: The meaning of a value that JSON holds (`{x}` is JSON), and of one that is text.
_OF_JSON: Mapping[OutputKind, str] = {
    "score": "score_in({x})",
    "label": "label_in({x})",
    "text": "CASE WHEN CAST({x} AS VARCHAR) <> 'null' THEN text_of(unquoted({x})) END",
    "json": "CASE WHEN CAST({x} AS VARCHAR) <> 'null' THEN MD5(CAST({x} AS VARCHAR)) END",
}
_OF_TEXT: Mapping[OutputKind, str] = {
    "score": "score_of({x})",
    "label": "label_of({x})",
    "text": "text_of({x})",
    "json": "CASE WHEN is_json({x}) THEN "
    + _OF_JSON["json"].format(x="json_extract({x}, '$')")
    + " END",
}


#: A row of each place of the view `aligned`.
PLACE = f"""
    SELECT at_minute, p, s, t FROM aligned WHERE NOT CONTAINS(p, {BETWEEN})
    UNION ALL
    SELECT at_minute, UNNEST(string_split(p, {BETWEEN})), UNNEST(string_split(s, {BETWEEN})),
        UNNEST(string_split(t, {BETWEEN}))
    FROM aligned WHERE CONTAINS(p, {BETWEEN})"""


def differ_in_places(output: Output, n: int) -> str:
    """Return whether the answers of a pair, of output `n`, disagree in some place."""
    differ = "x[1] <> '' AND x[2] <> '' AND x[1] <> x[2]"
    if output.kind == "score":
        apart = "ABS(TRY_CAST(x[1] AS DOUBLE) - TRY_CAST(x[2] AS DOUBLE))"
        differ = f"{apart} > {limit_of(output)!r}"
    split = f"string_split(p_{n}, {BETWEEN}), string_split(s_{n}, {BETWEEN})"
    return (
        f"LEN(string_split(p_{n}, {BETWEEN})) = LEN(string_split(s_{n}, {BETWEEN})) "
        f"AND LEN(list_filter(list_zip({split}), lambda x: {differ})) > 0"
    )


class Reader:
    """Write the SQL that reads captures, labels and own numbers, and the parameters it needs.

    :param outputs: what is compared, by name
    :param excerpts: whether the beginning of each answer is kept, for a file of examples
    """

    def __init__(self, outputs: Mapping[str, Output], *, excerpts: bool = False) -> None:
        self.outputs = list(outputs.values())
        self.excerpts = excerpts
        self._parameters: dict[str, Any] = {}
        self._found: list[str] = []
        self._answers = [self._answer(output, n) for n, output in enumerate(self.outputs)]

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the paths and columns that the SQL names."""
        return dict(self._parameters)

    def table(self, name: str) -> str:
        """Return the statement that makes the table of records."""
        texts = [f"answer_{n} VARCHAR, shape_{n} VARCHAR" for n in range(len(self.outputs))]
        texts += ["excerpt VARCHAR"] * self.excerpts
        return f"""CREATE TABLE {name} (side VARCHAR, inference_id VARCHAR, event_id VARCHAR,
            input_key UBIGINT, at_ms BIGINT, {", ".join(texts)})"""

    def captures(self, name: str, *, line: int) -> str:
        """Return the statement that reads captured lines (`$files`) into a table.

        A line that is no record has no time. The shadow's files bear the mark `SHADOW_MARK`.

        :param line: bytes of the longest line
        """
        answers = "".join(f", {sql} AS answer_{n}" for n, sql in enumerate(self._answers))
        found = "".join(f", {sql}" for sql in self._found)
        chosen = "".join(
            f", answer_{n}, CASE WHEN at_ms IS NOT NULL AND {self._broken(n)}"
            f" THEN shape_of(body) END"
            for n in range(len(self.outputs))
        )
        excerpt = f", LEFT(body, {EXCERPT})" if self.excerpts else ""
        return f"""INSERT INTO {name}
            SELECT CASE WHEN ENDS_WITH(filename, '{SHADOW_MARK}') THEN 'shadow'
                    ELSE 'production' END,
                inference_id, event_id, input_key, at_ms{chosen}{excerpt}
            FROM (SELECT *{answers} FROM (SELECT *{found} FROM (
                SELECT *, form IN ('json', 'any') AND is_json(body) AS ok FROM (
                    SELECT filename, NULLIF(eventMetadata.inferenceId, '') AS inference_id,
                        NULLIF(eventMetadata.eventId, '') AS event_id,
                        CASE WHEN captureData.endpointInput.data <> ''
                            THEN HASH(captureData.endpointInput.data) END AS input_key,
                        CASE WHEN captureData IS NOT NULL THEN
                            EPOCH_MS(TRY_CAST(eventMetadata.inferenceTime AS TIMESTAMPTZ))
                            END AS at_ms,
                        form_of(LOWER(SPLIT_PART(
                            captureData.endpointOutput.observedContentType, ';', 1))) AS form,
                        decoded(captureData.endpointOutput.data,
                            captureData.endpointOutput.encoding) AS body
                    FROM {_NDJSON.format(columns=_LINE + ", filename=true", line=line)}))))"""

    def labels(self, n: int, *, form: str, line: int) -> str:
        """Return the statement that reads labels (`$files`) into the table `read_labels_<n>`.

        :param n: number of the output
        :param form: ``jsonl`` (SageMaker's groundTruthData), ``csv`` or ``parquet``
        :param line: bytes of the longest line
        """
        kind = self.outputs[n].kind
        each = [_OF_JSON[kind].format(x="x")]
        each += [_OF_TEXT[kind].format(x=x) for x in ("x", "fields(x)[1]")]
        text = f"""CASE WHEN is_json(body) AND json_type(body) = 'ARRAY'
            THEN joined(list_transform(json_extract(body, '$[*]'), lambda x: {each[0]}))
            WHEN LEN(lines(body)) = 1 THEN joined(list_transform(fields(lines(body)[1]),
                lambda x: {each[1]}))
            ELSE joined(list_transform(lines(body), lambda x: {each[2]})) END"""
        source = f"SELECT id AS id, CAST(label AS VARCHAR) AS body FROM {_tabular(form)}"
        if form == "jsonl":
            source = f"""SELECT eventMetadata.eventId AS id,
                decoded(groundTruthData.data, groundTruthData.encoding) AS body
                FROM {_NDJSON.format(columns=_LABEL, line=line)}"""
        return f"""INSERT INTO read_labels_{n} SELECT CAST(id AS VARCHAR), NULLIF({text}, '')
            FROM ({source})"""

    def own(self, n: int, *, form: str, line: int) -> str:
        """Return the statement that reads own numbers (`$files`) into `read_own_<n>`."""
        source = _tabular(form) if form != "jsonl" else _NDJSON.format(columns=_OWN, line=line)
        return f"""INSERT INTO read_own_{n}
            SELECT CAST(id AS VARCHAR), CASE LOWER(CAST(variant AS VARCHAR))
                WHEN LOWER($production) THEN 'production' WHEN 'production' THEN 'production'
                WHEN LOWER($shadow) THEN 'shadow' WHEN 'shadow' THEN 'shadow' END,
                CASE WHEN regexp_full_match(CAST(name AS VARCHAR), '[A-Za-z0-9_-]{{1,40}}')
                    THEN CAST(name AS VARCHAR) END,
                TRY_CAST(score_of(CAST(value AS VARCHAR)) AS DOUBLE)
            FROM {source}"""

    def _broken(self, n: int) -> str:
        path = parse_answer(self.outputs[n].answer)
        has_places = None in path.steps or path.column is not None
        if has_places:
            return f"is_broken(answer_{n})"
        return f"(answer_{n} IS NULL OR (form = 'lines' AND is_broken(answer_{n})))"

    def _answer(self, output: Output, n: int) -> str:
        path = parse_answer(output.answer)
        if path.steps:
            return self._of_path(path, output.kind, n)
        if path.column is not None:
            return self._of_column(path.column, output.kind, n)
        return self._of_whole(output.kind, n)

    def _of_path(self, path: AnswerPath, kind: OutputKind, n: int) -> str:
        segments = _segments(path)
        names = [self._bound(f"path_{n}_{k}", segment) for k, segment in enumerate(segments)]
        is_one = len(names) == 1
        found = f"json_extract(body, {names[0]})" if is_one else _places("body", names)
        # In a layer of its own, because the engine would parse a text once for each mention.
        self._found.append(f"CASE WHEN ok THEN {found} END AS found_{n}")
        each = _OF_JSON[kind].format(x="x")
        row = f"CASE WHEN is_json(l) THEN {_places('l', names)} ELSE [NULL] END"
        rows = f"flatten(list_transform(lines(body), lambda l: {row}))"
        one = _OF_JSON[kind].format(x=f"found_{n}")
        whole = one if is_one else f"joined(list_transform(found_{n}, lambda x: {each}))"
        return f"""CASE WHEN form = 'lines' THEN joined(list_transform({rows}, lambda x: {each}))
            WHEN ok THEN {whole} END"""

    def _of_column(self, column: int | str, kind: OutputKind, n: int) -> str:
        name = self._bound(f"column_{n}", column if isinstance(column, str) else column + 1)
        place, rows = f"fields(l)[{name}]", "lines(body)"
        if isinstance(column, str):
            place = f"fields(l)[list_position(fields(lines(body)[1]), {name})]"
            rows = "lines(body)[2:]"
        each = _OF_TEXT[kind].format(x=place)
        return f"""CASE WHEN form IN ('csv', 'any')
            THEN joined(list_transform({rows}, lambda l: {each})) END"""

    def _of_whole(self, kind: OutputKind, n: int) -> str:
        self._found.append(f"CASE WHEN ok THEN json_extract(body, '$') END AS found_{n}")
        each = _OF_JSON[kind].format(x="json_extract(l, '$')")
        row = f"CASE WHEN is_json(l) THEN {each} END"
        return f"""CASE
            WHEN form = 'lines' THEN joined(list_transform(lines(body), lambda l: {row}))
            WHEN form = 'json' THEN CASE WHEN ok THEN {_OF_JSON[kind].format(x=f"found_{n}")} END
            ELSE {_OF_TEXT[kind].format(x="body")} END"""

    def _bound(self, name: str, value: str | int) -> str:
        self._parameters[name] = value
        return f"${name}"


def _segments(path: AnswerPath) -> list[str]:
    """Return the path in DuckDB's words, cut after each `[*]`."""
    segments = ["$"]
    for step in path.steps:
        if step is None:
            segments[-1] += "[*]"
            segments.append("$")
        else:
            segments[-1] += f"[{step}]" if isinstance(step, int) else f'."{step}"'
    return segments


def _places(source: str, names: list[str], depth: int = 0) -> str:
    """Return a list of what the path leads to; one place stays where it leads nowhere."""
    if len(names) == 1:
        return f"[json_extract({source}, {names[0]})]"
    item, found = f"x{depth}", f"json_extract({source}, {names[0]})"
    if len(names) == 2:  # noqa: PLR2004 - the last star, where each item has one place
        below = f"list_transform({found}, lambda {item}: json_extract({item}, {names[1]}))"
    else:
        inner = _places(item, names[1:], depth + 1)
        below = f"flatten(list_transform({found}, lambda {item}: {inner}))"
    return below if depth == 0 else f"CASE WHEN LEN({found}) > 0 THEN {below} ELSE [NULL] END"


def _tabular(form: str) -> str:
    if form == "parquet":
        return "read_parquet($files, union_by_name=true)"
    return """read_csv($files, all_varchar=true, header=true, delim=',', quote='"', escape='"',
        union_by_name=true, strict_mode=true)"""
