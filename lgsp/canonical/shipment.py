"""A parcel of a dossier: papers collected from the citizen, or a result returned by the public postal service."""

from __future__ import annotations

from enum import StrEnum

from lgsp.canonical.base import Canonical, Code, Moment, Text


class Direction(StrEnum):
    """Which way it goes (NĐ 45/2020, QĐ 45/2016/QĐ-TTg)."""

    COLLECT = "collect"  # thu gom hồ sơ: from the citizen to the agency
    RETURN = "return"  # trả kết quả: from the agency to the citizen


class ShipmentState(StrEnum):
    """Where it stands, in the bus's words; a carrier's own code goes to ``Shipment.code``."""

    ORDERED = "ordered"
    COLLECTED = "collected"  # the carrier has it
    MOVING = "moving"
    DELIVERING = "delivering"
    HELD = "held"  # waits: receiver absent, or collects at the office
    DELIVERED = "delivered"
    RETURNED = "returned"  # back at the sender
    CANCELLED = "cancelled"
    LOST = "lost"  # lost or destroyed


SHIPMENT_OVER = frozenset(
    {ShipmentState.DELIVERED, ShipmentState.RETURNED, ShipmentState.CANCELLED, ShipmentState.LOST}
)
"""States after which nothing that is told of it counts."""


class Shipment(Canonical):
    """One order at a carrier."""

    carrier: Code
    """The word of the carrier's system."""
    order: Code
    """Our number of it; never used again."""
    direction: Direction
    state: ShipmentState = ShipmentState.ORDERED
    at: Moment
    """Since when the state holds."""
    waybill: Text = ""
    code: Text = ""
    note: Text = ""
