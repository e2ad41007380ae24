"""`lgsp dossier CODE`: what the bus holds true of a dossier, and its story over all systems in order of time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgsp.cli import hide
from lgsp.cli.book import opened
from lgsp.cli.commands import command
from lgsp.cli.failure import FINE
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.text import dong, iso, local, pairs, span, table
from lgsp.cli.words import finding, outcome, payment_state, shipment_state, state
from lgsp.clock import VIETNAM
from lgsp.i18n import Translator
from lgsp.redact import personal

if TYPE_CHECKING:
    from lgsp.ledger.views import Story

_MOMENTS = (
    "submitted_at",
    "accepted_at",
    "competent_received_at",
    "due_at",
    "finished_at",
    "returned_at",
    "refused_at",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One moment of a dossier's story."""

    at: int
    rank: int
    """Of two lines of one moment, which goes first."""
    kind: str
    who: str
    what: str
    outcome: str
    number: str


def add(app: typer.Typer) -> None:
    @command(
        app,
        "dossier",
        _("Looking"),
        _("One dossier (hồ sơ) by any of its codes: the bus's truth and its story over all systems."),
    )
    async def dossier(
        here: Here,
        code: Annotated[str, typer.Argument(help=_("Its code at any system"), show_default=False)],
    ) -> int:
        _ = here._
        async with opened(here) as book:
            await book.need_dossier(here, code)
            story = await book.work.story(code)
        assert story is not None
        truth = json.loads(story.state) if story.state else None
        here.document(_document(story, truth))
        here.say(_("Dossier {code}").format(code=story.dossier))
        here.say(pairs(_facts(_, story, truth)))
        here.say()
        here.say(_("Story"))
        here.say(_timeline(_, story))
        return FINE


def _facts(_: Translator, story: Story, truth: dict[str, Any] | None) -> list[tuple[str, str]]:
    codes = [(_("code at {system}").format(system=system), code) for system, code in sorted(story.identities.items())]
    if truth is None:
        return [(_("status"), _("not told yet: only parts of its story have come")), *codes]
    moments = {name: _moment(truth.get(name)) for name in _MOMENTS}
    applicant = truth.get("applicant") or {}
    numbers = " ".join(hide.name(one["number"]) for one in applicant.get("identifiers", ()))
    status = truth.get("status") or ""
    since = _moment(truth.get("status_at"))
    procedure = truth.get("procedure") or {}
    unit = truth.get("competent_unit") or truth.get("receiving_unit") or {}
    return [
        (_("status"), f"{_(status) if status else '-'}{_(', since {time}').format(time=since) if since else ''}"),
        (_("procedure"), f"{procedure.get('code', '')} {procedure.get('name', '')}".strip()),
        (_("applicant"), f"{hide.name(applicant.get('name', ''))} {numbers}".strip()),
        (_("agency"), f"{unit.get('code', '')} {unit.get('name', '')}".strip()),
        (_("filed"), moments["submitted_at"]),
        (_("accepted"), moments["accepted_at"]),
        (_("received by the agency"), moments["competent_received_at"]),
        (_("due"), moments["due_at"]),
        (_("finished on"), moments["finished_at"]),
        (_("returned on"), moments["returned_at"]),
        (_("refused on"), moments["refused_at"]),
        *[(_("payment"), told) for told in _payments(_, truth)],
        *[(_("parcel"), told) for told in _parcels(_, truth)],
        *[(_("check"), told) for told in _checks(_, truth)],
        *codes,
    ]


def _payments(_: Translator, truth: dict[str, Any]) -> list[str]:
    told = []
    for one in truth.get("payments", ()):
        back = _(", {amount} dong went back").format(amount=dong(Decimal(one["refunded"]))) if "refunded" in one else ""
        head = f"{one['reference']} {_('at')} {one['platform']}: {dong(Decimal(one['amount']))} {_('dong')}"
        told.append(f"{head}, {payment_state(_, one.get('state', 'pending'))}{back}")
    return told


def _parcels(_: Translator, truth: dict[str, Any]) -> list[str]:
    ways = {"collect": _("papers to the agency"), "return": _("result to the citizen")}
    return [
        f"{one['order']} {_('at')} {one['carrier']}: {ways[one['direction']]}, "
        f"{shipment_state(_, one.get('state', 'ordered'))} {_moment(one['at'])}"
        for one in truth.get("shipments", ())
    ]


def _checks(_: Translator, truth: dict[str, Any]) -> list[str]:
    told = []
    for one in truth.get("checks", ()):
        fields = f" ({', '.join(one['fields'])})" if one.get("fields") else ""
        told.append(f"{one['registry']}: {finding(_, one['finding'])}{fields}, {_moment(one['asked_at'])}")
    return told


