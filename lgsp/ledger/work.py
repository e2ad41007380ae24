"""What operators decide: resend, release, discard, hold. All audited. What they see is in ``views.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text, update

from lgsp.ledger.claim import system_row
from lgsp.ledger.settle import promote
from lgsp.ledger.types import CLAIMABLE, State
from lgsp.ledger.views import Views
from lgsp.store.engine import Store
from lgsp.store.schema import audit, deliveries, revoked_links, systems

_d = deliveries.c
_OPEN = text("open = 1")


@dataclass(frozen=True, slots=True)
class Done:
    """What an operator's action did."""

    changed: tuple[int, ...]
    refused: tuple[tuple[int, str], ...] = ()
    """(delivery, why not)"""


class Work(Views):
    """Operators' view of the ledger, and their decisions. ``who`` goes into the audit."""

    def __init__(self, store: Store, now: Callable[[], int], who: str) -> None:
        super().__init__(store)
        self._now, self._who = now, who

    async def release(self, numbers: Sequence[int], reason: str) -> Done:
        """Let parked, held or waiting deliveries go again now. Where it was parked *because* nobody could tell whether
        it happened, the operator has looked and the doubt is over; a doubt of another kind stays and is asked about."""

        def apply(c: Connection, row: Row[Any]) -> str:
            state = row.state
            if state not in (State.PARKED, State.HELD, State.WAITING, State.UNKNOWN):
                return f"is {state}"
            doubt = 0 if row.cause.startswith("unknown:") else row.doubtful
            fresh = State.UNKNOWN if doubt else State.READY
            c.execute(
                update(deliveries)
                .where(_d.id == row.id)
                .values(
                    state=fresh.value,
                    claimable=_d.head,
                    doubtful=doubt,
                    doubted_at=row.doubted_at if doubt else None,
                    due_at=self._now(),
                    attempts=0,
                    ended="",
                    alike=0,
                    cause="",
                    reason="",
                    deadline_at=None,
                )
            )
            return ""

        return await self._each("release", numbers, reason, apply)

    async def release_cause(self, cause: str, reason: str) -> Done:
        """Release all that are parked on one cause."""

        def query(c: Connection) -> list[int]:
            found = select(_d.id).where(_d.state == State.PARKED.value, _d.cause == cause).order_by(_d.id)
            return list(c.execute(found).scalars())

        return await self.release(await self._store.read(query), reason)

    async def discard(self, numbers: Sequence[int], reason: str) -> Done:
        """Decide that open deliveries shall not go; the next of their lanes may."""

        def apply(c: Connection, row: Row[Any]) -> str:
            if not row.open or row.state == State.LEASED:
                return f"is {row.state}"
            c.execute(
                update(deliveries)
                .where(_d.id == row.id)
                .values(
                    state=State.DISCARDED.value,
                    open=0,
                    head=0,
                    claimable=0,
                    settled_at=self._now(),
                    reason=reason,
                )
            )
            promote(c, [(row.system, row.order_key)])
            return ""

        return await self._each("discard", numbers, reason, apply)

    async def set_aside(self, numbers: Sequence[int], reason: str) -> Done:
        """Hold single deliveries: they and what stands behind them in their lanes wait for ``release``."""

        def apply(c: Connection, row: Row[Any]) -> str:
            if row.state not in CLAIMABLE:
                return f"is {row.state}"
            doubt = int(bool(row.doubtful))
            c.execute(
                update(deliveries)
                .where(_d.id == row.id)
                .values(state=State.HELD.value, claimable=0, doubtful=doubt, reason=reason)
            )
            return ""

        return await self._each("hold", numbers, reason, apply)

    async def resend(self, numbers: Sequence[int], reason: str) -> Done:
        """Make a new delivery, linked to the old, of one that is settled.

        A full state is sent as it is known *now*: an older one must not overwrite a newer.
        """

        def apply(c: Connection, row: Row[Any]) -> str:
            if row.open:
                return f"is {row.state}: release or discard it"
            event = row.event
            lane = (_d.system == row.system, _d.order_key == row.order_key)
            if row.full_state:
                if c.execute(
                    select(_d.id).where(_OPEN, *lane, _d.operation == row.operation, _d.full_state == 1).limit(1)
                ).first():
                    return "a full state of this dossier is on its way already"
                newest = select(func.max(_d.event)).where(*lane, _d.operation == row.operation)
                event = c.execute(newest).scalar_one()
            ahead = c.execute(select(func.max(_d.seq)).where(_OPEN, *lane)).scalar()
            fresh = {
                "event": event,
                "system": row.system,
                "operation": row.operation,
                "order_key": row.order_key,
                "seq": row.seq if ahead is None else max(ahead, row.seq),
                "full_state": row.full_state,
                "state": State.READY.value,
                "open": 1,
                "head": int(ahead is None),
                "claimable": int(ahead is None),
                "doubtful": 0,
                "key": token_hex(16),
                "tries": 0,
                "attempts": 0,
                "due_at": self._now(),
                "created_at": self._now(),
                "resend_of": row.id,
            }
            c.execute(insert(deliveries), fresh)
            return ""

        return await self._each("resend", numbers, reason, apply)

    async def hold(self, system: str, reason: str) -> None:
        """Stop claims for a system."""
        await self._set_hold(system, True, reason)

    async def resume(self, system: str, reason: str) -> None:
        """Let a system's deliveries go again, and close its circuit."""
        await self._set_hold(system, False, reason)

    async def revoke_file(self, file: str, reason: str) -> None:
        """No link to this file is answered any more."""

        def run(c: Connection) -> None:
            if c.execute(select(revoked_links.c.file).where(revoked_links.c.file == file)).first() is None:
                c.execute(insert(revoked_links), {"file": file, "revoked_at": self._now(), "revoked_by": self._who})
            self._audit(c, "revoke_file", file, reason)

        await self._store.transact(run)

    async def note(self, action: str, target: str, reason: str) -> None:
        """A line of audit for what was decided elsewhere."""

        def run(c: Connection) -> None:
            self._audit(c, action, target, reason)

        await self._store.transact(run)

    async def _set_hold(self, system: str, held: bool, reason: str) -> None:
        def run(c: Connection) -> None:
            system_row(c, system)
            values: dict[str, object] = {
                "held": int(held),
                "held_reason": reason if held else "",
                "held_by": self._who if held else "",
                "held_at": self._now() if held else None,
            }
            if not held:
                values |= {"failures": 0, "open_until": 0, "opened": 0, "trial": 0}
            c.execute(update(systems).where(systems.c.system == system).values(**values))
            self._audit(c, "hold_system" if held else "resume_system", system, reason)

        await self._store.transact(run)

    async def _each(
        self,
        action: str,
        numbers: Sequence[int],
        reason: str,
        apply: Callable[[Connection, Row[Any]], str],
    ) -> Done:
        def run(c: Connection) -> Done:
            changed, refused = [], []
            for number in numbers:
                row = c.execute(select(deliveries).where(_d.id == number).with_for_update()).first()
                why = "is not known" if row is None else apply(c, row)
                if why:
                    refused.append((number, why))
                else:
                    changed.append(number)
                    self._audit(c, action, str(number), reason)
            return Done(tuple(changed), tuple(refused))

        return await self._store.transact(run)

    def _audit(self, c: Connection, action: str, target: str, reason: str) -> None:
        row = {"at": self._now(), "who": self._who, "action": action, "target": target, "reason": reason}
        c.execute(insert(audit), row)
