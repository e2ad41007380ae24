"""How a system reaches us: hooks it calls, and polls in which we ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lgsp.canonical.dossier import Dossier

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """One call that reached the front door. ``body`` has file contents already moved to the file store: each is
    replaced by the text ``lgsp-file:<id>`` (see ``InboundHook.file_fields``)."""

    method: str
    path: str
    path_params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    client: str
    """Who was authenticated, or the empty text."""
    raw_query: str = ""
    """The query as it came, still encoded."""
    received_at: datetime = _NEVER
    """When it came, by the bus's clock: what a signature's time is compared with."""

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class InboundReply:
    """What goes back, in the caller's own format."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    """What became of an inbound call."""

    ACCEPTED = "accepted"  # committed
    DUPLICATE = "duplicate"  # the same message was committed before
    CONFLICT = "conflict"  # the same message id with another body
    INVALID = "invalid"  # it breaks its contract
    UNAUTHORISED = "unauthorised"
    TOO_LARGE = "too_large"
    BUSY = "busy"  # the store cannot take it now; ask to call again
    UNSUPPORTED = "unsupported"  # a content type or charset we do not speak
    UNKNOWN_REFERENCE = "unknown_reference"  # committed; it names a payment we never asked for
    WRONG_AMOUNT = "wrong_amount"  # committed; it tells of another amount than was asked
    THROTTLED = "throttled"  # the caller calls too often; nothing was kept


@dataclass(frozen=True, slots=True)
class Received:
    """What a hook or poll understood of a call: wire models by reception name, in business order.

    ``message_id`` is the caller's own id of the message where it gives one; otherwise identity is made from content.
    """

    reception: str
    items: Sequence[BaseModel]
    message_id: str = ""


class InboundInvalid(Exception):
    """A call that breaks its contract. ``field`` names where, the text says what; no value of the body in either."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}" if field else reason)


Told = TypeVar("Told", bound=BaseModel)


def fitted(model: type[Told], told: Any, within: str = "") -> Told:
    """What came in as a wire model; ``InboundInvalid`` names the first field that does not fit, below ``within``."""
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join([within, *map(str, first["loc"][:1])]).strip(".")
        raise InboundInvalid(where, f"does not fit ({first['type']})") from None


@dataclass(frozen=True, slots=True)
class InboundHook:
    """One address at which a system calls us.

    ``receive`` reads the request into wire models or raises ``InboundInvalid``; it does nothing else. ``answer`` writes
    the reply for a verdict in the caller's own format; ``detail`` is a text fit for the caller. The front door
    authenticates (``auth``), stores, commits, and only then answers.
    """

    name: str
    method: str
    path: str
    """Starlette path below the system's prefix, e.g. ``/{adapter}/Document/SyncDocument``."""
    receive: Callable[[InboundRequest, Any], Received]
    """Second argument: the system's settings."""
    answer: Callable[[InboundRequest, Verdict, str], InboundReply]
    file_fields: tuple[str, ...] = ()
    """JSON keys or XML elements whose value is base64 content: streamed to the file store, never held in memory."""
    auth: str = "bearer"
    """``bearer``: a token from our own ``/token``; ``none``; or ``hook``: ``verify`` decides on the raw bytes."""
    verify: Callable[[InboundRequest, Any], bool] | None = None


@dataclass(frozen=True, slots=True)
class InboundFile:
    """A file of the system that a person brings, such as a bank's statement.

    ``read`` gets the content, the system's settings and which of its forms the file has (``--form``; empty: the usual
    one), and reads it whole or raises ``InboundInvalid`` with the line and column; no value of the file in either.
    """

    name: str
    read: Callable[[bytes, Any, str], Received]
    about: str
    """What it is, in a few words."""


@dataclass(frozen=True, slots=True)
class Enquiry:
    """One address at which a system asks what the bus holds true of a dossier; nothing changes by it.

    ``code`` reads from the request by which code the dossier is asked for, or raises ``InboundInvalid``; any system's
    code of it will do. ``answer`` writes the reply: ``known`` is the dossier, or None where there is none or the
    verdict is not ``ACCEPTED``. Authentication is as in ``InboundHook``; every enquiry is journalled.
    """

    name: str
    method: str
    path: str
    code: Callable[[InboundRequest, Any], str]
    answer: Callable[[InboundRequest, Any, Dossier | None, Verdict, str], InboundReply]
    """Request, settings, dossier, verdict, and a text fit for the caller."""
    auth: str = "hook"
    verify: Callable[[InboundRequest, Any], bool] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a poll: items in business order, where to go on, and whether more is waiting now."""

    received: Received
    cursor: str
    more: bool = False


@dataclass(frozen=True, slots=True)
class Poll:
    """Something we ask a system for regularly.

    ``fetch`` names the connector's method ``async def fetch(self, cursor: str) -> Page``; the cursor is committed
    together with the events. ``acknowledge`` names ``async def acknowledge(self, items) -> None``, called after the
    commit; it must bear being called again for the same items.
    """

    name: str
    fetch: str
    every: float = 30.0
    """Seconds between two polls, unless the system's settings say otherwise (``poll_every``)."""
    acknowledge: str = ""
    file_fields: tuple[str, ...] = ()
    """Fields of its items, at any depth, whose value is base64 content: it is in the file store, and ``lgsp-file:<id>``
    in its place, before the reception sees the item. Addresses and empty values stay as they are."""
