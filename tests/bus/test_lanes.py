"""Lanes: each system by itself, in order per dossier, and no word of the ledger goes unwritten."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from lgsp.canonical.codes import CodeTables
from lgsp.clock import FixedClock
from lgsp.dispatch import Dispatcher, Surroundings
from lgsp.errors import StoreError
from lgsp.lanes import Lane
from lgsp.ledger.types import Claimed, ClaimRequest, Claims, Settlement, State
from lgsp.spi.connector import SystemSettings
from lgsp.testing.conformance import ADDRESS, registry
from tests.support.daemons import House, house, until
from tests.support.feeding import Life

pytestmark = pytest.mark.anyio
QUICK = "[worker]\nidle_seconds = 0.02"


async def all_done(bus: House) -> None:
    """Nothing is open any more."""
    while await bus.items(states=tuple(State)):
        await asyncio.sleep(0.005)


async def test_a_dossier_s_deliveries_go_in_order_while_many_run(tmp_path: Path) -> None:
    lives = [Life(n, steps=4) for n in range(12)]
    async with house(tmp_path, extra=QUICK) as bus:
        await asyncio.gather(*(one_life(bus, life) for life in lives))
        for life in lives:
            await bus.delivered(life, "10")
        await all_done(bus)
        for life in lives:
            there = bus.portal.dossiers[life.code]
            assert [json.loads(step)["NoiDungXuLy"] for step in there.steps] == [f"Bước {n}" for n in range(4)]
            assert (there.creates, there.out_of_order, there.doubles) == (1, 0, 0)


async def one_life(bus: House, life: Life) -> None:
    for path, body in life.messages():
        assert (await bus.client.post(path, json=body)).status_code == 200


async def test_no_more_calls_at_once_than_set_and_a_stuck_dossier_blocks_only_itself(tmp_path: Path) -> None:
    lives = [Life(n) for n in range(10)]
    stuck, free = asyncio.Event(), asyncio.Event()
    at_once = most = 0

    async def wait(_number: int, request: httpx.Request, send: Any) -> httpx.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            await (stuck if lives[0].code.encode() in request.content else free).wait()
            response: httpx.Response = await send(request)
            return response
        finally:
            at_once -= 1

    async with house(tmp_path, npsp={"concurrency": 3, "polls": False}, extra=QUICK) as bus:
        assert (await bus.push(Life(99))).status_code == 200
        await bus.delivered(Life(99))  # logged in, the field of the procedure known
        bus.taps["npsp"].strike(wait)
        for life in lives:
            assert (await bus.push(life)).status_code == 200
        await until(lambda: at_once == 3, "three calls under way")
        assert await bus.daemon.ledger.claim(ClaimRequest("onestop", 5)) == Claims((), None)
        free.set()
        for life in lives[1:]:
            await bus.delivered(life)
        assert lives[0].code not in bus.portal.dossiers
        stuck.set()
        await bus.delivered(lives[0])
    assert most == 3


async def test_a_sick_system_harms_only_itself(tmp_path: Path) -> None:
    notice = {"MaHoSo": "G09.20-261008-0031", "MaTTHC": "2.000033", "TenThuongNhan": "Công ty Mẫu",
              "MaSoThue": "5900000001", "NgayNopHoSo": "20261008080000", "TaiLieuNop": []}  # fmt: skip
    filed = {"service": "addtthcKhuyenMai", "isUpdating": "False", "data": notice}
    address = "/npsp/VXPAdapter/RestService/forward/addtthcKhuyenMai"
    async with house(tmp_path, npsp={"polls": False}, extra=QUICK) as bus:
        bus.portal.faults.add({"kind": "status", "operation": "*", "status": 503})
        assert (await bus.push(Life(1))).status_code == 200
        await until(lambda: bus.portal.faults.show()[0]["struck"] >= 2, "a portal that is down")
        answer = await bus.client.post(address, json=filed)
        assert answer.json()["error_code"] == 0
        await until(lambda: bus.one_stop.ledger.kinds["create"] == 1, "the portal's dossier at the one-stop system")
        again = await bus.client.post(address, json=filed)
        assert again.json()["error_code"] == 1, "told again, it was received before"
        bus.portal.faults.remove()
        await bus.delivered(Life(1))
        assert bus.one_stop.ledger.kinds["create"] == 1


async def test_a_rate_is_kept_over_all_calls(tmp_path: Path) -> None:
    clock = FixedClock()
    async with house(tmp_path, clock=clock, npsp={"rate": 2.0, "polls": False}, extra=QUICK) as bus:
        for number in range(5):
            assert (await bus.push(Life(number))).status_code == 200
        await until(lambda: len(bus.portal.dossiers) == 2, "the first two")
        for _ in range(5):  # looks again and again, and finds that it may not
            await asyncio.sleep(0.02)
        assert len(bus.portal.dossiers) == 2
        clock.turn(1.0)
        await until(lambda: len(bus.portal.dossiers) == 4, "the next two")
        clock.turn(0.5)
        await until(lambda: len(bus.portal.dossiers) == 5, "the last")


# --- a lane over a ledger that fails ---------------------------------------------------------------------------------


class FailingLedger:
    """Has one delivery; fails before it tells of it, and before it takes the settlement."""

    def __init__(self, claimed: Claimed) -> None:
        self._claimed = [claimed]
        self.claims, self.settlements = 0, 0
        self.settled: list[Settlement] = []
        self.done = asyncio.Event()

    async def claim(self, _request: ClaimRequest) -> Claims:
        self.claims += 1
        if self.claims == 1:
            raise StoreError("locked")
        return Claims((self._claimed.pop(),) if self._claimed else ())

    async def settle(self, settlement: Settlement) -> bool:
        self.settlements += 1
        if self.settlements <= 2:
            raise StoreError("locked")
        self.settled.append(settlement)
        self.done.set()
        return True


def claimed(operation: str, payload: bytes = b"{}") -> Claimed:
    return Claimed(1, 1, payload, "npsp", operation, "K", "key", 1, 0, False, 0, None)


def dispatcher() -> Dispatcher:
    own = registry()["npsp"].plugin.settings.model_validate(
        {"address": ADDRESS, "username": "u", "password": "p", "unit": "H21"}
    )
    around = Surroundings(FixedClock(), CodeTables, lambda _file, _at: "", "H21")
    return Dispatcher(registry()["npsp"], own, object(), around)


async def test_a_settlement_is_written_however_often_the_store_fails() -> None:
    ledger = FailingLedger(claimed("sync_dossier", b"not an event"))
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    told: list[Settlement] = []
    lane = Lane(
        "npsp",
        SystemSettings(),
        ledger,  # type: ignore[arg-type]  # the two methods a lane uses
        dispatcher(),
        FixedClock(),
        look_again=0.01,
        settled=lambda _claimed, settlement, _seconds: told.append(settlement),
        sleep=sleep,
    )
    running = asyncio.create_task(lane.run())
    await ledger.done.wait()
    lane.stop()
    await running
    assert pauses == [1.0, 1.0, 1.0], "it waits instead of hammering"
    assert [(s.state, s.cause) for s in ledger.settled] == [(State.PARKED, "defect:ValueError")]
    assert told == ledger.settled
    assert lane.running == 0


async def test_a_delivery_of_an_operation_that_is_not_there_parks_and_says_what_to_do() -> None:
    event = {
        "type": "question.asked", "source": "npsp", "source_id": "1", "occurred_at": "2026-10-08T01:00:00Z",
        "body": {"id": "1", "content": "x"},
    }  # fmt: skip
    settlement = await dispatcher().deliver(claimed("was_there_once", json.dumps(event).encode()))
    assert (settlement.state, settlement.cause) == (State.PARKED, "operation:npsp:was_there_once")
    assert "install the one that has it" in settlement.reason
