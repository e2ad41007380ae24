"""Which events go to which operation, from the routes of the systems that are switched on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Event
from lgsp.ledger.types import Folded, Planned
from lgsp.spi.registry import System
from lgsp.truth import fold, touches


class Router:
    """The ledger's planner: routes and the fold."""

    def __init__(self, systems: Iterable[System], settings: Mapping[str, Any]) -> None:
        self._routes: dict[str, list[tuple[Any, Any, Planned]]] = {}
        for system in systems:
            own = settings.get(system.name)
            if own is None or not own.enabled:
                continue
            for route in system.mappings.routes:
                operation = system.plugin.operation(route.operation)
                planned = Planned(system.name, operation.name, operation.full_state, route.deadline)
                self._routes.setdefault(route.event, []).append((route.when, own, planned))

    def plan(self, event: Event) -> Sequence[Planned]:
        """The deliveries that an event leads to."""
        return [planned for when, own, planned in self._routes.get(event.type, ()) if when is None or when(event, own)]

    def touches(self, event: Event) -> bool:
        """Whether the fold looks at the event at all."""
        return touches(event)

    def fold(self, known: Dossier | None, event: Event, codes: CodeTables) -> Folded:
        """What an event does to the truth."""
        return fold(known, event, codes)
