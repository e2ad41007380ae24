"""Which events go to which operation, from the routes of the systems that are switched on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier, Step
from lgsp.canonical.events import Doubt, Event, FeeRequested, PaymentDoubted, ShipmentRequested
from lgsp.canonical.shipment import Direction
from lgsp.errors import ConfigError
from lgsp.ledger.types import Acceptance, Folded, Planned
from lgsp.spi.registry import System
from lgsp.truth import fold, judge, touches
from lgsp.truth.steps import repeats

ONE_OF: Mapping[str, str] = MappingProxyType({"fee.requested": "fee_platform", "shipment.requested": "parcel_carrier"})
"""Events that go to one system only, however many could serve them, with the setting of ``[province]`` that names it:
an order given twice is a doubled effect."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which system serves each event of ``ONE_OF``."""

    default: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    fees: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By procedure."""
    papers: str = ""
    """Who collects papers; empty: who carries all else."""

    def of(self, event: Event) -> str | None:
        """The system; None where the event is for all."""
        if event.type not in ONE_OF:
            return None
        match event.body:
            case FeeRequested(dossier=dossier) if dossier.procedure.code in self.fees:
                return self.fees[dossier.procedure.code]
            case ShipmentRequested(direction=Direction.COLLECT) if self.papers:
                return self.papers
        return self.default.get(event.type, "")


def choose(systems: Iterable[System], settings: Mapping[str, Any], province: Any) -> Chosen:
    """The choice of ``[province]``; ``ConfigError`` where several could serve and none is named, or one that cannot."""
    on = [s for s in systems if (own := settings.get(s.name)) is not None and own.enabled]
    able = {event: sorted(s.name for s in on if any(r.event == event for r in s.mappings.routes)) for event in ONE_OF}
    problems: list[str] = []

    def checked(setting: str, named: str, event: str) -> str:
        if named and named not in able[event]:
            choice = f"one of {', '.join(able[event])}" if able[event] else "left out: no system that could is on"
            problems.append(f"province.{setting}: {named!r} is not switched on or cannot do it; it must be {choice}")
        return named

    default = {}
    for event, setting in ONE_OF.items():
        named = checked(setting, getattr(province, setting), event)
        if not named and len(able[event]) > 1:
            problems.append(f"province.{setting}: several systems could do it; name one of {', '.join(able[event])}")
        elif named or able[event]:
            default[event] = named or able[event][0]
    fees = {
        procedure: checked(f"fee_platform_of.{procedure}", name, "fee.requested")
        for procedure, name in province.fee_platform_of.items()
    }
    papers = checked("paper_collector", province.paper_collector, "shipment.requested")
    if problems:
        raise ConfigError(problems)
    return Chosen(default, fees, papers)


class Router:
    """The ledger's planner: routes and the fold.

    ``chosen`` says which system serves each event of ``ONE_OF``.
    """

    def __init__(self, systems: Iterable[System], settings: Mapping[str, Any], chosen: Chosen | None = None) -> None:
        self._routes: dict[str, list[tuple[Any, Any, Planned]]] = {}
        self._chosen = chosen
        for system in systems:
            own = settings.get(system.name)
            if own is None or not own.enabled:
                continue
            for route in system.mappings.routes:
                operation = system.plugin.operation(route.operation)
                deadline, delay = route.spans(own)
                planned = Planned(system.name, operation.name, operation.full_state, deadline, delay, route.apart)
                self._routes.setdefault(route.event, []).append((route.when, own, planned))

    def plan(self, event: Event) -> Sequence[Planned]:
        """The deliveries that an event leads to; money in doubt is a work item at its platform besides."""
        planned = self._routed(event)
        return [*planned, doubted(event.body)] if isinstance(event.body, PaymentDoubted) else planned

    def _routed(self, event: Event) -> Sequence[Planned]:
        one = self._chosen.of(event) if self._chosen is not None else None
        return [
            planned
            for when, own, planned in self._routes.get(event.type, ())
            if one in (None, planned.system) and (when is None or when(event, own))
        ]

    def repeats(self, steps: Sequence[Step]) -> Sequence[bool]:
        """Whether each of a dossier's steps was told before in another way."""
        return repeats(steps)

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
    reason = f"{words[body.doubt]}: find out whose it is, then release it, or refund and discard it"
    return Planned(told.platform, SETTLE, apart=True, parked=(f"payment:{told.platform}:{body.doubt}", reason))
