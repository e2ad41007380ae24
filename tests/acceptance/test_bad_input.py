"""Bad input: a clear answer in the caller's own format, and a good message right after goes through."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from lgsp.clock import FixedClock
from lgsp.errors import StoreError
from lgsp.inbound.tokens import Tokens
from lgsp.ledger.types import State
from lgsp.store.engine import Store
from lgsp.store.upgrade import upgrade
from tests.support.daemons import DOCUMENT, House, house, read_settings, until
from tests.support.feeding import START, Life, OneStop
from tests.support.processes import SECRET, BusProcess, configuration, mocks

pytestmark = pytest.mark.anyio
MEGABYTE = 1024 * 1024


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "codes").mkdir()
    async with house(tmp_path, extra=f'[codes]\nfolder = "{tmp_path}/codes"') as made:
        yield made


def told(answer: httpx.Response) -> dict[str, Any]:
    """``{Status, Message}`` in whichever format it came; the two statuses agree."""
    if "xml" in answer.headers["content-type"]:
        found: dict[str, Any] = {child.tag: child.text for child in ElementTree.fromstring(answer.content)}
    else:
        found = answer.json()
    assert set(found) == {"Status", "Message"}
    assert int(found["Status"]) == answer.status_code
    return found


def xml(fields: dict[str, Any]) -> bytes:
    inner = "".join(f"<{k}>{v}</{k}>" for k, v in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><SyncDocument>{inner}</SyncDocument>'.encode()


async def goes_through(bus: House, number: int = 900) -> None:
    """A good message is answered, and reaches the portal."""
    life = Life(number)
    answer = await bus.push(life)
    assert (answer.status_code, told(answer)["Status"]) == (200, 200), answer.text
    await bus.delivered(life)


# --- what no table knows ---------------------------------------------------------------------------------------------

UNKNOWN = [
    pytest.param(
        {"DocTypeCode": "9.000077"},
        "local_procedures",
        "9.000077",
        "code,valid_from,valid_to,document,national,default_variant,name_vi\n9.000077,,,,1.000105,,Thủ tục mẫu\n",
        id="procedure",
    ),
    pytest.param(
        {"OrganInchargeIdLevel1": "H21.77", "OrganInchargeName": ""},
        "organisations",
        "H21.77",
        "code,valid_from,valid_to,document,scheme,name_vi,successor\nH21.77,2020-01-01,,,qd20,Sở Mẫu,\n",
        id="unit",
    ),
    pytest.param(
        {"DossierStatus": "lạ"},
        "status_onestop",
        "lạ",
        "code,valid_from,valid_to,document,status,name_vi\nlạ,,,,received,Trạng thái lạ\n",
        id="status",
    ),
]


@pytest.mark.parametrize(("changes", "table", "code", "rows"), UNKNOWN)
async def test_what_no_table_knows_parks_alone_and_its_row_releases_it(
    bus: House, tmp_path: Path, changes: dict[str, Any], table: str, code: str, rows: str
) -> None:
    life = Life(1)
    answer = await bus.push(life, **changes)
    assert (answer.status_code, told(answer)["Status"]) == (200, 200)
    [item] = await bus.parked()
    assert (item.system, item.operation, item.dossier) == ("npsp", "sync_dossier", life.code)
    assert table in item.reason, item.reason
    assert code in item.reason, item.reason
    assert item.cause.startswith("code:")
    assert item.cause.endswith(f":{code}")
    assert life.code not in bus.portal.dossiers
    await goes_through(bus)
    (tmp_path / "codes" / f"{table}.csv").write_text(rows, encoding="utf-8")
    await bus.daemon.reload_codes()
    await bus.delivered(life)
    assert await bus.items() == []


# --- what the message itself gets wrong ------------------------------------------------------------------------------

A = Life(1)
WRONG = [
    pytest.param({"DocCode": "H99.14-261008-00001"}, "DocCode", id="dossier-of-another-province"),
    pytest.param({"DocCode": None}, "DocCode", id="no-code"),
    pytest.param({"DocTypeCode": None}, "DocTypeCode", id="no-procedure"),
    pytest.param({"CitizenName": None}, "CitizenName", id="no-applicant"),
    pytest.param({"CitizenName": "  "}, "CitizenName", id="empty-applicant"),
    pytest.param({"ApplicantsType": None}, "ApplicantsType", id="no-kind"),
    pytest.param({"DateReceived": "2026-02-30T08:00:00.000+0700"}, "DateReceived", id="30-february"),
    pytest.param({"DateReceived": "2026-13-01T08:00:00.000+0700"}, "DateReceived", id="13th-month"),
    pytest.param({"DateAppointed": "2026-10-08T25:00:00.000+0700"}, "DateAppointed", id="25-hours"),
    pytest.param({"DateAppointed": "08/10/2026"}, "DateAppointed", id="another-format"),
    pytest.param({"DateSubmitted": "9999-12-31T23:59:59.000+0700"}, "DateSubmitted", id="far-away"),
]


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_a_wrong_field_is_named_in_the_caller_s_format(bus: House, form: str) -> None:
    for case in WRONG:
        changes, field = case.values
        assert isinstance(changes, dict)
        fields = {k: v for k, v in (A.document("new") | changes).items() if v is not None}
        content = json.dumps(fields).encode() if form == "json" else xml(fields)
        answer = await bus.client.post(DOCUMENT, content=content, headers={"content-type": f"application/{form}"})
        assert (answer.status_code, form in answer.headers["content-type"]) == (400, True), (case.id, answer.text)
        assert str(field) in told(answer)["Message"], (case.id, answer.text)
        assert "Nguyễn" not in answer.text
    refused = [closed for _, closed in await bus.exchanges("onestop") if closed and closed.outcome != "answered"]
    assert len(refused) == len(WRONG)
    assert all(closed.error for closed in refused)
    assert await bus.daemon.work.story(A.code) is None
    await goes_through(bus)


GOOD_XML = xml(A.document("new"))
BROKEN = [
    pytest.param("json", b'{"DocCode": ', 400, "JSON", id="json-cut-off"),
    pytest.param("json", b"", 400, "empty", id="nothing"),
    pytest.param("json", b"[" * 200_000, 400, "", id="json-deep"),
    pytest.param("json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "nested", id="json-deep-and-closed"),
    pytest.param("json", b'{"DocCode": "1", "DocCode": "2"}', 400, "DocCode", id="json-name-twice"),
    pytest.param("xml", b"<SyncDocument><DocCode>", 400, "XML", id="xml-cut-off"),
    pytest.param("xml", b"<a>" * 100_000, 400, "nested", id="xml-deep"),
    pytest.param("xml", b"<a>" * 10_000 + b"</a>" * 10_000, 400, "nested", id="xml-deep-and-closed"),
    pytest.param(
        "xml",
        b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;">]><SyncDocument>&y;</SyncDocument>',
        400,
        "DTD",
        id="xml-entities",
    ),
    pytest.param(
        "xml",
        b'<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd"><SyncDocument><DocCode>1</DocCode></SyncDocument>',
        400,
        "DTD",
        id="xml-dtd",
    ),
    pytest.param("xml", b"<SyncDocument>&unknown;</SyncDocument>", 400, "XML", id="xml-unknown-entity"),
    pytest.param("json", json.dumps(A.document("new"), ensure_ascii=False).encode("utf-16"), 415, "UTF-8", id="utf-16"),
    pytest.param("json", '{"CitizenName": "Nguyễn"}'.encode("cp1258", "replace") + b"\xff", 400, "UTF-8", id="cp1258"),
    pytest.param("xml", GOOD_XML.replace(b"UTF-8", b"TCVN3"), 415, "UTF-8", id="xml-says-tcvn3"),
    pytest.param("plain", b"DocCode=1", 415, "json", id="another-type"),
]


async def test_what_cannot_be_read_is_answered_and_stops_nothing(bus: House) -> None:
    for case in BROKEN:
        form, content, status, word = case.values
        assert isinstance(content, bytes)
        kind = {"json": "application/json", "xml": "application/xml", "plain": "text/plain"}[str(form)]
        answer = await bus.client.post(DOCUMENT, content=content, headers={"content-type": kind})
        assert answer.status_code == status, (case.id, answer.text)
        assert str(word) in told(answer)["Message"], (case.id, answer.text)
        assert ("xml" in answer.headers["content-type"]) == (form == "xml"), case.id
    answer = await bus.client.post(
        DOCUMENT, json=A.document("new"), headers={"content-type": "application/json; charset=windows-1258"}
    )
    assert (answer.status_code, told(answer)["Status"]) == (415, 415)
    assert len(await bus.exchanges("onestop")) == len(BROKEN) + 1
    await goes_through(bus)


async def test_decomposed_vietnamese_reaches_the_portal_composed(bus: House) -> None:
    life = Life(1)
    name, unit, content = "Nguyễn Thị Mẫu", "Sở Xây dựng", "Đã thẩm định hồ sơ"

    def taken_apart(text: str) -> str:
        apart = unicodedata.normalize("NFD", text)
        assert apart != text
        return apart

    assert (await bus.push(life, CitizenName=taken_apart(name), OrganInchargeName=taken_apart(unit))).status_code == 200
    assert (await bus.step(life, 1, Comment=taken_apart(content))).status_code == 200
    await bus.delivered(life, "4")
    there = bus.portal.dossiers[life.code]
    await until(lambda: there.steps, "the step")
    assert (there.item()["ChuHoSo"], there.item()["DonViXuLy"]) == (name, unit)
    assert [json.loads(step)["NoiDungXuLy"] for step in there.steps] == [content]
    assert [v for v in bus.portal.violations if "NFC" in str(v["problems"])] == []


async def test_two_bodies_under_one_message_id_are_a_conflict(bus: House) -> None:
    life = Life(1)
    assert (await bus.push(life, MessageId="m-1")).status_code == 200
    again = await bus.push(life, MessageId="m-1")
    assert (again.status_code, "trước đó" in told(again)["Message"]) == (200, True)
    other = await bus.push(life, "done", MessageId="m-1")
    assert (other.status_code, told(other)["Status"]) == (409, 409)
    await bus.delivered(life)
    assert [status for status in bus.portal.dossiers[life.code].statuses if status != "2"] == []
    # what was not accepted is in the journal as well, with the reason
    [refused] = [closed for _, closed in await bus.exchanges("onestop") if closed and closed.status == 409]
    assert refused.error
    await goes_through(bus)


# --- who may call ----------------------------------------------------------------------------------------------------


async def test_nobody_gets_a_token_who_should_not(bus: House) -> None:
    pairs = {"unknown client": ("ai-do", SECRET), "wrong secret": ("mot-cua", "sai"), "nothing": ("", "")}
    for what, pair in pairs.items():
        answer = await bus.client.post("/token", data={"grant_type": "client_credentials"}, auth=pair)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), what
    answer = await bus.client.post("/token", data={"grant_type": "password"}, auth=("mot-cua", SECRET))
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    await goes_through(bus)


async def test_forged_changed_foreign_and_absent_tokens_are_refused(bus: House) -> None:
    good = await bus.token()
    claims, _, signature = good.partition(".")
    own = bus.daemon.settings.server
    elsewhere = Tokens(own.link_secret.__class__("another daemon's secret"), own.clients, bus.daemon.clock)
    tokens = {
        "absent": "",
        "no bearer": f"Basic {good}",
        "nonsense": "Bearer abc",
        "signature of another": f"Bearer {claims}.{signature[:-4]}AAAA",
        "other claims": f"Bearer {claims[:-4]}AAAA.{signature}",
        "of another daemon": f"Bearer {elsewhere.issue('mot-cua', SECRET, '127.0.0.1')}",
    }
    for what, header in tokens.items():
        answer = await bus.client.post(DOCUMENT, json=A.document("new"), headers={"authorization": header})
        assert (answer.status_code, told(answer)["Status"]) == (401, 401), what
        assert "Bearer" in answer.headers["www-authenticate"]
    # a token may be used for many calls, but a client may speak only for its own system
    answer = await bus.client.post("/npsp/nowhere", json={}, headers={"authorization": f"Bearer {good}"})
    assert answer.status_code == 404
    assert await bus.daemon.work.story(A.code) is None
    await goes_through(bus)


async def test_a_token_replayed_after_its_end_is_refused_and_a_jump_of_the_clock_harms_nothing(tmp_path: Path) -> None:
    clock = FixedClock(START)
    extra = "[worker]\nlease_seconds = 1.0\nidle_seconds = 0.02"
    async with house(tmp_path, clock=clock, extra=extra) as bus:
        early, late, back = Life(1), Life(2), Life(3)
        assert (await bus.push(early)).status_code == 200
        await bus.delivered(early)
        clock.jump(3601)
        answer = await bus.push(late)
        assert (answer.status_code, "expired" in told(answer)["Message"]) == (401, True)
        await bus.log_in()
        # in the hour ahead something fails, and is to be tried again some time after that hour
        bus.portal.faults.add({"kind": "status", "operation": "DongBoHoSoMC", "count": 1})
        assert (await bus.push(late)).status_code == 200
        await until(lambda: bus.portal.calls["DongBoHoSoMC"] == 2, "the failed call")
        clock.jump(-3601)
        assert (await bus.push(back)).status_code == 200
        await bus.delivered(back)
        for _ in range(200):  # its wait of a tenth of a second, told by a clock that stands still unless turned
            if late.code in bus.portal.dossiers:
                break
            clock.turn(0.05)
            await until_next_look()
        await bus.delivered(late)
        assert {d.creates for d in bus.portal.dossiers.values()} == {1}
        assert bus.portal.ledger.flags["double"] == 0
        tries = [x for x, _ in await bus.exchanges("npsp") if x.operation == "sync_dossier"]
        assert len(tries) == 4, "three dossiers and one failed call: nothing was taken back and sent again"


async def test_what_is_under_way_while_the_clock_jumps_is_not_taken_back(tmp_path: Path) -> None:
    clock, gate = FixedClock(START), asyncio.Event()
    extra = "[worker]\nlease_seconds = 1.0\nidle_seconds = 0.02"
    async with house(tmp_path, clock=clock, extra=extra) as bus:
        life = Life(1)

        async def wait(_number: int, request: httpx.Request, send: Any) -> httpx.Response:
            response: httpx.Response = await send(request)
            if b"CapNhatTienDoHoSoMC" in request.content:
                await gate.wait()
            return response

        bus.taps["npsp"].strike(wait)
        await bus.push(life)
        await bus.step(life, 1)
        await until(lambda: bus.portal.calls["CapNhatTienDoHoSoMC"], "the step under way")
        clock.jump(3600)
        assert await bus.daemon.ledger.recover() == (0, 0)
        clock.jump(-7200)
        assert await bus.daemon.ledger.recover() == (0, 0)
        gate.set()
        while any(item.state != State.DONE for item in (await bus.story(life.code)).deliveries):
            await until_next_look()
        assert len(bus.portal.dossiers[life.code].steps) == 1
        assert bus.portal.calls["TraCuuHoSo"] == 0, "nobody doubted the step"


async def until_next_look() -> None:
    await asyncio.sleep(0.02)


# --- too much --------------------------------------------------------------------------------------------------------


def most_memory(pid: int) -> int:
    """The most memory (bytes) a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) * 1024


