"""One request and what came back: what the journal keeps, in the form in which the wire hands it over."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

FORMAT = 1


def new_exchange_id() -> int:
    """A 63-bit id that sorts by time: microseconds, then chance; made without asking the store."""
    return (time.time_ns() // 1000 << 11 | secrets.randbits(11)) & (2**63 - 1)


@dataclass(slots=True)
class Departures:
    """What has left on behalf of one try: tells whether it can have changed anything at the remote."""

    exchanges: int = 0
    effects: int = 0
    """Calls that may change something and that the remote may have read."""
    last: bool = False
    """Whether the latest call was such a one."""
    left_at: int = 0
    """When the latest such call left (microseconds); 0: none did."""

    number: int = 0
    """The latest exchange."""

    def count(self, effect: bool, at: int, number: int = 0) -> None:
        self.exchanges += 1
        self.number = number
        self.left_at = at if effect else self.left_at
        self.effects += effect
        self.last = effect

    def refused(self) -> None:
        """The latest call was refused unread."""
        self.effects -= self.last
        self.last = False


@dataclass(frozen=True, slots=True)
class Scope:
    """On whose behalf calls are made now."""

    delivery: int | None = None
    dossier: str = ""
    attempt: int = 0
    departures: Departures | None = None


_scope: ContextVar[Scope] = ContextVar("lgsp_scope", default=Scope())  # noqa: B039 - frozen


def current_scope() -> Scope:
    """The scope in which the running task makes its calls."""
    return _scope.get()


@contextmanager
def scope(delivery: int | None = None, dossier: str = "", attempt: int = 0) -> Iterator[Departures]:
    """Calls made inside are journalled for this delivery and dossier, and counted in what this gives."""
    departures = Departures()
    token = _scope.set(Scope(delivery, dossier, attempt, departures))
    try:
        yield departures
    finally:
        _scope.reset(token)


@dataclass(frozen=True, slots=True)
class Opened:
    """A request about to leave. Secrets are masked already; all other bytes are as sent."""

    id: int
    system: str
    operation: str
    direction: str
    """``out``: we call; ``in``: we are called."""
    opened_at: int
    """Microseconds since 1970, UTC."""
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    delivery: int | None = None
    dossier: str = ""
    attempt: int = 0
    effect: bool = True
    """Whether the call may change something at the remote; logins and look-ups do not."""


@dataclass(frozen=True, slots=True)
class Closed:
    """How an opened exchange ended."""

    id: int
    closed_at: int
    outcome: str
    """``answered``, or the name of the error class: ``NotSent``, ``OutcomeUnknown`` and so on."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""


class ExchangeSink(Protocol):
    """Where exchanges go: the journal, or a list in tests."""

    async def open(self, exchange: Opened) -> None:
        """Return only when the row is committed; bytes leave after that."""

    def close(self, exchange: Closed) -> None:
        """Hand the end over; it is committed with the delivery's settlement at the latest."""


class NoJournal:
    """A sink that keeps nothing, for tools outside the daemon (``lgsp doctor``)."""

    async def open(self, exchange: Opened) -> None:
        return None

    def close(self, exchange: Closed) -> None:
        return None
