"""One attempt to pay a dossier's fees at a platform, and what became of it.

What the bank did, the order at the platform, the obligation of the dossier, the receipt and the treasury's entry are
separate: this is the order. The obligation is the dossier's fees, the receipt a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from lgsp.canonical.base import Canonical, Code, Dong, Moment, Text
from lgsp.canonical.fee import PaidThrough


class PaymentState(StrEnum):
    """Where an attempt stands."""

    PENDING = "pending"  # created at the platform; nobody has paid yet
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUND_PENDING = "refund_pending"  # the platform took the refund and has not sent it yet
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


_P = PaymentState
PAYMENT_STEPS: Mapping[PaymentState, frozenset[PaymentState]] = MappingProxyType(
    {
        # A bank may confirm after the platform gave up: money that came is never denied.
        _P.PENDING: frozenset({_P.PAID, _P.FAILED, _P.EXPIRED}),
        _P.FAILED: frozenset({_P.PAID}),
        _P.EXPIRED: frozenset({_P.PAID}),
        _P.PAID: frozenset({_P.REFUND_PENDING, _P.REFUNDED, _P.REFUND_FAILED}),
        _P.REFUND_PENDING: frozenset({_P.REFUNDED, _P.REFUND_FAILED}),
        _P.REFUND_FAILED: frozenset({_P.REFUND_PENDING, _P.REFUNDED}),
        _P.REFUNDED: frozenset(),
    }
)
"""From each state, those that may follow. ``paid`` never becomes ``failed``, however late a failure is told."""

RECEIVED = frozenset({_P.PAID, _P.REFUND_PENDING, _P.REFUND_FAILED})
"""States in which the province holds the money."""

UNPAID = frozenset({_P.PENDING, _P.FAILED, _P.EXPIRED})
"""States in which money may still come."""


@dataclass(frozen=True, slots=True)
class OpenFee:
    """An attempt that nobody has paid, as far as it is needed to tell whose a credit may be."""

    platform: str
    reference: str
    dossier: str
    amount: int
    """Dong."""
    created_at: int
    """Microseconds."""


class Payment(Canonical):
    """One attempt. ``reference`` is ours, never used again; ``transaction`` is the platform's or the bank's."""

    platform: Code
    """The word of the system at which it was created."""
    reference: Code
    amount: Dong
    state: PaymentState = PaymentState.PENDING
    created_at: Moment
    """The time told to the platform at the creation: it asks for the same at every query."""
    url: Text = ""
    """Where the citizen pays."""
    qr: Text = ""
    """What the citizen's bank application scans (VietQR), where the platform works by transfer."""
    expires_at: Moment | None = None
    through: PaidThrough = PaidThrough.OTHER_ONLINE
    """Which channel a payment at the platform counts as."""
    transaction: Text = ""
    bank: Text = ""
    paid_at: Moment | None = None
    refunded: Dong = Decimal(0)
    refund: Text = ""
    """Our id of the refund, once one was asked for."""
