"""Events in: deduplicated, folded into the truth, and turned into deliveries, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import token_hex

from sqlalchemy import Connection, and_, exists, insert, or_, select, text, update

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import DossierRegistered, Event
from lgsp.clock import micros
from lgsp.ledger.types import Acceptance, Folded, IdentityClash, Inbound, Planned, Planner, State
from lgsp.store.dialect import upsert
from lgsp.store.schema import cursors, deliveries, dossiers, events, identities

_OPEN = text("open = 1")
_UNTOUCHED = (State.READY.value, State.WAITING.value)
_REPLACEABLE = (*_UNTOUCHED, State.UNKNOWN.value, State.PARKED.value)


@dataclass(slots=True)
class Admission:
    """Admits events on one connection. ``touched`` collects the systems that got work, to wake their lanes;
    ``patience`` is how long (microseconds) an appended delivery waits for one that it may have overtaken."""

    connection: Connection
    planner: Planner
    codes: CodeTables
    now: int
    touched: set[str]
    patience: int = 0

    def inbound(self, item: Inbound) -> Acceptance:
        """All of a message's events or, if it was told before, none."""
        if item.cursor is not None:
            name, value = item.cursor
            upsert(
                self.connection,
                cursors,
                {"name": name, "value": value, "moved_at": self.now, "lock_until": 0},
                ["name"],
                ["value", "moved_at"],
            )
        if not item.events:
            return Acceptance.NEW
        known = self._known(item.events)
        if known:
            if item.message_id and any(digest != item.digest for digest in known.values()):
                return Acceptance.CONFLICT
            if len(known) == len({(e.source, e.source_id) for e in item.events}):
                return Acceptance.DUPLICATE
        exchange = item.exchange.id if item.exchange else None
        for event in item.events:
            if (event.source, event.source_id) not in known:
                self.event(event, digest=item.digest, exchange=exchange)
        return Acceptance.NEW

    def _known(self, wanted: Sequence[Event]) -> dict[tuple[str, str], str]:
        by_source: dict[str, list[str]] = {}
        for event in wanted:
            by_source.setdefault(event.source, []).append(event.source_id)
        condition = or_(*(and_(events.c.source == s, events.c.source_id.in_(ids)) for s, ids in by_source.items()))
        rows = self.connection.execute(select(events.c.source, events.c.source_id, events.c.digest).where(condition))
        return {(source, source_id): digest for source, source_id, digest in rows}

    def event(
        self, event: Event, *, digest: str = "", exchange: int | None = None, caused_by: int | None = None
    ) -> int | None:
        """Record one event and what follows from it; its id, or None if it was known."""
        event = self.resolve(event)
        stored = self._insert(event, digest, exchange, caused_by)
        if stored is None:
            return None
        if isinstance(event.body, DossierRegistered):
            self.register(event.body.system, event.body.code, event.dossier)
        folded, first = self._fold(event)
        if not folded.stale and not folded.early:
            self.enqueue(stored, event, self.planner.plan(event))
        for follow in folded.events:
            self.event(follow, caused_by=stored)
        if first:
            self._catch_up(event.dossier)
        return stored

    def _catch_up(self, dossier: str) -> None:
        """Steps that reached us before their dossier did: they go now, in their own order."""
        e = events.c
        early = self.connection.execute(
            select(e.id, e.payload)
            .where(e.dossier == dossier, e.type == "step.taken", ~exists().where(deliveries.c.event == e.id))
            .order_by(e.occurred_at, e.id)
        ).all()
        for event_id, payload in early:
            event = Event.model_validate_json(payload)
            self.enqueue(event_id, event, self.planner.plan(event))

    def _insert(self, event: Event, digest: str, exchange: int | None, caused_by: int | None) -> int | None:
        values = {
            "source": event.source,
            "source_id": event.source_id,
            "type": event.type,
            "dossier": event.dossier,
            "occurred_at": micros(event.occurred_at),
            "recorded_at": self.now,
            "digest": digest,
            "payload": event.model_dump_json(exclude_defaults=True).encode(),
            "exchange": exchange,
            "caused_by": caused_by,
        }
        if self._known([event]):
            return None
        return int(self.connection.execute(insert(events).returning(events.c.id), values).scalar_one())

    def resolve(self, event: Event) -> Event:
        """The event under the bus's key of its dossier: what the identity table says, or the source's own code,
        which from now on is this dossier's key."""
        if not event.dossier:
            return event
        known = self.connection.execute(
            select(identities.c.dossier).where(identities.c.system == event.source, identities.c.code == event.dossier)
        ).scalar()
        if known is None:
            taken = self.connection.execute(
                select(dossiers.c.dossier).where(dossiers.c.dossier == event.dossier)
            ).scalar()
            if taken is None:
                self.register(event.source, event.dossier, event.dossier)
            return event
        return event if known == event.dossier else event.with_(dossier=known)

    def register(self, system: str, code: str, dossier: str) -> None:
        """Record that ``system`` calls the dossier ``code``; ``IdentityClash`` if either side is taken otherwise."""
        rows = self.connection.execute(
            select(identities.c.code, identities.c.dossier).where(
                identities.c.system == system, or_(identities.c.code == code, identities.c.dossier == dossier)
            )
        ).all()
        for known_code, known_dossier in rows:
            if (known_code, known_dossier) == (code, dossier):
                return
            raise IdentityClash(
                f"{system} gave the code {code} for dossier {dossier}, but {known_code} belongs to {known_dossier}"
            )
        self.connection.execute(
            insert(identities), {"system": system, "code": code, "dossier": dossier, "recorded_at": self.now}
        )

    def _fold(self, event: Event) -> tuple[Folded, bool]:
        """What the event does to the truth, and whether the dossier became known by it."""
        if not event.dossier:
            return Folded(), False
        state = self.connection.execute(select(dossiers.c.state).where(dossiers.c.dossier == event.dossier)).scalar()
        known = Dossier.model_validate_json(state) if state is not None else None
        folded = self.planner.fold(known, event, self.codes)
        if folded.dossier is not None:
            row = {
                "dossier": event.dossier,
                "status": folded.dossier.status or "",
                "state": folded.dossier.model_dump_json(exclude_defaults=True).encode(),
                "updated_at": self.now,
            }
            upsert(self.connection, dossiers, row, ["dossier"], ["status", "state", "updated_at"])
        return folded, known is None and folded.dossier is not None

    def enqueue(
        self, event_id: int, event: Event, plans: Iterable[Planned], *, resend_of: int | None = None
    ) -> list[int]:
        """Make the deliveries the routes ask for, each at its place in its lane."""
        made = []
        for plan in plans:
            made.append(self._delivery(event_id, event, plan, resend_of))
            self.touched.add(plan.system)
        return made

    def _delivery(self, event_id: int, event: Event, plan: Planned, resend_of: int | None) -> int:
        d = deliveries.c
        row = {
            "event": event_id,
            "system": plan.system,
            "operation": plan.operation,
            "order_key": event.order_key,
            "seq": self._place(event, plan),
            "full_state": int(plan.full_state),
            "state": State.READY.value,
            "open": 1,
            "head": 1,
            "claimable": 1,
            "doubtful": 0,
            "key": token_hex(16),
            "tries": 0,
            "attempts": 0,
            "due_at": self.now if plan.full_state else self.now + self.patience,
            "deadline_at": self.now + int(plan.deadline * 1_000_000) if plan.deadline else None,
            "created_at": self.now,
            "resend_of": resend_of,
        }
        ahead = self.connection.execute(
            select(d.id, d.operation, d.full_state, d.state, d.seq, d.head, d.due_at, d.doubtful)
            .where(_OPEN, d.system == plan.system, d.order_key == event.order_key)
            .order_by(d.seq, d.id)
        ).all()
        old = next((o for o in reversed(ahead) if o.full_state and o.operation == plan.operation), None)
        if plan.full_state and old is not None and old.state in _REPLACEABLE and self._supersede(old.id):
            # The newer state goes where the older stood: steps queued behind must still find the dossier.
            row |= {"seq": old.seq, "head": old.head, "claimable": old.head}
            if old.state == State.WAITING:
                row["due_at"] = max(self.now, old.due_at)
        elif ahead:
            head = next((o for o in ahead if o.head), None)
            overtaken = head is not None and row["seq"] < head.seq and head.state in _UNTOUCHED and not head.doubtful
            if head is not None and overtaken:
                self.connection.execute(
                    update(deliveries).where(d.id == head.id, d.state.in_(_UNTOUCHED)).values(head=0, claimable=0)
                )
            else:
                row |= {"head": 0, "claimable": 0}
        return int(self.connection.execute(insert(deliveries).returning(d.id), row).scalar_one())

    def _place(self, event: Event, plan: Planned) -> int:
        """Where in its lane a delivery stands: by the time of what happened, whatever order we were told it in; but
        the state that makes the dossier known to a system goes before all else."""
        if plan.full_state:
            i = identities.c
            known = self.connection.execute(
                select(i.code).where(i.system == plan.system, i.dossier == event.dossier)
            ).first()
            if known is None:
                return 0
        return micros(event.occurred_at)

    def _supersede(self, delivery: int) -> bool:
        d = deliveries.c
        changed = self.connection.execute(
            update(deliveries)
            .where(d.id == delivery, d.state.in_(_REPLACEABLE))
            .values(
                state=State.SUPERSEDED.value,
                open=0,
                head=0,
                claimable=0,
                settled_at=self.now,
                reason="a newer full state took its place",
            )
        )
        return changed.rowcount == 1
