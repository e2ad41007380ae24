"""`lgsp exchanges` and `lgsp show`: what went over the network, and the bytes of it."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgsp.cli import hide
from lgsp.cli.book import Book, now, opened
from lgsp.cli.commands import command
from lgsp.cli.failure import FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.text import iso, pairs, span, table, when
from lgsp.cli.words import outcome, state
from lgsp.clock import VIETNAM, micros
from lgsp.i18n import Translator
from lgsp.redact import personal, secrets_in_url

if TYPE_CHECKING:
    from lgsp.journal.journal import Pair
    from lgsp.ledger.views import WorkItem
    from lgsp.wire.exchange import Closed, Opened

_AGO = re.compile(r"(\d+)\s*(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def add(app: typer.Typer) -> None:
    @command(
        app,
        "exchanges",
        _("Looking"),
        _("Requests sent and received, newest first."),
    )
    async def exchanges(
        here: Here,
        system: Annotated[str, typer.Option("--system", metavar="NAME", help=_("Only of this system"))] = "",
        dossier: Annotated[str, typer.Option("--dossier", metavar="CODE", help=_("Only of this dossier"))] = "",
        delivery: Annotated[
            int | None, typer.Option("--delivery", metavar="ID", help=_("Only of this delivery"))
        ] = None,
        since: Annotated[
            str,
            typer.Option(
                "--since", metavar="WHEN", help=_("Not older than: 30m, 2h, 1d, 2026-10-08, 2026-10-08T09:00")
            ),
        ] = "",
        limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help=_("Most rows shown"))] = 50,
    ) -> int:
        _ = here._
        start = moment(here, since) if since else 0
        async with opened(here) as book:
            codes = await book.codes_of(await book.need_dossier(here, dossier)) if dossier else []
            found = await book.journal.find(
                dossiers=codes, system=system, delivery=delivery, since=start, limit=limit + 1
            )
        more, found = len(found) > limit, found[:limit]
        here.document({"exchanges": [_row(pair) for pair in found], "more": more})
        if not found:
            here.say(_("no exchanges"))
            return FINE
        day = ""
        days: list[tuple[str, list[list[str]]]] = []
        for start_, end in found:
            date, __, clock = when(start_.opened_at).partition(" ")
            if date != day:
                day = date
                days.append((date, []))
            days[-1][1].append(_cells(_, start_, end, clock))
        heads = [_("number"), _("time"), _("system"), _("operation"), _("outcome"), _("took")]
        heads += [_("delivery"), _("dossier")]
        for index, (date, rows) in enumerate(days):
            here.say(("\n" if index else "") + date)
            here.say(table(heads, rows, right=[5, 6]))
        if more:
            here.say(_("older ones are there: --limit shows more"))
        return FINE

    @command(
        app,
        "show",
        _("Looking"),
        _(
            "One exchange: request and answer, indented, citizens' data hidden.\n\n"
            "With --delivery: one delivery and its exchanges. With --raw: the exact bytes as stored, nothing hidden."
        ),
    )
    async def show(
        here: Here,
        number: Annotated[int, typer.Argument(metavar="ID", help=_("Number of the exchange or delivery"))],
        delivery: Annotated[bool, typer.Option("--delivery", help=_("The number is a delivery's"))] = False,
        raw: Annotated[bool, typer.Option("--raw", help=_("Exact bytes, nothing hidden"))] = False,
        part: Annotated[
            str, typer.Option("--part", metavar="request|answer", help=_("Only this part; --raw: answer if not said"))
        ] = "",
        out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help=_("Write the bytes there"))] = None,
    ) -> int:
        _ = here._
        if part not in ("", "request", "answer"):
            raise Finding(_("--part is request or answer"), code=USAGE)
        async with opened(here) as book:
            if delivery:
                return await _delivery(here, book, number)
            pair = await book.journal.get(number)
            if pair is None:
                known = await book.work.delivery(number)
                hints = [_("but a delivery: lgsp show {n} --delivery").format(n=number)] if known is not None else []
                hints = hints or [_("see: {command}").format(command="lgsp exchanges")]
                raise Finding(_("there is no exchange {n}").format(n=number), *hints)
        if (raw or out is not None) and not here.json:
            return _raw(here, pair, part or "answer", out)
        from lgsp.wire.exchange_format import to_json

        told = to_json(*pair)
        here.document(told if raw else _hidden(told, pair))
        here.say(_whole(here, pair, part))
        return FINE


def _cells(_: Translator, start: Opened, end: Closed | None, clock: str) -> list[str]:
    """One line of the list; the arrow says who called: ``-> npsp`` we them, ``<- npsp`` they us."""
    status = f"{end.status} " if end is not None and end.status else ""
    return [
        str(start.id),
        clock,
        f"{'->' if start.direction == 'out' else '<-'} {start.system}",
        start.operation,
        status + outcome(_, end.outcome if end is not None else ""),
        span(_, (end.closed_at - start.opened_at) / 1_000_000) if end is not None else "",
        str(start.delivery or ""),
        start.dossier,
    ]


def moment(here: Here, text: str) -> int:
    """``2h`` ago or a local day or time, in microseconds; wrong usage otherwise."""
    _ = here._
    if found := _AGO.fullmatch(text.strip()):
        return now() - int(found[1]) * _SECONDS[found[2]] * 1_000_000
    try:
        told = datetime.fromisoformat(text.strip())
    except ValueError:
        wrong = _("--since {text}: write 30m, 2h, 1d, 2026-10-08 or 2026-10-08T09:00")
        raise Finding(wrong.format(text=text), code=USAGE) from None
    return micros(told if told.tzinfo else told.replace(tzinfo=VIETNAM))


def span_of(here: Here, text: str) -> float:
    """``10m`` in seconds; wrong usage otherwise."""
    found = _AGO.fullmatch(text.strip())
    if found is None:
        raise Finding(here._("--for {text}: write 30s, 10m or 2h").format(text=text), code=USAGE)
    return float(int(found[1]) * _SECONDS[found[2]])


def _row(pair: Pair) -> dict[str, Any]:
    start, end = pair
    return {
        "id": str(start.id),
        "at": iso(start.opened_at),
        "direction": start.direction,
        "system": start.system,
        "operation": start.operation,
        "outcome": end.outcome if end is not None else None,
        "status": end.status if end is not None else None,
        "seconds": (end.closed_at - start.opened_at) / 1_000_000 if end is not None else None,
        "error": personal(end.error) if end is not None else "",
        "delivery": start.delivery,
        "attempt": start.attempt,
        "dossier": start.dossier,
    }


def _whole(here: Here, pair: Pair, part: str) -> str:
    _ = here._
    start, end = pair
    parts = []
    if part != "answer":
        way = _("to {system}") if start.direction == "out" else _("from {system}")
        facts = [
            (_("time"), when(start.opened_at)),
            (_("operation"), f"{start.operation}, {way.format(system=start.system)}"),
            (_("delivery"), f"{start.delivery}{_(', try {n}').format(n=start.attempt)}" if start.delivery else ""),
            (_("dossier"), start.dossier),
        ]
        parts += [_("Exchange {n}").format(n=start.id) + "\n" + pairs(facts)]
        head = f"{start.method} {personal(secrets_in_url(start.url))}"
        parts.append("\n".join([_("Request"), f"  {head}", *_inner(here, start.headers, start.body)]))
    if part != "request":
        if end is None:
            parts.append(
                _("Answer") + "\n  " + _("none yet: it is under way, or its daemon stopped and has not started again")
            )
        else:
            head = f"{end.status or ''} {outcome(_, end.outcome)}".strip()
            head += _(", after {span}").format(span=span(_, (end.closed_at - start.opened_at) / 1_000_000))
            lines = [_("Answer"), f"  {head}"]
            lines += [f"  {personal(end.error)}"] if end.error else []
            parts.append("\n".join([*lines, *_inner(here, end.headers, end.body)]))
    return "\n\n".join(parts)


def _inner(here: Here, headers: Any, body: bytes) -> list[str]:
    _ = here._
    shown = [f"  {name}: {value}" for name, value in headers.items()]
    kind = next((str(v) for k, v in headers.items() if k.lower() == "content-type"), "")
    text = hide.body(body, kind) if body else _("(no body)")
    return [*shown, "", *(f"  {line}" for line in text.splitlines())]


def _hidden(told: dict[str, Any], pair: Pair) -> dict[str, Any]:
    """The exchange as JSON, its bodies with citizens' data hidden: marked, since it is no recording any more."""
    start, end = pair
    told = {**told, "masked": True}
    kinds = [
        next((v for k, v in h.items() if k.lower() == "content-type"), "")
        for h in (start.headers, end.headers if end else {})
    ]
    told["request"] = {
        **told["request"],
        "url": personal(told["request"]["url"]),
        "body": hide.body(start.body, kinds[0]),
    }
    if end is not None:
        told["response"] = {**told["response"], "error": personal(end.error), "body": hide.body(end.body, kinds[1])}
    return told


