"""Requests for parcels, for the tests of carriers."""

from __future__ import annotations

from typing import Any

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Event, ShipmentRequested
from lgsp.canonical.party import Party, PartyKind
from lgsp.canonical.shipment import Direction
from tests.support.ledgers import NINE, dossier

AGENCIES = {"default": {"name": "Trung tâm Mẫu", "phone": "02693824900", "address": "01 Đường Mẫu, Gia Lai"}}


def citizen(**more: Any) -> Party:
    values = {"kind": PartyKind.CITIZEN, "name": "Nguyễn Văn Mẫu", "phone": "0905 000 001",
              "address": "12 Đường Mẫu,\n Phường Mẫu, Đà Nẵng", **more}  # fmt: skip
    return Party.model_validate(values)


def wanted(direction: Direction = Direction.RETURN, told: Dossier | None = None, **person: Any) -> Event:
    of = told or dossier("H21.14-261008-0001", applicant=citizen(**person))
    return Event(
        type="shipment.requested", source="bus", source_id=f"shipment.requested:K:{direction}", dossier="K",
        occurred_at=NINE, body=ShipmentRequested(dossier=of, direction=direction),
    )  # fmt: skip
