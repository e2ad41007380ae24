"""One clock for all mocks of a port; and the control API is not steered by foreign pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mocks import make_all
from mocks.__main__ import main
from mocks.kit.clock import Clock
from mocks.npsp import make
from tests.mocks.samples import client

pytestmark = pytest.mark.anyio
AT = {"set": "2026-09-28T08:00:00+07:00"}
EIGHT = "2026-09-28T01:00:00+00:00"


@pytest.mark.parametrize("path", ["clock", "vnpay/clock"], ids=["the port's", "a mock's"])
async def test_one_turn_turns_all_mocks(path: str) -> None:
    app = make_all()
    async with client(app) as http:
        assert (await http.post(f"http://mock/_mock/{path}", json=AT)).json() == {"clock": EIGHT, "frozen": True}
        assert (await http.get("http://mock/_mock/clock")).json()["clock"] == EIGHT
        for name in app.mocks:
            assert (await http.get(f"http://mock/_mock/{name}/clock")).json()["clock"] == EIGHT
            assert (await http.get(f"http://mock/_mock/{name}/state")).json()["clock"] == EIGHT


async def test_one_mock_that_is_reset_leaves_the_shared_clock_alone() -> None:
    async with client(make_all()) as http:
        await http.post("http://mock/_mock/clock", json=AT)
        await http.post("http://mock/_mock/npsp/reset")
        assert (await http.get("http://mock/_mock/vnpay/clock")).json()["clock"] == EIGHT


async def test_a_mock_by_itself_turns_its_own_clock_back() -> None:
    portal = make()
    async with client(portal) as http:
        await http.post("http://mock/_mock/npsp/clock", json=AT)
        await http.post("http://mock/_mock/npsp/reset")
    assert not portal.clock.frozen


@pytest.mark.parametrize(
    "turn",
    [
        {"real": True, "advance": "soon"},
        {"real": True, "set": "2026-09-28T08:00"},
        {"advance": 1e300},
        {"real": True, "advance": 1e12},
        [],
    ],
    ids=["no number", "no zone", "beyond numbers", "beyond the calendar", "no object"],
)
async def test_a_turn_that_cannot_be_changes_nothing(turn: Any) -> None:
    clock = Clock(datetime(2026, 9, 28, 1, tzinfo=UTC))
    async with client(make_all(clock=clock)) as http:
        assert (await http.post("http://mock/_mock/clock", json=turn)).status_code == 400
        assert (await http.get("http://mock/_mock/clock")).json() == {"clock": EIGHT, "frozen": True}


@pytest.mark.parametrize("path", ["clock", "npsp/clock"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://mock", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("http://mock:81", 403),
    ],
)
async def test_a_page_of_another_origin_cannot_steer(path: str, origin: str | None, status: int) -> None:
    app = make_all(["npsp"])
    async with client(app) as http:
        headers = {} if origin is None else {"origin": origin}
        reply = await http.post(f"http://mock/_mock/{path}", json=AT, headers=headers)
    assert reply.status_code == status
    assert app.clock.frozen is (status == 200)


@pytest.mark.parametrize("at", ["noon", "2026-09-28T08:00"])
def test_a_start_that_is_no_time_is_told(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--clock", at]) == 2
    assert capsys.readouterr().err.startswith("mocks: ")
