"""Parcels at a carrier's mock: orders, and how they move with time or by hand."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Parcel:
    """One order at the carrier."""

    order: str
    waybill: str
    sender: str
    receiver: str
    given: int = 1
    """How often the order was given."""
    states: list[str] = field(default_factory=list)
    """The carrier's codes, oldest first."""
    calls: list[str] = field(default_factory=list)
