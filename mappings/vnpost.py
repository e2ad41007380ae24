"""Parcels by VNPost: orders, and what its event log tells."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.vnpost.wire import Answer, PostOrder, Tracked
from lgsp.canonical.base import nfc
from lgsp.canonical.events import Event, ShipmentMoved
from lgsp.canonical.shipment import ShipmentState
from lgsp.clock import from_micros
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Reception, Route
from mappings import _parcels as parcels

VNPOST = "vnpost"
_WORDS = (
    ("chưa phát thành công", ShipmentState.HELD),
    ("không phát thành công", ShipmentState.HELD),
    ("phát không thành công", ShipmentState.HELD),
    ("phát thành công cho người gửi", ShipmentState.RETURNED),
    ("chuyển hoàn thành công", ShipmentState.RETURNED),
    ("đã trả người gửi", ShipmentState.RETURNED),
    ("hoàn", ShipmentState.MOVING),
    ("phát thành công", ShipmentState.DELIVERED),
    ("hủy đơn", ShipmentState.CANCELLED),
    ("đã hủy", ShipmentState.CANCELLED),
    ("tìm thấy", ShipmentState.MOVING),
    ("thất lạc", ShipmentState.LOST),
    ("đang phát", ShipmentState.DELIVERING),
    ("đã thu gom", ShipmentState.COLLECTED),
    ("nhận gửi", ShipmentState.COLLECTED),
)
"""Parts of StatusMessage for codes that no row has: VNPost publishes no table. First match counts.

A state that ends a parcel can never be taken back, so denials and returns stand before the words that they contain.
"""


def order(event: Event, context: Context) -> PostOrder:
    own = context.settings
    sender, receiver = parcels.ends(event, own)
    told = parcels.asked(event)
    return PostOrder(
        OrderNumber=parcels.number(event),
        SenderName=sender.name,
        SenderTel=sender.phone,
        SenderAddress=sender.address,
        SenderProvince=parcels.province(sender.address, own.provinces, own.province, "SenderProvince"),
        SenderEmail=sender.email,
        SenderDesc=own.papers[:500],
        Description=f"Hồ sơ {told.dossier.code}"[:500],
        ReceiverName=receiver.name,
        ReceiverTel=receiver.phone,
        ReceiverAddress=receiver.address,
        ReceiverProvince=parcels.province(receiver.address, own.provinces, own.province, "ReceiverProvince"),
        ReceiverEmail=receiver.email,
    )


def order_taken(event: Event, answer: Answer, context: Context) -> Sequence[Event]:
    return [parcels.ordered(event, VNPOST)]


def state_of(item: Tracked, context: Context) -> ShipmentState:
    """By the table or, where it has no row, by the words; words that say nothing mean that it is on its way."""
    row = context.codes.find("vnpost_states", item.StatusCode, context.today)
    if row is not None:
        return ShipmentState(row["state"])
    told = " ".join(nfc(item.StatusMessage).casefold().split()).replace("huỷ", "hủy")
    return next((state for words, state in _WORDS if words in told), ShipmentState.MOVING)


def tracked(item: Tracked, context: Context) -> Sequence[Event]:
    at = from_micros(item.EventTime * 1000)
    body = ShipmentMoved(
        carrier=VNPOST, order=item.OrderNumber, state=state_of(item, context), waybill=item.ItemCode,
        code=item.StatusCode, note=item.StatusMessage[:200], at=at,
    )  # fmt: skip
    return [Event(type="shipment.moved", source=VNPOST, source_id=item.id.oid, occurred_at=at, body=body)]


MAPPINGS = Mappings(
    VNPOST,
    mappings=(OperationMapping("order", order, order_taken),),
    receptions=(Reception("tracked", Tracked, tracked),),
    routes=(Route("shipment.requested", "order"),),
)
