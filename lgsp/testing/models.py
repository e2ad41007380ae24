"""Odd instances of a wire model that it admits all the same: an example, every field bent as far as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str | int, ...]

TEXTS: list[Any] = [
    "", " ", "\u00a0", "\u200b", "\t", "\n", "a", "a\n", "\na", " a ", "a b", "Nguyễn Văn Mẫu", "Nguye\u0302\u0303n",
    "🙂", "<&>\"'\\", "0", "00", "1", "2", "3", "4", "5", "9", "10", "11", "-1", "1.5", "1e3", "\u0661\u0662\u0663",
    "\uff11", "²", "100", "100%", "0%", "100%\n", "001%", "12-2026", "1-2026\n", "True", "False", "true", "null",
    "H21", "H21\n", "h21", "H21.14.05", "000.00.00.H21", "000.00.00.H21.1", "1.009974", "1.009974\n", "1.009974.H21",
    "\u0661.009974", "052088001234", "052088001234\n", "123456789", "0520880012", "0100109106-001", "http://a",
    "https://a/b?c=d", "https://a b", "ftp://a", "HTTP://A", "http://a\n", "20261008080000", "20260230000000",
    "20261008", "20261008\n", "2026-10-08 08:00:00", "08/10/2026 08:00:00", "2026-10-08T08:00:00.000+07:00", "citizen",
    "{}", "[]", "JVBERi0xLjQK", "JVBERi0xLjQ=\n", "=", "é" * 49, "é" * 50, "é" * 51, "x" * 75, "x" * 76, "x" * 100,
    "x" * 101, "ờ" * 1000, "ờ" * 1001, "ờ" * 2000, "ờ" * 2001, "ờ" * 4000, "ờ" * 4001, "o\u031b\u0300" * 1000,
]  # fmt: skip
_WEST = timezone(timedelta(hours=-11))
MOMENTS: list[Any] = [
    datetime(1900, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 10, 8, 1, 2, 3, 999999, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=_WEST),
    datetime(2099, 12, 31, 16, 59, 59, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC), date(2026, 2, 28),
    date(999, 1, 1), date(9999, 12, 31),
]  # fmt: skip
NUMBERS: list[Any] = [-(2**63), -1, 0, 1, 2, 3, 4, 5, 9, 10, 99, 100, 9999, 10**4, 10**9, 2**31, 2**53, 2**53 + 1,
                      4_102_444_800_000, 10**15, 10**30, 1.0, 1.5]  # fmt: skip
OTHERS: list[Any] = [True, False, None, [], {}, ["x"], {"x": "y"}]
CANDIDATES: list[Any] = [*TEXTS, *MOMENTS, *NUMBERS, *OTHERS]


def _resolved(schema: dict[str, Any], shared: dict[str, Any]) -> list[dict[str, Any]]:
    """The shapes a value may have."""
    if "$ref" in schema:
        return _resolved(shared[schema["$ref"].rpartition("/")[2]], shared)
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return [one for part in schema[word] for one in _resolved(part, shared)]
    return [schema]


def _leaves(schema: dict[str, Any], value: Any, shared: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    """The path of every field there is or may be, outer ones last, so that inner ones are bent first."""
    for shape in _resolved(schema, shared):
        if shape.get("type") == "object" and isinstance(value, dict):
            for name, inner in shape.get("properties", {}).items():
                yield from _leaves(inner, value.get(name), shared, (*path, name))
        elif shape.get("type") == "array" and isinstance(value, list) and "items" in shape:
            for place, item in enumerate(value):
                yield from _leaves(shape["items"], item, shared, (*path, place))
    if path:
        yield path


def _put(whole: Any, path: Path, value: Any) -> Any:
    """A copy with one field changed; what lies off the path is shared."""
    if not path:
        return value
    changed = list(whole) if isinstance(whole, list) else dict(whole)
    inner = changed.get(path[0]) if isinstance(changed, dict) else changed[int(path[0])]
    changed[path[0]] = _put(inner, path[1:], value)  # type: ignore[index]  # a name for a dict, a place for a list
    return changed


def _made(model: type[Model], value: Any) -> Model | None:
    try:
        return model.model_validate(value)
    except (ValidationError, OverflowError):
        return None


def _named(schema: Any) -> list[Any]:
    """Every value that the model names: constants and choices."""
    if isinstance(schema, list):
        return [value for inner in schema for value in _named(inner)]
    if not isinstance(schema, dict):
        return []
    here = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    return [*here, *(value for inner in schema.values() for value in _named(inner))]


def bent(model: type[Model], example: Any) -> Iterator[Model]:
    """Instances that together hold, in every field, every candidate that the model admits there."""
    schema = model.model_json_schema(mode="validation", by_alias=True)
    paths = list(dict.fromkeys(_leaves(schema, example, schema.get("$defs", {}))))
    candidates = [*CANDIDATES, *_named(schema)]
    admitted = {path: [c for c in candidates if _made(model, _put(example, path, c)) is not None] for path in paths}
    for row in range(max([1, *(len(found) for found in admitted.values())])):
        changes = [(path, found[row % len(found)]) for path, found in admitted.items() if found]
        made = _made(model, _all_that_fit(model, example, changes))
        assert made is not None
        yield made


def _all_that_fit(model: type[BaseModel], whole: Any, changes: list[tuple[Path, Any]]) -> Any:
    """The value with every change that it bears; halved where they do not fit together."""
    changed = whole
    try:
        for path, value in changes:
            changed = _put(changed, path, value)
    except (KeyError, IndexError, TypeError, AttributeError):
        changed = None  # an outer field was bent away
    if changed is not None and _made(model, changed) is not None:
        return changed
    if len(changes) == 1:
        return whole
    middle = len(changes) // 2
    return _all_that_fit(model, _all_that_fit(model, whole, changes[:middle]), changes[middle:])
