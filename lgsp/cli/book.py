"""Opens the store for one command: operators' work, the journal, and the plain look-ups that neither of them has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lgsp.cli.failure import Finding, NoDatabase
from lgsp.cli.here import Here, who
from lgsp.clock import AgreedClock, SystemClock, micros

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from lgsp.journal.journal import Journal
    from lgsp.ledger.work import Work
    from lgsp.store.engine import Store


def now() -> int:
    """Microseconds now, by this machine's clock."""
    return micros(SystemClock().now())


@dataclass(frozen=True, slots=True)
class Book:
    """An opened store."""

    store: Store
    work: Work
    part: dict[str, Any]
    """The sections of the settings that were asked for."""
    now: Callable[[], int]
    """Microseconds now, as the daemons on this database have it."""

    @property
    def journal(self) -> Journal:
        from lgsp.journal.journal import Journal

        return Journal(self.store, "cli")

    async def codes_of(self, key: str) -> list[str]:
        """The dossier's key and its code at each system: exchanges are filed under any of them."""
        from sqlalchemy import select

        from lgsp.store.schema import identities

        query = select(identities.c.code).where(identities.c.dossier == key)
        return sorted({key, *await self.store.read(lambda c: list(c.execute(query).scalars()))})

    async def need_dossier(self, here: Here, code: str) -> str:
        """The key of the dossier; a ``Finding`` with the nearest known codes if no system ever told of it."""
        key = await self.work.key_of(code)
        if key is not None:
            return key
        _ = here._
        near = await self._near(code)
        hints = [_("did you mean {name}?").format(name=_(" or ").join(near))] if near else []
        raise Finding(_("no system has told of a dossier {code}").format(code=code), *hints)

    async def _near(self, code: str) -> list[str]:
        """Known codes that look alike: those with the same beginning, as long a one as has any."""
        from sqlalchemy import func, select, union

        from lgsp.store.schema import dossiers, identities

        known = union(select(dossiers.c.dossier.label("code")), select(identities.c.code)).subquery().c.code
        for length in [*sorted({len(code) - cut for cut in (2, 4, 8) if len(code) > cut}, reverse=True), 0]:
            start = code[:length]
            query = select(known).where(func.substr(known, 1, length) == start).order_by(known).limit(2000)
            found = await self.store.read(lambda c, q=query: list(c.execute(q).scalars()))  # type: ignore[misc]  # no lambda with a default has a type
            if near := get_close_matches(code, found, n=3, cutoff=0.75):
                return near
        return []

    async def full_states(self, numbers: Sequence[int]) -> dict[int, bool]:
        """Whether each delivery carries a whole state, which may be sent again without harm."""
        from sqlalchemy import select

        from lgsp.store.schema import deliveries

        query = select(deliveries.c.id, deliveries.c.full_state).where(deliveries.c.id.in_(numbers))
        return await self.store.read(lambda c: {row.id: bool(row.full_state) for row in c.execute(query)})


def missing(url: URL) -> bool:
    """Whether it is a SQLite file that is not there: opening it would make an empty one."""
    return url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists()


@asynccontextmanager
async def opened(here: Here, *sections: str, change: bool = False) -> AsyncIterator[Book]:
    """The store of the settings. ``change``: refuse a schema that is not this release's before anything is written."""
    _ = here._
    part = here.part("store", *sections)
    from lgsp.ledger.work import Work
    from lgsp.store.agreed import agree
    from lgsp.store.engine import Store, parse_url

    url = parse_url(part["store"].url)
    if missing(url):
        raise NoDatabase(_("there is no database {file} yet").format(file=url.database))
    store = Store(part["store"].url, pool=1)
    try:
        if change:
            await _refuse_other_schema(here, store)
        clock = AgreedClock()
        await agree(store, clock)

        def agreed() -> int:
            return micros(clock.now())

        yield Book(store, Work(store, agreed, who()), part, agreed)
    finally:
        await store.close()


async def _refuse_other_schema(here: Here, store: Store) -> None:
    from lgsp.errors import StoreError
    from lgsp.store.upgrade import newer, standing

    _ = here._
    found = await standing(store)
    if not found.known:
        raise newer(found)
    if not found.current:
        told = _("its schema is {database}, this release needs {release}: back it up, then run `lgsp db upgrade`")
        raise StoreError(told.format(database=found.database or "-", release=found.release))
