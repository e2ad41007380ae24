"""What a worker left behind: leases that ran out, and what became of their calls."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Case, ColumnElement, Connection, and_, bindparam, case, func, or_, select, text, update

from lgsp.ledger.types import CLAIMABLE, State
from lgsp.store.schema import cursors, deliveries, events, exchanges, grants, systems, workers

_d, _x = deliveries.c, exchanges.c
_OPEN = text("open = 1")
CUT_OFF = "the worker stopped before the answer came"
"""The error of an exchange that a dead worker left open."""


def recover(connection: Connection, now: int, me: str, *, owners: tuple[str, ...] = ()) -> tuple[int, int]:
    """Take back others' leases that ran out, and all leases of ``owners``; (ready again, unknown).

    What runs under this worker's own leases it knows itself: after its clock jumped they only look as if they ran out.

    A delivery whose bytes may have left in the try that was cut short is *unknown*; one that had sent nothing is
    ready again. Exchanges left open are closed as unknown: nobody will ever know more of them.
    """
    late = and_(_d.lease_until < now, _d.lease_owner != me)
    lost = or_(late, _d.lease_owner.in_(owners)) if owners else late
    rows = connection.execute(
        select(
            _d.id,
            select(func.max(_x.opened_at))
            .where(
                and_(
                    _x.delivery == _d.id,
                    _x.attempt == _d.tries,
                    _x.effect == 1,
                    _x.outcome.not_in(("NotSent", "Unavailable", "Throttled", "SessionRejected")),
                )
            )
            .scalar_subquery()
            .label("left_at"),
        )
        .where(_d.state == State.LEASED.value, lost)
        .with_for_update(skip_locked=True)
    ).all()
    unknown = {row.id: row.left_at for row in rows if row.left_at is not None}
    ready = [row.id for row in rows if row.left_at is None]
    freed = {"lease_owner": None, "lease_until": None, "claimable": 1, "due_at": now}
    if ready:
        # A doubt from an earlier try stays: the column is not touched.
        connection.execute(update(deliveries).where(_d.id.in_(ready)).values(state=State.READY.value, **freed))
    if unknown:
        connection.execute(
            update(deliveries)
            .where(_d.id == bindparam("id_"))
            .values(
                state=State.UNKNOWN.value,
                doubtful=1,
                doubted_at=bindparam("left_at_"),
                reason="the worker stopped before the answer was known",
                **freed,
            ),
            [{"id_": delivery, "left_at_": min(left_at, now)} for delivery, left_at in unknown.items()],
        )
    if rows:
        connection.execute(
            update(exchanges)
            .where(_x.delivery.in_([row.id for row in rows]), _x.closed_at.is_(None))
            .values(closed_at=now, outcome="OutcomeUnknown", error=CUT_OFF)
        )
    return len(ready), len(unknown)


def owners_but(connection: Connection, me: str) -> tuple[str, ...]:
    """All who hold a lease, except this worker."""
    held = select(_d.lease_owner).where(_d.state == State.LEASED.value, _d.lease_owner != me).distinct()
    return tuple(connection.execute(held).scalars())


def free_locks(connection: Connection, owners: Sequence[str] | None, me: str) -> None:
    """Let go of polls and log-ins that dead workers were at (None: all but me): nobody else would begin them until the
    locks run out."""
    for table in (cursors, grants):
        owner = table.c.lock_owner
        dead = owner != me if owners is None else owner.in_(owners)
        connection.execute(update(table).where(dead).values(lock_owner=None, lock_until=0))


def wait_again(connection: Connection, now: int, patience: int) -> None:
    """Begin the patience anew with appended deliveries for which it was not over when the only worker stopped: what
    they may have overtaken could not reach us meanwhile."""
    last = connection.execute(select(events.c.recorded_at).order_by(events.c.id.desc()).limit(1)).scalar()
    if patience and last is not None:
        connection.execute(
            update(deliveries)
            .where(_OPEN, _d.full_state == 0, _d.tries == 0, _d.created_at > last - patience)
            .values(due_at=now + patience)
        )


def clock_set_back(connection: Connection, now: int, by: int, lease: int) -> None:
    """The clock went back by this much: what was to happen at a time told by the clock before happens that much
    earlier, or nothing would be sent until it has caught up."""
    d, s = deliveries.c, systems.c

    def earlier(moment: ColumnElement[int]) -> Case[int]:
        return case((moment - by > now, moment - by), else_=now)

    connection.execute(
        update(deliveries).where(_OPEN, d.state.in_(CLAIMABLE), d.due_at > now).values(due_at=earlier(d.due_at))
    )
    # Not earlier by as much: every worker may notice, and a doubt must not end before its time.
    connection.execute(update(deliveries).where(_OPEN, d.doubted_at > now).values(doubted_at=now))
    connection.execute(
        update(deliveries)
        .where(_OPEN, d.state == State.LEASED.value, d.lease_until > now + lease)
        .values(lease_until=now + lease)
    )
    connection.execute(update(systems).where(s.open_until > now).values(open_until=earlier(s.open_until)))
    connection.execute(update(systems).where(s.tokens_at > now).values(tokens_at=now))
    for table in (cursors, grants):
        until = table.c.lock_until
        connection.execute(update(table).where(until > now).values(lock_until=earlier(until)))


def gone_workers(connection: Connection, host: str, alive: frozenset[int], me: str) -> tuple[str, ...]:
    """Workers of this host whose process is no more."""
    w = workers.c
    rows = connection.execute(select(w.worker, w.pid).where(w.host == host, w.worker != me)).all()
    return tuple(row.worker for row in rows if row.pid not in alive)
