"""Who applies: a citizen, a business, a state body or another organisation, with typed identifiers."""

from __future__ import annotations

from enum import StrEnum

from lgsp.canonical.base import Canonical, Code, Name, Text


class PartyKind(StrEnum):
    """Đối tượng thực hiện."""

    CITIZEN = "citizen"
    BUSINESS = "business"
    STATE_BODY = "state_body"
    ORGANISATION = "organisation"
    HOUSEHOLD = "household"


class IdentifierKind(StrEnum):
    """What a number is. Stated by the source, never guessed from its length: a 12-digit number may be a personal
    identifier or a location code (NĐ 326/2026)."""

    PERSONAL_ID = "personal_id"  # số định danh cá nhân, CCCD, 12 digits
    CMND = "cmnd"  # chứng minh nhân dân, 9 digits
    PASSPORT = "passport"
    TAX_CODE = "tax_code"  # mã số thuế, 10 digits, 10-3 for a branch, 12 for persons since 1/7/2025
    BUSINESS_CODE = "business_code"
    ORGANISATION_CODE = "organisation_code"
    UNSTATED = "unstated"  # the source gave a number and not what it is


class Identifier(Canonical):
    """One identifying number with what it is."""

    kind: IdentifierKind
    number: Code


class Party(Canonical):
    """The applicant (chủ hồ sơ) or another person of the dossier."""

    kind: PartyKind
    name: Name
    identifiers: tuple[Identifier, ...] = ()
    address: Text = ""
    phone: Text = ""
    email: Text = ""
    tech_id: Text = ""
    """The account's key at the national portal (TechID), where known."""
    vneid_verified: bool | None = None
    """Whether the account was confirmed through VNeID; None: not said."""

    def number(self, *kinds: IdentifierKind) -> str:
        """The first identifier of one of these kinds, or the empty text."""
        return next((i.number for kind in kinds for i in self.identifiers if i.kind is kind), "")
