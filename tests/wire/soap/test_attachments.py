"""Files beside messages, both ways: MTOM/XOP, SOAP with attachments, from and into files."""

from __future__ import annotations

import email
import re
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.errors import BadAnswer, MappingError
from lgsp.wire.soap import Attachment, SoapContract, SoapPort
from lgsp.wire.soap.mime import Splitter
from lgsp.wire.soap.xml import Unreadable
from tests.wire.kit import Peer, Sink, serving, wired
from tests.wire.soap.kit import CONTRACTS, body_of, envelope, operation, reply

pytestmark = pytest.mark.anyio

CONTRACT = SoapContract(CONTRACTS / "papers" / "papers.wsdl")
PDF = b"%PDF-1.7\r\n--not-a-boundary\r\n\x00\xff\r\n"
SENT = '<Sent xmlns="urn:papers"><Size>3</Size></Sent>'


def parts_of(content_type: str, body: bytes) -> list[Message]:
    """Read by the standard library, which is neither side's."""
    whole = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    assert whole.is_multipart()
    return [part for part in whole.walk() if not part.is_multipart()]


@asynccontextmanager
async def port(answer: httpx.Response | None = None, **options: Any) -> AsyncIterator[tuple[SoapPort, list[Any], Sink]]:
    seen: list[tuple[str, bytes]] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["content-type"], await request.aread()))
        assert request.headers["content-length"] == str(len(seen[-1][1]))
        assert "transfer-encoding" not in request.headers
        return answer or httpx.Response(200, text=envelope(SENT), headers={"content-type": "text/xml"})

    async with wired(httpx.MockTransport(handle)) as (wire, sink):
        yield SoapPort(wire, CONTRACT, "http://papers.test/", **options), seen, sink


def multipart(
    root: str, *parts: tuple[str, bytes], start: bool = True, line: bytes = b"\r\n", extra: str = ""
) -> tuple[str, bytes]:
    out = [b"preamble", b"--x y", b"Content-Type: application/xop+xml", b"Content-ID: <root>", b"", root.encode()]
    for head, data in parts:
        out += [b"--x y", head.encode(), *([extra.encode()] if extra else []), b"", data]
    out += [b"--x y--", b"epilogue"]
    named = '; start="<root>"' if start else ""
    return f'multipart/related; boundary="x y"; type="application/xop+xml"{named}', line.join(out)


COPY = '<Sent xmlns="urn:papers"><Size>3</Size><Copy><Include xmlns="http://www.w3.org/2004/08/xop/include" ' \
       'href="cid:copy%40x"/></Copy></Sent>'  # fmt: skip


