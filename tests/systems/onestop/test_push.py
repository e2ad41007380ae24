"""The provincial LGSP API at the front door: what is accepted, and each kind of bad input with its answer."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from lgsp.canonical.events import DossierReported, StepTaken
from lgsp.canonical.status import Status
from lgsp.inbound.body import Limits
from tests.support.doors import Door, opened
from tests.systems.onestop.samples import document, sample, trace, xml

pytestmark = pytest.mark.anyio
SYNC = "/onestop/Document/SyncDocument"
TRACES = "/onestop/Document/UpdateDocumentTraces"
JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "text/xml; charset=utf-8"}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path, limits=Limits(body=300_000, held=100_000, idle=0.2)) as door:
        yield door


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and Message, whichever format they came in."""
    if "xml" in answer.headers["content-type"]:
        root = etree.fromstring(answer.content)
        assert root.tag == "Response"
        return int(root.findtext("Status") or ""), root.findtext("Message") or ""
    body = answer.json()
    assert set(body) == {"Status", "Message"}
    return body["Status"], body["Message"]


async def send(door: Door, path: str, content: Any, headers: dict[str, str] = JSON) -> httpx.Response:
    if isinstance(content, (dict, list)):
        content = json.dumps(content, ensure_ascii=False).encode()
    async with door.authorised() as client:
        return await client.post(path, content=content, headers=headers)


async def test_a_document_is_committed_then_answered(door: Door) -> None:
    answer = await send(door, SYNC, document())
    assert answer.status_code == 200
    assert told(answer) == (200, "Thành công")
    (event,) = door.port.taken[0].events
    assert (event.type, event.dossier) == ("dossier.reported", "H21.14-261006-0007")
    ((exchange, closed),) = await door.exchanges()
    assert exchange.body == json.dumps(document(), ensure_ascii=False).encode()
    assert exchange.headers["authorization"] == "***"
    assert (exchange.direction, exchange.operation, exchange.dossier) == ("in", "sync_document", event.dossier)
    assert closed is not None
    assert (closed.outcome, closed.status, closed.body) == ("answered", 200, answer.content)


@pytest.mark.parametrize("prefix", ["/onestop", "/onestop/adapter"])
async def test_json_and_xml_say_the_same(door: Door, prefix: str) -> None:
    first = await send(door, f"{prefix}/Document/SyncDocument", document())
    again = await send(door, f"{prefix}/Document/SyncDocument", xml(document()), XML)
    assert told(first) == (200, "Thành công")
    status, message = told(again)
    assert status == again.status_code == 200
    assert "trước đó" in message
    assert len(door.port.taken) == 1


async def test_traces_come_one_or_many(door: Door) -> None:
    assert told(await send(door, TRACES, trace()))[0] == 200
    assert told(await send(door, TRACES, sample("UpdateDocumentTraces.xml"), XML))[0] == 200
    assert told(await send(door, TRACES, [trace(TraceId="7"), trace(TraceId="8")]))[0] == 200
    ids = [event.source_id for taken in door.port.taken for event in taken.events]
    assert ids[1:] == [f"H21.14-261006-0007:action-{n}" for n in (5001, 5002, 7, 8)]
    second = door.port.taken[1].events[0].body
    assert isinstance(second, StepTaken)
    assert second.step.status is Status.PROCESSING  # 4 of the national set


async def test_traces_that_share_a_message_id_are_all_kept(door: Door) -> None:
    traces = [trace(MessageId="m1", Comment=f"Bước {n}") for n in range(3)]
    assert told(await send(door, TRACES, traces))[0] == 200
    assert told(await send(door, TRACES, traces)) == (200, "Thành công: bản tin này đã được tiếp nhận trước đó")
    assert len({event.source_id for event in door.port.taken[0].events}) == 3


