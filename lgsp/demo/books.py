"""What the bus's own ledger says, read beside the running daemon."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Event, PaymentCreated, StepTaken
from lgsp.canonical.payment import Payment
from lgsp.clock import VIETNAM, SystemClock, micros
from lgsp.ledger.types import State
from lgsp.ledger.work import Work
from lgsp.store.engine import Store
from lgsp.store.schema import deliveries, events, identities, tallies

_d = deliveries.c
_OPEN = text("open = 1")


@dataclass(slots=True)
class Standing:
    """Deliveries by system and state now; ``moving`` are those that will go on by themselves."""

    states: dict[str, Counter[str]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    moving: int = 0

    @property
    def waiting(self) -> int:
        """Open deliveries that are not parked."""
        return sum(n for states in self.states.values() for state, n in states.items() if state != State.PARKED)


@dataclass(frozen=True, slots=True)
class OpenDelivery:
    """A delivery that did not end: parked, or behind a parked one."""

    system: str
    operation: str
    dossier: str
    """The bus's key."""
    state: str
    cause: str
    reason: str
    step: tuple[str, str] | None
    """Of a step: its time in 14 digits and its content."""


class Books:
    """Reads of the ledger of the demo's daemon."""

    def __init__(self, database: Path) -> None:
        self._store = Store(f"sqlite:///{database.absolute()}")
        clock = SystemClock()
        self._work = Work(self._store, lambda: micros(clock.now()), "demo")

    async def standing(self) -> Standing:
        def query(c: Connection) -> Standing:
            now = Standing()
            for system, state, claimable, n in c.execute(
                select(_d.system, _d.state, _d.claimable, func.count())
                .where(_OPEN)
                .group_by(_d.system, _d.state, _d.claimable)
            ):
                now.states.setdefault(system, Counter())[state] += n
                if claimable or state == State.LEASED:
                    now.moving += n
            for system, n in c.execute(
                select(tallies.c.system, func.sum(tallies.c.n))
                .where(tallies.c.outcome == State.DONE.value)
                .group_by(tallies.c.system)
            ):
                now.done[system] += int(n)
            return now

        return await self._store.read(query)

    async def truth(self) -> dict[str, Dossier]:
        """The bus's truth of every dossier, by the bus's key."""
        found: dict[str, Dossier] = {}
        after = ""
        while page := await self._work.dossiers(after, 1000):
            found |= {key: Dossier.model_validate_json(state) for key, _, state in page}
            after = page[-1][0]
        return found

    async def keys(self) -> dict[str, str]:
        """The bus's key of each code that any system uses."""

        def query(c: Connection) -> dict[str, str]:
            return {row[0]: row[1] for row in c.execute(select(identities.c.code, identities.c.dossier))}

        return await self._store.read(query)

    async def open_deliveries(self) -> list[OpenDelivery]:
        def query(c: Connection) -> list[OpenDelivery]:
            rows = c.execute(
                select(_d.system, _d.operation, events.c.dossier, _d.state, _d.cause, _d.reason, events.c.payload)
                .join(events, events.c.id == _d.event)
                .where(_OPEN)
                .order_by(_d.id)
            )
            return [OpenDelivery(*row[:6], step=_step(row[6])) for row in rows]

        return await self._store.read(query)

    async def to_pay(self) -> list[Payment]:
        """Every attempt that was ever opened: what the citizens were told."""

        def query(c: Connection) -> list[Payment]:
            rows = c.execute(select(events.c.payload).where(events.c.type == "payment.created").order_by(events.c.id))
            made = [Event.model_validate_json(row[0]).body for row in rows]
            return [
                body.payment
                for body in made
                if isinstance(body, PaymentCreated) and (body.payment.url or body.payment.qr)
            ]

        return await self._store.read(query)

    async def close(self) -> None:
        await self._store.close()


def _step(payload: bytes) -> tuple[str, str] | None:
    body = Event.model_validate_json(payload).body
    return step_key(body.step.at, body.step.content) if isinstance(body, StepTaken) else None


def step_key(at: datetime, content: str) -> tuple[str, str]:
    """By what a step is known on both sides: its second in local time, and what was done."""
    return at.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S"), content
