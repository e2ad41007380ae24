"""What a remote system can do, and what may be done when nobody knows whether it did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import BaseModel

Request = TypeVar("Request", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)


class Repeat(StrEnum):
    """How a call whose answer never came may be repeated."""

    SAFE = "safe"
    """It reads, or sets a state: the same again changes nothing more."""
    KEYED = "keyed"
    """The remote recognises the idempotency key and does it once."""
    ASK = "ask"
    """A probe tells whether it happened."""
    ONCE = "once"
    """Nobody can tell: a person decides."""


class AnswerFile(BaseModel):
    """A file that came in an answer. An answer model with a field ``files`` of these has them put into the file store
    before its mapping reads it; the mapping finds them in ``context.files``, in the same order."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Operation(Generic[Request, Answer]):
    """One operation of a system.

    ``name`` is the connector's method: ``async def name(self, request, key) -> answer``; it raises a ``CallError``
    unless the remote's body says success. ``probe`` names the method that an ``ASK`` operation is asked with:
    ``async def probe(self, request, key) -> Probed``. ``full_state`` marks a push that carries the whole state of its
    order key, so that a newer one takes the place of an older one not yet sent; otherwise it appends and all go.
    """

    name: str
    request: type[Request]
    answer: type[Answer]
    repeat: Repeat
    success: str
    """What counts as success, in words, as the remote's document or practice has it."""
    probe: str = ""
    full_state: bool = False


@dataclass(frozen=True, slots=True)
class Probed(Generic[Answer]):
    """What a probe found: ``happened`` True, False, or None where the remote cannot tell."""

    happened: bool | None
    answer: Answer | None = None
    """The answer as far as the probe can rebuild it; needed where a mapping reads it."""
    note: str = ""
