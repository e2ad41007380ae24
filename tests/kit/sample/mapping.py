"""Whoever a dossier is about is looked up, and entered when it is accepted."""

from __future__ import annotations

from sample.wire import Enter, FindPerson

from lgsp.canonical.events import DossierAccepted, Event
from lgsp.canonical.party import IdentifierKind
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Route


def _number(event: Event) -> str:
    assert isinstance(event.body, DossierAccepted)
    number = event.body.dossier.applicant.number(IdentifierKind.PERSONAL_ID)
    if len(number) != 12 or not (number.isascii() and number.isdigit()):
        raise MappingError("personalId", "the applicant has no personal number: correct it at its source")
    return number


def find_person(event: Event, context: Context) -> FindPerson:
    return FindPerson(personalId=_number(event))


def enter(event: Event, context: Context) -> Enter:
    code = event.dossier.replace("Đ", "D")
    if not code:
        raise MappingError("dossier", "the dossier has no code: correct it at its source")
    return Enter(dossier=code, personalId=_number(event))


MAPPINGS = Mappings(
    "sample",
    mappings=(OperationMapping("find_person", find_person), OperationMapping("enter", enter)),
    routes=(Route("dossier.accepted", "find_person"), Route("dossier.accepted", "enter")),
)
