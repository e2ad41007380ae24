"""A dossier's parcels: when one is wanted, and what the carrier tells of it."""

from __future__ import annotations

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Event, ShipmentDelivered, ShipmentMoved, ShipmentOrdered
from lgsp.canonical.shipment import SHIPMENT_OVER, Direction, Shipment, ShipmentState
from lgsp.canonical.status import Status
from lgsp.ledger.types import BUS, Folded
from lgsp.truth import changes


def ordered(known: Dossier | None, body: ShipmentOrdered) -> Folded:
    """The carrier took an order."""
    new = body.shipment
    if known is None or any((s.carrier, s.order) == (new.carrier, new.order) for s in known.shipments):
        return Folded()
    return Folded(known.with_(shipments=(*known.shipments, new)))


def moved(known: Dossier | None, event: Event, body: ShipmentMoved) -> Folded:
    """The carrier told where a parcel is. Older than what is known, or after its end: it leads nowhere.

    A result that was delivered ends the dossier: returned, at the moment of delivery.
    """
    before = next(
        (s for s in (known.shipments if known else ()) if (s.carrier, s.order) == (body.carrier, body.order)), None
    )
    if known is None or before is None:
        return Folded(stale="no parcel of ours is known by this order number")
    if before.state in SHIPMENT_OVER:
        return Folded(stale=f"the parcel is {before.state} already")
    if body.at < before.at and body.state not in SHIPMENT_OVER:
        return Folded(stale="older than what is known of the parcel")
    told = {"state": body.state, "at": body.at, "code": body.code, "note": body.note}
    after = before.with_(**told, waybill=body.waybill or before.waybill)
    dossier = known.with_(shipments=tuple(after if s is before else s for s in known.shipments))
    if body.state is not ShipmentState.DELIVERED:
        return Folded(dossier)
    follows: tuple[Event, ...] = ()
    asks: tuple[Event, ...] = ()
    if after.direction is Direction.RETURN and dossier.status is Status.FINISHED:
        returned = dossier.with_(
            status=Status.RETURNED, local_status=None, status_at=body.at, returned_at=dossier.returned_at or body.at
        )
        folded = changes.changed(dossier, returned, event)
        dossier, follows, asks = returned, folded.events, folded.asks
    return Folded(dossier, (_delivered(event, after, dossier), *follows), asks=asks)


def _delivered(cause: Event, shipment: Shipment, dossier: Dossier) -> Event:
    return Event(
        type="shipment.delivered",
        source=BUS,
        source_id=f"shipment.delivered:{shipment.carrier}:{shipment.order}",
        dossier=cause.dossier,
        occurred_at=shipment.at,
        body=ShipmentDelivered(shipment=shipment, dossier=dossier),
    )
