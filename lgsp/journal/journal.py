"""The journal: all exchanges, only ever added to."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, desc, select

from lgsp.journal.rows import read_row, write_closed, write_opened, write_whole
from lgsp.store.engine import Store, Write
from lgsp.store.schema import exchanges
from lgsp.wire.exchange import Closed, Opened

Pair = tuple[Opened, Closed | None]


class Journal:
    """Takes exchanges from the wire and the front door, and gives them back."""

    def __init__(self, store: Store, worker: str) -> None:
        self._store = store
        self._worker = worker
        self._open: Write[tuple[Opened, str], None] = Write("open_exchange", write_opened)
        self._whole: Write[tuple[Opened, Closed, str], None] = Write("record_exchange", write_whole)
        self._close: Write[Closed, None] = Write("close_exchange", write_closed)

    async def open(self, exchange: Opened) -> None:
        """Return when the row is committed; bytes leave after that."""
        await self._store.write(self._open, (exchange, self._worker))

    def close(self, exchange: Closed) -> None:
        """Committed with the next group, in which the delivery's settlement is at the earliest."""
        self._store.write_later(self._close, exchange)

    def record(self, opened: Opened, closed: Closed) -> None:
        """Write an exchange that is over, whether or not its request is stored already."""
        self._store.write_later(self._whole, (opened, closed, self._worker))

    async def get(self, exchange: int) -> Pair | None:
        """One exchange whole."""

        def query(connection: Connection) -> Pair | None:
            row = connection.execute(select(exchanges).where(exchanges.c.id == exchange)).first()
            return read_row(row) if row is not None else None

        return await self._store.read(query)

    async def find(
        self,
        *,
        dossier: str = "",
        dossiers: Sequence[str] = (),
        system: str = "",
        delivery: int | None = None,
        since: int = 0,
        limit: int = 100,
        newest_first: bool = True,
    ) -> list[Pair]:
        """Exchanges by what they belong to; ``since`` in microseconds."""

        def query(connection: Connection) -> list[Pair]:
            q = select(exchanges).limit(limit)
            keys = [*dossiers, *([dossier] if dossier else [])]
            if keys:
                q = q.where(exchanges.c.dossier.in_(keys))
            if system:
                q = q.where(exchanges.c.system == system)
            if delivery is not None:
                q = q.where(exchanges.c.delivery == delivery)
            if since:
                q = q.where(exchanges.c.opened_at >= since)
            q = q.order_by(desc(exchanges.c.id) if newest_first else exchanges.c.id)
            return [read_row(row) for row in connection.execute(q)]

        return await self._store.read(query)