async def test_a_binary_element_travels_beside_the_message_by_mtom(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(PDF)
    async with port(mtom=True) as (papers, seen, sink):
        content = Attachment(path=file, media="application/pdf", name='đơn "1".pdf')
        assert await papers.call("send", "Send", {"Name": "a", "Content": content}) == {"Size": 3}
    kind, body = seen[0]
    root, paper = parts_of(kind, body)
    assert root.get_content_type() == "application/xop+xml"
    assert (root.get_param("type"), root["Content-ID"]) == ("text/xml", "<root@lgsp>")
    xml = root.get_payload(decode=True)
    assert isinstance(xml, bytes)
    found = re.search(r'href="cid:([^"]+)"/></n\d:Content>', xml.decode())
    assert found is not None
    assert paper["Content-ID"] == f"<{found[1]}>"
    assert PDF in body
    assert (paper.get_content_type(), paper.get_filename()) == ("application/pdf", "__n _1_.pdf")
    assert PDF not in sink.opened[0].body
    assert f"[{len(PDF)} bytes, sha256 ".encode() in sink.opened[0].body


async def test_without_mtom_a_binary_element_is_inline() -> None:
    async with port() as (papers, seen, _):
        await papers.call("send", "Send", {"Name": "a", "Content": Attachment(b"abc")})
        await papers.call("send", "Send", {"Name": "a", "Content": b"abc"})
    assert [kind for kind, _ in seen] == ["text/xml; charset=utf-8"] * 2
    assert all(":Content>YWJj</" in body_of(body) for _, body in seen)


async def test_soap_with_attachments() -> None:
    async with port() as (papers, seen, _):
        values = {"Name": "a", "Scan": Attachment(PDF, id="scan-1@h56", media="application/pdf")}
        await papers.call("send", "Send", values, attachments=[Attachment(b"abc", name="b.txt", media="text/plain")])
    kind, body = seen[0]
    root, scan, other = parts_of(kind, body)
    assert 'type="text/xml"' in kind
    assert root.get_content_type() == "text/xml"
    assert b":Scan>cid:scan-1@h56</" in body
    assert scan["Content-ID"] == "<scan-1@h56>"
    assert (other.get_filename(), other.get_payload(decode=True)) == ("b.txt", b"abc")


async def test_a_file_that_is_not_there_never_leaves(tmp_path: Path) -> None:
    async with port() as (papers, seen, _):
        with pytest.raises(MappingError, match="a file cannot be read: No such file"):
            await papers.call("send", "Send", {"Name": "a"}, attachments=[Attachment(path=tmp_path / "none")])
    assert seen == []


async def test_a_further_try_sends_the_file_from_its_start(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(PDF)
    bodies: list[bytes] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(await request.aread())
        if len(bodies) == 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, text=envelope(SENT), headers={"content-type": "text/xml"})

    async with wired(httpx.MockTransport(handle)) as (wire, sink):
        papers = SoapPort(wire, CONTRACT, "http://papers.test/", mtom=True)
        await papers.call("send", "Send", {"Name": "a", "Content": Attachment(path=file)})
    assert bodies[0] == bodies[1]
    assert PDF in bodies[1]
    assert sink.outcomes == ["NotSent", "answered"]


@pytest.mark.parametrize("line", [b"\r\n", b"\n"])
@pytest.mark.parametrize("start", [True, False])
def test_parts_of_an_answer_in_memory(line: bytes, start: bool) -> None:
    kind, body = multipart(envelope(COPY), ("Content-ID: <copy@x>", b"abc"), start=start, line=line)
    read = operation("papers", "Send").read(reply(body, kind))
    assert read.value == {"Size": 3, "Copy": b"abc"}
    assert [a.id for a in read.attachments] == ["copy@x"]


def test_the_envelope_may_come_last() -> None:
    kind, body = multipart("abc", ("Content-ID: <late>", envelope(SENT).encode()))
    read = operation("papers", "Send").read(reply(body, kind.replace("<root>", "<late>")))
    assert read.value == {"Size": 3}


@pytest.mark.parametrize(
    ("encoding", "data"), [("base64", b"YW\r\nJj\r\n"), ("quoted-printable", b"a=62c"), ("8bit", b"abc")]
)
def test_transfer_encodings(encoding: str, data: bytes) -> None:
    kind, body = multipart(
        envelope(COPY), ("Content-ID: <copy@x>", data), extra=f"Content-Transfer-Encoding: {encoding}"
    )
    assert operation("papers", "Send").answer(reply(body, kind))["Copy"] == b"abc"


def test_a_reference_to_an_attached_part() -> None:
    told = '<Sent xmlns="urn:papers"><Size>3</Size><Scan>cid:scan</Scan></Sent>'
    kind, body = multipart(envelope(told), ("Content-Type: text/plain\r\nContent-ID: <scan>", b"abc"))
    assert operation("papers", "Send").answer(reply(body, kind))["Scan"].data == b"abc"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda kind, body: (kind, body.replace(b"--x y--", b"")), "cut off"),
        (lambda kind, body: (kind, body[:200]), "cut off"),
        (lambda kind, body: ("multipart/related", body), "without a boundary"),
        (lambda kind, body: (kind.replace("<root>", "<none>"), body), "without an envelope"),
        (
            lambda kind, body: (kind, body.replace(b"copy@x", b"other@x")),
            "Sent/Copy: refers to an attachment that is not",
        ),
        (lambda kind, body: (kind, body.replace(b"abc", b"abc\r\nContent")), None),
        (
            lambda kind, body: (kind, body.replace(b"Content-ID: <copy@x>", b"A: " + b"a" * 20_000)),
            "headers do not end",
        ),
        (lambda kind, body: (kind, b"\r\n".join([body[:-20], *[b"--x y\r\n\r\na"] * 300])), "more than 200 parts"),
    ],
)
def test_what_is_no_multipart_is_a_bad_answer(change: Any, told: str | None) -> None:
    kind, body = change(*multipart(envelope(COPY), ("Content-ID: <copy@x>", b"abc")))
    if told is None:
        assert operation("papers", "Send").answer(reply(body, kind))["Copy"] == b"abc\r\nContent"
        return
    with pytest.raises(BadAnswer, match=told):
        operation("papers", "Send").answer(reply(body, kind))