async def test_a_portal_s_dossier_is_told_again_and_again(door: Door) -> None:
    """Each message tells of the registration too; that is no conflict."""
    for number, status in enumerate(("receiving", "new", "processing")):
        message = document(
            MessageId=f"m{number}", NationalDocCode="G09.20-261007-0031", DossierStatus=status,
            DateSubmitted=f"2026-10-06T0{number}:00:00.000+0700",
        )  # fmt: skip
        assert told(await send(door, SYNC, message)) == (200, "Thành công")
    (first, *_, last) = [event for taken in door.port.taken for event in taken.events]
    assert (first.type, last.type) == ("dossier.registered", "dossier.reported")
    stored = await door.port.ledger.events_of("G09.20-261007-0031")
    assert len(stored) >= 6  # one dossier under the portal's code, though the messages name it by its own


async def test_files_go_to_the_store_and_not_to_the_journal(door: Door) -> None:
    answer = await send(door, SYNC, sample("SyncDocument.full.json"))
    assert told(answer)[0] == 200
    body = door.port.taken[0].events[-1].body
    assert isinstance(body, DossierReported)
    file = body.dossier.results[0].file
    assert file is not None
    assert file.id == hashlib.sha256("kết quả".encode()).hexdigest()
    with door.files.open(file.id) as content:
        assert content.read() == "kết quả".encode()
    ((exchange, _),) = await door.exchanges()
    assert f"lgsp-file:{file.id}".encode() in exchange.body


async def test_decomposed_text_is_composed(door: Door) -> None:
    decomposed = unicodedata.normalize("NFD", json.dumps(document(), ensure_ascii=False))
    assert told(await send(door, SYNC, decomposed.encode()))[0] == 200
    body = door.port.taken[0].events[0].body
    assert isinstance(body, DossierReported)
    assert body.dossier.applicant.name == unicodedata.normalize("NFC", "Nguyễn Văn Mẫu")


async def test_unknown_fields_are_tolerated(door: Door) -> None:
    assert told(await send(door, SYNC, document(SomethingNew={"a": [1]}, Email=None)))[0] == 200


async def test_unknown_procedure_unit_and_status_are_accepted_to_park_later(door: Door) -> None:
    strange = document(DocTypeCode="9.999999", OrganInchargeIdLevel1="H21.99", DossierStatus="dreaming")
    assert told(await send(door, SYNC, strange))[0] == 200
    body = door.port.taken[0].events[0].body
    assert isinstance(body, DossierReported)
    assert body.dossier.status is None
    assert body.dossier.local_status is not None
    assert body.dossier.local_status.status == "dreaming"


async def test_two_bodies_under_one_message_id_conflict(door: Door) -> None:
    assert told(await send(door, SYNC, document(MessageId="m1")))[0] == 200
    assert told(await send(door, SYNC, document(MessageId="m1")))[0] == 200
    answer = await send(door, SYNC, document(MessageId="m1", Note="khác"))
    assert (answer.status_code, told(answer)[0]) == (409, 409)
    assert len(door.port.taken) == 1


