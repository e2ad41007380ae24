"""The end of the demo: one JSON object for programs, a short table for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lgsp.demo.compare import Verdict
from lgsp.demo.feeder import Fed
from lgsp.demo.money import Money
from lgsp.demo.others import Citizens
from lgsp.i18n import Translator

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that the demo can tell about a day."""

    dossiers: int
    fed: Fed
    delivered: Mapping[str, int]
    verdict: Verdict
    money: Money
    citizens: Citizens
    kills: int
    faults: Mapping[str, int]
    restarts_clean: bool
    settled: bool
    seconds: float
    samples: Mapping[str, str]
    """A dossier code of each kind worth a look."""
    config: Path

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, nothing came twice, all came in order, and the bus came to rest and left well."""
        return self.verdict.agreed and self.settled and self.restarts_clean

    def as_json(self) -> dict[str, Any]:
        verdict, fed = self.verdict, self.fed
        return {
            "passed": self.passed,
            "dossiers": self.dossiers,
            "messages": fed.messages,
            "delivered": sum(self.delivered.values()),
            "lost": verdict.lost,
            "duplicates": verdict.duplicates,
            "out_of_order": verdict.out_of_order,
            "strange": verdict.strange,
            "parked": dict(sorted(verdict.parked.items())),
            "unexpected_parked": verdict.unexpected,
            "money": {
                "asked": dict(self.money.asked),
                "paid": dict(self.money.paid),
                "paid_by_citizens": dict(self.citizens.paid),
                "refunded": {k: v for k, v in self.money.refunded.items() if v},
                "attempts": self.money.attempts,
                "confirmed": self.money.confirmed,
                "cancelled": self.citizens.cancelled,
                "wrong_signatures": self.citizens.forged,
                "amounts_off": self.citizens.off,
                "replayed": self.citizens.replayed,
            },
            "parcels": {**self.money.parcels, "delivered": self.money.delivered},
            "checks": dict(sorted(self.money.checks.items())),
            "kills": self.kills,
            "seconds": round(self.seconds, 1),
            "sent_again": fed.resent,
            "sent_twice": fed.repeated,
            "swapped": fed.swapped,
            "filed_at_portal": fed.filed,
            "found_by_polling": fed.seeded,
            "delivered_to": dict(self.delivered),
            "faults": dict(self.faults),
            "settled": self.settled,
            "stopped_well": self.restarts_clean,
            "not_acknowledged": dict(fed.failures.most_common(10)),
            "findings": [f"{code}: {what}" for code, what in verdict.findings[:100]],
            "look_at": dict(self.samples),
            "config": str(self.config),
        }


def show(outcome: Outcome, console: Console, translate: Translator) -> None:
    """The summary for people."""
    _ = translate
    verdict, fed = outcome.verdict, outcome.fed
    table = Table(show_header=False, title=_("The day is over: both sides compared"), title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    faults = sum(outcome.faults.values())
    rows = (
        (_("Dossiers"), str(outcome.dossiers)),
        (_("Messages"), str(fed.messages)),
        (_("Sent again until acknowledged"), str(fed.resent)),
        (_("Sent twice, in the wrong order"), f"{fed.repeated}, {fed.swapped}"),
        (_("Delivered"), ", ".join(f"{system} {n}" for system, n in sorted(outcome.delivered.items()))),
        (_("Applicants checked"), ", ".join(f"{name} {n}" for name, n in sorted(outcome.money.checks.items()))),
        (_("Money asked, paid, confirmed (dong)"), _money(outcome)),
        (_("Citizens who cancelled; forged, off by a dong, replayed calls"), _citizens(outcome.citizens)),
        (_("Parcels, delivered"), f"{outcome.money.parcels.total()}, {outcome.money.delivered}"),
        (_("Faults that struck"), str(faults)),
        (_("Daemon killed (-9)"), str(outcome.kills)),
        (_("Lost"), _mark(verdict.lost)),
        (_("Duplicates"), _mark(verdict.duplicates)),
        (_("Out of order"), _mark(verdict.out_of_order)),
        (_("Never told by anybody"), _mark(verdict.strange)),
        (_("Parked, bad on purpose"), str(verdict.parked.total() - verdict.unexpected)),
        (_("Parked, not expected"), _mark(verdict.unexpected)),
        (_("Seconds"), f"{outcome.seconds:.0f}"),
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for cause, count in sorted(verdict.parked.items()):
        console.print(_("  parked {count}: {cause}").format(count=count, cause=cause), highlight=False)
    for code, what in verdict.findings[:_SHOWN]:
        console.print(f"  {code}: {what}", highlight=False, soft_wrap=True)
    if not outcome.settled:
        console.print(_("The bus did not come to rest in time."))
    if not outcome.restarts_clean:
        console.print(_("The daemon did not stop well when asked to."))
    passed = _("[green]Nothing lost, nothing twice, nothing out of order.[/]")
    console.print(passed if outcome.passed else _("[bold red]The two sides do not agree.[/]"))
    kinds = {
        "supplement": _("with a supplement"),
        "portal-born": _("filed at the portal"),
        "polled": _("found by polling"),
        "parked": _("parked"),
    }
    for kind, code in outcome.samples.items():
        console.print(
            f"  lgsp dossier {code} --config {outcome.config}   ({kinds[kind]})", highlight=False, soft_wrap=True
        )


def _citizens(them: Citizens) -> str:
    return f"{them.cancelled}; {them.forged}, {them.off}, {them.replayed}"


def _money(outcome: Outcome) -> str:
    """Asked for by the bus, paid by the citizens, held paid by the bus: the last two must be the same."""
    amounts = (outcome.money.asked, outcome.citizens.paid, outcome.money.paid)
    return ", ".join(f"{one.total():,}".replace(",", ".") for one in amounts)


def _mark(count: int) -> str:
    return f"[bold red]{count}[/]" if count else "[green]0[/]"
