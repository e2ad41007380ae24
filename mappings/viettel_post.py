"""Parcels by Viettel Post: orders, and what its webhook tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.viettel_post.wire import Created, CreateOrder, Moved
from lgsp.canonical.events import Event, ShipmentMoved
from lgsp.canonical.shipment import ShipmentState
from lgsp.clock import VIETNAM
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Reception, Route
from mappings import _parcels as parcels

CARRIER = "viettel_post"
_BYTES = 150


def short(text: str) -> str:
    """At most 150 bytes, cut between letters."""
    return text.encode()[:_BYTES].decode("utf-8", "ignore").strip()


def order(event: Event, context: Context) -> CreateOrder:
    own = context.settings
    sender, receiver = parcels.ends(event, own)
    values: dict[str, Any] = {}
    for end, who in (("SENDER", sender), ("RECEIVER", receiver)):
        values |= {
            f"{end}_FULLNAME": short(who.name),
            f"{end}_ADDRESS": short(who.address),
            f"{end}_PHONE": who.phone,
            f"{end}_EMAIL": who.email,
        }
    return CreateOrder.model_validate(
        {
            **values,
            "ORDER_NUMBER": parcels.number(event),
            "PRODUCT_NAME": short(own.papers),
            "PRODUCT_WEIGHT": own.weight,
            "ORDER_NOTE": short(f"Hồ sơ {parcels.asked(event).dossier.code}"),
        }
    )


def order_created(event: Event, answer: Created, context: Context) -> Sequence[Event]:
    return [parcels.ordered(event, CARRIER, answer.ORDER_NUMBER)]


def moved(item: Moved, context: Context) -> Sequence[Event]:
    row = context.codes.need("viettel_post_states", item.ORDER_STATUS, context.today, field="ORDER_STATUS")
    try:
        at = datetime.strptime(item.ORDER_STATUSDATE, "%d/%m/%Y %H:%M:%S").replace(tzinfo=VIETNAM).astimezone(UTC)
    except ValueError:
        raise MappingError("ORDER_STATUSDATE", "is a time that does not exist") from None
    body = ShipmentMoved(
        carrier=CARRIER, order=item.ORDER_REFERENCE, state=ShipmentState(row["state"]), waybill=item.ORDER_NUMBER,
        code=item.ORDER_STATUS, note=item.STATUS_NAME[:200], at=at,
    )  # fmt: skip
    name = f"{item.ORDER_REFERENCE}:{item.ORDER_NUMBER}:{item.ORDER_STATUS}:{at:%Y%m%d%H%M%S}"
    return [Event(type="shipment.moved", source=CARRIER, source_id=name, occurred_at=at, body=body)]


MAPPINGS = Mappings(
    CARRIER,
    mappings=(OperationMapping("create_order", order, order_created),),
    receptions=(Reception("moved", Moved, moved),),
    routes=(Route("shipment.requested", "create_order"),),
)
