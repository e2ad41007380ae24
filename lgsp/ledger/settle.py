"""Settlements: the end of a try, the next of the lane, follow-up events and the system's health, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection, bindparam, func, select, text, update

from lgsp.clock import VIETNAM, from_micros
from lgsp.ledger.admit import Admission, dossier_of
from lgsp.ledger.claim import system_row
from lgsp.ledger.types import CLAIMABLE, OPEN, Breaker, Settlement, State
from lgsp.store.dialect import upsert
from lgsp.store.schema import deliveries, systems, tallies

_d = deliveries.c
_b = bindparam
# Built once: putting a statement together costs as much as running it.
_OPEN = text("open = 1")
_LANES = (
    select(_d.id, _d.system, _d.order_key, _d.state, _d.head)
    .where(_OPEN, _d.order_key.in_(_b("keys_", expanding=True)))
    .order_by(_d.order_key, _d.system, _d.seq, _d.id)
)
_HELD = (
    select(_d.id, _d.order_key, _d.system)
    .where(_d.id.in_(_b("ids_", expanding=True)), _d.state == State.LEASED.value, _d.lease_owner == _b("worker_"))
    .with_for_update()
)
_PROMOTE = update(deliveries).where(_d.id == _b("id_")).values(head=1, claimable=_b("claimable_"))
_SETTLE = (
    update(deliveries)
    .where(_d.id == _b("id_"))
    .values(
        state=_b("state_"),
        open=_b("open_"),
        head=_b("open_"),
        claimable=_b("claimable_"),
        doubtful=_b("doubtful_"),
        doubted_at=func.coalesce(_b("doubted_at_"), _d.doubted_at),
        due_at=_b("due_at_"),
        attempts=_d.attempts + _b("counted_"),
        ended=_b("ended_"),
        alike=_b("alike_"),
        cause=_b("cause_"),
        reason=_b("reason_"),
        settled_at=_b("settled_at_"),
        lease_owner=None,
        lease_until=None,
    )
)


def promote(connection: Connection, lanes: Collection[tuple[str, str]]) -> None:
    """Make the first open delivery of each (system, order key) the head of its lane."""
    if not lanes:
        return
    wanted = set(lanes)
    rows = connection.execute(_LANES, {"keys_": sorted({key for _, key in wanted})}).all()
    heads = []
    for row in rows:
        if (row.system, row.order_key) in wanted:
            wanted.discard((row.system, row.order_key))
            if not row.head:
                heads.append({"id_": row.id, "claimable_": int(row.state in CLAIMABLE)})
    if heads:
        connection.execute(_PROMOTE, heads)


def settle(
    admission: Admission, items: Sequence[Settlement], worker: str, breakers: Mapping[str, Breaker]
) -> list[bool]:
    """Settle what this worker still holds the lease of; False for what another worker took over meanwhile."""
    connection, now = admission.connection, admission.now
    rows = connection.execute(_HELD, {"ids_": [i.delivery for i in items], "worker_": worker}).all()
    held = {row.id: (row.system, row.order_key) for row in rows}
    mine = [i for i in items if i.delivery in held]
    if mine:
        connection.execute(_SETTLE, [_values(i, now) for i in mine])
        ended = [held[i.delivery] for i in mine if i.state not in OPEN]
        promote(connection, ended)
        admission.touched.update(system for system, _ in ended)
        admission.follow_up(
            [(event, dossier_of(held[i.delivery][1]), i.exchange, i.delivery) for i in mine for event in i.events]
        )
        _health(connection, mine, breakers, now)
        _tally(connection, mine, now)
    return [i.delivery in held for i in items]


def _values(item: Settlement, now: int) -> dict[str, object]:
    is_open = item.state in OPEN
    return {
        "id_": item.delivery,
        "state_": item.state.value,
        "open_": int(is_open),
        "claimable_": int(item.state in CLAIMABLE),
        "doubtful_": int(item.doubtful),
        "doubted_at_": item.doubted_at or None,
        "due_at_": item.due_at or now,
        "counted_": int(item.counted),
        "ended_": item.ended,
        "alike_": item.alike,
        "cause_": item.cause[:200],
        "reason_": item.reason,
        "settled_at_": None if is_open else now,
    }


def _health(connection: Connection, items: Sequence[Settlement], breakers: Mapping[str, Breaker], now: int) -> None:
    """Feed the circuit breakers, and hold systems that refused us."""
    for name in sorted({i.system for i in items}):
        told = [i for i in items if i.system == name and (i.healthy is not None or i.hold)]
        if not told:
            continue
        row = system_row(connection, name)
        values: dict[str, object] = {}
        failures = row.failures
        for item in told:
            if item.healthy:
                failures = 0
            elif item.healthy is False:
                failures += 1
                values |= {"last_failure_at": now, "last_failure": item.reason}
            if item.hold and not row.held:
                values |= {"held": 1, "held_reason": item.hold, "held_by": "bus", "held_at": now}
        if any(i.healthy for i in told):
            values["last_success_at"] = now
        breaker = breakers.get(name)
        if failures == 0 and (row.failures or row.open_until):
            values |= {"failures": 0, "open_until": 0, "opened": 0, "trial": 0}
        elif failures != row.failures:
            values["failures"] = failures
            # Calls that were in flight when the circuit opened fail after it; only a trial may lengthen the pause.
            due = row.trial or not row.open_until
            if breaker is not None and failures >= breaker.failures and due:
                pause = timedelta(seconds=breaker.seconds * 2 ** min(row.opened, 4))
                values |= {
                    "open_until": now + int(pause.total_seconds() * 1_000_000),
                    "opened": row.opened + 1,
                    "trial": 0,
                }
        if set(values) == {"last_success_at"} and row.last_success_at and now - row.last_success_at < 1_000_000:
            continue  # once a second is enough to know that it lives
        if values:
            connection.execute(update(systems).where(systems.c.system == name).values(**values))


def _tally(connection: Connection, items: Sequence[Settlement], now: int) -> None:
    day = from_micros(now).astimezone(VIETNAM).date().isoformat()
    counts = Counter((i.system, i.operation, i.state.value) for i in items)
    upsert(
        connection,
        tallies,
        [
            {"day": day, "system": system, "operation": operation, "outcome": outcome, "n": n}
            for (system, operation, outcome), n in sorted(counts.items())
        ],
        ["day", "system", "operation", "outcome"],
        ["n"],
        add=True,
    )
