"""Rules against untrue data: what some senders tell so that figures look better is parked here, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lgsp.canonical.base import nfc
from lgsp.canonical.documents import Document
from lgsp.errors import MappingError

Model = TypeVar("Model", bound=BaseModel)

_COUNTED = "01234567890123456789"


def fit(model: type[Model], where: str = "", **values: Any) -> Model:
    """The wire model of these values; what its contract refuses is a ``MappingError`` that names the field."""
    try:
        return model(**values)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join([*([where] if where else []), *(str(part) for part in fault["loc"])]) or model.__name__
        reason = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "string_too_long":
            reason += ": shorten it at its source, it is not cut here"
        raise MappingError(name, reason) from None


def is_dummy(number: str) -> bool:
    """Whether a number stands for "not known": 000000001, 111111111, 123456789 and the like."""
    digits = "".join(c for c in number if c.isdigit())
    if len(digits) < 8 or len(digits) != len("".join(number.split())):
        return False
    few = digits.lstrip("0")
    return len(few) <= 2 or len(set(digits)) == 1 or digits in _COUNTED or digits in _COUNTED[::-1]


def real_number(number: str, field: str) -> str:
    """The number, unless it is a dummy."""
    if is_dummy(number):
        raise MappingError(
            field, "is a dummy that stands for an unknown number: enter the true one at the source, or leave it out"
        )
    return number


def real_officer(name: str, defaults: Iterable[str], field: str) -> str:
    """The officer's name, unless it is one that software fills in by itself."""
    plain = " ".join(nfc(name).lower().split())
    if plain in {" ".join(nfc(d).lower().split()) for d in defaults}:
        raise MappingError(field, "is a default that stands for no officer: the source must name who acted")
    return name


def in_order(moments: Iterable[tuple[str, datetime | None]]) -> None:
    """Raise ``MappingError`` unless each of these times, where given, is not before the one ahead of it."""
    last_name, last = "", None
    for name, moment in moments:
        if moment is None:
            continue
        if last is not None and moment < last:
            raise MappingError(
                name, f"lies before {last_name}: correct it at the source (a 12-hour clock or a shifted time zone?)"
            )
        last_name, last = name, moment


def own_results(results: Iterable[Document], submitted: Iterable[Document], field: str) -> None:
    """Raise ``MappingError`` if a file that the citizen handed in is given out as a result."""
    given: set[str] = set()
    for paper in submitted:
        given |= _marks(paper)
    for result in results:
        if _marks(result) & given:
            raise MappingError(
                field, "a file handed in by the applicant is named as a result: attach what the agency issued"
            )


def _marks(paper: Document) -> set[str]:
    file = paper.file
    if file is None:
        return set()
    return {f"{kind}:{mark}" for kind, mark in (("i", file.id), ("s", file.sha256), ("u", file.url)) if mark}