def _raw(here: Here, pair: Pair, part: str, out: Path | None) -> int:
    _ = here._
    start, end = pair
    if part == "answer" and end is None:
        raise Finding(_("this exchange has no answer yet; --part request gives the request"))
    data = start.body if part == "request" else end.body if end is not None else b""
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return FINE
    try:
        out.write_bytes(data)
    except OSError as error:
        told = _("{file} cannot be written ({reason}): choose another").format(file=out, reason=error.strerror)
        raise Finding(told, code=USAGE) from None
    here.warn(_("{n} bytes written to {file}").format(n=len(data), file=out))
    return FINE


async def _delivery(here: Here, book: Book, number: int) -> int:
    _ = here._
    item = await book.work.delivery(number)
    if item is None:
        raise Finding(_("there is no delivery {n}").format(n=number), _("see: {command}").format(command="lgsp parked"))
    found = await book.journal.find(delivery=number, newest_first=False, limit=1000)
    here.document({"delivery": delivery_document(item), "exchanges": [_row(pair) for pair in found]})
    here.say(_("Delivery {n}").format(n=number))
    facts = [
        (_("operation"), f"{item.system}.{item.operation}"),
        (_("dossier"), item.dossier),
        (_("event"), item.event_type),
        (_("state"), state(_, item.state)),
        (_("cause"), item.cause),
        (_("reason"), personal(item.reason)),
        (_("in doubt"), _("yes: an earlier try may have happened") if item.doubtful else ""),
        (_("tries"), str(item.tries)),
        (_("made"), when(item.created_at)),
        (_("next try"), when(item.due_at) if item.state in ("ready", "waiting", "unknown") else ""),
        (_("ended"), when(item.settled_at)),
        (_("sent again for"), str(item.resend_of or "")),
    ]
    here.say(pairs(facts))
    here.say()
    here.say(_("Exchanges"))
    rows = [
        [str(s.id), when(s.opened_at), str(s.attempt), s.operation,
         f"{e.status or ''} {outcome(_, e.outcome)}".strip() if e else outcome(_, "")]
        for s, e in found
    ]  # fmt: skip
    heads = [_("number"), _("time"), _("try"), _("operation"), _("outcome")]
    here.say(table(heads, rows, right=[2]) if rows else "  " + _("no exchanges"))
    return FINE


def delivery_document(item: WorkItem) -> dict[str, Any]:
    """A delivery for ``--json``."""
    return {
        "id": item.id,
        "system": item.system,
        "operation": item.operation,
        "dossier": item.dossier,
        "event": item.event_type,
        "state": item.state,
        "cause": item.cause,
        "reason": personal(item.reason),
        "doubtful": item.doubtful,
        "tries": item.tries,
        "attempts": item.attempts,
        "created_at": iso(item.created_at),
        "due_at": iso(item.due_at),
        "settled_at": iso(item.settled_at),
        "resend_of": item.resend_of,
    }
