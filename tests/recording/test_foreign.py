"""HAR both ways and cassettes of VCR.py: bytes stay, what is broken is named, nothing comes in unredacted."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.recording.files import read_lines
from lgsp.recording.foreign import Names
from lgsp.recording.har import read_har, write_har
from lgsp.recording.recording import Recording
from lgsp.recording.vcr import read_vcr
from lgsp.wire.exchange import Closed, Opened
from lgsp.wire.exchange_format import BadRecording
from tests.bus.test_cli import document, lgsp

_PAIRS = {"type": "array", "items": {"type": "object", "required": ["name", "value"]}}
_COMMON = {"httpVersion": {"type": "string"}, "cookies": _PAIRS, "headers": _PAIRS, "headersSize": {"type": "integer"},
           "bodySize": {"type": "integer"}}  # fmt: skip
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d$"
CONTENT = {"type": "object", "required": ["size", "mimeType"]}
HAR = {
    "type": "object", "required": ["log"],
    "properties": {"log": {
        "type": "object", "required": ["version", "creator", "entries"],
        "properties": {"version": {"const": "1.2"}, "entries": {"type": "array", "items": {
            "type": "object",
            "required": ["startedDateTime", "time", "request", "response", "cache", "timings"],
            "properties": {
                "startedDateTime": {"type": "string", "pattern": TIME},
                "time": {"type": "number", "minimum": 0},
                "timings": {"type": "object", "required": ["send", "wait", "receive"]},
                "request": {"type": "object", "properties": {**_COMMON, "queryString": _PAIRS, "postData": {
                    "type": "object", "required": ["mimeType"]}},
                    "required": ["method", "url", "queryString", *_COMMON]},
                "response": {"type": "object", "required": ["status", "statusText", "content", "redirectURL", *_COMMON],
                             "properties": {**_COMMON, "content": CONTENT}},
            }}}},
    }},
}  # fmt: skip
"""HAR 1.2 as its specification has it, as far as it says what must be there."""

HEADERS = st.dictionaries(st.from_regex(r"x-[a-z]{1,8}", fullmatch=True), st.text("abc 0", max_size=6), max_size=3)
RECORDINGS = st.builds(
    lambda body, answer, status, headers, at, took: Recording(
        Opened(1, "land", "tell", "out", at, "POST", "https://land.example.vn/a?b=%20c&b=d", headers, body),
        Closed(1, at + took, "answered", status, headers, answer),
        "sandbox",
    ),
    st.binary(max_size=40), st.binary(max_size=40), st.integers(100, 599), HEADERS,
    st.integers(1_600_000_000_000_000, 1_800_000_000_000_000), st.integers(0, 10**7),
)  # fmt: skip


@given(one=RECORDINGS)
@settings(max_examples=60, deadline=None)
def test_har_keeps_every_byte_both_ways(one: Recording, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = write_har([one])
    jsonschema.validate(json.loads(text), HAR)
    file = tmp_path_factory.getbasetemp() / "one.har"
    file.write_text(text, encoding="utf-8")
    [back] = read_har(file, Names())
    assert (back.opened.body, back.opened.url, back.opened.headers) == (
        one.opened.body,
        one.opened.url,
        one.opened.headers,
    )
    assert back.opened.opened_at == one.opened.opened_at
    assert (back.opened.system, back.opened.operation, back.origin) == ("land", "tell", "sandbox")
    assert back.closed is not None
    assert one.closed is not None
    assert (back.closed.status, back.closed.body) == (one.closed.status, one.closed.body)
    assert abs(back.closed.closed_at - one.closed.closed_at) <= 1


def browser(**changes: Any) -> dict[str, Any]:
    """An entry as a browser writes it."""
    entry = {
        "startedDateTime": "2026-10-08T01:00:00.123Z", "time": 42.5, "cache": {}, "timings": {},
        "request": {
            "method": "post", "url": "https://npsp.example.vn/api/TraCuu.asmx?x=1", "httpVersion": "h2",
            "headers": [{"name": ":path", "value": "/api"}, {"name": "Cookie", "value": "sid=secret"},
                        {"name": "content-type", "value": "application/x-www-form-urlencoded"}],
            "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 3,
            "postData": {"mimeType": "application/x-www-form-urlencoded",
                         "params": [{"name": "soDinhDanh", "value": "079090001234"}, {"name": "a", "value": "x y"}]},
        },
        "response": {"status": 0, "headers": [], "content": {"size": 0}},
    }  # fmt: skip
    return entry | changes


def test_a_browsers_archive_comes_in(tmp_path: Path) -> None:
    file = tmp_path / "a.har"
    file.write_text(json.dumps({"log": {"entries": [browser()]}}), encoding="utf-8")
    [one] = read_har(file, Names(addresses={"npsp.example.vn": "npsp"}))
    assert (one.opened.system, one.opened.operation, one.opened.method) == ("npsp", "TraCuu", "POST")
    assert one.opened.body == b"soDinhDanh=079090001234&a=x+y"
    assert ":path" not in one.opened.headers
    assert one.closed is not None
    assert (one.closed.outcome, one.closed.status) == ("OutcomeUnknown", None)


CASSETTE = """
version: 1
interactions:
- request:
    method: GET
    uri: https://land.example.vn/parcels/12
    body: null
    headers: {Accept: ['*/*']}
  response:
    status: {code: 200, message: OK}
    headers: {Content-Type: [application/json], content-encoding: [gzip]}
    body: {string: !!binary %s}
