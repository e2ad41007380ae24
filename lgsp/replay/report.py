"""What a replay found, written for people and for machines: text, JSON, JUnit XML, a page with the two sides."""

from __future__ import annotations

import difflib
import html
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lgsp.clock import VIETNAM, from_micros
from lgsp.i18n import Translator
from lgsp.replay.finding import Finding, Outcome
from lgsp.wire.matching import Difference

_WIDEST = 120
_ENGLISH: Translator = lambda text: text  # noqa: E731 - the form of a Translator


def document(outcome: Outcome) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "passed": outcome.passed,
        "inbound": outcome.inbound,
        "calls": outcome.calls,
        "same": outcome.same,
        "shared_look_ups": outcome.shared,
        "dossiers": len(outcome.dossiers),
        "skipped": outcome.skipped,
        "stopped": outcome.stopped,
        "by_kind": dict(Counter(finding.what for finding in outcome.findings)),
        "findings": [_finding(finding) for finding in outcome.findings],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "what": one.what,
        "dossier": one.dossier,
        "system": one.system,
        "operation": one.operation,
        "exchange": str(one.exchange) if one.exchange else None,
        "at": from_micros(one.at).isoformat() if one.at else None,
        "differences": [{"where": d.where, "now": d.ours, "then": d.theirs} for d in one.differences],
        "note": one.note,
    }


def words(_: Translator, what: str) -> str:
    """A kind of finding in words."""
    return {
        "changed": _("says something else"),
        "missing": _("is not sent any more"),
        "extra": _("was not sent then"),
        "answer": _("the caller is answered otherwise"),
        "order": _("goes in another order"),
        "ending": _("ends otherwise"),
    }[what]


def text(outcome: Outcome, _: Translator = _ENGLISH, *, most: int = 20) -> Iterable[str]:
    """Lines for a terminal: dossier by dossier, field by field."""
    shown = 0
    for dossier, findings in _by_dossier(outcome.findings).items():
        if shown >= most:
            yield _("and {n} more findings: --html or --json shows all").format(n=len(outcome.findings) - shown)
            break
        yield ""
        yield dossier or _("(no dossier)")
        for one in findings[: max(1, most - shown)]:
            shown += 1
            where = f"{one.system}.{one.operation}" if one.system else _("the dossier")
            number = "  " + _("exchange {n}").format(n=one.exchange) if one.exchange else ""
            yield f"  {where} {words(_, one.what)}{number}"
            if one.note:
                yield f"    {one.note}"
            for difference in one.differences[:8]:
                yield f"    {difference.where}"
                yield f"      {_('then')}: {_short(difference.theirs, _)}"
                yield f"      {_('now')}:  {_short(difference.ours, _)}"
            if len(one.differences) > 8:
                yield "    " + _("and {n} more fields").format(n=len(one.differences) - 8)


def _short(value: str | None, _: Translator) -> str:
    if value is None:
        return _("(not there)")
    return value if len(value) <= _WIDEST else f"{value[:_WIDEST]}..."


