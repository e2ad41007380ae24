"""Judges the bytes of a message by the published schema, with a decoder of its own.

Compiled by jsonschema-rs: a full DongBoHoSoMC takes about 10 microseconds, where jsonschema takes 1,300.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import jsonschema_rs

MAX_DEPTH = 60
"""A message of these systems is at most seven levels deep."""


class Unreadable(Exception):
    """The bytes are no message at all: wrong content type, charset, JSON, a key told twice."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class Breach(Exception):
    """The message breaks its schema. Each problem names a place and a rule, never a value."""

    def __init__(self, schema: str, problems: list[str]) -> None:
        super().__init__(f"{schema}: {'; '.join(problems)}")
        self.schema = schema
        self.problems = problems


def decode(body: bytes, content_type: str | None) -> Any:
    """Strict JSON: UTF-8 without BOM, ``application/json``, no key twice, no NaN, bounded depth."""
    if content_type is not None:
        _check_media(content_type)
    if not body:
        raise Unreadable("the body is empty")
    if body.startswith(b"\xef\xbb\xbf"):
        raise Unreadable("the body starts with a byte order mark")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body is not UTF-8 (byte {error.start})") from None
    try:
        data = _DECODER.decode(text)
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"the body is not JSON (character {error.pos})") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise Unreadable("the body is nested too deeply")
    return data


def decomposed(body: bytes) -> bool:
    """Whether the text is not in Unicode form NFC: it is taken, but noted."""
    return not body.isascii() and not unicodedata.is_normalized("NFC", body.decode("utf-8", "replace"))


def _check_media(content_type: str) -> None:
    media, _, parameters = content_type.partition(";")
    if media.strip().lower() != "application/json":
        raise Unreadable("the content type is not application/json", 415)
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
            raise Unreadable("the charset is not UTF-8", 415)


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [k for k, _ in pairs]
        name = next(k for k in names if names.count(k) > 1)
        raise Unreadable(f"the key {name[:60]!r} is told twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is not JSON")


def _depth(data: Any) -> int:
    deepest, todo = 0, [(data, 1)]
    while todo:
        here, level = todo.pop()
        deepest = max(deepest, level)
        inner: Iterable[Any] = here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
        todo.extend((x, level + 1) for x in inner if isinstance(x, dict | list))
    return deepest


_DECODER = json.JSONDecoder(object_pairs_hook=_no_doubles, parse_constant=_no_constant)


class Judge:
    """The schemas of one system, compiled once, by file name without ``.schema.json``."""

    def __init__(self, contract: Path) -> None:
        files = sorted(contract.glob("*.schema.json"))
        if not files and not any(contract.glob("*.xsd")) and not any(contract.glob("*.wsdl")):
            raise FileNotFoundError(f"no *.schema.json, *.xsd or *.wsdl in {contract}: the mock cannot judge")
        self._validators = {
            file.name.removesuffix(".schema.json"): jsonschema_rs.Draft202012Validator(
                json.loads(file.read_text(encoding="utf-8"))
            )
            for file in files
        }

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._validators)

    def check(self, schema: str, data: Any) -> None:
        """Raise ``Breach`` if ``data`` is not what the schema publishes."""
        validator = self._validators[schema]
        if validator.is_valid(data):
            return
        problems: list[str] = []
        for error in validator.iter_errors(data):
            problem = _say(error)
            if problem not in problems:
                problems.append(problem)
            if len(problems) >= 10:
                break
        raise Breach(schema, problems)


def _say(error: jsonschema_rs.ValidationError) -> str:
    path = ""
    for part in error.instance_path:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    kind = error.kind
    name = getattr(kind, "name", "schema")
    if name == "required":
        return f"{path + '.' if path else ''}{getattr(kind, 'property', '?')}: missing"
    if name == "additionalProperties":
        names = ", ".join(str(n)[:60] for n in getattr(kind, "unexpected", ()))
        return f"{path or 'body'}: unknown field {names}"
    return f"{path or 'body'}: {name}"
