"""Claims: the next deliveries of a system, first of their lanes, leased to one worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text, update

from lgsp.ledger.types import Claimed, ClaimRequest, Claims, State
from lgsp.store.dialect import upsert
from lgsp.store.schema import deliveries, events, identities, systems

_d = deliveries.c
_b = bindparam
# Built once: putting a statement together costs as much as running it.
_SYSTEM = select(systems).where(systems.c.system == _b("system_"))
_SYSTEM_LOCKED = _SYSTEM.with_for_update()
# The literal in the WHERE clause is what lets SQLite use the partial index.
_CLAIMABLE = text("claimable = 1")
_PICK = (
    select(_d.id)
    .where(_CLAIMABLE, _d.system == _b("system_"), _d.due_at <= _b("now_"))
    .order_by(_d.due_at, _d.id)
    .limit(_b("limit_"))
    .with_for_update(skip_locked=True)
)
_OVERDUE = _PICK.where(_d.deadline_at < _b("now_"))
"""What is past its deadline needs no call: it is told or parked even while nobody may call."""
_NEXT = select(_d.due_at).where(_CLAIMABLE, _d.system == _b("system_")).order_by(_d.due_at, _d.id).limit(1)
_LEASE = (
    update(deliveries)
    .where(_d.id.in_(_b("ids_", expanding=True)))
    .values(
        state=State.LEASED.value,
        claimable=0,
        lease_owner=_b("worker_"),
        lease_until=_b("until_"),
        tries=_d.tries + 1,
    )
)
_READ = (
    select(
        _d.id,
        _d.event,
        events.c.payload,
        _d.operation,
        _d.order_key,
        _d.key,
        _d.tries,
        _d.attempts,
        _d.doubtful,
        _d.doubted_at,
        _d.ended,
        _d.alike,
        _d.created_at,
        _d.deadline_at,
        events.c.dossier,
    )
    .join(events, events.c.id == _d.event)
    .where(_d.id.in_(_b("ids_", expanding=True)))
    .order_by(_d.due_at, _d.id)
)
_IDENTITIES = select(identities.c.dossier, identities.c.system, identities.c.code).where(
    identities.c.dossier.in_(_b("dossiers_", expanding=True))
)


def system_row(connection: Connection, system: str, *, lock: bool = False) -> Row[Any]:
    """The system's row, made if it is not there."""
    query, named = _SYSTEM_LOCKED if lock else _SYSTEM, {"system_": system}
    row = connection.execute(query, named).first()
    if row is None:
        fresh = {
            "system": system,
            "held": 0,
            "held_reason": "",
            "held_by": "",
            "failures": 0,
            "open_until": 0,
            "opened": 0,
            "trial": 0,
            "tokens": 0.0,
            "tokens_at": 0,
            "last_failure": "",
        }
        upsert(connection, systems, fresh, ["system"], ["system"])
        row = connection.execute(query, named).one()
    return row


def claim(connection: Connection, request: ClaimRequest, worker: str, now: int, lease: int) -> Claims:
    """Lease up to ``limit`` deliveries. While the circuit is open only those past their deadline, which are not called
    for; when its time is over one, as a trial."""
    system = system_row(connection, request.system, lock=request.rate > 0)
    if system.held:
        return Claims((), None, "held")
    limit = request.limit
    if system.open_until:
        if now < system.open_until:
            late = connection.execute(_OVERDUE, {"system_": request.system, "now_": now, "limit_": limit})
            claimed = lease_these(connection, request.system, late.scalars().all(), worker, now + lease)
            return Claims(claimed, system.open_until, "" if claimed else "circuit")
        limit = 1
        trial = connection.execute(
            update(systems)
            .where(systems.c.system == request.system, systems.c.open_until == system.open_until)
            .values(open_until=now + lease, trial=1)
        )
        if trial.rowcount != 1:
            return Claims((), now + lease, "circuit")
    if request.rate > 0:
        burst = max(1.0, request.rate)
        earned = (now - system.tokens_at) / 1_000_000 * request.rate if system.tokens_at else burst
        tokens = min(burst, system.tokens + max(0.0, earned))
        limit = min(limit, int(tokens))
        if limit < 1:
            return Claims((), now + int((1 - tokens) / request.rate * 1_000_000) + 1, "rate")
    picked = connection.execute(_PICK, {"system_": request.system, "now_": now, "limit_": limit}).scalars().all()
    if request.rate > 0:
        connection.execute(
            update(systems).where(systems.c.system == request.system).values(tokens=tokens - len(picked), tokens_at=now)
        )
    if not picked:
        if system.open_until:  # nothing to try the circuit with: leave it as it was
            connection.execute(
                update(systems).where(systems.c.system == request.system).values(open_until=system.open_until, trial=0)
            )
        return Claims((), connection.execute(_NEXT, {"system_": request.system}).scalar())
    return Claims(lease_these(connection, request.system, picked, worker, now + lease, trial=bool(system.open_until)))


def lease_these(
    connection: Connection, system: str, picked: Sequence[int], worker: str, until: int, *, trial: bool = False
) -> list[Claimed]:
    """Lease these deliveries, whatever their time."""
    if not picked:
        return []
    connection.execute(_LEASE, {"ids_": picked, "worker_": worker, "until_": until})
    rows = connection.execute(_READ, {"ids_": picked}).all()
    known = _identities(connection, sorted({row.dossier for row in rows if row.dossier}))
    return [
        Claimed(
            id=row.id,
            event_id=row.event,
            payload=row.payload,
            system=system,
            operation=row.operation,
            order_key=row.order_key,
            key=row.key,
            tries=row.tries,
            attempts=row.attempts,
            doubtful=bool(row.doubtful),
            created_at=row.created_at,
            deadline_at=row.deadline_at,
            trial=trial,
            identities=known.get(row.dossier, {}),
            doubted_at=row.doubted_at or 0,
            ended=row.ended,
            alike=row.alike,
        )
        for row in rows
    ]


def _identities(connection: Connection, keys: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    if keys:
        for dossier, system, code in connection.execute(_IDENTITIES, {"dossiers_": keys}):
            found.setdefault(dossier, {})[system] = code
    return found
