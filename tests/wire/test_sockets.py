"""The wire against real sockets that behave badly."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import Callable

import pytest

from lgsp.errors import BadAnswer, CallError, NotSent, OutcomeUnknown, Throttled
from lgsp.wire.exchange import scope
from tests.wire.kit import Handler, Peer, Sink, Slept, echo, serving, wired

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def test_a_call_is_answered_and_journalled_as_sent() -> None:
    async with serving(echo) as server, wired() as (wire, sink):
        with scope(delivery=7, dossier="H99.14-1", attempt=2):
            reply = await wire.request(
                "push",
                "POST",
                f"{server.url}/a%2Fb",
                json={"tên": "Đỗ"},
                query={"dstcode": "VN:GOV:1", "u": "http://x/?a=1&b"},
            )
    assert (reply.status, reply.json(), reply.content_type) == (200, {}, "application/json")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /a%2Fb?dstcode=VN:GOV:1&u=http:%2F%2Fx%2F%3Fa%3D1%26b HTTP/1.1"
    assert body == '{"tên":"Đỗ"}'.encode()
    opened = sink.opened[0]
    assert opened.url.endswith("/a%2Fb?dstcode=VN:GOV:1&u=http:%2F%2Fx%2F%3Fa%3D1%26b")
    assert (opened.body, opened.delivery, opened.dossier, opened.attempt) == (body, 7, "H99.14-1", 2)
    sent = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:])
    assert sent == dict(opened.headers), "every header that left is in the journal, and no other"
    assert sink.outcomes == ["answered"]


async def test_no_byte_leaves_before_the_exchange_is_committed() -> None:
    arrived_at_commit: list[int] = []

    async with serving(echo) as server:

        async def committed() -> None:
            await asyncio.sleep(0.02)  # time in which a byte sent too early would arrive
            arrived_at_commit.append(server.connections + len(server.requests))

        async with wired(sink=Sink(committed)) as (wire, _):
            await wire.request("push", "POST", server.url, json={})
        assert arrived_at_commit == [0]
        assert len(server.requests) == 1


async def test_nothing_leaves_when_the_journal_refuses() -> None:
    async def full() -> None:
        raise OSError("disk full")

    async with serving(echo) as server, wired(sink=Sink(full)) as (wire, _):
        with pytest.raises(OSError, match="disk full"):
            await wire.request("push", "POST", server.url, json={})
        assert server.connections == 0


async def test_a_refused_connection_is_not_sent_after_three_tries() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else gets the port
        slept = Slept()
        async with wired(sleep=slept) as (wire, sink):
            with pytest.raises(NotSent) as caught:
                await wire.request("push", "POST", f"http://127.0.0.1:{taken.getsockname()[1]}/", json={})
    assert sink.outcomes == ["NotSent"] * 3
    assert len(slept.seconds) == 2
    assert 0 < slept.seconds[0] < slept.seconds[1] < 2
    assert str(caught.value).startswith("remote.push: no connection")


async def test_an_unknown_host_is_not_sent() -> None:
    async with wired() as (wire, sink):
        with pytest.raises(NotSent):
            await wire.request("push", "POST", "http://no-such-host.invalid/", json={})
    assert sink.outcomes == ["NotSent"] * 3


async def cut_before_reading(peer: Peer) -> None:
    # Linger 0: the client sees a reset, not an end.
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def cut_after_reading(peer: Peer) -> None:
    await peer.read()


async def reset_after_reading(peer: Peer) -> None:
    await peer.read()
    await cut_before_reading(peer)


async def half_a_head(peer: Peer) -> None:
    await peer.read()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-")


async def half_a_body(peer: Peer) -> None:
    await peer.read()
    await peer.send(HEAD + b'Content-Length: 20\r\n\r\n{"a":')


async def cut_in_chunks(peer: Peer) -> None:
    await peer.read()
    await peer.send(HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n')


async def not_http(peer: Peer) -> None:
    await peer.read()
    await peer.send(b"220 smtp ready\r\n\r\n")


async def slow_head(peer: Peer) -> None:
    await peer.read()
    await peer.hang()


async def slow_body(peer: Peer) -> None:
    await peer.read()
    await peer.send(HEAD + b'Content-Length: 20\r\n\r\n{"a":')
    await peer.hang()


async def drip(peer: Peer) -> None:
    await peer.read()
    await peer.send(HEAD + b"Content-Length: 2000\r\n\r\n")
    while True:
        await peer.send(b" ")
        await asyncio.sleep(0.02)


async def gzip_cut(peer: Peer) -> None:
    await peer.read()
    await peer.answer(gzip.compress(b'{"a": 1}')[:-6], "200 OK", "Content-Encoding: gzip")


async def brotli(peer: Peer) -> None:
    await peer.read()
    await peer.answer(b"\x0b\x02", "200 OK", "Content-Encoding: br")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (cut_before_reading, OutcomeUnknown),
        (cut_after_reading, OutcomeUnknown),
        (reset_after_reading, OutcomeUnknown),
        (half_a_head, OutcomeUnknown),
        (slow_head, OutcomeUnknown),
        (slow_body, OutcomeUnknown),
        (drip, OutcomeUnknown),
        (half_a_body, BadAnswer),
        (cut_in_chunks, BadAnswer),
        (not_http, BadAnswer),
        (gzip_cut, BadAnswer),
        (brotli, BadAnswer),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_broken_call_gets_its_class_and_is_made_once(
    handler: Handler, expected: type[CallError], method: str
) -> None:
    async with (
        serving(handler) as server,
        wired(read_timeout=0.15, total_timeout=0.4, connect_timeout=0.3) as (wire, sink),
    ):
        with pytest.raises(CallError) as caught:
            await wire.request("push", method, server.url, content=b"x" if method == "POST" else None)
        assert type(caught.value) is expected
        assert sink.outcomes == [expected.__name__]
        assert server.connections == 1, "whatever bytes may have left are not sent a second time"
        assert (caught.value.system, caught.value.operation) == ("remote", "push")


async def test_a_cut_off_answer_is_journalled_as_far_as_it_came() -> None:
    async with serving(half_a_body) as server, wired() as (wire, sink):
        with pytest.raises(BadAnswer):
            await wire.request("push", "POST", server.url, json={})
    assert (sink.closed[0].status, sink.closed[0].body) == (200, b'{"a":')


async def answer_once_then_drop(peer: Peer) -> None:
    """Keeps the connection after the first answer, then hangs up on the second request unanswered."""
    await peer.read()
    await peer.answer(b"{}")
    await peer.read()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_dropped_kept_connection_is_not_repeated_by_the_library(method: str) -> None:
    async with serving(answer_once_then_drop) as server, wired() as (wire, sink):
        await wire.request("push", method, server.url, content=b"1")
        with pytest.raises(OutcomeUnknown):
            await wire.request("push", method, server.url, content=b"2")
        assert len(server.requests) == 2, "aiohttp repeats idempotent methods unless told not to"
        assert server.connections == 1
        assert sink.outcomes == ["answered", "OutcomeUnknown"]


async def test_connections_are_kept_and_at_most_as_many_as_set() -> None:
    busy, most = 0, 0

    async def count(peer: Peer) -> None:
        nonlocal busy, most
        while True:
            await peer.read()
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.005)
            busy -= 1
            await peer.answer(b"{}")

    async with serving(count) as server, wired(concurrency=3) as (wire, sink):
        await asyncio.gather(*(wire.request("read", "GET", server.url, effect=False) for _ in range(20)))
        assert (most, server.connections) == (3, 3)
        assert sink.outcomes == ["answered"] * 20


async def test_an_answer_that_is_not_read_to_its_end_costs_its_connection() -> None:
    async def long(peer: Peer) -> None:
        while True:
            await peer.read()
            await peer.answer(b"x" * 3_000_000)

    async with serving(long) as server, wired(max_answer_bytes=1024) as (wire, _):
        for _ in range(2):
            with pytest.raises(BadAnswer, match=r"systems\.remote\.max_answer_bytes"):
                await wire.request("read", "GET", server.url)
        assert server.connections == 2


async def test_a_zip_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)

    async def send(peer: Peer) -> None:
        await peer.read()
        await peer.answer(bomb, "200 OK", "Content-Encoding: gzip")

    async with serving(send) as server, wired(max_answer_bytes=100_000) as (wire, sink):
        with pytest.raises(BadAnswer, match="over 100000 bytes"):
            await wire.request("read", "GET", server.url)
    assert len(sink.closed[0].body) <= 65536


@pytest.mark.parametrize("parts", [1, 2])
async def test_gzip_is_unpacked(parts: int) -> None:
    async def send(peer: Peer) -> None:
        await peer.read()
        whole = '{"tên": "Hồ sơ"}'.encode()
        cut = len(whole) // parts
        packed = b"".join(gzip.compress(whole[i : i + cut]) for i in range(0, len(whole), cut))
        await peer.answer(packed, "200 OK", "Content-Encoding: gzip")

    async with serving(send) as server, wired() as (wire, sink):
        assert (await wire.request("read", "GET", server.url)).json() == {"tên": "Hồ sơ"}
    assert sink.closed[0].body == '{"tên": "Hồ sơ"}'.encode()


async def test_a_large_body_travels_whole() -> None:
    body = b"%PDF" + b"a" * 3_000_000
    async with serving(echo) as server, wired() as (wire, sink):
        await wire.request("file", "POST", server.url, content=body, content_type="application/pdf")
    assert server.requests[0].endswith(b"\r\n\r\n" + body)
    assert sink.opened[0].body == body


async def test_a_redirect_is_not_followed() -> None:
    async def move(peer: Peer) -> None:
        await peer.read()
        await peer.answer(b"", "302 Found", "Location: /login", "Set-Cookie: sid=abcdef")
        await peer.read()
        await peer.answer(b"{}")

    async with serving(move) as server, wired() as (wire, sink):
        assert (await wire.request("read", "GET", server.url)).status == 302
        await wire.request("read", "GET", server.url)
        assert len(server.requests) == 2
        assert b"ookie" not in server.requests[1]
        assert sink.closed[0].headers["set-cookie"] == "***"


def throttle(status: str, header: str) -> Handler:
    async def handler(peer: Peer) -> None:
        while True:
            await peer.read()
            if len(peer.server.requests) == 1:
                await peer.answer(b"", status, *([header] if header else []))
            else:
                await peer.answer(b"{}")

    return handler


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("Retry-After: 1", 1.0), ("Retry-After: Thu, 08 Oct 2026 01:00:02 GMT", 2.0)],
    ids=["seconds", "date"],
)
async def test_a_short_retry_after_is_waited_out_once(status: str, header: str, seconds: float) -> None:
    slept = Slept()
    async with serving(throttle(status, header)) as server, wired(sleep=slept) as (wire, sink):
        assert (await wire.request("push", "POST", server.url, json={})).status == 200
    assert slept.seconds == [seconds]
    assert sink.outcomes == ["Throttled", "answered"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("Retry-After: 30", 30.0), ("Retry-After: 99999999999", 86400.0), ("Retry-After: soon", 10.0), ("", 10.0)],
)
async def test_a_long_or_unclear_wait_is_left_to_the_ledger(header: str, seconds: float) -> None:
    slept = Slept()
    async with serving(throttle("429 Too Many Requests", header)) as server, wired(sleep=slept) as (wire, sink):
        with pytest.raises(Throttled) as caught:
            await wire.request("push", "POST", server.url, json={})
    assert (caught.value.retry_after, slept.seconds, sink.outcomes) == (seconds, [], ["Throttled"])


async def test_throttled_twice_is_told() -> None:
    async def always(peer: Peer) -> None:
        while True:
            await peer.read()
            await peer.answer(b"", "429 Too Many Requests", "Retry-After: 1")

    async with serving(always) as server, wired() as (wire, sink):
        with pytest.raises(Throttled):
            await wire.request("push", "POST", server.url, json={})
    assert sink.outcomes == ["Throttled", "Throttled"]


async def test_a_503_that_promises_nothing_comes_back() -> None:
    async with serving(throttle("503 Service Unavailable", "")) as server, wired() as (wire, _):
        assert (await wire.request("push", "POST", server.url, json={})).status == 503


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def test_a_cancelled_call_is_closed_as_unknown_and_stays_cancelled() -> None:
    async with serving(slow_head) as server, wired() as (wire, sink):
        task = asyncio.create_task(wire.request("push", "POST", server.url, json={}))
        await asyncio.wait_for(_until(lambda: bool(server.requests)), 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert sink.outcomes == ["OutcomeUnknown"]


async def test_cancelled_while_the_journal_commits_is_closed_as_not_sent() -> None:
    waiting = asyncio.Event()

    async def forever() -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with serving(echo) as server, wired(sink=Sink(forever)) as (wire, sink):
        task = asyncio.create_task(wire.request("push", "POST", server.url, json={}))
        await asyncio.wait_for(waiting.wait(), 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.connections == 0
    assert [closed.outcome for closed in sink.closed] == ["NotSent"]


async def test_the_callers_own_timeout_is_the_callers() -> None:
    async with serving(slow_head) as server, wired() as (wire, sink):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await wire.request("push", "POST", server.url, json={})
    assert sink.outcomes == ["OutcomeUnknown"]


async def test_a_full_listen_queue_is_not_sent() -> None:
    """No connection in time: the handshake is never answered."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            await asyncio.sleep(0.05)
            async with wired(connect_timeout=0.1) as (wire, sink):
                with pytest.raises(NotSent, match="no connection in time"):
                    await wire.request("push", "POST", f"http://127.0.0.1:{address[1]}", json={})
        finally:
            for filler in fillers:
                filler.close()
    assert sink.outcomes == ["NotSent"] * 3


async def test_a_closed_wire_sends_nothing() -> None:
    async with serving(echo) as server, wired() as (wire, sink):
        await wire.aclose()
        with pytest.raises(NotSent, match="closed"):
            await wire.request("push", "POST", server.url, json={})
        assert (server.connections, sink.opened) == (0, [])


async def test_one_call_too_slow_to_take_its_body_ends() -> None:
    """There is no write timeout below: the whole call's limit covers a remote that stops reading."""

    async def deaf(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can
        await asyncio.Event().wait()

    async with serving(deaf) as server, wired(read_timeout=0.3, total_timeout=0.3, connect_timeout=0.3) as (wire, sink):
        with pytest.raises(OutcomeUnknown):
            await wire.request("push", "POST", server.url, content=b"x" * 20_000_000)
    assert sink.outcomes == ["OutcomeUnknown"]