def _moment(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M") if text else ""


def lines(story: Story) -> list[Line]:
    """The story as lines, in order of time; states and outcomes by their code names."""
    told = []
    for row in story.events:
        told.append(Line(row.recorded_at, 1, "event", row.source, _of_event(row), "", str(row.id)))
    for item in story.deliveries:
        told.append(Line(item.created_at, 2, "delivery", item.system, item.operation, "created", str(item.id)))
        if item.settled_at:
            told.append(Line(item.settled_at, 4, "delivery", item.system, item.operation, item.state, str(item.id)))
    for row in story.exchanges:
        ended = row.outcome or ""
        told.append(
            Line(
                row.opened_at,
                0 if row.direction == "in" else 3,
                row.direction,
                row.system,
                row.operation,
                ended,
                str(row.id),
            )
        )
    return sorted(told, key=lambda line: (line.at, line.rank))


def _of_event(row: Any) -> str:
    """An event in one line: its type and, where it tells one, the status."""
    body = json.loads(row.payload).get("body", {})
    inner = body.get("dossier") or body.get("step") or body
    status = inner.get("status") if isinstance(inner, dict) else None
    return f"{row.type} {status}" if status else str(row.type)


def _timeline(_: Translator, story: Story) -> str:
    took = {str(x.id): (x.closed_at - x.opened_at) / 1_000_000 for x in story.exchanges if x.closed_at}
    http = {str(x.id): x.status for x in story.exchanges}
    items = {str(item.id): item for item in story.deliveries}
    kinds = {"event": _("event"), "delivery": _("delivery"), "in": _("call in"), "out": _("call out")}
    heads = [_("time"), _("what"), _("system"), _("operation"), _("outcome"), _("number")]
    parts: list[str] = []
    rows: list[list[str]] = []
    day = ""
    for line in lines(story):
        moment = local(line.at)
        if (today := moment.strftime("%Y-%m-%d")) != day:
            if rows:
                parts.append(f"  {day}\n" + table(heads, rows, indent="    "))
            day, rows = today, []
        ended = ""
        if line.kind in ("in", "out"):
            status = f"{http[line.number]} " if http[line.number] else ""
            ended = f"{status}{outcome(_, line.outcome)}"
            ended += f", {span(_, took[line.number])}" if line.number in took else ""
        elif line.kind == "delivery":
            ended = _("made") if line.outcome == "created" else state(_, line.outcome)
            if line.outcome == "done" and items[line.number].tries > 1:
                ended += _(", {n} tries").format(n=items[line.number].tries)
        what, __, status = line.what.partition(" ")
        shown = f"{what} {_(status)}" if status else what
        rows.append([moment.strftime("%H:%M:%S.%f")[:-3], kinds[line.kind], line.who, shown, ended, line.number])
    if rows:
        parts.append(f"  {day}\n" + table(heads, rows, indent="    "))
    waiting = [item for item in story.deliveries if item.settled_at is None]
    if waiting:
        heads = [_("delivery"), _("system"), _("operation"), _("state"), _("tries"), _("reason")]
        rows = [
            [str(i.id), i.system, i.operation, state(_, i.state), str(i.tries), personal(i.reason) or "-"]
            for i in waiting
        ]
        parts.append("  " + _("Not ended") + "\n" + table(heads, rows, right=[4], indent="    "))
    return "\n\n".join(parts)


def _document(story: Story, truth: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "dossier": story.dossier,
        "identities": story.identities,
        "truth": hide.value(truth, whole=True) | {"applicant": _party(truth)} if truth else None,
        "timeline": [
            {
                "at": iso(line.at),
                "kind": line.kind,
                "system": line.who,
                "what": line.what,
                "outcome": line.outcome,
                "id": line.number,
            }
            for line in lines(story)
        ],
        "deliveries": [
            {
                "id": item.id,
                "system": item.system,
                "operation": item.operation,
                "state": item.state,
                "cause": item.cause,
                "reason": personal(item.reason),
                "tries": item.tries,
                "doubtful": item.doubtful,
                "created_at": iso(item.created_at),
                "settled_at": iso(item.settled_at),
                "resend_of": item.resend_of,
            }
            for item in story.deliveries
        ],
    }


def _party(truth: dict[str, Any]) -> Any:
    party = truth.get("applicant") or {}
    numbers = [{**one, "number": hide.name(one["number"])} for one in party.get("identifiers", ())]
    return {"kind": party.get("kind"), "name": hide.name(party.get("name", "")), "identifiers": numbers}