@given(st.lists(st.binary(max_size=60), max_size=4), st.data())
@settings(max_examples=150, deadline=None)
def test_parts_are_the_same_however_the_bytes_arrive(contents: list[bytes], data: st.DataObject) -> None:
    contents = [c.replace(b"--x y", b"") for c in contents]
    kind, body = multipart("root", *(("A: b", c) for c in contents))
    splitter = Splitter(kind)
    left = body
    while left:
        size = data.draw(st.integers(1, 40))
        splitter.feed(left[:size])
        left = left[size:]
    splitter.end()
    assert splitter.root().data == b"root"
    assert [a.data for a in splitter.attachments()] == contents


async def test_parts_of_an_answer_go_into_files(tmp_path: Path) -> None:
    kind, body = multipart(envelope(COPY), ("Content-Type: application/pdf\r\nContent-ID: <copy@x>", PDF))
    answer = httpx.Response(200, content=body, headers={"content-type": kind})
    async with port(answer) as (papers, _, sink):
        read = await papers.ask("send", "Send", {"Name": "a"}, save_to=tmp_path)
    copy = read.value["Copy"]
    assert copy.path.parent == tmp_path
    assert copy.read() == PDF
    assert copy.media == "application/pdf"
    assert [file.name for file in tmp_path.iterdir()] == [copy.path.name]
    assert b"%PDF" not in sink.closed[0].body
    assert f"application/pdf, {len(PDF)} bytes".encode() in sink.closed[0].body


@pytest.mark.parametrize("cut", [120, 330, 380])
async def test_files_of_a_broken_answer_are_removed(tmp_path: Path, cut: int) -> None:
    kind, body = multipart(envelope(COPY), ("Content-ID: <copy@x>", PDF))
    answer = httpx.Response(200, content=body[:cut], headers={"content-type": kind})
    async with port(answer) as (papers, _, _sink):
        with pytest.raises(BadAnswer):
            await papers.call("send", "Send", {"Name": "a"}, save_to=tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_an_answer_of_one_part_where_files_were_expected(tmp_path: Path) -> None:
    async with port() as (papers, _, _sink):
        assert await papers.call("send", "Send", {"Name": "a"}, save_to=tmp_path) == {"Size": 3}


async def test_twenty_megabytes_each_way_in_little_memory(tmp_path: Path) -> None:
    """Over a real socket, from a file and into a file."""
    size = 20 * 1024 * 1024
    file = tmp_path / "large"
    with file.open("wb") as out:
        for number in range(size // 4096):
            out.write(number.to_bytes(4, "big") * 1024)
    received: list[int] = []

    async def handle(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head.lower())
        assert found is not None
        left = int(found[1])
        received.append(left)
        while left:
            left -= len(await peer.reader.read(min(left, 65536)))
        kind, around = multipart(envelope(COPY), ("Content-ID: <copy@x>", b"@@@"))
        before, _, after = around.partition(b"@@@")
        length = len(before) + size + len(after)
        await peer.send(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode())
        await peer.send(before)
        for _ in range(size // 65536):
            await peer.send(b"\x00" * 65536)
        await peer.send(after)

    folder = tmp_path / "in"
    folder.mkdir()
    async with serving(handle) as server, wired(total_timeout=60.0, read_timeout=60.0) as (wire, _):
        papers = SoapPort(wire, CONTRACT, server.url, mtom=True)
        await papers.ready()
        tracemalloc.start()
        try:
            read = await papers.call("send", "Send", {"Name": "a", "Content": Attachment(path=file)}, save_to=folder)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert received[0] > size
    assert read["Copy"].size == size
    assert peak < 16 * 1024 * 1024, f"{peak / 2**20:.0f} MB"


def test_a_part_in_an_unknown_encoding() -> None:
    kind, body = multipart("x", ("A: b", b"c"), extra="Content-Transfer-Encoding: uuencode")
    with pytest.raises(Unreadable, match="transfer encoding"):
        Splitter(kind).feed(body)
