"""Builders for ledger tests: dossiers, events, a planner of two systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier, Procedure, Step
from lgsp.canonical.events import DossierChanged, DossierReported, Event, StepTaken
from lgsp.canonical.party import Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.clock import Clock, micros
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Acceptance, Breaker, Folded, Inbound, Planned
from lgsp.store.engine import Store
from lgsp.truth import fold, judge, touches
from lgsp.truth.steps import repeats

NINE = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)


def dossier(code: str = "H21.14-261008-0001", status: Status | None = Status.RECEIVED, **fields: object) -> Dossier:
    return Dossier.model_validate(
        {
            "code": code,
            "procedure": Procedure(code="1.009974"),
            "applicant": Party(kind=PartyKind.CITIZEN, name="Nguyễn Văn Mẫu"),
            "status": status,
            "accepted_at": NINE,
            **fields,
        }
    )


def reported(code: str, number: int, status: Status = Status.RECEIVED, *, at: datetime | None = None) -> Event:
    at = at or NINE + timedelta(minutes=number)
    told = dossier(code, status, status_at=at)
    return Event(
        type="dossier.reported",
        source="onestop",
        source_id=f"{code}:{number}",
        dossier=code,
        occurred_at=at,
        body=DossierReported(dossier=told),
    )


def step(code: str, number: int, *, at: datetime | None = None, status: Status | None = None) -> Event:
    at = at or NINE + timedelta(minutes=number)
    taken = Step(id=f"s{number}", dossier=code, officer="Trần Thị Mẫu", content=f"Bước {number}", at=at, status=status)
    return Event(
        type="step.taken",
        source="onestop",
        source_id=f"{code}:step:{number}",
        dossier=code,
        occurred_at=at,
        body=StepTaken(step=taken),
    )


def message(*events: Event, digest: str = "", message_id: str = "") -> Inbound:
    return Inbound("onestop", "test", events, digest or events[0].source_id, message_id)


class TwoRoutes:
    """``dossier.changed`` and ``step.taken`` go to the portal; the real fold."""

    def plan(self, event: Event) -> Sequence[Planned]:
        if isinstance(event.body, DossierChanged):
            return [Planned("npsp", "sync_dossier", full_state=True)]
        if isinstance(event.body, StepTaken):
            return [Planned("npsp", "update_progress")]
        return []

    def repeats(self, steps: Sequence[Step]) -> Sequence[bool]:
        return repeats(steps)

    def touches(self, event: Event) -> bool:
        return touches(event)

    def judge(self, known: Dossier | None, event: Event) -> Acceptance | None:
        return judge(known, event)

    def fold(self, known: Dossier | None, event: Event, codes: CodeTables) -> Folded:
        return fold(known, event, codes)


def ledger(
    store: Store,
    clock: Clock,
    worker: str = "w1",
    *,
    lease: float = 30.0,
    patience: float = 0.0,
    failures: int = 3,
) -> Ledger:
    return Ledger(
        store,
        TwoRoutes(),
        worker=worker,
        now=lambda: micros(clock.now()),
        lease=lease,
        patience=patience,
        breakers={"npsp": Breaker(failures, 10.0)},
    )
