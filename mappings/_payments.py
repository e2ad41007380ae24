"""What the payment platforms have in common: references, words without marks, events."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from lgsp.canonical.events import Event, FeeRequested, PaymentCreated, PaymentTold, Witness
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.clock import VIETNAM
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context

_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without I and O, which are read as 1 and 0."""
Body = TypeVar("Body", bound=BaseModel)


def body(event: Event, model: type[Body]) -> Body:
    """The event's body, which its route made sure of."""
    assert isinstance(event.body, model)
    return event.body


def reference(event: Event, length: int, prefix: str = "", alphabet: str = _LETTERS) -> str:
    """Our reference of an attempt: the same for the same event, another for another."""
    number = int.from_bytes(hashlib.sha256(f"{event.source}\n{event.source_id}".encode()).digest(), "big")
    letters = []
    for _ in range(length - len(prefix)):
        number, rest = divmod(number, len(alphabet))
        letters.append(alphabet[rest])
    return prefix + "".join(letters)


def plain(text: str, most: int) -> str:
    """Without marks and specials, at most so many characters; ``|`` and line ends do not survive."""
    apart = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    kept = "".join(c for c in apart if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^0-9A-Za-z .,:/-]+", " ", kept).split())[:most].strip()


def stamp(moment: datetime) -> str:
    """yyyyMMddHHmmss, in Viet Nam, 24 hours."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")


def moment_of(field: str, text: str) -> datetime | None:
    """A time from fourteen digits; None for none."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)
    except ValueError:
        raise MappingError(field, "is a time that does not exist") from None


def made_at(event: Event, context: Context) -> datetime:
    """The time told to the platform: when the bus was asked, however late the officer's word came to it. The same for
    every try."""
    return context.received_at or event.occurred_at


def created(event: Event, context: Context, platform: str, ref: str, **more: Any) -> Event:
    """``payment.created`` of the attempt that ``event`` asked for."""
    asked = body(event, FeeRequested)
    payment = Payment(platform=platform, reference=ref, amount=asked.amount, created_at=made_at(event, context), **more)
    return Event(
        type="payment.created",
        source=platform,
        source_id=f"created:{ref}",
        dossier=event.dossier,
        occurred_at=event.occurred_at,
        body=PaymentCreated(payment=payment),
    )


def told(
    platform: str, ref: str, state: PaymentState, amount: Decimal, witness: Witness, at: datetime, **more: Any
) -> Event:
    """``payment.told``; the same word again is the same event, and nothing else is."""
    word = PaymentTold(platform=platform, reference=ref, state=state, amount=amount, witness=witness, **more)
    name = ":".join((witness, ref or "-", word.transaction or "-", state, f"{amount:f}", word.refund or "-"))
    if len(name) > 200:
        name = f"{witness}:{hashlib.sha256(name.encode()).hexdigest()}"
    return Event(type="payment.told", source=platform, source_id=name, occurred_at=at, body=word)
