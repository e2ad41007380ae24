"""A dossier's money: when a fee is to be asked for, and what is believed of what platforms and banks tell.

``paid`` is absorbing. Money is believed only for a reference that was asked for, to the dong; all else is a person's
work. Each rule stands in the tests as a row.
"""

from __future__ import annotations

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import (
    Doubt,
    Event,
    PaymentConfirmed,
    PaymentCreated,
    PaymentDoubted,
    PaymentFailed,
    PaymentRefunded,
    PaymentTold,
    ReceiptIssued,
    RefundRequested,
)
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.payment import PAYMENT_STEPS, RECEIVED, Payment, PaymentState
from lgsp.canonical.status import Status
from lgsp.ledger.types import BUS, Acceptance, Folded
from lgsp.truth import changes

_ENDED = frozenset({Status.REFUSED, Status.WITHDRAWN, Status.STOPPED})
_REFUNDS = frozenset({PaymentState.REFUND_PENDING, PaymentState.REFUNDED, PaymentState.REFUND_FAILED})


def created(known: Dossier | None, body: PaymentCreated) -> Folded:
    """A platform waits for the citizen."""
    new = body.payment
    if known is None or _find(known, new.platform, new.reference) is not None:
        return Folded()
    return Folded(known.with_(payments=(*known.payments, new)))


def judge(known: Dossier | None, told: PaymentTold) -> Acceptance:
    """What the caller of a callback is to hear, the first time and every time it calls again."""
    payment = _find(known, told.platform, told.reference)
    if payment is None:
        return Acceptance.UNKNOWN_REFERENCE
    if not told.refund and told.amount != payment.amount:
        return Acceptance.WRONG_AMOUNT
    settled = payment.state in RECEIVED or payment.state is PaymentState.REFUNDED
    return Acceptance.DUPLICATE if settled and not told.refund else Acceptance.NEW


def told(known: Dossier | None, event: Event, body: PaymentTold) -> Folded:
    """What becomes of an attempt by a word about it."""
    payment = _find(known, body.platform, body.reference)
    if known is None or payment is None:
        return _doubted(event, body, Doubt.UNKNOWN_REFERENCE) if body.state is PaymentState.PAID else Folded()
    if body.state in _REFUNDS:
        return _refunded(known, payment, event, body)
    if body.state is PaymentState.PAID:
        return _paid(known, payment, event, body)
    if body.state is payment.state is PaymentState.PENDING:
        return Folded()  # nothing is known yet: whoever asks may go on asking
    if body.state not in PAYMENT_STEPS[payment.state]:
        return Folded(stale=f"the payment is {payment.state} already")
    after = payment.with_(state=body.state)
    dossier = _with(known, payment, after)
    failed = _follow(event, "payment.failed", PaymentFailed(payment=after, code=body.code), after)
    return Folded(dossier, (failed,), asks=tuple(changes.asks(known, dossier, event)))


def _paid(known: Dossier, payment: Payment, event: Event, body: PaymentTold) -> Folded:
    if body.amount != payment.amount:
        return _doubted(event, body, Doubt.WRONG_AMOUNT, payment)
    if PaymentState.PAID not in PAYMENT_STEPS[payment.state]:
        other = body.transaction and payment.transaction and body.transaction != payment.transaction
        return _doubted(event, body, Doubt.TWICE, payment) if other else Folded(stale="the payment is known")
    twice = any(p.state in RECEIVED for p in known.payments)
    after = payment.with_(
        state=PaymentState.PAID,
        transaction=body.transaction or payment.transaction,
        bank=body.bank or payment.bank,
        paid_at=body.paid_at or event.occurred_at,
    )
    dossier = paid_for(_with(known, payment, after))
    if twice or known.status in _ENDED:
        folded = _doubted(event, body, Doubt.TWICE if twice else Doubt.AFTER_END, after)
        return Folded(dossier, folded.events)
    folded = changes.changed(known, dossier, event)
    confirmed = _follow(event, "payment.confirmed", PaymentConfirmed(payment=after, dossier=dossier), after)
    return Folded(dossier, (confirmed, *folded.events), asks=folded.asks)


