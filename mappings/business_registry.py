"""The applicant that is a company or household business, looked up when a dossier is accepted; what differs is told."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

from connectors.business_registry.wire import Company, FindCompany, Found
from lgsp.canonical.check import Check, Finding
from lgsp.canonical.events import CheckTold, DossierAccepted, Event
from lgsp.canonical.numbers import tax_code, with_lost_zeros
from lgsp.canonical.party import IdentifierKind, Party, PartyKind
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Route

REGISTRY = "business_registry"
_NUMBERS = (IdentifierKind.TAX_CODE, IdentifierKind.BUSINESS_CODE)
_COMPANIES = frozenset({PartyKind.BUSINESS, PartyKind.ORGANISATION, PartyKind.HOUSEHOLD})

_LONG = (
    ("trách nhiệm hữu hạn", "tnhh"),
    ("cổ phần", "cp"),
    ("một thành viên", "mtv"),
    ("doanh nghiệp tư nhân", "dntn"),
    ("hợp tác xã", "htx"),
    ("sản xuất", "sx"),
    ("thương mại", "tm"),
    ("dịch vụ", "dv"),
    ("xuất nhập khẩu", "xnk"),
)
"""Words that one writes in full and another does not."""


def plain_name(name: str) -> str:
    """A company's name as far as it is compared: lower case, usual abbreviations, no punctuation, no spaces."""
    text = unicodedata.normalize("NFC", name).lower()
    for long, short in _LONG:
        text = text.replace(long, short)
    return re.sub(r"[\W_]+", "", text)


def find_company(event: Event, _context: Context) -> FindCompany:
    """The company's own number; of a branch that of its company."""
    party = _accepted(event).dossier.applicant
    number = party.number(*_NUMBERS)
    found = tax_code(number)
    if found is None:
        raise MappingError(
            "msdn", "the applicant's tax code is not one (its shape or check digit): correct it in the one-stop system"
        )
    kind: Literal["enterprise", "household"] = "household" if party.kind is PartyKind.HOUSEHOLD else "enterprise"
    if found.kind == "person" and kind == "enterprise":
        raise MappingError(
            "msdn", "the applicant is a company, and its tax code is a person's: correct it at its source"
        )
    return FindCompany(kind=kind, code=found.number)


def company_found(event: Event, answer: Found, context: Context) -> Sequence[Event]:
    """The finding; a company that is no longer active is verified all the same, with a remark."""
    party = _accepted(event).dossier.applicant
    company = answer.company
    if company is None:
        return [_told(event, Finding.NOT_FOUND, context)]
    fields = _different(party, company)
    remark = _remark(company, context.settings)
    if tax_code(party.number(*_NUMBERS)) is not None and _is_branch(party):
        remark = "; ".join(filter(None, (remark, "a branch: its own name is not compared")))
    return [_told(event, Finding.MISMATCH if fields else Finding.VERIFIED, context, fields, remark)]


def unreached(event: Event, context: Context) -> Sequence[Event]:
    """Told when the registry could not be asked in time; the delivery's attempts are the proof."""
    return [_told(event, Finding.UNREACHED, context)]


def _different(party: Party, company: Company) -> tuple[str, ...]:
    fields = []
    told = tax_code(party.number(*_NUMBERS))
    if told is not None and with_lost_zeros(company.code).replace("-", "")[:10] != told.number[:10]:
        fields.append("number")
    names = {plain_name(n) for n in (company.name, company.short_name, company.foreign_name) if n}
    if not _is_branch(party) and plain_name(party.name) not in names:
        fields.append("name")
    return tuple(fields)


def _is_branch(party: Party) -> bool:
    found = tax_code(party.number(*_NUMBERS))
    return found is not None and found.kind == "branch"


def _remark(company: Company, settings: Any) -> str:
    active = getattr(settings, "active_statuses", ())
    told = [word for word in (company.status_code, company.status) if word]
    if not told or any(word in active for word in told):
        return ""
    return f"status at the registry: {company.status or company.status_code}"


def _told(event: Event, finding: Finding, context: Context, fields: tuple[str, ...] = (), note: str = "") -> Event:
    check = Check(
        registry=REGISTRY, finding=finding, fields=fields, asked_at=context.received_at or event.occurred_at,
        proof=f"delivery {context.delivery}" if context.delivery else "", note=note,
    )  # fmt: skip
    return Event(
        type="check.told",
        source=REGISTRY,
        source_id=f"check:{event.source_id}",
        dossier=event.dossier,
        occurred_at=event.occurred_at,
        body=CheckTold(check=check),
    )


def _accepted(event: Event) -> DossierAccepted:
    assert isinstance(event.body, DossierAccepted)
    return event.body


def _is_company(event: Event, _settings: Any) -> bool:
    body = event.body
    if not isinstance(body, DossierAccepted):
        return False
    applicant = body.dossier.applicant
    return applicant.kind in _COMPANIES and bool(applicant.number(*_NUMBERS))


MAPPINGS = Mappings(
    REGISTRY,
    mappings=(OperationMapping("find_company", find_company, company_found, late=unreached),),
    routes=(Route("dossier.accepted", "find_company", _is_company, deadline=lambda settings: settings.check_deadline),),
)