@pytest.mark.process
async def test_two_hundred_megabytes_are_refused_and_not_held(tmp_path: Path) -> None:
    with mocks() as address:
        bus = BusProcess(configuration(tmp_path, f"sqlite:///{tmp_path}/lgsp.db", address))
        bus.start()
        try:
            async with httpx.AsyncClient(base_url=bus.address, trust_env=False, timeout=60) as client:
                token = await client.post("/token", data={"grant_type": "client_credentials"}, auth=("mot-cua", SECRET))
                client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
                pid = int((await client.get("/healthz")).json()["worker"].split("-")[-2])
                before = most_memory(pid)
                piece = b"a" * MEGABYTE
                starts = {
                    "application/json": b'{"DocCode": "H21.14-261008-00001", "Compendium": "',
                    "application/xml": b"<SyncDocument><Compendium>",
                }
                for kind, start in starts.items():

                    async def body(start: bytes = start) -> AsyncIterator[bytes]:
                        yield start
                        for _ in range(200):
                            yield piece

                    answer = await client.post(DOCUMENT, content=body(), headers={"content-type": kind})
                    assert (answer.status_code, int(told(answer)["Status"])) == (413, 413)
                    assert kind in answer.headers["content-type"]
                    said = await client.post(
                        DOCUMENT,
                        content=body(),
                        headers={"content-type": kind, "content-length": str(len(start) + 200 * MEGABYTE)},
                    )
                    assert (said.status_code, int(told(said)["Status"])) == (413, 413)
                # also as a file in the message, which goes to the disk on its way in
                file = b'{"Attachments": [{"AttachmentName": "a.pdf", "Base64": "'

                async def with_file() -> AsyncIterator[bytes]:
                    yield file
                    for _ in range(200):
                        yield piece

                answer = await client.post(DOCUMENT, content=with_file(), headers={"content-type": "application/json"})
                assert (answer.status_code, told(answer)["Status"]) == (413, 413)
                assert most_memory(pid) - before < 64 * MEGABYTE
                assert [p for p in (tmp_path / "files").rglob("*") if p.is_file()] == []
            one_stop = OneStop(lambda: bus.address)
            await one_stop.push(DOCUMENT, Life(1).document("new"))
            await one_stop.aclose()
        finally:
            assert bus.stop() == 0


