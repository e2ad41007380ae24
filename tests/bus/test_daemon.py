"""The daemon as a whole: ready, told about, held and resumed, its file links, and how it stops."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from lgsp import log
from lgsp.daemon import Daemon
from lgsp.errors import ConfigError
from lgsp.ledger.types import State
from lgsp.ledger.work import Work
from lgsp.store.engine import Store
from lgsp.testing.conformance import ADDRESS, registry
from tests.support.daemons import House, house, read_settings, until
from tests.support.feeding import Life, OneStop
from tests.support.processes import BusProcess, configuration, mocks

pytestmark = pytest.mark.anyio
PDF = "JVBERi0xLjQK"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that is logged, as the daemon writes it."""
    stream = io.StringIO()
    log.configure("debug", stream)
    yield stream
    logging.getLogger().handlers.clear()
    structlog.reset_defaults()


def personal(life: Life) -> list[str]:
    """What a citizen would not want to find in a log or a metric."""
    told = life.document("new")
    return [told["CitizenName"], told["ApplicantsId"], "0912345678", "mau@example.vn", "Trần Thị Mẫu"]


async def test_ready_healthy_measured_and_nobody_s_data_in_logs_and_metrics(
    tmp_path: Path, logged: io.StringIO
) -> None:
    async with house(tmp_path) as bus:
        assert (await bus.client.get("/healthz")).json() == {"status": "alive", "worker": bus.daemon.worker}
        ready = await bus.client.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "systems": ["npsp", "onestop"]})
        life, bad = Life(1), Life(2)
        more = {"Phone": "0912345678", "Email": "mau@example.vn"}
        assert (await bus.push(life, **more)).status_code == 200
        assert (await bus.step(life, 1)).status_code == 200
        assert (await bus.push(bad, **more, DossierStatus="lạ")).status_code == 200
        assert (await bus.push(bad, **more, DateReceived="2026-02-30T00:00:00.000+0700")).status_code == 400
        await bus.delivered(life, "4")
        await bus.parked()
        bus.portal.faults.add({"kind": "html", "operation": "DongBoHoSoMC", "count": 1})
        assert (await bus.push(Life(3), **more)).status_code == 200
        await bus.delivered(Life(3))
        metrics = (await bus.client.get("/metrics")).text
    names = set(re.findall(r"^# TYPE (\w+) ", metrics, re.MULTILINE))
    assert names >= {
        "lgsp_settled_total",
        "lgsp_delivery_seconds",
        "lgsp_delivered_age_seconds",
        "lgsp_open_deliveries",
        "lgsp_system_held",
        "lgsp_circuit_open",
        "lgsp_oldest_open_seconds",
    }
    assert 'lgsp_settled_total{operation="update_progress",state="done",system="npsp"} 1.0' in metrics
    assert 'lgsp_open_deliveries{state="parked",system="npsp"} 1.0' in metrics
    labels = set(re.findall(r"(\w+)=\"", metrics))
    assert labels <= {"system", "operation", "state", "le", "hook", "verdict"}
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert {"codes_loaded", "ready", "inbound_refused", "delivery_parked", "stopping", "stopped"} <= {
        line["event"] for line in lines
    }
    for word in (*personal(life), *personal(bad), *personal(Life(3))):
        assert word not in metrics
        assert word not in logged.getvalue()


async def test_not_ready_while_it_stops_and_a_running_call_ends_well(tmp_path: Path) -> None:
    async with house(tmp_path) as bus:
        gate = asyncio.Event()

        async def wait(_number: int, request: httpx.Request, send: Any) -> httpx.Response:
            response: httpx.Response = await send(request)
            if b"DongBoHoSoMC" in request.content:
                await gate.wait()
            return response

        bus.taps["npsp"].strike(wait)
        assert (await bus.push(Life(1))).status_code == 200
        await until(lambda: bus.portal.calls["DongBoHoSoMC"] == 1, "the call under way")
        asked = asyncio.create_task(bus.client.get("/readyz"))
        await until(lambda: bus.daemon._ready and asked.done(), "an answer while it works")
        bus.stop.set()
        await until(lambda: not bus.daemon._ready, "it knows that it stops")
        answer = await bus.daemon._readyz(None)  # type: ignore[arg-type]  # its socket may be closed by now
        assert answer.status_code == 503
        assert not bus.task.done(), "it waits for the call"
        gate.set()
        await bus.task
    ended = await _look(tmp_path)
    assert ended == {"done": 1}
    assert bus.portal.dossiers[Life(1).code].creates == 1


