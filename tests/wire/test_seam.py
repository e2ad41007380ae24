"""Recorder, replayer, faults and the exchange's one form."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.errors import BadAnswer, CallError, NotSent, OutcomeUnknown
from lgsp.wire.exchange import Closed, Opened
from lgsp.wire.exchange_format import BadRecording, from_json, to_json
from lgsp.wire.seam import Fault, FaultTransport, RecordingTransport, ReplayMiss, ReplayTransport
from tests.wire.kit import Slept, wired

pytestmark = pytest.mark.anyio
URL = "http://remote.example/api"


class Remote:
    """Counts effects; answers with what it was sent."""

    def __init__(self) -> None:
        self.effects = 0

    def transport(self) -> httpx.MockTransport:
        def handle(request: httpx.Request) -> httpx.Response:
            self.effects += 1
            headers = {"content-type": "application/json", "content-encoding": "gzip", "set-cookie": "sid=1"}
            return httpx.Response(200, headers=headers, content=gzip.compress(request.content or b"{}"))

        return httpx.MockTransport(handle)


async def recorded() -> list[tuple[Opened, Closed | None]]:
    kept: list[tuple[Opened, Closed | None]] = []
    recorder = RecordingTransport(Remote().transport(), lambda opened, closed: kept.append((opened, closed)))
    async with wired(recorder) as (wire, _):
        for number in (1, 2):
            answer = await wire.request("push", "POST", URL, json={"number": number, "password": "s3cret-1"})
            assert answer.json()["number"] == number
        await wire.request("read", "GET", URL, query={"id": "7"})
    return kept


async def test_a_recording_replays_in_order_and_holds_no_secret() -> None:
    kept = await recorded()
    assert "s3cret-1" not in repr(kept)
    assert "sid=1" not in repr(kept)
    replay = ReplayTransport(from_json(json.loads(json.dumps(to_json(o, c)))) for o, c in kept)
    async with wired(replay) as (wire, sink):
        assert (await wire.request("read", "GET", URL, query={"id": "7"})).status == 200
        assert (await wire.request("push", "POST", URL, json={})).json()["number"] == 1
        assert [opened.operation for opened in replay.unused] == ["push"]
        assert (await wire.request("push", "POST", URL, json={})).json()["number"] == 2
    assert sink.outcomes == ["answered"] * 3


@pytest.mark.parametrize(
    ("operation", "method", "url", "body", "difference"),
    [
        ("push", "PUT", URL, None, "method is 'PUT', recorded 'POST'"),
        ("read", "GET", URL + "?id=8", None, "query is not the same at id"),
        ("read", "GET", URL + "s?id=7", None, "path is '/apis', recorded '/api'"),
        ("pull", "GET", URL, None, "operation is 'pull', recorded 'push'"),
        ("push", "POST", URL, {"number": 3, "password": "s3cret-1"}, "body differs at $.number"),
        ("push", "POST", URL, {"number": 1}, "body differs at $.password"),
    ],
)
async def test_a_miss_shows_the_nearest_and_the_first_difference(
    operation: str, method: str, url: str, body: object, difference: str
) -> None:
    async with wired(ReplayTransport(await recorded(), match_body=True)) as (wire, sink):
        with pytest.raises(ReplayMiss) as caught:
            await wire.request(operation, method, url, json=body)
    assert str(caught.value).endswith(difference)
    assert sink.outcomes == ["ReplayMiss"]


async def test_nothing_left_to_replay_is_said() -> None:
    async with wired(ReplayTransport([])) as (wire, _):
        with pytest.raises(ReplayMiss, match="no recording is left"):
            await wire.request("push", "POST", URL)


@pytest.mark.parametrize(
    ("fault", "expected", "effects"),
    [
        (Fault("refuse"), NotSent, 0),
        (Fault("cut_before"), OutcomeUnknown, 0),
        (Fault("cut_after"), OutcomeUnknown, 1),
        (Fault("html"), BadAnswer, 1),
        (Fault("garbled"), BadAnswer, 1),
        (Fault("empty"), BadAnswer, 1),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
async def test_each_fault_has_its_class_and_its_effect(fault: Fault, expected: type[CallError], effects: int) -> None:
    remote = Remote()
    async with wired(FaultTransport(remote.transport(), [fault], seed=1)) as (wire, _):
        with pytest.raises(expected) as caught:
            (await wire.request("push", "POST", URL, json={"a": 1})).json()
    assert type(caught.value) is expected
    assert remote.effects == effects


async def test_two_refused_connections_and_a_third_that_holds() -> None:
    remote = Remote()
    async with wired(FaultTransport(remote.transport(), [Fault("refuse", times=2)], 1)) as (wire, sink):
        assert (await wire.request("push", "POST", URL, json={})).status == 200
    assert sink.outcomes == ["NotSent", "NotSent", "answered"]
    assert len({opened.id for opened in sink.opened}) == 3, "each try is an exchange of its own"
    assert remote.effects == 1


async def test_slow_and_status_faults() -> None:
    remote, slept = Remote(), Slept()
    faults = [Fault("slow", operation="read", seconds=3, times=1), Fault("status", operation="push", status=502)]
    async with wired(FaultTransport(remote.transport(), faults, 1, slept)) as (wire, _):
        assert (await wire.request("read", "GET", URL)).status == 200
        assert (await wire.request("read", "GET", URL)).status == 200
        assert (await wire.request("push", "POST", URL)).status == 502
        assert (await wire.request("other", "POST", URL)).status == 200
    assert (slept.seconds, remote.effects) == ([3], 3)


async def test_faults_come_again_by_their_seed() -> None:
    async def statuses(seed: int) -> list[int]:
        transport = FaultTransport(Remote().transport(), [Fault("status", rate=0.4, status=500)], seed)
        async with wired(transport) as (wire, _):
            return [(await wire.request("push", "POST", URL)).status for _ in range(40)]

    assert await statuses(5) == await statuses(5) != await statuses(6)
    assert 5 < (await statuses(5)).count(500) < 30


text = st.text(st.characters(codec="utf-8"), max_size=20)
headers = st.dictionaries(text, text, max_size=3)
numbers = st.integers(0, 2**50)


@settings(deadline=None)
@given(
    st.builds(
        Opened, st.integers(0, 2**63 - 1), text, text, st.sampled_from(["in", "out"]), numbers, text, text, headers,
        st.binary(max_size=40), st.none() | numbers, text, st.integers(0, 9), st.booleans(),
    ),
    st.none() | st.builds(Closed, st.just(0), numbers, text, st.none() | st.integers(100, 599), headers,
                          st.binary(max_size=40), text),
)  # fmt: skip
def test_an_exchange_survives_its_written_form(opened: Opened, closed: Closed | None) -> None:
    closed = closed and Closed(
        opened.id, closed.closed_at, closed.outcome, closed.status, closed.headers, closed.body, closed.error
    )
    assert from_json(json.loads(json.dumps(to_json(opened, closed)))) == (opened, closed)


OPENED = Opened(5, "npsp", "push", "out", 0, "POST", URL, {"A": "b"}, b'{"x": "\xe1\xbb\x93" }')


def test_text_is_text_and_never_reformatted() -> None:
    assert to_json(OPENED, None)["request"]["body"] == {"text": '{"x": "ồ" }'}
    assert to_json(OPENED, Closed(5, 0, "answered", 200, {}, b"\xff"))["response"]["body"] == {"base64": "/w=="}


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("format", 2, "format"),
        ("format", True, "format"),
        ("id", 5, "id"),
        ("system", None, "system"),
        ("request", [], "request"),
        ("request.at", "yesterday", "request.at"),
        ("request.at", "2026-01-01T00:00:00", "request.at"),
        ("request.headers", {"a": 1}, "request.headers"),
        ("request.body", {"base64": "!"}, "request.body.base64"),
        ("request.body", {}, "request.body.text"),
    ],
)
def test_a_broken_recording_is_refused_by_field(path: str, value: object, where: str) -> None:
    document = to_json(OPENED, None)
    target = document
    *parents, last = path.split(".")
    for parent in parents:
        target = target[parent]
    target[last] = value
    with pytest.raises(BadRecording) as caught:
        from_json(document)
    assert caught.value.where == where


@pytest.mark.parametrize("value", [[], None, "x", {}])
def test_what_is_no_exchange_is_refused(value: object) -> None:
    with pytest.raises(BadRecording):
        from_json(value)
