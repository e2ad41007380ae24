"""What a worker left behind: leases that ran out, and what became of their calls."""

from __future__ import annotations

from sqlalchemy import Connection, and_, exists, or_, select, update

from lgsp.ledger.types import State
from lgsp.store.schema import deliveries, exchanges, workers

_d, _x = deliveries.c, exchanges.c


def recover(connection: Connection, now: int, *, owners: tuple[str, ...] = ()) -> tuple[int, int]:
    """Take back leases that ran out, and all leases of ``owners``; (ready again, unknown).

    A delivery whose bytes may have left in the try that was cut short is *unknown*; one that had sent nothing is
    ready again. Exchanges left open are closed as unknown: nobody will ever know more of them.
    """
    lost = or_(_d.lease_until < now, _d.lease_owner.in_(owners)) if owners else _d.lease_until < now
    rows = connection.execute(
        select(
            _d.id,
            exists()
            .where(
                and_(
                    _x.delivery == _d.id,
                    _x.attempt == _d.tries,
                    _x.effect == 1,
                    _x.outcome.not_in(("NotSent", "Unavailable", "Throttled", "SessionRejected")),
                )
            )
            .label("sent"),
        )
        .where(_d.state == State.LEASED.value, lost)
        .with_for_update(skip_locked=True)
    ).all()
    unknown = [row.id for row in rows if row.sent]
    ready = [row.id for row in rows if not row.sent]
    freed = {"lease_owner": None, "lease_until": None, "claimable": 1, "due_at": now}
    if ready:
        # A doubt from an earlier try stays: the column is not touched.
        connection.execute(update(deliveries).where(_d.id.in_(ready)).values(state=State.READY.value, **freed))
    if unknown:
        connection.execute(
            update(deliveries)
            .where(_d.id.in_(unknown))
            .values(
                state=State.UNKNOWN.value, doubtful=1, reason="the worker stopped before the answer was known", **freed
            )
        )
    if rows:
        connection.execute(
            update(exchanges)
            .where(_x.delivery.in_([row.id for row in rows]), _x.closed_at.is_(None))
            .values(closed_at=now, outcome="OutcomeUnknown", error="the worker stopped before the answer came")
        )
    return len(ready), len(unknown)


def gone_workers(connection: Connection, host: str, alive: frozenset[int], me: str) -> tuple[str, ...]:
    """Workers of this host whose process is no more."""
    w = workers.c
    rows = connection.execute(select(w.worker, w.pid).where(w.host == host, w.worker != me)).all()
    return tuple(row.worker for row in rows if row.pid not in alive)
