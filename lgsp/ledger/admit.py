"""Events in: deduplicated, folded into the truth, and turned into deliveries, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import token_hex

from sqlalchemy import Connection, bindparam, exists, insert, or_, select, text, update

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier, Step
from lgsp.canonical.events import CodesTold, DossierRegistered, Event, PaymentTold, ShipmentMoved, StepTaken
from lgsp.canonical.payment import Payment
from lgsp.clock import micros
from lgsp.ledger.codes import tell
from lgsp.ledger.types import Acceptance, Folded, IdentityClash, Inbound, Planned, Planner, State
from lgsp.store.dialect import insert_new, upsert
from lgsp.store.schema import cursors, deliveries, dossiers, events, identities, reference_codes

_OPEN = text("open = 1")
_UNTOUCHED = (State.READY.value, State.WAITING.value)
_REPLACEABLE = (*_UNTOUCHED, State.UNKNOWN.value, State.PARKED.value)

# Built once: putting a statement together costs as much as running it.
_b = bindparam
_d, _e, _i = deliveries.c, events.c, identities.c
_KNOWN = select(_e.source_id, _e.digest).where(_e.source == _b("source_"), _e.source_id.in_(_b("ids_", expanding=True)))
_INSERT_EVENTS = insert(events)
_INSERT_EVENT = _INSERT_EVENTS.returning(_e.id)
_INSERT_DELIVERY = insert(deliveries).returning(_d.id)
_BY_CODE = select(_i.dossier).where(_i.system == _b("system_"), _i.code == _b("code_"))
_BY_DOSSIER = select(_i.system, _i.code).where(_i.dossier == _b("dossier_"))
_BY_REFERENCE = select(reference_codes.c.dossier).where(
    reference_codes.c.system == _b("system_"), reference_codes.c.code == _b("code_")
)
_TAKEN = select(_i.system, _i.code, _i.dossier).where(
    or_(_i.code.in_(_b("codes_", expanding=True)), _i.dossier.in_(_b("dossiers_", expanding=True)))
)
_INSERT_IDENTITY = insert(identities)
_STATE = select(dossiers.c.state).where(dossiers.c.dossier == _b("dossier_"))
_AHEAD = (
    select(_d.id, _d.operation, _d.full_state, _d.state, _d.seq, _d.head, _d.due_at, _d.doubtful, _d.doubted_at)
    .where(_OPEN, _d.order_key == _b("key_"), _d.system == _b("system_"))
    .order_by(_d.seq, _d.id)
)
_EARLY = (
    select(_e.id, _e.payload)
    .where(_e.dossier == _b("dossier_"), _e.type == "step.taken", ~exists().where(_d.event == _e.id))
    .order_by(_e.id)
)
_BESIDE = (
    select(_e.payload)
    .where(
        _e.dossier == _b("dossier_"),
        _e.type == "step.taken",
        _e.occurred_at.between(_b("from_"), _b("to_")),
    )
    .order_by(_e.id)
)
_MINUTES = 120_000_000
"""Microseconds around a step in which the same step may have been told in another way."""
_SUPERSEDE = (
    update(deliveries)
    .where(_d.id == _b("id_"), _d.state.in_(_REPLACEABLE))
    .values(
        state=State.SUPERSEDED.value,
        open=0,
        head=0,
        claimable=0,
        settled_at=_b("now_"),
        reason="a newer full state took its place",
    )
)
_DEMOTE = update(deliveries).where(_d.id == _b("id_"), _d.state.in_(_UNTOUCHED)).values(head=0, claimable=0)


def refers_to(event: Event) -> tuple[str, str] | None:
    """The (system, our code) by which an event names its dossier; None: it does not."""
    match event.body:
        case PaymentTold(platform=system, reference=code) | ShipmentMoved(carrier=system, order=code) if code:
            return system, code
    return None


def step_of(event: Event) -> Step:
    """The step that an event of its type tells."""
    assert isinstance(event.body, StepTaken)
    return event.body.step


def apart(order_key: str, event_id: int) -> str:
    """The lane of a delivery that keeps no order with the dossier's others."""
    return f"{order_key} {event_id}"


