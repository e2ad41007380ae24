"""What the carriers have in common: who sends, who receives, our number of an order."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from lgsp.canonical.base import nfc
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Event, ShipmentOrdered, ShipmentRequested
from lgsp.canonical.shipment import Direction, Shipment
from lgsp.errors import MappingError


@dataclass(frozen=True, slots=True)
class End:
    """One end of a parcel's way."""

    name: str
    phone: str
    address: str
    email: str = ""


def asked(event: Event) -> ShipmentRequested:
    assert isinstance(event.body, ShipmentRequested)
    return event.body


def number(event: Event) -> str:
    """Our number of the order: the dossier's code and the direction; a code too long is replaced by its digest."""
    told = asked(event)
    mark = "TG" if told.direction is Direction.COLLECT else "KQ"
    code = re.sub(r"[^0-9A-Za-z.-]", "", told.dossier.code)
    if code != told.dossier.code or len(code) > 40:
        code = hashlib.sha256(told.dossier.code.encode()).hexdigest()[:24].upper()
    return f"{code}-{mark}"


def ends(event: Event, settings: Any) -> tuple[End, End]:
    """(sender, receiver): the citizen and the agency, by the direction."""
    told = asked(event)
    citizen, agency = _citizen(told.dossier), _agency(told.dossier, settings)
    return (citizen, agency) if told.direction is Direction.COLLECT else (agency, citizen)


def _citizen(dossier: Dossier) -> End:
    person = dossier.submitter or dossier.applicant
    phone = re.sub(r"[^0-9+]", "", person.phone or dossier.applicant.phone)
    address = " ".join((person.address or dossier.applicant.address).split())
    if not re.fullmatch(r"\+?[0-9]{8,15}", phone):
        raise MappingError(
            "phone", "the citizen has no telephone number that a carrier could call: add it at the source"
        )
    if len(address) < 5:
        raise MappingError("address", "the citizen has no address: add it in the one-stop system")
    return End(person.name[:500], phone, address[:500], person.email)


def _agency(dossier: Dossier, settings: Any) -> End:
    unit = dossier.receiving_unit.code or dossier.competent_unit.code
    found = settings.agencies.get(unit) or settings.agencies.get("default")
    if found is None:
        raise MappingError("agency", f"no address is known for the agency {unit or '(none named)'}: add it to agencies")
    return End(found.name, found.phone, found.address)


def _last_part(address: str) -> str:
    """What stands after the last comma, the country apart, without the word for a province: never part of a street."""
    parts = [" ".join(p.split()) for p in re.split(r"[,;]|\s-\s", nfc(address).casefold().rstrip(" ."))]
    if len(parts) > 1 and parts[-1] in ("việt nam", "vietnam"):
        parts.pop()
    return re.sub(r"^(?:tỉnh|thành phố|tp\.?)\s*(?=\S)", "", parts[-1])


def province(address: str, known: dict[str, int], own: int, field: str) -> int:
    """The carrier's number of the province that an address ends with; without a name that is known, our own."""
    end = _last_part(address)
    for name, code in known.items():
        if end == _last_part(name):
            return code
    if not own:
        raise MappingError(field, "our own province's number at the carrier is not set: set province")
    return own


def ordered(event: Event, carrier: str, waybill: str = "") -> Event:
    """``shipment.ordered`` of what ``event`` asked for."""
    order = number(event)
    shipment = Shipment(
        carrier=carrier, order=order, direction=asked(event).direction, at=event.occurred_at, waybill=waybill
    )
    return Event(
        type="shipment.ordered",
        source=carrier,
        source_id=f"ordered:{order}",
        dossier=event.dossier,
        occurred_at=event.occurred_at,
        body=ShipmentOrdered(shipment=shipment),
    )
