"""A code table that a catalogue tells: taken over in the transaction of its event, read by every worker."""

from __future__ import annotations

from datetime import date

import pytest

from lgsp.canonical.events import CodesTold, Event
from lgsp.clock import FixedClock
from lgsp.ledger.codes import loads, read_tables
from lgsp.ledger.types import Acceptance, Inbound
from lgsp.store.engine import Store
from tests.support.ledgers import NINE, ledger

pytestmark = pytest.mark.anyio


def told(*codes: str) -> Event:
    body = CodesTold(
        table="units_provinces", document="x", as_of=NINE.date(), era_from=date(2025, 7, 1),
        rows=tuple({"code": code, "name": f"Tỉnh {code}"} for code in codes),
    )  # fmt: skip
    return Event(type="codes.told", source="admin_units", source_id="+".join(codes), occurred_at=NINE, body=body)


async def test_a_table_is_taken_over_once(store: Store) -> None:
    book = ledger(store, FixedClock(NINE))
    assert await book.accept(Inbound("admin_units", "catalogue", [told("15", "52")], "d")) is Acceptance.NEW
    first = await store.read(loads)
    tables = await store.read(read_tables)
    assert [row.code for row in tables.rows("units_provinces", NINE.date())] == ["15", "52"]
    assert tables.find("units_provinces", "15", date(2025, 6, 30)) is None
    assert await book.accept(Inbound("admin_units", "catalogue", [told("15", "52")], "d")) is Acceptance.DUPLICATE
    assert await store.read(loads) == first
    await book.accept(Inbound("admin_units", "catalogue", [told("15")], "e"))
    assert await store.read(loads) != first, "other workers see that it changed"
