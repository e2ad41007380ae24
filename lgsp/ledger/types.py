"""The ledger's own words: what comes in, what is claimed, how it is settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Protocol

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier, Step
from lgsp.canonical.events import Event
from lgsp.wire.exchange import Opened

BUS = "bus"
"""The source of events that the fold itself emits."""


class State(StrEnum):
    """Where a delivery stands."""

    READY = "ready"
    LEASED = "leased"
    WAITING = "waiting"  # to be tried again at its time
    UNKNOWN = "unknown"  # nobody knows whether the last try happened; repeated, asked about or parked when claimed
    PARKED = "parked"  # for a person
    HELD = "held"  # set aside by an operator
    SUPERSEDED = "superseded"  # a newer full state took its place
    DISCARDED = "discarded"  # an operator decided that it shall not go
    DONE = "done"


OPEN = (State.READY, State.LEASED, State.WAITING, State.UNKNOWN, State.PARKED, State.HELD)
CLAIMABLE = (State.READY, State.WAITING, State.UNKNOWN)


class Acceptance(Enum):
    """What became of an inbound message."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    UNKNOWN_REFERENCE = "unknown_reference"  # committed; of a payment that was never asked for
    WRONG_AMOUNT = "wrong_amount"  # committed; of another amount than was asked


@dataclass(frozen=True, slots=True)
class Inbound:
    """One accepted call or polled page, committed whole. ``digest`` is of the message; ``message_id`` is the caller's,
    if it gave one. ``cursor`` moves in the same transaction."""

    system: str
    reception: str
    events: Sequence[Event]
    digest: str
    message_id: str = ""
    exchange: Opened | None = None
    told_by: int | None = None
    """The exchange of ours whose answer told it, where we asked (a poll)."""
    cursor: tuple[str, str] | None = None
    """(name, value)"""


@dataclass(frozen=True, slots=True)
class Planned:
    """A delivery that a route asks for."""

    system: str
    operation: str
    full_state: bool = False
    deadline: float = 0.0
    delay: float = 0.0
    """Seconds to wait before the first attempt."""
    apart: bool = False
    """In a lane of its own, beside the dossier's."""
    parked: tuple[str, str] | None = None
    """(cause, reason) of a work item: nothing is sent until a person decides."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What an event did to the bus's truth of its dossier."""

    dossier: Dossier | None = None
    """The new truth; None: unchanged."""
    events: tuple[Event, ...] = ()
    """Events that follow, of the same dossier, each named after something that happens once."""
    stale: str = ""
    """Why the event is older than the truth and leads to nothing; empty: it is not."""
    early: bool = False
    """The dossier is not known yet: the event leads nowhere until it is."""
    asks: tuple[Event, ...] = ()
    """What other systems are asked to do: dropped where it was asked before, or where no route takes it."""


class Planner(Protocol):
    """The pure decisions the ledger asks for; made of routes and the fold."""

    def touches(self, event: Event) -> bool: ...

    def fold(self, known: Dossier | None, event: Event, codes: CodeTables) -> Folded: ...

    def plan(self, event: Event) -> Sequence[Planned]: ...

    def repeats(self, steps: Sequence[Step]) -> Sequence[bool]:
        """For steps of one dossier in the order in which they were told: whether each was told before."""
        ...

    def judge(self, known: Dossier | None, event: Event) -> Acceptance | None:
        """What the caller that told the event is to hear beside whether it is known; None: nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery leased to this worker, with all that is needed to deliver it."""

    id: int
    event_id: int
    payload: bytes
    system: str
    operation: str
    order_key: str
    key: str
    tries: int
    attempts: int
    doubtful: bool
    created_at: int
    deadline_at: int | None
    trial: bool = False
    """Claimed to try an open circuit: a failure does not count."""
    identities: Mapping[str, str] = field(default_factory=dict)
    doubted_at: int = 0
    """When the last call left that may have happened, or may yet."""
    ended: str = ""
    """How the last counted attempt ended, where so many alike in a row decide."""
    alike: int = 0


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    system: str
    limit: int
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Claims:
    """What a claim gave; ``next_at`` (microseconds) is when to look again if nothing wakes the lane before."""

    claimed: Sequence[Claimed]
    next_at: int | None = None
    blocked: str = ""
    """``held``, ``circuit`` or ``rate`` where the system may not be called now."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a claimed delivery ended this time."""

    delivery: int
    system: str
    operation: str
    state: State
    due_at: int = 0
    counted: bool = False
    """Whether the try counts towards parking."""
    doubtful: bool = False
    doubted_at: int = 0
    """When a call left in this try that may have happened, or may yet; 0: none did."""
    cause: str = ""
    reason: str = ""
    events: Sequence[Event] = ()
    exchange: int | None = None
    healthy: bool | None = None
    """What it says of the system: True works, False sick, None nothing."""
    hold: str = ""
    """Reason for which the whole system is held; empty: it is not."""
    ended: str = ""
    """How the last counted attempt ended, and how many ended so in a row."""
    alike: int = 0


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a circuit opens, and for how long at first (doubled at each failed trial, up to 16 times)."""

    failures: int
    seconds: float


class IdentityClash(Exception):
    """A code that a system gave is known for another dossier already."""


Clock = Callable[[], int]
"""Microseconds now."""