def dossier_of(order_key: str) -> str:
    """The order key without what sets a lane apart; codes hold no space."""
    return order_key.partition(" ")[0]


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
            row = {"name": name, "value": value, "moved_at": self.now, "lock_until": 0}
            upsert(self.connection, cursors, row, ["name"], ["value", "moved_at"])
        if not item.events:
            return Acceptance.NEW
        known = self.known(item.events)
        if known and item.message_id and any(digest != item.digest for digest in known.values()):
            return Acceptance.CONFLICT
        judged = self._judge(item.events[0]) if len(item.events) == 1 else None
        if known and len(known) == len({(e.source, e.source_id) for e in item.events}):
            return Acceptance.DUPLICATE if judged in (None, Acceptance.NEW) else judged
        exchange = item.exchange.id if item.exchange else item.told_by
        for event in item.events:
            if (event.source, event.source_id) not in known:
                self._admit(self.resolve(event), item.digest, exchange, None)
                known[event.source, event.source_id] = item.digest
        return judged or Acceptance.NEW

    def _judge(self, event: Event) -> Acceptance | None:
        """What the caller is to hear by the truth as it was before."""
        if not isinstance(event.body, PaymentTold):
            return None
        told = self.resolve(event)
        return self.planner.judge(self.truth(told.dossier) if told.dossier else None, told)

    def known(self, wanted: Sequence[Event]) -> dict[tuple[str, str], str]:
        """Those of the events that were told before, by (source, source id), with the digest of their message."""
        by_source: dict[str, list[str]] = {}
        for event in wanted:
            by_source.setdefault(event.source, []).append(event.source_id)
        return {
            (source, source_id): digest
            for source, ids in by_source.items()
            for source_id, digest in self.connection.execute(_KNOWN, {"source_": source, "ids_": ids})
        }

    def event(self, event: Event) -> int | None:
        """Record one event and what follows from it; its id, or None if it was known."""
        if self.known([event]):
            return None
        return self._admit(self.resolve(event), "", None, None)

    def follow_up(self, told: Sequence[tuple[Event, str, int | None, int]]) -> None:
        """Record what answers told: (event, the delivery's dossier key, exchange, delivery)."""
        if not told:
            return
        known = set(self.known([event for event, *_ in told]))
        codes = []
        for event, key, exchange, delivery in told:
            if (event.source, event.source_id) in known:
                continue
            known.add((event.source, event.source_id))
            if event.dossier != key:
                event = self.resolve(event)
            if isinstance(event.body, DossierRegistered) and self._leads_nowhere(event):
                codes.append((event, exchange, delivery))
            else:
                self._admit(event, "", exchange, delivery)
        self._register_all(codes)

    def _leads_nowhere(self, event: Event) -> bool:
        return not self.planner.touches(event) and not self.planner.plan(event)

    def _register_all(self, told: Sequence[tuple[Event, int | None, int]]) -> None:
        """Codes that systems gave and nothing else follows from: the most frequent answer, written in two batches."""
        fresh = []
        for event, _, _ in told:
            body = event.body
            assert isinstance(body, DossierRegistered)
            fresh.append((body.system, body.code, event.dossier))
        if not fresh:
            return
        taken = self.connection.execute(
            _TAKEN, {"codes_": [code for _, code, _ in fresh], "dossiers_": [dossier for *_, dossier in fresh]}
        ).all()
        pairs = {(row.system, row.code): row.dossier for row in taken}
        owners = {(row.system, row.dossier): row.code for row in taken}
        rows = []
        for system, code, dossier in fresh:
            if pairs.get((system, code), dossier) != dossier or owners.get((system, dossier), code) != code:
                self.register(system, code, dossier)  # raises, with the words for it
            if (system, code) not in pairs:
                pairs[system, code], owners[system, dossier] = dossier, code
                rows.append({"system": system, "code": code, "dossier": dossier, "recorded_at": self.now})
        if rows:
            self.connection.execute(_INSERT_IDENTITY, rows)
        self.connection.execute(
            _INSERT_EVENTS, [self._row(event, "", exchange, delivery) for event, exchange, delivery in told]
        )

    def _admit(self, event: Event, digest: str, exchange: int | None, caused_by: int | None) -> int:
        row = self._row(event, digest, exchange, caused_by)
        stored = int(self.connection.execute(_INSERT_EVENT, row).scalar_one())
        if isinstance(event.body, DossierRegistered):
            self.register(event.body.system, event.body.code, event.dossier)
        if isinstance(event.body, CodesTold):
            tell(self.connection, event.body, self.now)
        folded, first = self._fold(event)
        if not folded.stale and not folded.early and not self._told_before(event):
            self.enqueue(stored, event, self.planner.plan(event))
        for follow in folded.events:  # of the same dossier, named after what happens once: new too
            self._admit(follow, "", None, stored)
        for ask in folded.asks:
            if self.planner.plan(ask) and not self.known([ask]):
                self._admit(ask, "", None, stored)
        if first:
            self._catch_up(event.dossier)
        return stored

    def _row(self, event: Event, digest: str, exchange: int | None, caused_by: int | None) -> dict[str, object]:
        return {
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

    def _catch_up(self, dossier: str) -> None:
        """Steps that reached us before their dossier did: they go now, in their own order."""
        rows = self.connection.execute(_EARLY, {"dossier_": dossier}).all()
        early = [(event_id, Event.stored(payload)) for event_id, payload in rows]
        told_before = self.planner.repeats([step_of(event) for _, event in early])
        due = [one for one, before in zip(early, told_before, strict=True) if not before]
        for event_id, event in sorted(due, key=lambda one: (one[1].occurred_at, one[0])):
            self.enqueue(event_id, event, self.planner.plan(event))

    def _told_before(self, event: Event) -> bool:
        """Whether it is a step, just recorded, that was told already in another way."""
        if not isinstance(event.body, StepTaken):
            return False
        at = micros(event.occurred_at)
        around = {"from_": at - _MINUTES, "to_": at + _MINUTES}
        rows = self.connection.execute(_BESIDE, {"dossier_": event.dossier, **around}).all()
        return len(rows) > 1 and self.planner.repeats([step_of(Event.stored(payload)) for (payload,) in rows])[-1]

    def resolve(self, event: Event) -> Event:
        """The event under the bus's key of its dossier: what the identity table says, or the source's own code,
        which from now on is this dossier's key."""
        if not event.dossier:
            return self._by_reference(event)
        known = self.connection.execute(_BY_CODE, {"system_": event.source, "code_": event.dossier}).scalar()
        if known is None:
            self._identify(event.source, event.dossier, event.dossier)
            return event
        return event if known == event.dossier else event.with_(dossier=known)

    def _by_reference(self, event: Event) -> Event:
        """The event under the dossier of the payment or parcel that it names, where that is ours."""
        named = refers_to(event)
        if named is None:
            return event
        found = self.connection.execute(_BY_REFERENCE, {"system_": named[0], "code_": named[1]}).scalar()
        return event if found is None else event.with_(dossier=found)

    def _identify(self, system: str, code: str, dossier: str) -> bool:
        row = {"system": system, "code": code, "dossier": dossier, "recorded_at": self.now}
        return insert_new(self.connection, identities, row)

    def register(self, system: str, code: str, dossier: str) -> None:
        """Record that ``system`` calls the dossier ``code``; ``IdentityClash`` if either side is taken otherwise."""
        if self._identify(system, code, dossier):
            return
        owner = self.connection.execute(_BY_CODE, {"system_": system, "code_": code}).scalar()
        if owner == dossier:
            return
        own = self._codes_of(dossier).get(system)
        held = f"{code} belongs to {owner}" if owner is not None else f"{dossier} is {own} there"
        raise IdentityClash(f"{system} gave the code {code} for dossier {dossier}, but {held}")

    def _codes_of(self, dossier: str) -> dict[str, str]:
        rows = self.connection.execute(_BY_DOSSIER, {"dossier_": dossier})
        return dict(rows.all())

    def _fold(self, event: Event) -> tuple[Folded, bool]:
        """What the event does to the truth, and whether the dossier became known by it."""
        if not self.planner.touches(event) or not (event.dossier or isinstance(event.body, PaymentTold)):
            return Folded(), False
        known = self.truth(event.dossier) if event.dossier else None
        folded = self.planner.fold(known, event, self.codes)
        if folded.dossier is not None:
            row = {
                "dossier": event.dossier,
                "status": folded.dossier.status or "",
                "state": folded.dossier.model_dump_json(exclude_defaults=True).encode(),
                "updated_at": self.now,
            }
            upsert(self.connection, dossiers, row, ["dossier"], ["status", "state", "updated_at"])
            if folded.dossier.payments or folded.dossier.shipments:
                self._refer(known, folded.dossier, event.dossier)
        return folded, known is None and folded.dossier is not None

    def truth(self, dossier: str) -> Dossier | None:
        """What is held true of the dossier now."""
        state = self.connection.execute(_STATE, {"dossier_": dossier}).scalar()
        return Dossier.model_validate_json(state) if state is not None else None

    def _refer(self, before: Dossier | None, after: Dossier, key: str) -> None:
        """Keep the table of references as the truth has it."""
        old = set(before.payments + before.shipments) if before is not None else set()
        for item in after.payments + after.shipments:
            if item in old:
                continue
            money = isinstance(item, Payment)
            row = {
                "system": item.platform if isinstance(item, Payment) else item.carrier,
                "code": item.reference if isinstance(item, Payment) else item.order,
                "kind": "payment" if money else "shipment",
                "dossier": key,
                "amount": int(item.amount) if isinstance(item, Payment) else 0,
                "state": item.state.value,
                "created_at": self.now,
                "updated_at": self.now,
            }
            upsert(self.connection, reference_codes, row, ["system", "code"], ["state", "updated_at"])

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
        key = apart(event.order_key, event_id) if plan.apart else event.order_key
        cause, reason = plan.parked or ("", "")
        row = {
            "event": event_id,
            "system": plan.system,
            "operation": plan.operation,
            "order_key": key,
            "seq": self._place(event, plan),
            "full_state": int(plan.full_state),
            "state": (State.PARKED if plan.parked else State.READY).value,
            "open": 1,
            "head": 1,
            "claimable": int(plan.parked is None),
            "doubtful": 0,
            "key": token_hex(16),
            "tries": 0,
            "attempts": 0,
            "due_at": self.now + (int(plan.delay * 1_000_000) or (0 if plan.full_state else self.patience)),
            "deadline_at": self.now + int(plan.deadline * 1_000_000) if plan.deadline else None,
            "created_at": self.now,
            "resend_of": resend_of,
            "cause": cause,
            "reason": reason,
        }
        ahead = self.connection.execute(_AHEAD, {"key_": key, "system_": plan.system}).all()
        old = next((o for o in reversed(ahead) if o.full_state and o.operation == plan.operation), None)
        if plan.full_state and old is not None and old.state in _REPLACEABLE and self._supersede(old.id):
            # The newer state goes where the older stood: steps queued behind must still find the dossier.
            # What the older one sent may still arrive, and must not do so after the newer.
            row |= {"seq": old.seq, "head": old.head, "claimable": old.head, "doubted_at": old.doubted_at}
            if old.state in (State.WAITING, State.UNKNOWN):
                row["due_at"] = max(self.now, old.due_at)
        elif ahead:
            head = next((o for o in ahead if o.head), None)
            overtaken = head is not None and row["seq"] < head.seq and head.state in _UNTOUCHED and not head.doubtful
            if head is not None and overtaken:
                self.connection.execute(_DEMOTE, {"id_": head.id})
            else:
                row |= {"head": 0, "claimable": 0}
        return int(self.connection.execute(_INSERT_DELIVERY, row).scalar_one())

    def _place(self, event: Event, plan: Planned) -> int:
        """Where in its lane a delivery stands: by the time of what happened, whatever order we were told it in; but
        the state that makes the dossier known to a system goes before all else."""
        if plan.full_state and plan.system not in self._codes_of(event.dossier):
            return 0
        return micros(event.occurred_at)

    def _supersede(self, delivery: int) -> bool:
        return self.connection.execute(_SUPERSEDE, {"id_": delivery, "now_": self.now}).rowcount == 1
