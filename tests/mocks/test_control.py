"""The control API: state, ledger, faults, clock, reset, violations; and several mocks on one port."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mocks import make_all
from mocks.kit.faults import Plan
from mocks.npsp import make
from tests.mocks.samples import G1, ITEM, REST, SITE, STEP, client, item, ok

pytestmark = pytest.mark.anyio
CONTROL = "http://mock/_mock/npsp"
CODE = ITEM["MaHoSo"]


async def test_all_mocks_share_a_port() -> None:
    app = make_all()
    async with client(app) as http:
        assert (await http.get("http://mock/_mock/health")).json()["systems"] == sorted(app.mocks)
        for name in ("npsp", "onestop"):
            assert (await http.get(f"http://mock/_mock/{name}/health")).json() == {"status": "ok", "system": name}
        assert (await http.get(f"{REST}/dossiers", headers=SITE, auth=("lgsp", "secret"))).json()["total"] == 0
        caller = G1(http)
        await caller.login()
        assert ok(await caller.sync(item(app["npsp"])))
        assert (await http.get("http://mock/nothing")).status_code == 404
    with pytest.raises(LookupError, match="no mock named lands"):
        make_all(["lands"])


async def test_ledger_in_pages_and_by_dossier() -> None:
    portal = make()
    async with client(portal) as http:
        caller = G1(http)
        await caller.login()
        for n in range(5):
            await caller.sync(item(portal, MaHoSo=f"H21.14-261123-{n:04d}"))
        await caller.call("CapNhatTienDoHoSoMC", data=[STEP | {"MaHoSo": "H21.14-261123-0003"}])
        page = (await http.get(f"{CONTROL}/ledger", params={"limit": 4})).json()
        rest = (await http.get(f"{CONTROL}/ledger", params={"limit": 4, "after": page["next"]})).json()
        assert [e["number"] for e in page["entries"] + rest["entries"]] == [1, 2, 3, 4, 5, 6]
        one = (await http.get(f"{CONTROL}/ledger", params={"dossier": "H21.14-261123-0003"})).json()
        assert [(e["kind"], e["after"]) for e in one["entries"]] == [("create", "2"), ("step", "4")]
        steps = (await http.get(f"{CONTROL}/ledger", params={"kind": "step"})).json()
        assert len(steps["entries"]) == 1
        listed = (await http.get(f"{CONTROL}/dossiers", params={"limit": 3})).json()
        assert (listed["total"], listed["next"], len(listed["dossiers"])) == (5, 3, 3)
        lines = [json.loads(line) for line in (await http.get(f"{CONTROL}/dossiers.ndjson")).text.splitlines()]
        assert [len(d["steps"]) for d in lines] == [0, 0, 0, 1, 0]
        whole = (await http.get(f"{CONTROL}/dossiers/H21.14-261123-0003")).json()
        assert whole["item"]["MaTTHC"] == "2.000033"
        assert (await http.get(f"{CONTROL}/dossiers/unknown")).status_code == 404
        state = (await http.get(f"{CONTROL}/state")).json()
        assert (state["dossiers"], state["steps"], state["calls"]["DongBoHoSoMC"]) == (5, 1, 5)


async def test_reset_forgets_everything() -> None:
    portal = make()
    async with client(portal) as http:
        caller = G1(http)
        await caller.login()
        await caller.sync(item(portal))
        await http.post(f"{CONTROL}/faults", json={"kind": "empty", "operation": "TraCuuHoSo"})
        await http.post(f"{CONTROL}/settings", json={"generation": "g1"})
        await http.post(f"{CONTROL}/reset")
        state = (await http.get(f"{CONTROL}/state")).json()
        assert (state["dossiers"], state["calls"], state["ledger"]["effects"]) == (0, {}, 0)
        assert state["settings"]["generation"] == "g1plus"
        assert (await http.get(f"{CONTROL}/faults")).json() == {"faults": []}
        assert not ok(await caller.call("TraCuuHoSo", mahoso=CODE))
        await caller.login()
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["result"] == []


async def test_the_clock_is_turned_and_given_back() -> None:
    async with client(make()) as http:
        body = {"set": "2026-11-23T08:00:00+07:00"}
        assert (await http.post(f"{CONTROL}/clock", json=body)).json()["clock"] == "2026-11-23T01:00:00+00:00"
        turned = (await http.post(f"{CONTROL}/clock", json={"advance": 90})).json()
        assert turned == {"clock": "2026-11-23T01:01:30+00:00", "frozen": True}
        assert (await http.post(f"{CONTROL}/clock", json={"real": True})).json()["frozen"] is False
        assert (await http.post(f"{CONTROL}/clock", json={"set": "2026-11-23T08:00:00"})).status_code == 400
        assert (await http.post(f"{CONTROL}/clock", json={"jump": 1})).status_code == 400


@pytest.mark.parametrize(
    "fault",
    [{"kind": "boom"}, {"kind": "slow", "rate": 2}, {"kind": "slow", "speed": 1}, {"kind": "slow", "rate": "1"}, {}],
    ids=["kind", "rate", "unknown", "type", "empty"],
)
async def test_a_fault_described_wrongly_is_told(fault: dict[str, Any]) -> None:
    async with client(make()) as http:
        reply = await http.post(f"{CONTROL}/faults", json=fault)
    assert reply.status_code == 400
    assert reply.json()["error"]


async def test_faults_are_added_listed_and_removed() -> None:
    async with client(make()) as http:
        two = [{"kind": "slow", "operation": "LayDanhMuc*"}, {"kind": "empty", "rate": 0.5, "seed": 4}]
        added = (await http.post(f"{CONTROL}/faults", json=two)).json()["faults"]
        assert [f["id"] for f in added] == [1, 2]
        assert (await http.delete(f"{CONTROL}/faults", params={"id": 1})).json() == {"removed": 1}
        assert [f["kind"] for f in (await http.get(f"{CONTROL}/faults")).json()["faults"]] == ["empty"]
        assert (await http.delete(f"{CONTROL}/faults")).json() == {"removed": 1}


def test_chance_is_seeded_skips_and_counts() -> None:
    def strikes(**more: Any) -> list[bool]:
        plan = Plan(7)
        plan.add({"kind": "empty", "operation": "A*", **more})
        return [plan.draw("Ab") is not None for _ in range(200)]

    assert strikes(rate=0.3) == strikes(rate=0.3)
    assert strikes(rate=0.3) != strikes(rate=0.3, seed=8)
    assert 30 < sum(strikes(rate=0.3)) < 90
    assert [n for n, hit in enumerate(strikes(skip=3, count=2)) if hit] == [3, 4]
    plan = Plan(7)
    plan.add({"kind": "empty", "operation": "A*"})
    assert plan.draw("B") is None


def test_what_one_fault_wants_does_not_depend_on_another() -> None:
    def hits(*others: dict[str, Any]) -> list[int]:
        plan = Plan(1)
        fault = plan.add({"kind": "empty", "rate": 0.5})
        for other in others:
            plan.add(other)
        return [n for n in range(50) if plan.draw("A") is fault]

    assert hits() == hits({"kind": "garbled", "rate": 0.9})


async def test_violations_name_the_place_and_no_value() -> None:
    portal = make()
    async with client(portal) as http:
        caller = G1(http)
        await caller.login()
        await caller.sync(item(portal, SoDienThoai=900000001))
        await caller.sync(item(portal, TrangThaiHoSo="9"))
        told = (await http.get(f"{CONTROL}/violations")).json()
        warned = (await http.get(f"{CONTROL}/violations", params={"kind": "warning"})).json()
    assert told["refused"] == 1
    assert told["violations"][0]["problems"] == ["data[0].SoDienThoai: type"]
    assert warned["violations"][0]["problems"] == ["status 9 without NgayKetThucXuLy"]
    assert "900000001" not in json.dumps(told)
    assert "099088000123" not in json.dumps(told)


@pytest.mark.parametrize("change", [{"generation": "g3"}, {"session_seconds": "600"}, {"speed": 1}])
async def test_a_setting_that_is_none_is_told(change: dict[str, Any]) -> None:
    async with client(make()) as http:
        assert (await http.post(f"{CONTROL}/settings", json=change)).status_code == 400


async def test_faults_strike_in_process_as_the_errors_a_socket_would_give() -> None:
    portal = make()
    caller = G1(client(portal))
    await caller.login()
    portal.faults.add({"kind": "refuse", "operation": "TraCuuHoSo", "count": 1})
    portal.faults.add({"kind": "cut_before", "operation": "TraCuuHoSo", "count": 1})
    with pytest.raises(httpx.ConnectError):
        await caller.raw("TraCuuHoSo", mahoso=CODE)
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.raw("TraCuuHoSo", mahoso=CODE)
    assert ok(await caller.call("TraCuuHoSo", mahoso=CODE))
