"""Hooks answer every verdict in the caller's format; garbage raises nothing but a refusal; examples become events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from lgsp.canonical.events import Event
from lgsp.clock import VIETNAM, micros
from lgsp.errors import MappingError
from lgsp.recording.export import redactor_of
from lgsp.recording.recording import Recording
from lgsp.spi.connector import SystemSettings
from lgsp.spi.contract import contract_of, examples_of
from lgsp.spi.inbound import InboundHook, InboundInvalid, InboundReply, InboundRequest, Received, Verdict
from lgsp.spi.mapping import Context
from lgsp.spi.registry import Registry, System
from lgsp.testing.conformance import START, cases, filled, settings_for, systems
from lgsp.testing.judge import problems
from lgsp.testing.suites.test_mappings import tables
from lgsp.wire.exchange import Opened

FORMATS = ["application/json", "application/json; charset=utf-8", "application/xml", "text/xml", "text/plain", ""]
QUICK = settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)

Pair = tuple[System, InboundHook]


def pairs() -> list[Pair]:
    return [(system, hook) for system in systems() for hook in system.plugin.hooks]


def named(pair: Pair) -> str:
    return f"{pair[0].name}-{pair[1].name}"


def own_settings(system: System) -> SystemSettings:
    return settings_for(next(case for case in cases(local=True) if case.system is system))


def example(pair: Pair) -> Mapping[str, Any]:
    found: Mapping[str, Any] = examples_of(pair[0])["hooks"][pair[1].name]
    return found


def body_of(pair: Pair) -> bytes:
    """The example's body, with its files in the file store, as the front door leaves it."""
    shown = example(pair)
    if "sample" not in shown and "body" not in shown:
        return b""  # a call of a query alone
    if "sample" in shown:
        text: str = (contract_of(pair[0]) / "samples" / shown["sample"]).read_text(encoding="utf-8")
        if not pair[1].file_fields:
            return text.encode()  # to the byte, since it may be signed
        told = json.loads(text) if "json" in shown.get("content_type", "") else None
    else:
        told, text = filled(shown["body"], 1), ""
    return (
        text.encode() if told is None else json.dumps(_stored(told, pair[1].file_fields), ensure_ascii=False).encode()
    )