def _by_dossier(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(one.dossier, []).append(one)
    return found


def junit(outcome: Outcome, name: str) -> str:
    """A test suite with a case for each dossier, as build servers read it."""
    broken = _by_dossier(outcome.findings)
    names = sorted(outcome.dossiers | set(broken))
    cases = []
    for dossier in names:
        head = f"  <testcase classname={quoteattr(f'replay.{name}')} name={quoteattr(dossier or 'no dossier')}"
        if dossier not in broken:
            cases.append(f"{head}/>")
            continue
        lines = "\n".join(_line(one) for one in broken[dossier])
        first = broken[dossier][0]
        told = quoteattr(f"{first.system}.{first.operation} {words(_ENGLISH, first.what)}")
        cases.append(
            f'{head}>\n    <failure message={told} type="{first.what}">{escape(lines)}</failure>\n  </testcase>'
        )
    head = f'<testsuite name={quoteattr(f"replay {name}")} tests="{len(names)}" failures="{len(broken)}" errors="0">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>", ""])


def _line(one: Finding) -> str:
    fields = "; ".join(f"{d.where}: {d.theirs!r} -> {d.ours!r}" for d in one.differences[:5])
    told = f"{one.system}.{one.operation} {words(_ENGLISH, one.what)}"
    return " ".join(filter(None, (told, f"(exchange {one.exchange})" if one.exchange else "", fields, one.note)))


def page(outcome: Outcome, name: str, _: Translator = _ENGLISH, language: str = "en") -> str:
    """One HTML file that needs nothing else: figures, then each finding with both sides."""
    parts = []
    for dossier, findings in _by_dossier(outcome.findings).items():
        inner = "".join(_section(one, _) for one in findings)
        parts.append(f"<section><h2>{html.escape(dossier or _('(no dossier)'))}</h2>{inner}</section>")
    figures = {
        _("calls told again"): outcome.inbound,
        _("calls made"): outcome.calls,
        _("of these the same"): outcome.same,
        _("dossiers"): len(outcome.dossiers),
        _("findings"): len(outcome.findings),
    }
    cells = "".join(f"<div><dt>{html.escape(k)}</dt><dd>{v}</dd></div>" for k, v in figures.items())
    verdict = _("Nothing differs.") if outcome.passed else _("{n} findings").format(n=len(outcome.findings))
    title = html.escape(_("Replay of {name}").format(name=name))
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f'<p class="{"fine" if outcome.passed else "bad"}">{html.escape(verdict)}</p>'
        f"<dl>{cells}</dl>{''.join(parts)}</main></body></html>\n"
    )


def _section(one: Finding, _: Translator) -> str:
    where = f"{one.system}.{one.operation} " if one.system else ""
    when = from_micros(one.at).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S") if one.at else ""
    told = f"<h3>{html.escape(where + words(_, one.what))}</h3><p class='meta'>{html.escape(when)}"
    told += html.escape("  " + _("exchange {n}").format(n=one.exchange)) if one.exchange else ""
    told += f" {html.escape(one.note)}</p>"
    if one.differences:
        rows = "".join(_row(difference, _) for difference in one.differences)
        heads = "".join(f"<th scope='col'>{html.escape(word)}</th>" for word in (_("field"), _("then"), _("now")))
        told += f"<div class='wide'><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    if one.then or one.now:
        summary = html.escape(_("both bodies, line by line"))
        told += f"<details><summary>{summary}</summary>{_sides(one, _)}</details>"
    return f"<article>{told}</article>"


def _row(one: Difference, _: Translator) -> str:
    cells = "".join(
        f"<td class='{kind}'>{html.escape(_('(not there)') if value is None else value)}</td>"
        for kind, value in (("then", one.theirs), ("now", one.ours))
    )
    return f"<tr><th scope='row'>{html.escape(one.where)}</th>{cells}</tr>"


def _sides(one: Finding, _: Translator) -> str:
    table = difflib.HtmlDiff(wrapcolumn=60).make_table(
        _pretty(one.then), _pretty(one.now), html.escape(_("then")), html.escape(_("now")), context=True, numlines=2
    )
    return f"<div class='wide'>{table}</div>"


def _pretty(body: str) -> list[str]:
    """A body a value a line, so that a diff shows values."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=1).splitlines()
    except ValueError:
        return body.replace("><", ">\n<").splitlines()


_STYLE = (
    ":root{color-scheme:light dark;--bad:#b3261e;--fine:#1b6e3c;--line:#8884}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:70rem;margin:auto;padding:1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.2rem;border-top:1px solid var(--line);padding-top:1rem}"
    "h3{font-size:1rem;margin:.8rem 0 0}"
    ".fine{color:var(--fine);font-weight:600}.bad{color:var(--bad);font-weight:600}.meta{opacity:.8;margin:.2rem 0}"
    "dl{display:flex;flex-wrap:wrap;gap:1rem}dt{opacity:.8;font-size:.85rem}dd{margin:0;font-size:1.3rem}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font:13px/1.4 ui-monospace,monospace}"
    "th,td{border:1px solid var(--line);padding:.2rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "td.now,.diff_add{background:#1b6e3c33}td.then,.diff_sub{background:#b3261e33}.diff_chg{background:#b3862633}"
    ".diff_next{display:none}@media(prefers-color-scheme:dark){:root{--bad:#ffb4ab;--fine:#86d993}}"
)