async def _look(folder: Path) -> dict[str, int]:
    """Deliveries by state, after the daemon is gone."""
    store = Store(f"sqlite:///{folder}/lgsp.db")
    try:
        work = Work(store, lambda: 0, "test")
        found: dict[str, int] = {}
        for key, _, _ in await work.dossiers():
            story = await work.story(key)
            for item in story.deliveries if story else ():
                found[item.state] = found.get(item.state, 0) + 1
        return found
    finally:
        await store.close()


async def test_a_call_that_does_not_end_in_time_is_given_back_as_unknown(tmp_path: Path) -> None:
    life = Life(1)
    async with house(tmp_path, extra="[worker]\nstop_seconds = 0.2") as bus:
        never = asyncio.Event()

        async def wait(_number: int, request: httpx.Request, send: Any) -> httpx.Response:
            response: httpx.Response = await send(request)
            if b"CapNhatTienDoHoSoMC" in request.content:
                await never.wait()
            return response

        bus.taps["npsp"].strike(wait)
        await bus.push(life)
        await bus.step(life, 1, DossierStatus="")
        await until(lambda: bus.portal.calls["CapNhatTienDoHoSoMC"] == 1, "the call under way")
        began = time.monotonic()
        await bus.leave()
        assert time.monotonic() - began < 10
        steps = len(bus.portal.dossiers[life.code].steps)
    assert await _look(tmp_path) == {"done": 1, "unknown": 1}
    assert steps == 1


@pytest.mark.process
async def test_sigterm_under_load_loses_nothing_and_exits_with_0_in_time(tmp_path: Path) -> None:
    lives = [Life(n, steps=2) for n in range(24)]
    extra = "[worker]\nstop_seconds = 5.0\nidle_seconds = 0.2"
    with mocks() as address:
        bus = BusProcess(configuration(tmp_path, f"sqlite:///{tmp_path}/lgsp.db", address, extra=extra))
        one_stop = OneStop(lambda: bus.address)
        async with httpx.AsyncClient(base_url=address, trust_env=False) as control:
            try:
                bus.start()
                slow = {"kind": "slow", "seconds": 0.3, "rate": 1.0}
                assert (await control.post("/_mock/npsp/faults", json=slow)).status_code == 200
                await one_stop.feed(lives, at_once=16)
                began = time.monotonic()
                assert await asyncio.to_thread(bus.stop) == 0
                assert time.monotonic() - began < 5.0 + 10.0
                found = await _look(tmp_path)
                assert "leased" not in found, "all leases are given back"
                assert "unknown" not in found, "running calls were let finish"
                assert found["ready"] > 0, "it was stopped in the middle"
                await control.delete("/_mock/npsp/faults")
                bus.start()
                while set(await _look(tmp_path)) - {"done", "superseded"}:
                    await asyncio.sleep(0.05)
                effects = (await control.get("/_mock/npsp/ledger")).json()
                assert (effects["doubles"], effects["kinds"]["step"]) == (0, len(lives) * 2)
            finally:
                await one_stop.aclose()
                if bus.running:
                    assert await asyncio.to_thread(bus.stop) == 0


async def test_a_second_daemon_on_the_same_file_is_refused_with_a_clear_word(tmp_path: Path) -> None:
    async with house(tmp_path) as bus:
        second = Daemon(read_settings(tmp_path), registry())
        with pytest.raises(ConfigError, match=r"another lgsp .* works on this SQLite file: stop it first"):
            await second.serve(asyncio.Event())
        assert (await bus.client.get("/readyz")).status_code == 200
    third = Daemon(read_settings(tmp_path), registry())
    stop = asyncio.Event()
    await third.serve(stop, lambda _daemon: stop.set())  # the first is gone