- request: {method: POST, uri: 'https://land.example.vn/tell', body: '{"soDinhDanh": "079090001234"}', headers: {}}
  response: {status: {code: 201, message: Created}, headers: {}, body: {string: ''}}
"""


def test_a_cassette_comes_in(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    packed = base64.b64encode(gzip.compress(b'{"parcel": 12}')).decode()
    file.write_text(CASSETTE % packed, encoding="utf-8")
    first, second = read_vcr(file, Names("land"))
    assert first.closed is not None
    assert (first.closed.status, first.closed.body) == (200, b'{"parcel": 12}')
    assert "content-encoding" not in first.closed.headers
    assert not first.opened.effect
    assert second.opened.opened_at - first.opened.opened_at == 1_000_000
    assert second.opened.effect


BROKEN = [
    pytest.param("a.har", "{", "is no JSON", id="cut"),
    pytest.param("a.har", "{}", "it has no log.entries", id="no har"),
    pytest.param(
        "a.har", json.dumps({"log": {"entries": [browser(request={})]}}), "entry 1: method is missing", id="entry"
    ),
    pytest.param("a.har", json.dumps({"log": {"entries": [browser(startedDateTime="soon")]}}), "entry 1", id="no time"),
    pytest.param("a.yaml", "a: [", "a.yaml:1: is no YAML", id="no yaml"),
    pytest.param("a.yaml", "version: 1", "no list of interactions", id="no cassette"),
    pytest.param("a.yaml", "version: 7\ninteractions: []", "reads version 1", id="version"),
    pytest.param("a.yaml", "interactions: [{request: {}}]", "interaction 1: response is missing", id="interaction"),
    pytest.param("a.yaml", "interactions: !!python/object:os.system [x]", "is no YAML", id="code"),
]


@pytest.mark.parametrize(("name", "text", "told"), BROKEN)
def test_a_broken_file_is_named_by_its_place(tmp_path: Path, name: str, text: str, told: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    read = read_har if name.endswith(".har") else read_vcr
    with pytest.raises(BadRecording, match=re.escape(told)):
        list(read(file, Names()))


def test_what_comes_in_and_goes_out_is_redacted(tmp_path: Path) -> None:
    config = tmp_path / "lgsp.toml"
    config.write_text(
        f'[recordings]\nkey_file = "{tmp_path}/key"\n[systems.npsp]\naddress = "https://npsp.example.vn/x"\n'
    )
    archive, out, back = tmp_path / "a.har", tmp_path / "a.jsonl", tmp_path / "b.har"
    archive.write_text(json.dumps({"log": {"entries": [browser()]}}), encoding="utf-8")
    done = lgsp("recordings", "convert", archive, out, "--json", LGSP_CONFIG=str(config))
    assert done.exit_code == 0, done.output
    assert document(done)["systems"] == ["npsp"]
    [line] = list(read_lines(out))
    assert isinstance(line, Recording)
    assert line.redacted
    text = out.read_text(encoding="utf-8")
    assert "079090001234" not in text
    assert "sid=secret" not in text
    assert lgsp("recordings", "convert", out, back, LGSP_CONFIG=str(config)).exit_code == 0
    jsonschema.validate(json.loads(back.read_text(encoding="utf-8")), HAR)
    assert lgsp("recordings", "convert", out, tmp_path / "x.txt", LGSP_CONFIG=str(config)).exit_code == 2
