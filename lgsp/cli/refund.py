"""`lgsp refund`: send the money of a payment back through the platform at which it was paid."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.book import opened
from lgsp.cli.commands import command
from lgsp.cli.decide import Reason, Yes, sure
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here, who
from lgsp.cli.here import text as _
from lgsp.cli.telling import OPERATOR, ledger_of, tell
from lgsp.cli.text import dong, table
from lgsp.cli.words import payment_state
from lgsp.clock import from_micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lgsp.canonical.events import Event
    from lgsp.canonical.payment import Payment


def add(app: typer.Typer) -> None:
    @command(
        app,
        "refund",
        _("Deciding"),
        _("Send a payment's money back through its platform: a plan first, done with --yes or when asked."),
    )
    async def refund(
        here: Here,
        dossier: Annotated[str, typer.Argument(help=_("Its code at any system"), show_default=False)],
        reason: Reason,
        reference: Annotated[str, typer.Option("--reference", metavar="REF", help=_("Which payment"))] = "",
        amount: Annotated[int, typer.Option("--amount", metavar="DONG", min=0, help=_("Less than all of it"))] = 0,
        yes: Yes = False,
    ) -> int:
        _ = here._
        if not reason.strip():
            raise Finding(_("--reason is empty: say why, it is kept in the audit"), code=USAGE)
        async with opened(here, change=True) as book:
            key = await book.need_dossier(here, dossier)
            payments = await book.work.payments_of(key)
            payment = _one(here, payments, reference)
            back = Decimal(amount) or payment.amount - payment.refunded
            if back > payment.amount - payment.refunded:
                told = _("of {paid} dong, {left} can go back")
                left = dong(payment.amount - payment.refunded)
                raise Finding(told.format(paid=dong(payment.amount), left=left), code=USAGE)
            number = f"RF{book.now():x}".upper()
            event = _event(key, payment, back, number, reason, book.now())
            ledger = await ledger_of(here, book)
            if not ledger.leads_to(event):
                raise Finding(
                    _("{platform} sends no money back from here").format(platform=payment.platform),
                    _("send it back at the platform or the bank, then discard the work item if there is one"),
                )
            heads = [_("payment"), _("platform"), _("state"), _("paid"), _("goes back")]
            row = [payment.reference, payment.platform, payment_state(_, payment.state), dong(payment.amount)]
            here.say(table(heads, [[*row, dong(back)]], right=[3, 4], indent=""))
            done = yes or (not here.json and sure(here, 1))
            if done:
                await tell(book, ledger, event, "refund", payment.reference, reason)
        here.document(
            {
                "dossier": key,
                "reference": payment.reference,
                "platform": payment.platform,
                "amount": int(back),
                "refund": number if done else None,
                "done": done,
                "by": who(),
            }
        )
        here.say()
        if not done:
            here.say(_("nothing was changed"))
            return FINE if here.json else FINDING
        here.say(_("refund {number} is asked for; `lgsp dossier {code}` tells what comes of it").format(
            number=number, code=dossier))  # fmt: skip
        return FINE


def _one(here: Here, payments: Sequence[Payment], reference: str) -> Payment:
    """The payment that is meant; a ``Finding`` where none or several could be."""
    from lgsp.canonical.payment import PaymentState

    _ = here._
    able = [p for p in payments if p.state in (PaymentState.PAID, PaymentState.REFUND_FAILED)]
    named = [p for p in able if not reference or p.reference == reference]
    if len(named) == 1:
        return named[0]
    known = ", ".join(f"{p.reference} ({payment_state(_, p.state)})" for p in payments)
    hints = [_("its payments: {names}").format(names=known)] if known else []
    if named:
        raise Finding(_("several payments can go back: name one with --reference"), *hints, code=USAGE)
    raise Finding(_("no payment of this dossier can go back"), *hints)


def _event(key: str, payment: Payment, amount: Decimal, number: str, reason: str, now: int) -> Event:
    from lgsp.canonical.events import Event, RefundRequested

    body = RefundRequested(payment=payment, amount=amount, refund=number, by=_name(who()), reason=reason)
    return Event(
        type="refund.requested",
        source=OPERATOR,
        source_id=f"refund:{number}",
        dossier=key,
        occurred_at=from_micros(now),
        body=body,
    )


def _name(person: str) -> str:
    return person.replace(" ", "_")[:100]
