"""Whatever valid request is rendered to text comes back, and garbage never crashes."""

import json
import re
import string
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import yaml
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yaml.emitter import Emitter
from yaml.representer import SafeRepresenter
from yaml.resolver import BaseResolver
from yaml.serializer import Serializer

from airflow_shadow.request_model import (
    InvalidParametersError,
    Prepared,
    coerce,
    prepare,
)
from tests.helpers import input_shape

VERBS = ["Create", "Describe", "Update", "Start", "Stop", "Delete"]
OPERATIONS = [f"{verb}InferenceExperiment" for verb in VERBS] + ["ListInferenceExperiments"]
#: The largest request, and in `make test-all` the others, too.
CREATION = "CreateInferenceExperiment"
OTHERS = [
    pytest.param(operation, marks=pytest.mark.thorough)
    for operation in OPERATIONS
    if operation != CREATION
]
#: Text that careless readers take for something else.
CORPUS = ["1e5", "1_000", "0x1F", "no", "012", "22:30", "2026-01-01", "None", "null", "true", "~"]
CORPUS += ["", " ", "{a: b}", "[1]", "# x", "- a", "a: b", "'a'", '"', "25.0", "=", "<<", "\t", "é"]
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\n\r\x85\u2028\u2029")
# Python cannot compile this one; what it stands for, in the words of this test.
TAG = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
SPELLED_OUT = {TAG: r"[A-Za-zÀ-ÖØ-ö0-9 _.:/=+\-@]*"}
# One machine in use by others is slow at times, which is no fault of the code.
QUIET = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


# --- valid requests ----------------------------------------------------------------------------


def valid(shape: Shape) -> st.SearchStrategy[Any]:
    """Return values that respect all that the shape says."""
    if isinstance(shape, StructureShape):
        return valid_structure(shape)
    if isinstance(shape, ListShape):
        return st.lists(valid(shape.member), **size(shape, most=3))
    if isinstance(shape, MapShape):
        return st.dictionaries(valid(shape.key), valid(shape.value), **size(shape, most=3))
    if shape.type_name == "string":
        return valid_text(shape)
    if shape.type_name == "timestamp":
        first, last = datetime(2000, 1, 1), datetime(2199, 1, 1)  # noqa: DTZ001 - hypothesis adds it
        moments = st.datetimes(first, last, timezones=st.just(UTC))
        return moments.map(lambda moment: moment.replace(microsecond=0))
    assert "integer" == shape.type_name
    return st.integers(shape.metadata.get("min", -5), shape.metadata.get("max", 2**31))