async def test_a_sick_store_asks_to_call_again(door: Door) -> None:
    door.port.sick = True
    answer = await send(door, SYNC, sample("SyncDocument.full.json"))
    assert (answer.status_code, told(answer)[0]) == (503, 503)
    assert int(answer.headers["retry-after"]) > 0
    door.port.sick = False
    assert told(await send(door, SYNC, sample("SyncDocument.full.json"))) == (200, "Thành công")


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><SyncDocument>&y;</SyncDocument>'
BAD = [
    pytest.param(document(DocCode=None), JSON, 400, "DocCode", id="no-code"),
    pytest.param(document(CitizenName="  "), JSON, 400, "CitizenName", id="empty-name"),
    pytest.param(document(ApplicantsType=7), JSON, 400, "ApplicantsType", id="unknown-applicant-type"),
    pytest.param(document(ApplicantsIdType="guess"), JSON, 400, "ApplicantsIdType", id="unknown-id-kind"),
    pytest.param(document(DocCode="H99.14-240612-0007"), JSON, 400, "another province (H99", id="other-province"),
    pytest.param(document(DocCode="000.00.12.H56-210304-0001"), JSON, 400, "H56", id="other-province-old-form"),
    pytest.param(document(DocCode="a b"), JSON, 400, "DocCode", id="space-in-code"),
    pytest.param(document(DateReceived="2026-02-30T08:00:00.000+0700"), JSON, 400, "DateReceived", id="30-february"),
    pytest.param(document(DateReceived="2026-10-06T25:00:00.000+0700"), JSON, 400, "DateReceived", id="hour-25"),
    pytest.param(document(DateReceived="06/10/2026"), JSON, 400, "DateReceived", id="other-format"),
    pytest.param(document(DocFees=[{"FeeName": "Phí", "Price": -1}]), JSON, 400, "DocFees.0.Price", id="negative-fee"),
    pytest.param(document(DocFees=[{"FeeName": "Phí", "Price": "1e999"}]), JSON, 400, "DocFees.0", id="huge-fee"),
    pytest.param(document(Attachments=[{"Base64": "@@@@"}]), JSON, 400, "Base64: is not base64", id="bad-base64"),
    pytest.param(document(Note="a\0b"), JSON, 400, "Note", id="nul"),
    pytest.param(b'{"Note": "\\ud800", ' + json.dumps(document(Note=None)).encode()[1:], JSON, 400, "Note", id="half"),
    pytest.param([document()], JSON, 400, "not a list", id="list-of-documents"),
    pytest.param(b"", JSON, 400, "empty", id="empty"),
    pytest.param(b"{'DocCode': 1}", JSON, 400, "not JSON at line 1", id="malformed-json"),
    pytest.param(b'{"DocCode":"a","DocCode":"b"}', JSON, 400, "DocCode: stands twice", id="key-twice"),
    pytest.param(b'{"a": NaN}', JSON, 400, "NaN", id="nan"),
    pytest.param(b'{"a": 1' + b"0" * 5000 + b"}", JSON, 400, "too many digits", id="huge-number"),
    pytest.param(nested(50), JSON, 400, "nested", id="nested-json"),
    pytest.param(nested(15_000), JSON, 400, "nested", id="deeply-nested-json"),
    pytest.param(b"<a>" * 9000 + b"</a>" * 9000, XML, 400, "nested", id="deeply-nested-xml"),
    pytest.param(b"<SyncDocument><DocCode>a</SyncDocument>", XML, 400, "not XML at line 1", id="malformed-xml"),
    pytest.param(BOMB, XML, 400, "DTD", id="entity-bomb"),
    pytest.param(b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', XML, 400, "DTD", id="external-entity"),
    pytest.param(b"<a>&nope;</a>", XML, 400, "not XML", id="unknown-entity"),
    pytest.param(xml(document(DocCode=None)), XML, 400, "DocCode", id="xml-no-code"),
    pytest.param(b"<a><DocCode>1</DocCode><DocCode>2</DocCode><b/></a>", XML, 400, "DocCode: stands twice", id="twice"),
    pytest.param('{"CitizenName": "Lê"}'.encode("cp1258"), JSON, 400, "not UTF-8", id="wrong-bytes"),
    pytest.param(b"{}", {"Content-Type": "application/json; charset=windows-1258"}, 415, "UTF-8", id="wrong-charset"),
    pytest.param("{}".encode("utf-16"), JSON, 415, "UTF-8", id="utf-16"),
    pytest.param(b'<?xml version="1.0" encoding="latin1"?><a/>', XML, 415, "UTF-8", id="xml-other-encoding"),
    pytest.param(b"a,b", {"Content-Type": "text/csv"}, 415, "Content-Type", id="csv"),
    pytest.param(b"\x1f\x8b", JSON | {"Content-Encoding": "gzip"}, 415, "Content-Encoding", id="packed"),
    pytest.param(document(Note="x" * 150_000), JSON, 413, "bytes", id="too-much-beside-files"),
    pytest.param(document(Attachments=[{"Base64": "AAAA" * 90_000}]), JSON, 413, "bytes", id="too-large"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "headers", "status", "words"), BAD)
async def test_bad_input_has_a_clear_answer_and_stops_nothing(
    door: Door, content: Any, headers: dict[str, str], status: int, words: str
) -> None:
    answer = await send(door, SYNC, content, headers)
    code, message = told(answer)
    assert (answer.status_code, code) == (status, status)
    assert words in message
    assert ("xml" in answer.headers["content-type"]) == ("xml" in headers["Content-Type"])
    for private in ("Nguyễn Văn Mẫu", "099088000123", "0900000001"):
        assert private not in message
    assert not door.port.taken
    ((_, closed),) = await door.exchanges()
    assert closed is not None
    assert (closed.status, closed.body) == (status, answer.content)
    assert closed.outcome != "answered"
    assert not [p for p in door.files.root.rglob("*") if p.is_file()]
    assert told(await send(door, SYNC, document()))[0] == 200


@pytest.mark.parametrize("field", ["DocCode", "UserName", "DateCreated", "Comment"])
async def test_a_trace_without_its_fields_is_refused(door: Door, field: str) -> None:
    """An officer without a name is not given one, and a step without words gets none from us."""
    for empty in (None, "", "   "):
        status, message = told(await send(door, TRACES, trace(**{field: empty})))
        assert status == 400
        assert f"{field}: is missing or empty" in message


async def test_a_trace_that_begins_after_it_ended_is_refused(door: Door) -> None:
    status, message = told(await send(door, TRACES, trace(DateBegin="2026-10-07T10:00:00.000+0700")))
    assert (status, "DateBegin" in message) == (400, True)


async def test_nobody_is_let_in_without_a_token_and_no_body_is_read(door: Door) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"{}"

    token = door.tokens.issue("motcua", "s3cret-of-the-one-stop-system", "10.1.2.3")
    door.clock.turn(4000)
    for headers in ({}, {"Authorization": "Bearer forged.token"}, {"Authorization": f"Bearer {token}"}):
        async with door.client() as client:
            answer = await client.post(SYNC, content=body(), headers=JSON | headers)
        assert (answer.status_code, told(answer)[0]) == (401, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert not door.port.taken
    assert [closed and closed.outcome for _, closed in await door.exchanges()] == ["unauthorised"] * 3


async def test_two_hundred_megabytes_are_not_read_on(door: Door) -> None:
    chunk, sent = b"x" * 65_536, 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 200 * 1024 * 1024:
            sent += len(chunk)
            yield chunk

    answer = await send(door, SYNC, body())
    assert told(answer)[0] == 413
    # The test transport hands the caller's chunks over one by one: reading stopped soon after the limit.
    assert sent < 1024 * 1024


async def test_a_body_that_never_ends_is_given_up(door: Door) -> None:
    """By hand: the transport of the tests reads a body whole before it calls."""
    messages = [{"type": "http.request", "body": b'{"DocCode": ', "more_body": True}]
    replies: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        import asyncio

        await asyncio.Event().wait()
        raise AssertionError

    async def reply(message: Any) -> None:
        replies.append(message)

    token = door.tokens.issue("motcua", "s3cret-of-the-one-stop-system", "10.1.2.3")
    scope = {
        "type": "http", "method": "POST", "path": SYNC, "raw_path": SYNC.encode(), "query_string": b"", "root_path": "",
        "http_version": "1.1", "scheme": "http", "client": ("10.1.2.3", 1), "server": ("x", 80),
        "headers": [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")],
    }  # fmt: skip
    await door.app(scope, receive, reply)
    assert replies[0]["status"] == 400
    assert "in time" in json.loads(replies[1]["body"])["Message"]


async def test_other_addresses_and_methods_are_answered(door: Door) -> None:
    async with door.authorised() as client:
        nowhere = await client.post("/onestop/Document/Nothing")
        read = await client.get(SYNC)
    assert (nowhere.status_code, read.status_code) == (404, 405)
    assert nowhere.json()["error_description"]