def _stored(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {k: f"lgsp-file:{'ab' * 32}" if k in names and v else _stored(v, names) for k, v in value.items()}
    return [_stored(v, names) for v in value] if isinstance(value, list) else value


def request(pair: Pair, body: bytes | None = None, content_type: str | None = None) -> InboundRequest:
    shown = example(pair)
    kind = shown.get("content_type", "") if content_type is None else content_type
    query = shown.get("query", "") if body is None else ""
    return InboundRequest(
        method=pair[1].method, path=pair[1].path, path_params=shown.get("path", {}),
        query=dict(parse_qsl(query, keep_blank_values=True)), raw_query=query, received_at=START,
        headers={**({"content-type": kind} if kind else {}), **shown.get("headers", {})},
        body=body_of(pair) if body is None else body, client="test",
    )  # fmt: skip


def context(system: System) -> Context:
    return Context(tables(), own_settings(system), START.astimezone(VIETNAM).date(), province="H21", received_at=START)


def readable(reply: InboundReply, asked: InboundRequest) -> Any:
    kind = reply.content_type.partition(";")[0].strip()
    if "json" in asked.content_type or "xml" in asked.content_type:
        wanted = "json" if "json" in asked.content_type else "xml"
        assert wanted in kind or "json" in kind
    assert "charset=utf-8" in reply.content_type.lower()
    if "json" in kind:
        return json.loads(reply.body.decode("utf-8"))
    return etree.fromstring(reply.body)


@pytest.mark.parametrize("kind", FORMATS, ids=lambda k: k or "none")
@pytest.mark.parametrize("pair", pairs(), ids=named)
def test_every_verdict_has_its_answer_in_the_callers_format(pair: Pair, kind: str) -> None:
    asked = request(pair, content_type=kind)
    told = {}
    for verdict in Verdict:
        for detail in ("", 'field <a> & "b" is wrong', "Thiếu\nmột dòng"):
            reply = pair[1].answer(asked, verdict, detail)
            assert 200 <= reply.status < 600
            assert readable(reply, asked) is not None
        told[verdict] = (reply.status, reply.body)
    assert told[Verdict.ACCEPTED][0] == 200
    for verdict in Verdict:
        if verdict not in (Verdict.ACCEPTED, Verdict.DUPLICATE):
            assert told[verdict] != told[Verdict.ACCEPTED], f"{verdict} looks like a success"


@pytest.mark.parametrize("pair", [pair for pair in pairs() if pair[1].auth == "hook"], ids=named)
def test_a_recording_of_its_call_passes_its_check_again(pair: Pair) -> None:
    """Redacted, its secrets gone and its persons replaced, then signed anew by the plug-in's ``resign``."""
    (system, hook), asked = pair, request(pair)
    assert hook.verify is not None
    assert hook.verify(asked, own_settings(system)), "the example itself"
    path = hook.path.format(**asked.path_params) + (f"?{asked.raw_query}" if asked.raw_query else "")
    opened = Opened(
        1, system.name, hook.name, "in", micros(START), hook.method, f"/{system.name}{path}", asked.headers, asked.body
    )
    redactor = redactor_of(Registry([system]), b"a key of thirty-two bytes, fixed", (), {})
    told = redactor.recording(Recording(opened, None, "spec")).opened
    query = told.url.partition("?")[2]
    again = replace(asked, headers=told.headers, body=told.body, raw_query=query, query=dict(parse_qsl(query, True)))
    assert hook.verify(again, own_settings(system))


@pytest.mark.parametrize("pair", pairs(), ids=named)
def test_an_answer_does_not_depend_on_what_was_asked_before(pair: Pair) -> None:
    asked = request(pair)
    assert pair[1].answer(asked, Verdict.ACCEPTED, "") == pair[1].answer(asked, Verdict.ACCEPTED, "")


@pytest.mark.parametrize("pair", pairs(), ids=named)
def test_its_example_becomes_events_and_the_same_ones_again(pair: Pair) -> None:
    system, hook = pair
    if hook.auth == "hook":
        assert hook.verify is not None
        assert hook.verify(request(pair), own_settings(system))
    schema = example(pair).get("schema")
    if schema:
        assert problems(contract_of(system), schema, body_of(pair)) == []

    def events() -> list[Event]:
        received = hook.receive(request(pair), own_settings(system))
        reception = system.mappings.reception(received.reception)
        assert all(isinstance(item, reception.item) for item in received.items)
        return [event for item in received.items for event in reception.events(item, context(system))]

    first = events()
    assert first, "a message that says nothing"
    assert first == events()
    assert len({(e.source, e.source_id) for e in first}) == len(first)
    assert all(e.occurred_at.tzinfo is not None for e in first)


def understood(pair: Pair, asked: InboundRequest) -> Received | None:
    """What the hook makes of it; None: refused. Anything else that it raises fails the test."""
    own = own_settings(pair[0])
    if pair[1].verify is not None:
        assert pair[1].verify(asked, own) in (True, False)
    try:
        received = pair[1].receive(asked, own)
    except InboundInvalid:
        return None
    reception = pair[0].mappings.reception(received.reception)
    for item in received.items:
        try:
            told = reception.events(item, context(pair[0]))
        except MappingError:
            continue  # parks, and says why
        for event in told:
            text = event.model_dump_json()  # half a character cannot be written
            assert "\\u0000" not in text, "no database keeps a NUL in its texts"
    return received


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("pair", pairs(), ids=named)
def test_garbage_is_refused_and_never_raises(pair: Pair) -> None:
    @QUICK
    @given(st.binary(max_size=60), st.sampled_from(FORMATS))
    def check(body: bytes, kind: str) -> None:
        assert understood(pair, request(pair, body, kind)) is None

    check()


@pytest.mark.parametrize("pair", pairs(), ids=named)
def test_json_of_any_shape_never_raises(pair: Pair) -> None:
    @QUICK
    @given(json_values)
    def check(value: Any) -> None:
        body = json.dumps(value).encode()
        assert understood(pair, request(pair, body, "application/json")) is None

    check()


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(*path, key) for key, _ in inner]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for key, one in inner for place in _places(one, (*path, key))]


@pytest.mark.parametrize("pair", [p for p in pairs() if "json" in example(p).get("content_type", "")], ids=named)
def test_a_message_with_any_field_spoilt_never_raises(pair: Pair) -> None:
    whole = json.loads(body_of(pair))
    for place in _places(whole):
        for odd in (
            None,
            "",
            "x",
            0,
            -1,
            10**30,
            1.5,
            True,
            [],
            {},
            [None],
            {"x": 1},
            "\ud800",
            "0000-00-00",
            "é" * 5000,
        ):
            changed = json.loads(json.dumps(whole))
            here = changed
            for key in place[:-1]:
                here = here[key]
            here[place[-1]] = odd
            understood(pair, request(pair, json.dumps(changed).encode()))


@pytest.mark.parametrize("pair", pairs(), ids=named)
def test_a_message_cut_anywhere_is_refused(pair: Pair) -> None:
    body = body_of(pair).rstrip()
    for place in range(0, len(body) - 1, max(1, len(body) // 60)):
        assert understood(pair, request(pair, body[:place])) is None


@pytest.mark.parametrize("pair", [p for p in pairs() if p[1].verify is not None], ids=named)
def test_a_call_without_its_key_is_not_let_in(pair: Pair) -> None:
    bare = replace(request(pair, b"{}"), headers={"content-type": "application/json"})
    assert pair[1].verify is not None
    assert not pair[1].verify(bare, own_settings(pair[0]))


@pytest.mark.parametrize("pair", pairs(), ids=named)
def test_a_refusal_repeats_no_value_of_the_message(pair: Pair) -> None:
    personal = "Nguyễn Thị Bí Mật 052088001234"
    kind = example(pair).get("content_type", "")
    for body in (
        json.dumps({"x": personal, "data": {"MaHoSo": personal + " "}}),
        f"<a><b>{personal}</b><b>{personal}</b></a>",
    ):
        with pytest.raises(InboundInvalid) as refused:
            pair[1].receive(request(pair, body.encode(), kind), own_settings(pair[0]))
        assert "Bí Mật" not in str(refused.value)
        assert "052088001234" not in str(refused.value)
