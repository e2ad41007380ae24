"""The database server's time, which all machines that work on one database go by."""

from __future__ import annotations

from sqlalchemy import Connection, text

from lgsp.clock import AgreedClock
from lgsp.store.engine import Store

_TRIES = 3
_NOW = text("SELECT clock_timestamp()")  # not now(), which is when the transaction began


async def agree(store: Store, clock: AgreedClock) -> None:
    """Tell the clock the server's time, to within half of the quickest answer's way. SQLite has no server, and one
    machine."""
    if store.dialect != "postgresql":
        return

    def ask(connection: Connection) -> None:
        answers = []
        for _ in range(_TRIES):
            before = clock.monotonic()
            moment = connection.execute(_NOW).scalar_one()
            after = clock.monotonic()
            answers.append((after - before, moment, (before + after) / 2))
        _took, moment, at = min(answers)
        clock.tell(moment, at)

    await store.read(ask)