def refund_requested(known: Dossier | None, event: Event, body: RefundRequested) -> Folded:
    """An officer asks for money back: only what was received and not sent back yet."""
    payment = _find(known, body.payment.platform, body.payment.reference)
    if known is None or payment is None:
        return Folded(stale="no such payment is known")
    if payment.state not in (PaymentState.PAID, PaymentState.REFUND_FAILED):
        return Folded(stale=f"the payment is {payment.state}")
    if body.amount > payment.amount - payment.refunded:
        return Folded(stale="more is asked back than was paid")
    return Folded(_with(known, payment, payment.with_(refund=body.refund)))


def _refunded(known: Dossier, payment: Payment, event: Event, body: PaymentTold) -> Folded:
    if body.state is payment.state or body.state not in PAYMENT_STEPS[payment.state]:
        return Folded(stale=f"the payment is {payment.state} already")
    if body.refund != payment.refund:
        return _doubted(event, body, Doubt.UNKNOWN_REFERENCE)
    after = payment.with_(state=body.state)
    if body.state is not PaymentState.REFUNDED:
        return Folded(_with(known, payment, after))
    refunded = payment.refunded + body.amount
    if refunded > payment.amount:
        return _doubted(event, body, Doubt.WRONG_AMOUNT, payment)
    after = after.with_(refunded=refunded)
    follow = _follow(event, "payment.refunded", PaymentRefunded(payment=after), after)
    return Folded(_with(known, payment, after), (follow,))


def receipt(known: Dossier | None, body: ReceiptIssued) -> Folded:
    """A receipt is a paper of the dossier."""
    if known is None or any(d.id == body.document.id for d in known.receipts):
        return Folded()
    return Folded(known.with_(receipts=(*known.receipts, body.document)))


def paid_for(dossier: Dossier) -> Dossier:
    """The dossier with its fees marked as paid by the money that came, where it is just that much: a source that has
    not heard of the payment yet does not undo it."""
    paid = [p for p in dossier.payments if p.state in RECEIVED]
    if not paid:
        return dossier
    through = paid[-1].through
    changes: dict[str, object] = {}
    if dossier.paid_through is PaidThrough.NOT_PAID:
        changes["paid_through"] = through
    if dossier.to_pay and any(p.amount == dossier.to_pay for p in paid):
        changes["fees"] = tuple(
            fee.with_(paid=through) if fee.paid is PaidThrough.NOT_PAID else fee for fee in dossier.fees
        )
    return dossier.with_(**changes) if changes else dossier


def _find(known: Dossier | None, platform: str, reference: str) -> Payment | None:
    held = known.payments if known is not None else ()
    return next((p for p in held if (p.platform, p.reference) == (platform, reference)), None)


def _with(known: Dossier, before: Payment, after: Payment) -> Dossier:
    return known.with_(payments=tuple(after if p is before else p for p in known.payments))


def _doubted(cause: Event, told: PaymentTold, doubt: Doubt, payment: Payment | None = None) -> Folded:
    body = PaymentDoubted(told=told, doubt=doubt, payment=payment)
    event = Event(
        type="payment.doubted",
        source=BUS,
        source_id=f"payment.doubted:{cause.source}:{cause.source_id}"[:200],
        dossier=cause.dossier,
        occurred_at=cause.occurred_at,
        body=body,
    )
    return Folded(events=(event,))


def _follow(
    cause: Event, kind: str, body: PaymentConfirmed | PaymentFailed | PaymentRefunded, payment: Payment
) -> Event:
    which = payment.refund if kind == "payment.refunded" else payment.reference
    return Event(
        type=kind,
        source=BUS,
        source_id=f"{kind}:{payment.platform}:{which}",
        dossier=cause.dossier,
        occurred_at=(payment.paid_at if kind == "payment.confirmed" else None) or cause.occurred_at,
        body=body,
    )
