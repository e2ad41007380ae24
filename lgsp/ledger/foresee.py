"""What would become of word on payments, were it told now: the same fold as when it is told, and nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Doubt, Event, PaymentConfirmed, PaymentDoubted
from lgsp.ledger.admit import Admission


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One event's fate."""

    event: Event
    dossier: str = ""
    """The bus's key of the dossier that it names; empty: none of ours."""
    known: bool = False
    """It was told before: nothing will happen."""
    confirms: bool = False
    doubt: Doubt | None = None
    """Why a person will have to look at it."""


def foresee(admission: Admission, told: Sequence[Event], truths: dict[str, Dossier | None]) -> list[Foreseen]:
    """In order, each as if those before it had been told. ``truths`` carries the dossiers on to the next part."""
    known = set(admission.known(told))
    found = []
    for event in told:
        name = (event.source, event.source_id)
        if name in known:
            found.append(Foreseen(event, known=True))
            continue
        known.add(name)
        resolved = admission.resolve(event)
        key = resolved.dossier
        if key and key not in truths:
            truths[key] = admission.truth(key)
        folded = admission.planner.fold(truths.get(key), resolved, admission.codes)
        if key and folded.dossier is not None:
            truths[key] = folded.dossier
        bodies = [follow.body for follow in folded.events]
        doubts = [body.doubt for body in bodies if isinstance(body, PaymentDoubted)]
        confirms = any(isinstance(body, PaymentConfirmed) for body in bodies)
        found.append(Foreseen(event, key, bool(folded.stale), confirms, doubts[0] if doubts else None))
    return found
