"""Lets an operator tell the bus an event, as a system would: deduplicated, folded, routed, and audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lgsp.cli.book import Book
from lgsp.cli.here import Here

if TYPE_CHECKING:
    from lgsp.canonical.events import Event
    from lgsp.ledger.ledger import Ledger
    from lgsp.ledger.types import Acceptance

OPERATOR = "operator"
"""The source of what operators tell."""


async def ledger_of(here: Here, book: Book) -> Ledger:
    """The ledger with the routes of the settings as they are now; they ask for every secret that the daemon would."""
    from lgsp.ledger.codes import read_tables
    from lgsp.ledger.ledger import Ledger
    from lgsp.routing import Router, choose

    settings, registry = here.settings()
    systems = [registry[name] for name in settings.systems if name in registry]
    chosen = choose(systems, settings.systems, settings.province)
    await book.store.start()
    ledger = Ledger(book.store, Router(systems, settings.systems, chosen), worker="cli", now=book.now)
    ledger.use_codes(await book.store.read(read_tables))
    return ledger


async def tell(book: Book, ledger: Ledger, event: Event, action: str, target: str, reason: str) -> Acceptance:
    """Commit the event with all that follows from it, and a line of audit. A running daemon delivers what it asks."""
    from hashlib import sha256

    from lgsp.ledger.types import Inbound

    digest = sha256(event.model_dump_json().encode()).hexdigest()
    accepted = await ledger.accept(Inbound(OPERATOR, action, [event], digest))
    await book.work.note(action, target, reason)
    return accepted
