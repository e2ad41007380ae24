"""`lgsp check`: a verdict on a system's plug-in, for whoever writes one."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.commands import command
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.text import wrapped
from lgsp.i18n import Translator

if TYPE_CHECKING:
    from lgsp.testing.verdict import Ruling


def add(app: typer.Typer) -> None:
    @command(
        app,
        "check",
        _("Developing"),
        _(
            "Judge a system's plug-in, rule by rule, against its mock: no network, no database, no settings.\n\n"
            "Exit code 1 if it breaks a rule."
        ),
    )
    def check(here: Here, name: Annotated[str, typer.Argument(metavar="NAME", help=_("Word of the system"))]) -> int:
        _ = here._
        _known(here, name)
        if not all(find_spec(name) for name in ("hypothesis", "jsonschema", "pytest", "xmlschema")):
            raise Finding(_("the suites are not installed"), 'pip install "lgsp[testing]"', code=USAGE)
        from lgsp.testing.verdict import judge

        began = time.monotonic()
        rulings = judge(name, lambda ruling: here.say(_line(_, ruling)))
        broken = [ruling for ruling in rulings if ruling.failed]
        here.document(
            {
                "system": name,
                "passed": not broken,
                "rules": [
                    {
                        "rule": r.rule,
                        "says": title(_, r.rule),
                        "kept": r.kept,
                        "passed": r.passed,
                        "failed": r.failed,
                        "failures": [{"test": f.test, "reason": f.reason} for f in r.failures],
                        "advice": advice(_, r.rule) if r.failed else "",
                    }
                    for r in rulings
                ],
                "seconds": round(time.monotonic() - began, 1),
            }
        )
        here.say()
        if broken:
            names = ", ".join(r.rule for r in broken)
            here.say(_("{name} breaks {n} rules: {names}").format(name=name, n=len(broken), names=names))
            return FINDING
        here.say(_("{name} keeps every rule").format(name=name))
        return FINE


def _known(here: Here, name: str) -> None:
    from difflib import get_close_matches
    from importlib.metadata import entry_points

    _ = here._
    names = sorted({entry.name for entry in entry_points(group="lgsp.connectors")})
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hints = [_("did you mean {name}?").format(name=near[0])] if near else []
        hints.append(_("installed: {names}").format(names=", ".join(names)))
        raise Finding(_("no system {name} is installed").format(name=name), *hints, code=USAGE)


def _line(_: Translator, ruling: Ruling) -> str:
    word = {True: _("kept"), False: _("BROKEN"), None: "-"}[ruling.kept]
    count = f"{ruling.passed}" if not ruling.failed else f"{ruling.passed}/{ruling.passed + ruling.failed}"
    lines = [f"{word:8} {ruling.rule:13} {count:>9}  {title(_, ruling.rule)}"]
    for failure in ruling.failures:
        lines.append(wrapped(f"{failure.test}: {failure.reason}", indent="         "))
    if ruling.failed > len(ruling.failures):
        lines.append("         " + _("and {n} more").format(n=ruling.failed - len(ruling.failures)))
    if ruling.failed:
        lines.append(wrapped(_("to do: {what}").format(what=advice(_, ruling.rule)), indent="         "))
    return "\n".join(lines)


def title(_: Translator, rule: str) -> str:
    """The rule in words."""
    return {
        "plugins": _("it loads without a network, and its wire models without the connector"),
        "documents": _("contract, ORIGIN, samples and README are there, and the samples fit the schemas"),
        "examples": _("examples.json shows every operation, hook, schema and secret"),
        "works": _("every operation works against the mock, in finite time"),
        "network": _("every failure of the network gets its class; what may have left is never called unsent"),
        "answers": _("garbled, empty, cut, foreign answers and pages are no answers, and their values stay unsaid"),
        "repeats": _("a lost answer and a repeat change the remote once"),
        "access": _("it logs in once for all calls, once more when the session is gone, and holds when refused"),
        "secrets": _("secrets reach no exchange, log, error or settlement"),
        "interleaving": _("calls of many dossiers at once keep their answers apart"),
        "schemas": _("every request that the wire models admit fits the contract's schema"),
        "mappings": _("mappings are pure, and every event becomes a request or says what is in the way"),
        "hooks": _("every verdict is answered in the caller's format, and nothing that comes in raises"),
    }[rule]


def advice(_: Translator, rule: str) -> str:
    """What to do where the rule is broken."""
    return {
        "plugins": _("import nothing of the bus in wire.py, and open nothing when a module is loaded"),
        "documents": _("write what is missing; docs/adding-a-system.md says what belongs where"),
        "examples": _("complete contract/examples.json; docs/adding-a-system.md has its words"),
        "works": _("compare the request with the mock's contract; its violations are the remote's"),
        "network": _("send through the wire only, mark effect=False for log-ins and look-ups, and catch nothing of it"),
        "answers": _("read answers through expect(reply) and strict models; a broken answer is no refusal"),
        "repeats": _("choose Repeat by what the remote does with the same call again; give a probe or a key"),
        "access": _("log in through lgsp.wire.auth; raise SessionRejected and AccessRefused where the remote says so"),
        "secrets": _("declare secrets as SecretStr; keep them and answers' values out of messages"),
        "interleaving": _("keep nothing of a call on the connector"),
        "schemas": _("make the wire model as strict as the schema: lengths, patterns, mandatory fields"),
        "mappings": _("take time, codes and links from the context; raise MappingError with field and what to do"),
        "hooks": _("raise InboundInvalid for what cannot be read; answer each verdict, and no refusal like a success"),
    }[rule]
