"""Which events go to which operation, from the routes of the systems that are switched on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Doubt, Event, PaymentDoubted
from lgsp.errors import ConfigError
from lgsp.ledger.types import Acceptance, Folded, Planned
from lgsp.spi.registry import System
from lgsp.truth import fold, judge, touches

ONE_OF: Mapping[str, str] = MappingProxyType({"fee.requested": "fee_platform", "shipment.requested": "parcel_carrier"})
"""Events that go to one system only, however many could serve them, with the setting of ``[province]`` that names it:
an order given twice is a doubled effect."""

_NONE_CHOSEN: Mapping[str, str] = MappingProxyType({})


def choose(systems: Iterable[System], settings: Mapping[str, Any], province: Any) -> dict[str, str]:
    """The system that serves each event of ``ONE_OF``; ``ConfigError`` where several could and none is named."""
    on = [s for s in systems if (own := settings.get(s.name)) is not None and own.enabled]
    chosen: dict[str, str] = {}
    problems = []
    for event, name in ONE_OF.items():
        able = sorted(s.name for s in on if any(route.event == event for route in s.mappings.routes))
        named = getattr(province, name, "")
        if named and named not in able:
            choice = f"one of {', '.join(able)}" if able else "left out: no system that could is switched on"
            problems.append(f"province.{name}: {named!r} is not switched on or cannot do it; it must be {choice}")
        elif not named and len(able) > 1:
            problems.append(f"province.{name}: several systems could do it; name one of {', '.join(able)}")
        elif able:
            chosen[event] = named or able[0]
    if problems:
        raise ConfigError(problems)
    return chosen


class Router:
    """The ledger's planner: routes and the fold.

    ``chosen`` names, for each event of ``ONE_OF``, the system that serves it.
    """

    def __init__(
        self, systems: Iterable[System], settings: Mapping[str, Any], chosen: Mapping[str, str] = _NONE_CHOSEN
    ) -> None:
        self._routes: dict[str, list[tuple[Any, Any, Planned]]] = {}
        for system in systems:
            own = settings.get(system.name)
            if own is None or not own.enabled:
                continue
            for route in system.mappings.routes:
                if chosen.get(route.event, system.name) != system.name:
                    continue
                operation = system.plugin.operation(route.operation)
                deadline, delay = route.spans(own)
                planned = Planned(system.name, operation.name, operation.full_state, deadline, delay, route.apart)
                self._routes.setdefault(route.event, []).append((route.when, own, planned))

    def plan(self, event: Event) -> Sequence[Planned]:
        """The deliveries that an event leads to; money in doubt is a work item at its platform besides."""
        planned = self._routed(event)
        return [*planned, doubted(event.body)] if isinstance(event.body, PaymentDoubted) else planned

    def _routed(self, event: Event) -> Sequence[Planned]:
        return [planned for when, own, planned in self._routes.get(event.type, ()) if when is None or when(event, own)]

    def touches(self, event: Event) -> bool:
        """Whether the fold looks at the event at all."""
        return touches(event)

    def judge(self, known: Dossier | None, event: Event) -> Acceptance | None:
        """What the caller that told the event is to hear."""
        return judge(known, event)

    def fold(self, known: Dossier | None, event: Event, codes: CodeTables) -> Folded:
        """What an event does to the truth."""
        return fold(known, event, codes)


SETTLE = "settle_payment"
"""The work item of money in doubt; released, the money is judged anew."""


def doubted(body: PaymentDoubted) -> Planned:
    """The work item for a person; its words hold no personal data."""
    told = body.told
    which = f"payment {told.reference}" if told.reference else f"a credit (transaction {told.transaction})"
    asked = body.payment.amount if body.payment is not None else "none"
    words = {
        Doubt.UNKNOWN_REFERENCE: f"{which}: {told.amount} dong for a reference that was never asked for",
        Doubt.WRONG_AMOUNT: f"{which}: {told.amount} dong came where {asked} were asked",
        Doubt.TWICE: f"{which}: the fee was paid already; {told.amount} dong came once more",
        Doubt.AFTER_END: f"{which}: {told.amount} dong came after the dossier had ended",
    }
    reason = f"{words[body.doubt]}: match it with `lgsp match-payments`, or refund and discard it"
    return Planned(told.platform, SETTLE, apart=True, parked=(f"payment:{told.platform}:{body.doubt}", reason))
