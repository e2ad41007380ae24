"""What systems say of a dossier itself: its state, its steps, its codes, and what is asked of other systems then."""

from __future__ import annotations

from datetime import datetime

from lgsp.canonical.check import Finding
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier, LocalStatus, Unit
from lgsp.canonical.events import (
    CheckTold,
    DossierFiled,
    DossierRegistered,
    DossierReported,
    Event,
    PaymentReported,
    StepTaken,
)
from lgsp.canonical.status import Status, may_follow
from lgsp.clock import VIETNAM
from lgsp.ledger.types import Folded
from lgsp.truth import payments
from lgsp.truth.changes import changed

ONE_STOP = "onestop"
POPULATION = "population"

IGNORE = "ignore"


def told(known: Dossier | None, event: Event, codes: CodeTables) -> Folded:
    """The truth after a report, a filing, a step, a code or a payment that a system reports."""
    body = event.body
    match body:
        case DossierReported():
            return _reported(known, _with_status(body.dossier, known, codes, event.occurred_at), event)
        case DossierFiled():
            if known is not None:
                return Folded(stale="the dossier is known already")
            return Folded(body.dossier)
        case StepTaken():
            return _step(known, event, body, codes)
        case DossierRegistered():
            return _registered(known, event, body)
        case PaymentReported() if known is not None:
            return changed(known, known.with_(paid_through=body.through), event)
        case _:
            return Folded()


def _with_status(dossier: Dossier, known: Dossier | None, codes: CodeTables, at: datetime) -> Dossier:
    """The status that the source's own word stands for, where a code table has it."""
    if dossier.status is not None or dossier.local_status is None:
        return dossier
    meaning = translate(dossier.local_status, codes, at)
    if meaning == IGNORE:
        # Its time is that of a word that changes nothing: taken over, it would outdate a status told late.
        return dossier.with_(status=known.status if known else None, local_status=None, status_at=None)
    return dossier.with_(status=Status(meaning)) if meaning else dossier


def translate(local: LocalStatus, codes: CodeTables, at: datetime) -> str:
    """The canonical status, ``ignore``, or the empty text for a word that no row has: sub-status first."""
    day = at.astimezone(VIETNAM).date()
    words = [f"{local.status}/{local.sub_status}", local.status] if local.sub_status else [local.status]
    for word in words:
        row = codes.find(f"status_{local.system}", word, day)
        if row is not None:
            return row["status"]
    return ""


def _reported(known: Dossier | None, told: Dossier, event: Event) -> Folded:
    if known is None:
        return changed(None, told, event)
    if is_older(told, known):
        return Folded(stale="older than what is known")
    return changed(known, merge(known, told), event)


def is_older(told: Dossier, known: Dossier) -> bool:
    """Whether a report tells of an earlier state than the one held.

    By the latest time each tells of; where that says nothing, by which of the two statuses may follow the other.
    """
    if told.as_of is not None and known.as_of is not None and told.as_of != known.as_of:
        if told.as_of > known.as_of:
            return False
        if told.status is None or known.status is None or told.status is known.status or told.status_at is not None:
            return True
        # The report names no time for its status. If its status can only come after the held one, it is news.
        return not (may_follow(known.status, told.status) and not may_follow(told.status, known.status))
    if told.status is None or known.status is None or told.status is known.status:
        return False
    return may_follow(told.status, known.status) and not may_follow(known.status, told.status)


_KEPT = ("origin", "code", "national_code", "payments", "receipts", "shipments", "checks")


def merge(known: Dossier, told: Dossier) -> Dossier:
    """The held state, overwritten by all that the report says; what it leaves empty stays as held."""
    changes: dict[str, object] = {}
    for name in Dossier.model_fields:
        value = getattr(told, name)
        if name in _KEPT or value in (None, "", ()) or (isinstance(value, Unit) and not (value.code or value.name)):
            continue
        if name in ("paid_through", "population_checked", "return_channel") and name not in told.model_fields_set:
            continue
        changes[name] = value
    if told.status is not None and told.local_status is None:
        changes["local_status"] = None
    if told.status is None and told.local_status is not None:
        changes["status"] = None  # a word that no row has: what was held is over, and what came is not known
    if told.national_code and not known.national_code:
        changes["national_code"] = told.national_code
    news = {n: v for n, v in changes.items() if v != getattr(known, n)}
    if not news:
        return known
    merged = known.with_(**news)
    return payments.paid_for(merged) if known.payments else merged


def _step(known: Dossier | None, event: Event, body: StepTaken, codes: CodeTables) -> Folded:
    if known is None:
        return Folded(early=True)
    step = body.step
    status = step.status
    if status is None and step.local_status is not None:
        meaning = translate(step.local_status, codes, event.occurred_at)
        status = Status(meaning) if meaning and meaning != IGNORE else None
    newest = known.as_of is None or step.at >= known.as_of
    if status is None or status is known.status or not newest:
        return Folded()
    changes: dict[str, object] = {"status": status, "local_status": None, "status_at": step.at}
    # The day that goes with a status, where the step is its only witness.
    dated = {Status.FINISHED: "finished_at", Status.RETURNED: "returned_at", Status.REFUSED: "refused_at"}.get(status)
    if dated and getattr(known, dated) is None:
        changes[dated] = step.at
    return changed(known, known.with_(**changes), event)


def _registered(known: Dossier | None, event: Event, body: DossierRegistered) -> Folded:
    if known is None:
        return Folded()
    if known.code != body.code:
        return Folded(known.with_(code=body.code))
    return Folded()


def checked(known: Dossier | None, body: CheckTold) -> Folded:
    """A registry's word on the applicant joins the dossier; it changes no status and blocks nothing."""
    if known is None or body.check in known.checks:
        return Folded()
    found = known.population_checked or (body.check.registry == POPULATION and body.check.finding is Finding.VERIFIED)
    return Folded(known.with_(checks=(*known.checks, body.check), population_checked=found))
