"""Turns what pydantic found into lines a person can act on: the exact name, what is wrong, what to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lgsp.config import shape, write

Place = tuple[str | int, ...]


def dotted(place: Place) -> str:
    """``server.clients.onestop.allow_from[1]``"""
    text = ""
    for name in place:
        text += f"[{name}]" if isinstance(name, int) else f".{write.key(name)}" if text else write.key(name)
    return text


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` or the list of what there is."""
    known = sorted(known)
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def lines(
    error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...], origins: Mapping[Place, str]
) -> list[tuple[Place, str]]:
    """Each mistake with its place. No line holds a value, so none holds a secret."""
    found = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        place = tuple(name for name in detail["loc"] if isinstance(name, int) or "[" not in name)
        full = (*prefix, *place)
        origin = f" (set by {origins[full]})" if full in origins else ""
        found.append((full, f"{dotted(full)}: {_what(detail, model, place, full)}{origin}"))
    return found


def _what(detail: ErrorDetails, model: type[BaseModel], place: Place, full: Place) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        section = shape.model_at(model, place[:-1]) or model
        return f"unknown name; {nearest(str(place[-1]), section.model_fields)}"
    if kind in ("model_type", "model_attributes_type", "dict_type", "mapping_type"):
        header = write.section(tuple(str(name) for name in full))
        return f"must be a section; write {header} and its names below it"
    field = shape.field_at(model, place)
    if kind == "missing" and shape.model_at(model, place) is not None:
        return f"section is missing; write {write.section(tuple(str(name) for name in full))} and its names below it"
    if field is None:
        return _plain(detail["msg"])
    secret = shape.is_secret(field)
    wrong = "is missing" if kind == "missing" else _plain(detail["msg"])
    if secret and kind == "value_error":
        wrong = "is not accepted"  # the text of a class's own check might hold the value
    return f"{wrong}; write {_line(field, full)}{_about(field)}"


def _line(field: Any, full: Place) -> str:
    names = tuple(str(name) for name in full if not isinstance(name, int))
    text = f"{write.key(names[-1])} = {write.value(shape.sample(field, names))}"
    return f'{text}, or {{ file = "/path" }}' if shape.is_secret(field) else text


def _about(field: Any) -> str:
    return f" ({field.description})" if field.description else ""


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ")
    for start, plain in (("Input should be", "must be"), ("String should", "must"), ("Value should", "must")):
        if message.startswith(start):
            return plain + message[len(start) :]
    return message
