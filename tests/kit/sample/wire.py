"""Messages of the register of persons: an invented system, the smallest that has a session, a look-up and an effect."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class FindPerson(_Sent):
    personalId: Annotated[str, Field(pattern=r"^[0-9]{12}\Z")]


class Person(_Told):
    name: Annotated[str, Field(min_length=1)]


class Enter(_Sent):
    dossier: Annotated[str, Field(pattern=r"^[0-9A-Za-z.-]{1,40}\Z")]
    personalId: Annotated[str, Field(pattern=r"^[0-9]{12}\Z")]


class Entered(_Told):
    number: Annotated[int, Field(ge=1)]