async def test_file_links_are_served_and_end_and_every_fetch_is_journalled(tmp_path: Path) -> None:
    life = Life(1)
    async with house(tmp_path) as bus:
        paper = {"AttachmentId": "1", "AttachmentName": "Đơn đề nghị.pdf", "Base64": PDF}
        assert (await bus.push(life, Attachments=[paper])).status_code == 200
        await bus.delivered(life)
        [sent] = bus.portal.dossiers[life.code].item()["TaiLieuNop"]
        own = bus.daemon.settings.server.base_url
        address = str(sent["DuongDanTaiTepTin"])
        assert address.startswith(f"{own}/files/")
        path = address.removeprefix(own)
        anyone = httpx.AsyncClient(base_url=bus.daemon.address, trust_env=False)
        good = await anyone.get(path)
        assert (good.status_code, good.content) == (200, b"%PDF-1.4\n")
        assert good.headers["content-type"] == "application/pdf"
        assert good.headers["cache-control"] == "private, no-store"
        _, _, file, expiry, signature, name = path.split("/")
        now = bus.daemon.clock.now()
        past = bus.daemon.links.sign(file, "a.pdf", now - timedelta(seconds=1)).removeprefix(own)
        elsewhere = f"/files/{file[:-1]}0/{expiry}/{signature}/{name}"
        refused = {
            "forged": f"/files/{file}/{expiry}/{signature[:-2]}AA/{name}",
            "longer": f"/files/{file}/{int(expiry) + 86400}/{signature}/{name}",
            "another file": elsewhere,
            "another name": f"/files/{file}/{expiry}/{signature}/x.pdf",
            "expired": past,
        }
        bodies = set()
        for what, one in refused.items():
            answer = await anyone.get(one)
            assert answer.status_code == 404, what
            bodies.add(answer.content)
        await bus.daemon.work.revoke_file(file, "sai hồ sơ")
        await bus.daemon._read_revoked()
        gone = await anyone.get(path)
        assert gone.status_code == 404
        assert {*bodies, gone.content} == {gone.content}, "nobody can tell why"
        await anyone.aclose()
        fetches = await bus.exchanges("files")
        assert [closed.status if closed else 0 for _, closed in fetches] == [200, *[404] * len(refused), 404]
        assert file in fetches[0][0].url


async def test_what_a_call_that_never_ended_left_behind_goes_at_the_next_start(tmp_path: Path) -> None:
    left = tmp_path / "files" / "arriving" / "half"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"%PDF")
    fresh = left.with_name("under-way")
    fresh.write_bytes(b"%PDF")
    long_ago = time.time() - 2 * 86_400
    os.utime(left, (long_ago, long_ago))
    async with house(tmp_path):
        assert not left.exists()
        assert fresh.exists(), "another daemon may be writing it"


async def test_a_linked_dossier_comes_with_its_file_and_is_acknowledged_after_the_commit(tmp_path: Path) -> None:
    linked = {"dvclt_address": f"{ADDRESS}/npsp/dvclt", "dvclt_username": "lgsp.h21", "dvclt_password": "secret"}
    async with house(tmp_path, npsp={**linked, "dvclt_codes": "^G01", "poll_every": 0.05}) as bus:
        row = bus.portal.linked.add({"maTTHC": "2.000033", "data": {"hoTich": {"nycHoTen": "Nguyễn Văn Mẫu"}}})
        await until(lambda: bus.portal.linked.dossiers["1"]["taken"], "the acknowledgement")
        _, dossier = await bus.daemon.ledger.dossier(row["maHoSo"])
        assert dossier is not None
        [paper] = dossier.documents
        assert paper.file is not None
        assert bus.daemon.files.path(paper.file.id).read_bytes() == b"%PDF-1.4\n"
        await until(lambda: bus.one_stop.store.dossiers, "the dossier at the one-stop system")


async def test_hold_and_resume_take_effect_in_a_running_daemon(tmp_path: Path) -> None:
    async with house(tmp_path, extra="[worker]\nidle_seconds = 0.02") as bus:
        work = bus.daemon.work
        await work.hold("npsp", "bảo trì")
        life = Life(1)
        assert (await bus.push(life)).status_code == 200
        metrics = (await bus.client.get("/metrics")).text
        assert 'lgsp_system_held{system="npsp"} 1.0' in metrics
        [waiting] = await bus.items(states=tuple(State))
        assert (waiting.state, waiting.tries) == ("ready", 0)
        await work.resume("npsp", "xong")
        await bus.delivered(life)
        assert [(who, action) for _, who, action, *_ in await work.audited()] == [
            ("bus", "resume_system"),
            ("bus", "hold_system"),
        ]


