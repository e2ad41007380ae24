"""A file that a person brings (a bank's statement), read by its system's plug-in: a plan first, then taken in."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lgsp.cli.book import Book
from lgsp.cli.decide import sure
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.telling import ledger_of
from lgsp.cli.text import dong, table
from lgsp.cli.words import doubt
from lgsp.clock import VIETNAM, from_micros
from lgsp.i18n import Translator
from lgsp.spi.inbound import InboundInvalid

if TYPE_CHECKING:
    from lgsp.canonical.events import Event
    from lgsp.ledger.foresee import Foreseen
    from lgsp.ledger.ledger import Ledger
    from lgsp.spi.registry import System

MOST = 16 * 1024 * 1024
"""Bytes of the largest file."""
_PART = 500
"""Events of one transaction. If it is cut off in between, reading the file again takes in the rest."""


async def take_in(here: Here, book: Book, system: System, file: Path, form: str, yes: bool, limit: int) -> int:
    """Show what each item of the file is and, if it is wanted, tell them to the ledger."""
    _ = here._
    content = _content(here, file)
    ledger = await ledger_of(here, book)
    told = await _read(here, book, ledger, system, content, form)
    fates = await ledger.foresee(told)
    counts = Counter(_fate(fate) for fate in fates)
    fresh = [fate.event for fate in fates if not fate.known]
    _show(here, fates, limit)
    here.say(
        ", ".join(f"{n} {_words(_, name)}" for name, n in sorted(counts.items())) or _("the file tells of no credit")
    )
    done = bool(fresh) and (yes or (not here.json and sure(here, len(fresh))))
    if done:
        await _tell(book, ledger, system, content, file.name, fresh)
        await book.work.note("statement", f"{system.name} {sha256(content).hexdigest()[:16]}", file.name)
    here.document(
        {
            "system": system.name,
            "file": file.name,
            "items": [_document(fate) for fate in fates],
            "counts": dict(counts),
            "done": done,
        }
    )
    if done:
        waiting = sum(1 for fate in fates if fate.doubt is not None)
        here.say(_("taken in: {n}").format(n=len(fresh)))
        if waiting:
            here.say(_("{n} wait for a person: `lgsp match-payments` shows whose they may be").format(n=waiting))
    elif fresh:
        here.say(_("nothing was changed"))
    return FINE if done or here.json or not fresh else FINDING


def _content(here: Here, file: Path) -> bytes:
    _ = here._
    try:
        with file.open("rb") as source:
            content = source.read(MOST + 1)
    except OSError as error:
        raise Finding(_("{file} cannot be read: {why}").format(file=file, why=error.strerror), code=USAGE) from None
    if len(content) > MOST:
        told = _("{file} is larger than {most} MB: split it").format(file=file, most=MOST // 2**20)
        raise Finding(told, code=USAGE)
    return content


async def _read(here: Here, book: Book, ledger: Ledger, system: System, content: bytes, form: str) -> list[Event]:
    """The file as events; nothing of one that cannot be read whole."""
    from lgsp.errors import MappingError
    from lgsp.spi.mapping import Context

    _ = here._
    settings, _registry = here.settings()
    moment = from_micros(book.now())
    own = settings.systems[system.name]
    context = Context(
        codes=await ledger.code_tables(), settings=own, today=moment.astimezone(VIETNAM).date(),
        province=settings.province.code, received_at=moment,
    )  # fmt: skip
    try:
        received = system.plugin.files[0].read(content, own, form)
        reception = system.mappings.reception(received.reception)
        return [event for item in received.items for event in reception.events(item, context)]
    except InboundInvalid as error:
        raise Finding(_("the file cannot be read, and nothing of it was taken in"), str(error), code=USAGE) from None
    except MappingError as error:
        raise Finding(
            _("the file cannot be read, and nothing of it was taken in"), f"{error.field}: {error.reason}", code=USAGE
        ) from None


async def _tell(book: Book, ledger: Ledger, system: System, content: bytes, name: str, told: list[Event]) -> None:
    """The file is kept in the journal with the first part."""
    from lgsp.ledger.types import Inbound
    from lgsp.wire.exchange import Closed, Opened, new_exchange_id

    digest, number = sha256(content).hexdigest(), new_exchange_id()
    kept = Opened(
        id=number, system=system.name, operation="statement", direction="in", opened_at=book.now(), method="FILE",
        url=name, headers={}, body=content,
    )  # fmt: skip
    for start in range(0, len(told), _PART):
        part = told[start : start + _PART]
        await ledger.accept(Inbound(system.name, "statement", part, digest, exchange=None if start else kept))
    book.journal.close(Closed(id=number, closed_at=book.now(), outcome="answered"))
    await book.store.flush()


def _fate(fate: Foreseen) -> str:
    if fate.known:
        return "known"
    return fate.doubt.value if fate.doubt is not None else "exact"


def _words(_: Translator, fate: str) -> str:
    return {"known": _("known before"), "exact": _("exact")}.get(fate) or doubt(_, fate)


def _show(here: Here, fates: list[Foreseen], limit: int) -> None:
    _ = here._
    rows = []
    for number, fate in enumerate(fates[:limit], 1):
        word: Any = fate.event.body
        rows.append(
            [str(number), word.transaction, dong(word.amount), word.reference, fate.dossier, _words(_, _fate(fate))]
        )
    if rows:
        heads = [_("item"), _("transaction"), _("amount"), _("reference"), _("dossier"), _("what it is")]
        here.say(table(heads, rows, right=[0, 2], indent=""))
    if len(fates) > limit:
        here.say("    " + _("and {n} more: --limit shows them").format(n=len(fates) - limit))


def _document(fate: Foreseen) -> dict[str, Any]:
    word: Any = fate.event.body
    return {
        "transaction": word.transaction,
        "amount": int(word.amount),
        "reference": word.reference,
        "dossier": fate.dossier,
        "fate": _fate(fate),
    }