# --- the database ----------------------------------------------------------------------------------------------------


async def test_a_locked_database_is_told_as_busy_and_the_work_waits(tmp_path: Path) -> None:
    async with house(tmp_path) as bus:
        await goes_through(bus)
        await bus.daemon.store.transact(lambda c: c.exec_driver_sql("PRAGMA busy_timeout=100"))
        other = sqlite3.connect(tmp_path / "lgsp.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        life = Life(1)
        answer = await bus.push(life)
        assert (answer.status_code, told(answer)["Status"]) == (503, 503)
        assert answer.headers["retry-after"].isdigit()
        as_xml = await bus.client.post(
            DOCUMENT, content=xml(life.document("new")), headers={"content-type": "text/xml"}
        )
        assert (as_xml.status_code, told(as_xml)["Status"]) == (503, "503")
        assert (await bus.client.get("/healthz")).status_code == 200
        other.execute("ROLLBACK")
        other.close()
        assert (await bus.push(life)).status_code == 200
        await bus.delivered(life)
        # what could not be journalled while it was locked is there now
        refused = [closed for _, closed in await bus.exchanges("onestop") if closed and closed.status == 503]
        assert len(refused) == 2


async def test_a_call_answered_while_the_database_is_locked_is_not_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path) as bus:
        await bus.daemon.store.transact(lambda c: c.exec_driver_sql("PRAGMA busy_timeout=50"))
        other = sqlite3.connect(tmp_path / "lgsp.db", isolation_level=None)
        life = Life(1)

        async def lock(_number: int, request: httpx.Request, send: Any) -> httpx.Response:
            response: httpx.Response = await send(request)
            if b"DongBoHoSoMC" in request.content and not other.in_transaction:
                other.execute("BEGIN IMMEDIATE")
            return response

        bus.taps["npsp"].strike(lock)
        assert (await bus.push(life)).status_code == 200
        await bus.delivered(life)  # at the portal; the bus cannot write that down yet
        bus.taps["npsp"].strike(None)
        await until(lambda: bus.daemon.store._kept, "the end of the call waits to be written")
        other.execute("ROLLBACK")
        other.close()
        while any(item.state != State.DONE for item in (await bus.story(life.code)).deliveries):
            await until_next_look()
        [(_, closed)] = [x for x in await bus.exchanges("npsp") if x[0].operation == "sync_dossier"]
        assert closed is not None
        assert (closed.outcome, closed.status) == ("answered", 200)
        assert bus.portal.dossiers[life.code].creates == 1
        assert bus.portal.dossiers[life.code].updates == 0


