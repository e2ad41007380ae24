"""What operators see: counts, work items, one dossier's story, the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, desc, func, select, text

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Event, PaymentDoubted
from lgsp.canonical.payment import UNPAID, OpenFee, Payment
from lgsp.ledger.admit import dossier_of
from lgsp.ledger.types import State
from lgsp.store.engine import Store
from lgsp.store.schema import (
    audit,
    code_loads,
    cursors,
    deliveries,
    dossiers,
    events,
    exchanges,
    identities,
    reference_codes,
    revoked_links,
    systems,
    tallies,
    workers,
)

_d = deliveries.c
_OPEN = text("open = 1")


@dataclass(frozen=True, slots=True)
class SystemStanding:
    """How one system does now. Times in microseconds."""

    system: str
    counts: dict[str, int]
    """Open deliveries by state."""
    done_today: int
    held: bool
    held_reason: str
    held_by: str
    circuit_open_until: int
    last_success_at: int | None
    last_failure_at: int | None
    last_failure: str
    oldest_at: int | None
    """When the oldest open delivery was made."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A delivery as an operator sees it."""

    id: int
    system: str
    operation: str
    dossier: str
    state: str
    cause: str
    reason: str
    attempts: int
    tries: int
    doubtful: bool
    created_at: int
    due_at: int
    settled_at: int | None
    event_type: str
    resend_of: int | None


@dataclass(frozen=True, slots=True)
class Story:
    """All the bus knows of one dossier, in order of time.

    ``events`` are rows (id, type, source, occurred_at, recorded_at, payload); ``exchanges`` are rows (id, system,
    operation, direction, opened_at, closed_at, outcome, status, delivery, error).
    """

    dossier: str
    identities: dict[str, str]
    state: bytes | None
    events: tuple[Any, ...]
    deliveries: tuple[WorkItem, ...]
    exchanges: tuple[Any, ...]


_ITEM = select(
    _d.id,
    _d.system,
    _d.operation,
    _d.order_key,
    _d.state,
    _d.cause,
    _d.reason,
    _d.attempts,
    _d.tries,
    _d.doubtful,
    _d.created_at,
    _d.due_at,
    _d.settled_at,
    events.c.type,
    _d.resend_of,
).join(events, events.c.id == _d.event)


def _item(row: Any) -> WorkItem:
    values: list[Any] = list(row)  # the columns are selected in the order of the fields
    values[3] = dossier_of(values[3])
    values[9] = bool(values[9])
    return WorkItem(*values)


