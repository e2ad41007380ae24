"""Translation between canonical events and one system's wire models: pure functions, and the routes that lead there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.documents import FileRef
from lgsp.canonical.events import Event


def _no_link(file: FileRef) -> str:
    return file.url


@dataclass(frozen=True, slots=True)
class Context:
    """All a mapping may know beside the event: no clock, no network, no store."""

    codes: CodeTables
    settings: Any
    """The system's settings."""
    today: date
    """The day the event happened, local: code tables are read as of this day, or of the dossier's reception."""
    identities: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The dossier's code at each system, by system."""
    link: Callable[[FileRef], str] = _no_link
    """The signed address at which a remote may fetch a file; the same file and event give the same address."""
    province: str = ""
    """This province's level-1 organisation code, e.g. ``H21``."""
    files: tuple[FileRef, ...] = ()
    """The answer's files, in the file store."""
    delivery: int = 0
    """The delivery it is made for; 0 in a reception."""
    received_at: datetime | None = None
    """When the bus got the message, where the source states no time of its own."""


@dataclass(frozen=True, slots=True)
class OperationMapping:
    """One operation's two functions.

    ``outbound`` turns an event into the operation's request model; it raises ``MappingError`` for what cannot be
    expressed. ``inbound`` turns the answer into follow-up events, settled together with the delivery.
    ``warnings`` lists what is odd but sendable, one line each.
    """

    operation: str
    outbound: Callable[[Event, Context], BaseModel]
    inbound: Callable[[Event, Any, Context], Sequence[Event]] | None = None
    warnings: Callable[[BaseModel], Sequence[str]] | None = None
    late: Callable[[Event, Context], Sequence[Event]] | None = None
    """What is told when the route's deadline passed undelivered, the delivery being done with; None: it is parked.
    ``context.delivery`` names the delivery, whose attempts the journal keeps."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Wire models that came in (hook or poll) turned into canonical events.

    ``events`` gets one item and gives its events in business order, each with ``source_id`` set so that the same
    message told again gives the same ids. ``dossier`` of an event is the *source's* code of the dossier; the ledger
    replaces it by the bus's key through the identity table.
    """

    name: str
    item: type[BaseModel]
    events: Callable[[Any, Context], Sequence[Event]]


Seconds = float | Callable[[Any], float]
"""A time span, or what gives it from the system's settings."""


@dataclass(frozen=True, slots=True)
class Route:
    """Events of ``event`` lead to ``operation`` of the mapping's system, where ``when(event, settings)`` holds."""

    event: str
    operation: str
    when: Callable[[Event, Any], bool] | None = None
    deadline: Seconds = 0.0
    """Seconds after which an undelivered delivery is parked for a person, or told as ``late``; 0: never."""
    delay: Seconds = 0.0
    """Seconds to wait before the first attempt."""
    apart: bool = False
    """In a lane of its own: it keeps no order with the dossier's other deliveries to the system and blocks none.
    For questions that may have to be asked again for days."""

    def spans(self, settings: Any) -> tuple[float, float]:
        """Deadline and delay under these settings."""
        deadline = self.deadline(settings) if callable(self.deadline) else self.deadline
        return deadline, self.delay(settings) if callable(self.delay) else self.delay


@dataclass(frozen=True, slots=True)
class Mappings:
    """One system's mappings, as its entry point in ``lgsp.mappings`` names them."""

    system: str
    mappings: tuple[OperationMapping, ...] = ()
    receptions: tuple[Reception, ...] = ()
    routes: tuple[Route, ...] = ()

    def mapping(self, operation: str) -> OperationMapping:
        for mapping in self.mappings:
            if mapping.operation == operation:
                return mapping
        raise KeyError(f"mappings of {self.system} have none for {operation!r}")

    def reception(self, name: str) -> Reception:
        for reception in self.receptions:
            if reception.name == name:
                return reception
        raise KeyError(f"mappings of {self.system} have no reception {name!r}")
