"""What is to be paid for a dossier, and whether it was."""

from __future__ import annotations

from enum import StrEnum

from lgsp.canonical.base import Canonical, Dong, Text


class FeeKind(StrEnum):
    """Phí and lệ phí are different kinds in law; a catalogue's MAPHILEPHI starts with 1 or 2 accordingly."""

    FEE = "phi"
    CHARGE = "le_phi"


class FeeTime(StrEnum):
    """When it is collected (HinhThucThu)."""

    AT_RECEPTION = "at_reception"
    AT_SUPPLEMENT = "at_supplement"
    AT_RETURN = "at_return"


class PaidThrough(StrEnum):
    """Through which channel a fee was paid."""

    NOT_PAID = "not_paid"
    NATIONAL_PORTAL = "national_portal"
    OTHER_ONLINE = "other_online"
    COUNTER = "counter"


class Fee(Canonical):
    """One amount. A fee of zero is said, not left out: the portal counts it (index 3.6)."""

    name: Text
    code: Text = ""
    kind: FeeKind
    amount: Dong
    when: FeeTime = FeeTime.AT_RECEPTION
    paid: PaidThrough = PaidThrough.NOT_PAID