class Views:
    """The ledger as operators see it; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def standing(self, day: str) -> list[SystemStanding]:
        """Every system that has a row or an open delivery; ``day`` is today's local date, ISO."""

        def query(c: Connection) -> list[SystemStanding]:
            counts: dict[str, dict[str, int]] = {}
            oldest: dict[str, int] = {}
            for system, state, n, first in c.execute(
                select(_d.system, _d.state, func.count(), func.min(_d.created_at))
                .where(_OPEN)
                .group_by(_d.system, _d.state)
            ):
                counts.setdefault(system, {})[state] = n
                oldest[system] = min(first, oldest.get(system, first))
            done: dict[str, int] = {
                system: int(n)
                for system, n in c.execute(
                    select(tallies.c.system, func.sum(tallies.c.n))
                    .where(tallies.c.day == day, tallies.c.outcome == State.DONE.value)
                    .group_by(tallies.c.system)
                )
            }
            rows = {row.system: row for row in c.execute(select(systems))}
            return [
                SystemStanding(
                    system=name,
                    counts=counts.get(name, {}),
                    done_today=done.get(name, 0),
                    held=bool(row.held) if row else False,
                    held_reason=row.held_reason if row else "",
                    held_by=row.held_by if row else "",
                    circuit_open_until=row.open_until if row else 0,
                    last_success_at=row.last_success_at if row else None,
                    last_failure_at=row.last_failure_at if row else None,
                    last_failure=row.last_failure if row else "",
                    oldest_at=oldest.get(name),
                )
                for name in sorted({*rows, *counts, *done})
                for row in [rows.get(name)]
            ]

        return await self._store.read(query)

    async def workers(self) -> list[tuple[str, str, int, int, int]]:
        """(worker, host, pid, started_at, beat_at)"""

        def query(c: Connection) -> list[tuple[str, str, int, int, int]]:
            w = workers.c
            return [tuple(r) for r in c.execute(select(w.worker, w.host, w.pid, w.started_at, w.beat_at))]

        return await self._store.read(query)

    async def polls(self) -> list[tuple[str, str, int]]:
        """(poll, cursor, moved_at)"""

        def query(c: Connection) -> list[tuple[str, str, int]]:
            p = cursors.c
            return [tuple(r) for r in c.execute(select(p.name, p.value, p.moved_at).order_by(p.name))]

        return await self._store.read(query)

    async def code_loads(self) -> list[tuple[str, int, int]]:
        """(table, rows, loaded_at)"""

        def query(c: Connection) -> list[tuple[str, int, int]]:
            t = code_loads.c
            return [tuple(r) for r in c.execute(select(t.name, t.rows, t.loaded_at).order_by(t.name))]

        return await self._store.read(query)

    async def parked(
        self, *, system: str = "", cause: str = "", states: Sequence[State] = (State.PARKED,), limit: int = 100
    ) -> list[WorkItem]:
        """Work items, oldest first."""

        def query(c: Connection) -> list[WorkItem]:
            q = _ITEM.where(_OPEN, _d.state.in_(states))
            if system:
                q = q.where(_d.system == system)
            if cause:
                q = q.where(_d.cause == cause)
            return [_item(row) for row in c.execute(q.order_by(_d.id).limit(limit))]

        return await self._store.read(query)

    async def causes(self) -> list[tuple[str, str, str, int]]:
        """(system, cause, an example of the reason, how many), most first."""

        def query(c: Connection) -> list[tuple[str, str, str, int]]:
            rows = c.execute(
                select(_d.system, _d.cause, func.min(_d.reason), func.count().label("n"))
                .where(_d.state == State.PARKED.value)
                .group_by(_d.system, _d.cause)
                .order_by(desc("n"))
            )
            return [(r[0], r[1], r[2], r[3]) for r in rows]

        return await self._store.read(query)

    async def delivery(self, number: int) -> WorkItem | None:
        """One delivery."""

        def query(c: Connection) -> WorkItem | None:
            row = c.execute(_ITEM.where(_d.id == number)).first()
            return _item(row) if row is not None else None

        return await self._store.read(query)

    async def key_of(self, code: str) -> str | None:
        """The bus's key of the dossier that any system calls ``code``."""

        def query(c: Connection) -> str | None:
            known = c.execute(select(identities.c.dossier).where(identities.c.code == code).limit(1)).scalar()
            return known or c.execute(select(dossiers.c.dossier).where(dossiers.c.dossier == code)).scalar()

        return await self._store.read(query)

    async def story(self, code: str) -> Story | None:
        """Everything about a dossier by any of its codes; None if no system ever told of it."""
        key = await self.key_of(code)
        if key is None:
            return None

        def query(c: Connection) -> Story:
            own = dict(
                c.execute(select(identities.c.system, identities.c.code).where(identities.c.dossier == key)).all()
            )
            x, e = exchanges.c, events.c
            told = c.execute(
                select(e.id, e.type, e.source, e.occurred_at, e.recorded_at, e.payload)
                .where(e.dossier == key)
                .order_by(e.id)
            ).all()
            numbers = [row.id for row in told]
            items = [_item(r) for r in c.execute(_ITEM.where(_d.event.in_(numbers)).order_by(_d.id))] if numbers else []
            calls = c.execute(
                select(
                    x.id,
                    x.system,
                    x.operation,
                    x.direction,
                    x.opened_at,
                    x.closed_at,
                    x.outcome,
                    x.status,
                    x.delivery,
                    x.error,
                )
                .where(x.dossier.in_({key, *own.values()}))
                .order_by(x.id)
            ).all()
            state = c.execute(select(dossiers.c.state).where(dossiers.c.dossier == key)).scalar()
            return Story(key, own, state, tuple(told), tuple(items), tuple(calls))

        return await self._store.read(query)

    async def payments_of(self, key: str) -> tuple[Payment, ...]:
        """The attempts to pay a dossier's fees, by the bus's key of it."""

        def query(c: Connection) -> tuple[Payment, ...]:
            state = c.execute(select(dossiers.c.state).where(dossiers.c.dossier == key)).scalar()
            return Dossier.model_validate_json(state).payments if state is not None else ()

        return await self._store.read(query)

    async def doubted_money(self, limit: int = 1000) -> list[tuple[WorkItem, PaymentDoubted]]:
        """Money that waits for a person, oldest first."""

        def query(c: Connection) -> list[tuple[WorkItem, PaymentDoubted]]:
            q = _ITEM.add_columns(events.c.payload).where(
                _OPEN, _d.state == State.PARKED.value, events.c.type == "payment.doubted"
            )
            found = []
            for row in c.execute(q.order_by(_d.id).limit(limit)):
                body = Event.stored(row.payload).body
                if isinstance(body, PaymentDoubted):
                    found.append((_item(row[:-1]), body))
            return found

        return await self._store.read(query)

    async def open_fees(self, platforms: Sequence[str], limit: int = 20_000) -> list[OpenFee]:
        """Attempts at these platforms that nobody has paid, newest first."""

        def query(c: Connection) -> list[OpenFee]:
            r = reference_codes.c
            q = select(r.system, r.code, r.dossier, r.amount, r.created_at).where(
                r.kind == "payment", r.system.in_(platforms), r.state.in_([s.value for s in UNPAID])
            )
            rows = c.execute(q.order_by(desc(r.created_at)).limit(limit))
            return [OpenFee(row[0], row[1], row[2], int(row[3]), row[4]) for row in rows]

        return await self._store.read(query)

    async def dossiers(self, after: str = "", limit: int = 1000) -> list[tuple[str, str, bytes]]:
        """(key, status, state) of the dossiers after a key, in order of keys: to walk through all."""

        def query(c: Connection) -> list[tuple[str, str, bytes]]:
            t = dossiers.c
            q = select(t.dossier, t.status, t.state).where(t.dossier > after).order_by(t.dossier).limit(limit)
            return [(r[0], r[1], r[2]) for r in c.execute(q)]

        return await self._store.read(query)

    async def revoked_files(self) -> frozenset[str]:
        """Files whose links are revoked."""
        return frozenset(await self._store.read(lambda c: list(c.execute(select(revoked_links.c.file)).scalars())))

    async def audited(self, limit: int = 100) -> list[tuple[int, str, str, str, str]]:
        """(at, who, action, target, reason), newest first."""

        def query(c: Connection) -> list[tuple[int, str, str, str, str]]:
            a = audit.c
            q = select(a.at, a.who, a.action, a.target, a.reason).order_by(desc(a.id)).limit(limit)
            return [(r[0], r[1], r[2], r[3], r[4]) for r in c.execute(q)]

        return await self._store.read(query)
