"""The applicant who is a citizen, checked against the population database when a dossier is accepted."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from connectors.population.wire import LookUpPerson, People, Person, Verified, VerifyPerson
from lgsp.canonical.check import Check, Finding
from lgsp.canonical.events import CheckTold, DossierAccepted, Event
from lgsp.canonical.numbers import born_later_than, personal_number
from lgsp.canonical.party import IdentifierKind, Party, PartyKind
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Route

REGISTRY = "population"
_OLD = IdentifierKind.CMND
_NEW = IdentifierKind.PERSONAL_ID


def plain_name(name: str) -> str:
    """A name as the registry wants it: upper case, without marks and spaces; Đ has no decomposition."""
    apart = unicodedata.normalize("NFD", name).upper().replace("Đ", "D")
    return "".join(letter for letter in apart if "A" <= letter <= "Z")


def _numbers(party: Party, context: Context) -> dict[str, str]:
    """The number by which a person is asked for: the personal one or, failing that, the old one."""
    new, old = party.number(_NEW), party.number(_OLD)
    if new:
        told = personal_number(new)
        if told is None or born_later_than(told, context.today):
            raise MappingError("SoDinhDanh", "the applicant's personal number is not one: correct it at its source")
        return {"SoDinhDanh": new}
    if len(old) != 9 or not (old.isascii() and old.isdigit()):
        raise MappingError("SoCMND", "the applicant's old identity number is not nine digits: correct it at its source")
    return {"SoCMND": old}


def _name(party: Party) -> str:
    name = plain_name(party.name)
    if not 1 <= len(name) <= 100:
        raise MappingError(
            "HoVaTen", "the applicant's name has no Latin letters, or too many: correct it at its source"
        )
    return name


def look_up(event: Event, context: Context) -> LookUpPerson:
    party = _accepted(event)
    return LookUpPerson.model_validate({**_numbers(party, context), "HoVaTen": _name(party)})


def verify(event: Event, context: Context) -> VerifyPerson:
    party = _accepted(event)
    return VerifyPerson.model_validate({**_numbers(party, context), "HoVaTen": _name(party)})


def looked_up(event: Event, answer: People, context: Context) -> Sequence[Event]:
    """Verified where name and number are those of the one who was found; else which of them differ."""
    if not answer.CongDan:
        return [_told(event, Finding.NOT_FOUND, context, answer.asked_as)]
    party = _accepted(event)
    differ = min((_different(party, person) for person in answer.CongDan), key=len)
    return [_told(event, Finding.MISMATCH if differ else Finding.VERIFIED, context, answer.asked_as, differ)]


def verified(event: Event, answer: Verified, context: Context) -> Sequence[Event]:
    """Whether such a person exists; of one who does not, nobody knows which part is wrong."""
    if answer.TonTai:
        return [_told(event, Finding.VERIFIED, context, answer.asked_as)]
    note = "no person has this number and this name together"
    return [_told(event, Finding.NOT_FOUND, context, answer.asked_as, note=note)]


def unreached(event: Event, context: Context) -> Sequence[Event]:
    """Told when the registry could not be asked in time; the delivery's attempts are the proof."""
    return [_told(event, Finding.UNREACHED, context, f"delivery {context.delivery}")]


def _different(party: Party, person: Person) -> tuple[str, ...]:
    fields = []
    told = {person.SoDinhDanh or "", person.SoCMND or ""} - {"", "0", "00"}
    if told and not told & {party.number(_NEW), party.number(_OLD)}:
        fields.append("number")
    if plain_name(person.HoVaTen.whole) != plain_name(party.name):
        fields.append("name")
    return tuple(fields)


def _told(
    event: Event, finding: Finding, context: Context, proof: str, fields: tuple[str, ...] = (), note: str = ""
) -> Event:
    own = context.settings
    if own.service == "verify":
        purpose = f"XacThucThongTinCongDan {own.verify_code}"
    else:
        purpose = f"TraCuuThongTinCongDan {own.service_code} {own.integration_code}"
    check = Check(
        registry=REGISTRY, finding=finding, fields=fields, asked_at=context.received_at or event.occurred_at,
        proof=proof, officer=own.officer, purpose=purpose.strip(), note=note,
    )  # fmt: skip
    return Event(
        type="check.told",
        source=REGISTRY,
        source_id=f"check:{event.source_id}",
        dossier=event.dossier,
        occurred_at=event.occurred_at,
        body=CheckTold(check=check),
    )


def _accepted(event: Event) -> Party:
    assert isinstance(event.body, DossierAccepted)
    return event.body.dossier.applicant


def _applies(event: Event, service: str, settings: Any) -> bool:
    if not isinstance(event.body, DossierAccepted) or settings.service != service:
        return False
    party = event.body.dossier.applicant
    return party.kind is PartyKind.CITIZEN and bool(party.number(_NEW, _OLD))


def _deadline(settings: Any) -> float:
    return float(settings.check_deadline)


MAPPINGS = Mappings(
    REGISTRY,
    mappings=(
        OperationMapping("look_up", look_up, looked_up, late=unreached),
        OperationMapping("verify", verify, verified, late=unreached),
    ),
    routes=(
        Route("dossier.accepted", "look_up", lambda e, own: _applies(e, "look_up", own), deadline=_deadline),
        Route("dossier.accepted", "verify", lambda e, own: _applies(e, "verify", own), deadline=_deadline),
    ),
)
