"""Doubted money: shown with its candidates, and given to a payment by a person's word."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lgsp.cli.book import Book
from lgsp.cli.decide import sure
from lgsp.cli.failure import FINE, Finding
from lgsp.cli.here import Here, who
from lgsp.cli.telling import OPERATOR, ledger_of, tell
from lgsp.cli.text import dong, pairs, table
from lgsp.cli.words import doubt
from lgsp.clock import VIETNAM, from_micros
from lgsp.i18n import Translator

if TYPE_CHECKING:
    from lgsp.canonical.events import Event, PaymentDoubted
    from lgsp.ledger.views import WorkItem
    from lgsp.truth.candidates import Candidate


async def doubted(here: Here, book: Book, system: str, limit: int) -> int:
    """Show what waits. What the sender wrote is not shown: it may name a citizen."""
    _ = here._
    from lgsp.truth.candidates import candidates

    found = [pair for pair in await book.work.doubted_money() if not system or pair[0].system == system]
    fees = await book.work.open_fees(sorted({item.system for item, _body in found}))
    shown = [
        (item, body, candidates(body.told, [f for f in fees if f.platform == item.system]))
        for item, body in found[:limit]
    ]
    here.document({"credits": [_document(*one) for one in shown], "count": len(found)})
    if not found:
        here.say(_("no money waits for a person"))
    for index, (item, body, near) in enumerate(shown):
        if index:
            here.say()
        _show(here, item, body, near)
    if len(found) > len(shown):
        here.say("\n" + _("and {n} more: --limit shows them").format(n=len(found) - len(shown)))
    return FINE


def _show(here: Here, item: WorkItem, body: PaymentDoubted, near: list[Candidate]) -> None:
    _ = here._
    told = body.told
    amount = _("{amount} dong").format(amount=dong(told.amount))
    here.say(_("{id}  {amount} at {system}: {doubt}").format(
        id=item.id, amount=amount, system=item.system, doubt=doubt(_, body.doubt)))  # fmt: skip
    here.say(
        pairs(
            [
                (_("transaction"), told.transaction),
                (_("came"), f"{told.paid_at.astimezone(VIETNAM):%Y-%m-%d %H:%M}" if told.paid_at else ""),
                (_("reference"), told.reference),
                (_("dossier"), item.dossier if body.payment is not None else ""),
            ]
        )
    )
    if not near:
        here.say("    " + _("no open fee comes near it"))
        return
    rows = [[c.fee.reference, c.fee.dossier, dong(Decimal(c.fee.amount)), _why(_, c.why)] for c in near]
    here.say(table([_("open payment"), _("dossier"), _("asked"), _("alike in")], rows, right=[2], indent="    "))


def _why(_: Translator, why: tuple[str, ...]) -> str:
    words = {"dossier": _("the dossier's code"), "reference": _("the reference"), "amount": _("the amount")}
    return ", ".join(words[one] for one in why)


def _document(item: WorkItem, body: PaymentDoubted, near: list[Candidate]) -> dict[str, Any]:
    told = body.told
    return {
        "id": item.id,
        "system": item.system,
        "doubt": body.doubt.value,
        "amount": int(told.amount),
        "transaction": told.transaction,
        "reference": told.reference,
        "paid_at": told.paid_at.isoformat() if told.paid_at else None,
        "candidates": [
            {"reference": c.fee.reference, "dossier": c.fee.dossier, "amount": c.fee.amount, "alike_in": list(c.why)}
            for c in near
        ],
    }


async def belongs(here: Here, book: Book, number: int, reference: str, reason: str, yes: bool) -> bool:
    """A person says that the credit is for the payment; whether it was done. It must fit to the dong."""
    _ = here._
    found = next((pair for pair in await book.work.doubted_money() if pair[0].id == number), None)
    if found is None:
        raise Finding(
            _("delivery {id} is no money that waits for a person").format(id=number),
            _("see: {command}").format(command="lgsp match-payments"),
        )
    item, body = found
    event = _event(item, body, reference)
    ledger = await ledger_of(here, book)
    [fate] = await ledger.foresee([event])
    if not (fate.known or fate.confirms):
        why = doubt(_, fate.doubt) if fate.doubt else _("its money is there already")
        raise Finding(_("it does not fit {reference}: {why}").format(reference=reference, why=why))
    amount = _("{amount} dong").format(amount=dong(body.told.amount))
    here.say(_("{amount} are taken for payment {reference} of dossier {dossier}").format(
        amount=amount, reference=reference, dossier=fate.dossier))  # fmt: skip
    done = yes or (not here.json and sure(here, 1))
    if done:
        await tell(book, ledger, event, "match", f"{number} {reference}", reason)
        await book.work.discard([number], f"{reference}: {reason}")
    here.document(
        {
            "credit": number,
            "reference": reference,
            "dossier": fate.dossier,
            "amount": int(body.told.amount),
            "done": done,
            "by": who(),
        }
    )
    here.say(_("done") if done else _("nothing was changed"))
    return done


def _event(item: WorkItem, body: PaymentDoubted, reference: str) -> Event:
    """The same credit, under the reference that a person has found; told again it is the same word."""
    from lgsp.canonical.events import Event, Witness

    told = body.told.model_copy(update={"reference": reference, "witness": Witness.PERSON})
    return Event(
        type="payment.told",
        source=OPERATOR,
        source_id=f"match:{item.id}:{reference}",
        occurred_at=told.paid_at or from_micros(item.created_at),
        body=told,
    )