def valid_structure(shape: StructureShape) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings with all required members and some others."""
    members = {name: valid(member) for name, member in shape.members.items()}
    required = {name: members.pop(name) for name in shape.required_members}
    return st.fixed_dictionaries(required, optional=members)


def size(shape: Shape, *, most: int) -> dict[str, int]:
    """Return the bounds of a length, small enough to be generated quickly."""
    low = shape.metadata.get("min", 0)
    return {"min_size": low, "max_size": min(shape.metadata.get("max", most), most)}


def valid_text(shape: Shape) -> st.SearchStrategy[str]:
    """Return members of an enum, else the corpus and generated text, as far as they fit."""
    if shape.metadata.get("enum"):
        return st.sampled_from(shape.metadata["enum"])
    written = shape.metadata.get("pattern", ".*")
    pattern = re.compile(SPELLED_OUT.get(written, written), re.ASCII)
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 100)

    def fits(text: str) -> bool:
        return low <= len(text) <= high and bool(pattern.fullmatch(text))

    corpus = [text for text in CORPUS if fits(text)]
    some = st.from_regex(pattern, fullmatch=True, alphabet=CHARACTERS).filter(fits)
    return (st.sampled_from(corpus) | some) if corpus else some


# --- rendering ---------------------------------------------------------------------------------


class PlainDumper(Emitter, Serializer, SafeRepresenter, BaseResolver):
    """Write YAML with as few quotes as its base types need: ``a: no``, ``b: null``."""

    def __init__(self, stream: Any, **options: Any) -> None:
        keep = ("width", "allow_unicode", "line_break", "canonical", "indent")
        Emitter.__init__(self, stream, **{name: options[name] for name in keep})
        Serializer.__init__(self)
        flow = options["default_flow_style"]
        SafeRepresenter.__init__(self, default_flow_style=flow, sort_keys=options["sort_keys"])
        BaseResolver.__init__(self)

    def represent_quoted_if_empty(self, text: str) -> Any:
        """Write nothing at all only for nothing."""
        style = None if text else "'"
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


PlainDumper.add_representer(str, PlainDumper.represent_quoted_if_empty)


def rendered(draw: st.DrawFn, shape: Shape, value: Any) -> Any:
    """Return the value as templates and users may leave it."""
    if isinstance(shape, StructureShape):
        members = {name: rendered(draw, shape.members[name], item) for name, item in value.items()}
        return rendered_container(draw, members)
    if isinstance(shape, ListShape):
        items = [rendered(draw, shape.member, item) for item in value]
        return rendered_container(draw, as_mapping(draw, shape, value, items))
    if isinstance(shape, MapShape):
        entries = {key: rendered(draw, shape.value, item) for key, item in value.items()}
        return rendered_container(draw, entries)
    return rendered_leaf(draw, value)


def as_mapping(draw: st.DrawFn, shape: ListShape, value: Any, items: list[Any]) -> Any:
    """Return tags as a mapping at times, where no key comes twice."""
    if getattr(shape.member, "name", "") != "Tag" or not draw(st.booleans()):
        return items
    mapping = {tag["Key"]: tag["Value"] for tag in value}
    return mapping if len(mapping) == len(items) and set(mapping) != {"Key", "Value"} else items


def rendered_container(draw: st.DrawFn, value: Any) -> Any:
    """Return a container as an object, as JSON or as YAML."""
    unicode = draw(st.booleans())
    # Unsorted, since tags written as a mapping come back in its order.
    style = {
        "default_flow_style": draw(st.sampled_from([None, True, False])),
        "allow_unicode": unicode,
        "sort_keys": False,
    }
    match draw(st.sampled_from(["object", "object", "json", "yaml", "plain yaml"])):
        case "json":
            return json.dumps(value, ensure_ascii=unicode, indent=draw(st.none() | st.just(2)))
        case "yaml":
            return yaml.safe_dump(value, **style)
        case "plain yaml":
            return yaml.dump(value, Dumper=PlainDumper, **style)
        case _:
            return value


def rendered_leaf(draw: st.DrawFn, value: Any) -> str:
    """Return what a template makes of a leaf."""
    if isinstance(value, datetime):
        return draw(st.sampled_from(spellings(value)))
    return value if isinstance(value, str) else str(value)


def spellings(moment: datetime) -> list[str]:
    """Return the ways in which the moment is commonly written."""
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    naive = moment.replace(tzinfo=None)
    spelled = [moment.isoformat(), str(moment), naive.isoformat(), str(naive)]
    spelled += [f"{naive.isoformat()}Z", elsewhere.isoformat(), str(elsewhere)]
    spelled += [moment.strftime("%Y%m%dT%H%M%S"), str(int(moment.timestamp())), f" {moment}\n"]
    if moment.time() == datetime.min.time():
        spelled += [date.isoformat(moment), moment.strftime("%Y%m%d")]
    return spelled


@pytest.mark.parametrize("operation", [CREATION, *OTHERS])
def test_a_rendered_request_comes_back(operation):
    """Rendering to text loses the types, and the service model gives them back."""
    shape = input_shape(operation)

    @QUIET
    @given(st.data())
    def comes_back(data: Any) -> None:
        expected = data.draw(valid(shape))
        values = {
            name: rendered(data.draw, shape.members[name], value)
            for name, value in expected.items()
        }
        prepared = prepare(operation=operation, shape=shape, values=values)
        assert Prepared(expected, (), ()) == prepared
        assert prepared == prepare(operation=operation, shape=shape, values=prepared.params)
        assert prepared == coerce(operation=operation, shape=shape, values=values)

    comes_back()


# --- garbage -----------------------------------------------------------------------------------


def fields(shape: Any) -> set[str]:
    """Return all field names that occur below a shape."""
    below = [*getattr(shape, "members", {}).values()]
    below += [getattr(shape, name) for name in ("member", "value") if hasattr(shape, name)]
    return set(getattr(shape, "members", {})).union(*map(fields, below))


NASTY = [*CORPUS, "&a [*a]", "{a: *b}", '"\\UFFFFFFFF"', "[" * 2000, '{"a": 1, "a": 2}', "!!int x"]
NASTY += [
    "? [a]",
    "%YAML 1.x",
    "%TAG ! x\n---\na",
    "9" * 5000,
    "\x00",
    "\ud800",
    "\ufeff{}",
    "{{ a }}",
]
NASTY += ["0000-00-00", "99999999", "9" * 20, "2026-01-31T25:00Z", "0001-01-01T00:00+23:59"]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), float("nan"), float("inf"), date(1, 1, 1), b"x"])
    | st.floats()
    | st.text(max_size=20)
    | st.text(alphabet="{}[]:,-?&*!|>'\"%@`# \n\\ab01", max_size=20)
    | st.sampled_from(NASTY)
    | st.datetimes()
    | st.datetimes(timezones=st.just(timezone(timedelta(hours=-12))))
)


def garbage(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return anything, nested under any keys."""
    return st.recursive(
        LEAVES
        | st.sets(st.none() | st.booleans() | st.integers() | st.text(max_size=3), max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(keys, inner, max_size=4)
            | st.dictionaries(keys, inner, max_size=4).map(repr)
            | st.tuples(inner)
        ),
        max_leaves=12,
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_garbage_is_refused_and_nothing_else(operation):
    """A mistake in a Dag ends in the one error that explains it."""
    shape = input_shape(operation)
    names = st.sampled_from(sorted(fields(shape)))
    keys = names | st.text(alphabet=string.printable, max_size=5) | st.integers() | st.none()

    @QUIET
    @given(st.dictionaries(names | st.text(max_size=3), garbage(keys), max_size=4))
    def is_refused(values: Any) -> None:
        found = outcome(operation=operation, shape=shape, values=values)
        faults = getattr(found, "faults", ())
        assert isinstance(found, InvalidParametersError) is bool(faults)
        assert [] == [fault for fault in faults if len(fault.problem) > 300 or not fault.path]

    is_refused()


def outcome(**request: Any) -> Prepared | InvalidParametersError:
    """Return what comes of a request, be it the error; any other error fails the test."""
    try:
        return prepare(**request)
    except InvalidParametersError as error:
        return error