async def standing(bus: House, system: str = "npsp") -> Any:
    return next(s for s in await bus.daemon.work.standing("") if s.system == system)


async def test_refused_access_holds_the_system_and_keeps_the_work(tmp_path: Path) -> None:
    async with house(tmp_path, npsp={"polls": False}, extra="[worker]\nidle_seconds = 0.02") as bus:
        bus.portal.options.password = "changed at the portal"
        lives = [Life(n) for n in range(3)]
        for life in lives:
            assert (await bus.push(life)).status_code == 200
        while not (held := await standing(bus)).held:
            await asyncio.sleep(0.005)
        assert "npsp.username and password" in held.held_reason
        logins = bus.portal.calls["login"]
        assert (await bus.push(Life(9))).status_code == 200  # still taken, only not sent
        assert await bus.items() == [], "nothing is parked for a fault of the whole system"
        assert bus.portal.calls["login"] == logins <= 3, "it does not go on knocking"
        bus.portal.options.password = "secret"
        await bus.daemon.work.resume("npsp", "corrected")
        for life in (*lives, Life(9)):
            await bus.delivered(life)


async def test_a_circuit_opens_after_failures_counts_none_while_open_and_closes_by_a_trial(tmp_path: Path) -> None:
    npsp = {"breaker_failures": 2, "breaker_seconds": 0.05, "concurrency": 1, "polls": False, "max_attempts": 4}
    async with house(tmp_path, npsp=npsp, extra="[worker]\nidle_seconds = 0.02") as bus:
        bus.portal.faults.add({"kind": "status", "operation": "DongBoHoSoMC", "status": 503})
        life = Life(1)
        assert (await bus.push(life)).status_code == 200
        while not (await standing(bus)).circuit_open_until:
            await asyncio.sleep(0.005)
        assert 'lgsp_circuit_open{system="npsp"}' in (await bus.client.get("/metrics")).text
        await until(lambda: bus.portal.calls["DongBoHoSoMC"] >= 5, "trials")  # more than may be counted
        [item] = await bus.items(states=tuple(State))
        assert (item.state != State.PARKED, item.attempts) == (True, 2), "a trial that fails counts for nothing"
        bus.portal.faults.remove()
        await bus.delivered(life)
        while (await standing(bus)).circuit_open_until:
            await asyncio.sleep(0.005)
        assert (await bus.push(Life(2))).status_code == 200
        await bus.delivered(Life(2))


def test_errors_of_ours_and_of_libraries_are_masked_in_the_log(logged: io.StringIO) -> None:
    try:
        raise ValueError("079088001234 of mau@example.vn")
    except ValueError as error:
        log.Log().exception("a_defect")
        logging.getLogger("a.library").exception("failed with %r", error)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [(line["event"].split()[0], "Traceback" in line["exception"]) for line in lines] == [
        ("a_defect", True),
        ("failed", True),
    ]
    assert "079088001234" not in logged.getvalue()
    assert "mau@example.vn" not in logged.getvalue()


async def test_code_tables_that_cannot_be_read_leave_those_in_use(tmp_path: Path, logged: io.StringIO) -> None:
    folder = tmp_path / "codes"
    folder.mkdir()
    async with house(tmp_path, extra=f'[codes]\nfolder = "{folder}"') as bus:
        (folder / "status_onestop.csv").write_text("code;status\n", encoding="utf-8")
        with pytest.raises(ConfigError, match="separated by ';'"):
            await bus.daemon.reload_codes()
        assert (await bus.push(Life(1))).status_code == 200
        await bus.delivered(Life(1))


async def test_the_collector_is_spared_while_a_daemon_works_and_as_before_afterwards(tmp_path: Path) -> None:
    before = gc.get_threshold()
    async with house(tmp_path) as bus:
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] > 10_000
        assert (await bus.push(Life(1))).status_code == 200
        await bus.delivered(Life(1))
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