async def test_a_full_database_is_told_as_busy_and_works_when_there_is_room(tmp_path: Path) -> None:
    async with house(tmp_path) as bus:
        await goes_through(bus)
        store = bus.daemon.store
        await store.transact(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1"))  # as many as there are, no more
        lives = [Life(n) for n in range(400)]
        answers = []
        for life in lives:
            answers.append(await bus.push(life, Compendium="x" * 3000))
            if answers[-1].status_code == 503:
                break
        assert (answers[-1].status_code, told(answers[-1])["Status"]) == (503, 503)
        await store.transact(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1000000"))
        assert (await bus.push(lives[len(answers) - 1])).status_code == 200
        for life in lives[: len(answers)]:
            await bus.delivered(life)


async def test_a_database_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    store = Store(settings.store.url)
    await upgrade(store)
    await store.close()
    with sqlite3.connect(tmp_path / "lgsp.db") as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    other.close()
    with pytest.raises(StoreError, match=r"9999.*install the newer release"):
        async with house(tmp_path, settings=settings):
            pass
    ended = lgsp_run(tmp_path)
    assert ended.returncode == 3
    assert "9999" in ended.stderr
    assert "Traceback" not in ended.stderr


def lgsp_run(folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LGSP_LANG": "en", "LGSP_CONFIG": str(folder / "lgsp.toml"), "PYTHONUTF8": "1"}
    run = [sys.executable, "-c", "from lgsp.cli.main import main; main()", "run"]
    return subprocess.run(run, env=env, capture_output=True, text=True, timeout=60)


def test_five_mistakes_in_the_settings_are_told_at_once(tmp_path: Path) -> None:
    file = configuration(tmp_path, f"sqlite:///{tmp_path}/lgsp.db", "http://127.0.0.1:9")
    text = file.read_text(encoding="utf-8")
    wrong = {
        'code = "H21"': "",
        "port = 0": "port = 99999",
        f'token_secret = "{SECRET}"': 'token_secret = "ngắn"',
        "concurrency = 32": 'concurrency = "nhiều"',
        'default_agency = "H21.14"': 'defalt_agency = "H21.14"',
    }
    for right, bad in wrong.items():
        assert right in text
        text = text.replace(right, bad)
    file.write_text(text, encoding="utf-8")
    ended = lgsp_run(tmp_path)
    assert ended.returncode == 2, ended.stderr
    for name in (
        "province.code",
        "server.port",
        "server.token_secret",
        "systems.npsp.concurrency",
        "systems.onestop.defalt_agency",
    ):
        assert name in ended.stderr
    assert "default_agency" in ended.stderr, "it names what was meant"
    assert "ngắn" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "lgsp.db").exists()
