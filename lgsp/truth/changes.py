"""What follows from a changed dossier: its whole state is told, and other systems are asked to do their part."""

from __future__ import annotations

from collections.abc import Iterator

from lgsp.canonical.dossier import Channel, Dossier, Origin, ReturnChannel
from lgsp.canonical.events import (
    DossierAccepted,
    DossierAnswered,
    DossierChanged,
    Event,
    FeeRequested,
    ShipmentRequested,
    StepTaken,
)
from lgsp.canonical.payment import RECEIVED, PaymentState
from lgsp.canonical.shipment import Direction
from lgsp.canonical.status import Status
from lgsp.ledger.types import BUS, Folded

MOST_ATTEMPTS = 5
"""Attempts to have a fee paid that the bus makes by itself; after so many failures a person decides."""

_UNDER_WAY = frozenset({Status.RECEIVED, Status.PROCESSING, Status.PAYMENT_REQUESTED})


def changed(before: Dossier | None, after: Dossier, event: Event) -> Folded:
    """What follows from a changed dossier: its whole state is told, and what other systems are to do is asked."""
    if after == before:
        return Folded()
    if after.status is None and after.local_status is None:
        return Folded(after)  # nobody can tell the status yet; the report's own route asks the source
    follows = [_follow(event, "dossier.changed", DossierChanged(dossier=after), after)]
    if after.origin is Origin.PORTAL and (before is None or before.status is not after.status):
        answered = DossierAnswered(
            national_code=after.national_code or event.dossier,
            local_code=after.code,
            tech_id=after.applicant.tech_id,
            dossier=after,
            note=after.note,
        )
        follows.append(_follow(event, "dossier.answered", answered, after))
    return Folded(after, tuple(follows), asks=tuple(asks(before, after, event)))


def asks(before: Dossier | None, after: Dossier, cause: Event) -> Iterator[Event]:
    """What other systems are asked to do now. Each is asked once by its name, whatever is told again."""
    key = cause.dossier
    if after.status in _UNDER_WAY and (before is None or before.status not in _UNDER_WAY):
        yield _ask("dossier.accepted", key, "", DossierAccepted(dossier=after), cause)
    attempt = due_attempt(after)
    if attempt:
        fee = FeeRequested(dossier=after, amount=after.to_pay, attempt=attempt)
        yield _ask("fee.requested", key, str(attempt), fee, cause)
    for direction in due_parcels(after):
        parcel = ShipmentRequested(dossier=after, direction=direction)
        yield _ask("shipment.requested", key, direction, parcel, cause)


def due_attempt(dossier: Dossier) -> int:
    """The number of the attempt by which the dossier's fees are to be asked for now; 0: none is."""
    if dossier.status is not Status.PAYMENT_REQUESTED or not dossier.to_pay:
        return 0
    if any(p.state in RECEIVED or p.state is PaymentState.PENDING for p in dossier.payments):
        return 0
    attempt = len(dossier.payments) + 1
    return attempt if attempt <= MOST_ATTEMPTS else 0


def due_parcels(dossier: Dossier) -> Iterator[Direction]:
    """Which parcels are to be ordered: papers of a dossier sent by post, a result that goes home by post."""
    known = {s.direction for s in dossier.shipments}
    by_post = dossier.channel is Channel.POST and dossier.status is Status.REGISTERED
    if by_post and Direction.COLLECT not in known:
        yield Direction.COLLECT
    goes_home = dossier.return_channel is ReturnChannel.POST and dossier.status is Status.FINISHED
    if goes_home and Direction.RETURN not in known:
        yield Direction.RETURN


def _ask(
    kind: str, key: str, which: str, body: DossierAccepted | FeeRequested | ShipmentRequested, cause: Event
) -> Event:
    name = f"{kind}:{key}:{which}" if which else f"{kind}:{key}"
    return Event(type=kind, source=BUS, source_id=name, dossier=key, occurred_at=cause.occurred_at, body=body)


def _follow(cause: Event, kind: str, body: DossierChanged | DossierAnswered, after: Dossier) -> Event:
    told = cause.body.step.at if isinstance(cause.body, StepTaken) else after.as_of
    return Event(
        type=kind,
        source=BUS,
        source_id=f"{kind}:{cause.source}:{cause.source_id}"[:200],
        dossier=cause.dossier,
        occurred_at=told or cause.occurred_at,
        body=body,
    )
