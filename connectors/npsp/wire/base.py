"""What every message of the portal is built of: strict and lenient models, texts, codes.

What we send is strict; what the portal sends is read leniently.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints


class Sent(BaseModel):
    """What we send: no field the portal does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True, regex_engine="python-re"
    )


class Got(BaseModel):
    """What the portal sends: fields we do not know are passed over."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True, regex_engine="python-re"
    )


def text_of(value: object) -> object:
    """Answers write one field as text, as a number or as null, as it comes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int | float):
        return str(value)
    return value.strip() if isinstance(value, str) else value


def rows_of(value: object) -> object:
    return () if value is None or value == "" else value


AnyText = Annotated[str, BeforeValidator(text_of)]
"""Text of an answer."""

Filled = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
"""Text that must say something."""

DossierCode = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^\S+\Z")]
UnitCode = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}|[A-Z][0-9]{2}(?:\.[0-9]{1,3}){0,4})\Z"),
]
"""An organisation's code in either shape: ``000.00.00.H21`` or ``H21.14``."""

ProcedureCode = Annotated[str, StringConstraints(pattern=r"^[0-9]\.[0-9]{6}\Z")]
"""A national procedure code; a local variant carries more and is translated before."""

Yes = Literal["0", "1"]
Bool = Literal["True", "False"]
"""A truth value in capitalised words, not a JSON boolean."""

NationalStatus = Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}\Z")]
"""Whole dong as text; ``0`` is said, not left out."""

Percent = Annotated[str, StringConstraints(pattern=r"^(100|[1-9]?[0-9])%\Z")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://\S+\Z")]

SUMMARY_MAX, FILE_NAME_MAX, PAPER_NAME_MAX, NOTE_MAX, OFFICER_MAX, STEPS_MAX = 1000, 4000, 2000, 2000, 50, 10
