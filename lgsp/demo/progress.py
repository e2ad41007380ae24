"""What is going on, while it goes on: a live table on a terminal, a line now and then elsewhere. To standard error."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table

from lgsp.demo.books import Books, Standing
from lgsp.demo.feeder import Fed
from lgsp.errors import StoreError
from lgsp.i18n import Translator
from lgsp.ledger.types import State

_LOOK, _LINE = 0.5, 5.0


@dataclass(slots=True)
class Now:
    """What the progress shows; others write it."""

    fed: Fed
    kills: int = 0
    down: bool = False
    standing: Standing | None = None


class Progress:
    """Looks at the ledger twice a second, and shows it."""

    def __init__(self, books: Books, now: Now, refresh: Callable[[], None], translate: Translator) -> None:
        self._books, self._now, self._refresh, self._ = books, now, refresh, translate
        self._console = Console(stderr=True)
        self._began = time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        if self._console.is_terminal:
            with Live(self._table(), console=self._console, refresh_per_second=4, transient=True) as live:
                while True:
                    await self._look()
                    live.update(self._table())
        said = 0.0
        while True:
            await self._look()
            if time.monotonic() - said >= _LINE:
                said = time.monotonic()
                self._console.print(self._line(), highlight=False, soft_wrap=True)

    async def _look(self) -> None:
        await asyncio.sleep(_LOOK)
        self._refresh()
        try:
            self._now.standing = await self._books.standing()
        except StoreError:
            pass  # looked at in the moment of a kill; the next look will do

    def _line(self) -> str:
        _ = self._
        now = self._now
        parts = [
            f"{time.monotonic() - self._began:4.0f} s",
            _("fed {fed} of {total}").format(fed=now.fed.messages, total=now.fed.total),
        ]
        for system, done, waiting, unknown, parked in self._rows():
            parts.append(
                _("{system}: {done} delivered, {waiting} waiting, {unknown} unknown, {parked} parked").format(
                    system=system, done=done, waiting=waiting, unknown=unknown, parked=parked
                )
            )
        parts.append(_("killed {kills} times").format(kills=now.kills))
        if now.down:
            parts.append(_("PORTAL DOWN"))
        return "  |  ".join(parts)

    def _rows(self) -> list[tuple[str, int, int, int, int]]:
        standing = self._now.standing or Standing()
        rows = []
        for system in sorted({*standing.states, *standing.done}):
            states = standing.states.get(system, Counter[str]())
            waiting = sum(states.get(state, 0) for state in (State.READY, State.LEASED, State.WAITING))
            unknown, parked = states.get(State.UNKNOWN, 0), states.get(State.PARKED, 0)
            rows.append((system, standing.done[system], waiting, unknown, parked))
        return rows

    def _table(self) -> Table:
        _ = self._
        now = self._now
        down = "  [bold red]" + _("PORTAL DOWN") + "[/]" if now.down else ""
        fed = _("fed {fed} of {total}").format(fed=now.fed.messages, total=now.fed.total)
        killed = _("killed {kills} times").format(kills=now.kills)
        table = Table(title=f"{time.monotonic() - self._began:.0f} s   {fed}   {killed}{down}", title_justify="left")
        table.add_column(_("System"))
        for heading in (_("Delivered"), _("Waiting"), _("Unknown"), _("Parked")):
            table.add_column(heading, justify="right")
        for row in self._rows():
            table.add_row(*map(str, row))
        return table
