"""Whose a credit may be: open fees that a person should look at first. It only proposes; nothing is matched by it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from lgsp.canonical.events import PaymentTold
from lgsp.canonical.payment import OpenFee
from lgsp.clock import micros

_NEAR = 2
"""Letters of a reference that may be wrong or missing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open fee, and what speaks for it: ``dossier``, ``reference``, ``amount``."""

    fee: OpenFee
    why: tuple[str, ...]


def candidates(told: PaymentTold, fees: Sequence[OpenFee], most: int = 5) -> list[Candidate]:
    """The best few. Its dossier's code or nearly its reference in the text speaks louder than the same amount; of
    those that are equal, the ones asked for last before the money came."""
    text = _dense(f"{told.text} {told.reference}")
    came = micros(told.paid_at) if told.paid_at is not None else None
    found = []
    for fee in fees:
        why = []
        if len(code := _dense(fee.dossier)) >= 6 and code in text:
            why.append("dossier")
        if _nearly(_dense(fee.reference), text):
            why.append("reference")
        if fee.amount == told.amount:
            why.append("amount")
        if why:
            late = came is not None and fee.created_at > came
            found.append(
                ((-sum(_WEIGHT[w] for w in why), late, -fee.created_at, fee.reference), Candidate(fee, tuple(why)))
            )
    return [candidate for _, candidate in sorted(found, key=lambda pair: pair[0])[:most]]


_WEIGHT = {"dossier": 4, "reference": 4, "amount": 3}


def _dense(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text).upper()
    return "".join(c for c in apart if c.isascii() and c.isalnum())


def _nearly(reference: str, text: str) -> bool:
    """Whether the text holds the reference with at most two letters wrong, or cut by at most two at its end."""
    size = len(reference)
    if size < 8:
        return False
    if reference[:-_NEAR] in text:
        return True
    third = size // 3
    if not any(part in text for part in (reference[:third], reference[third : 2 * third], reference[2 * third :])):
        return False  # of three parts, two wrong letters leave one whole
    for start in range(len(text) - size + 1):
        wrong = 0
        for one, other in zip(reference, text[start : start + size], strict=True):
            wrong += one != other
            if wrong > _NEAR:
                break
        else:
            return True
    return False
