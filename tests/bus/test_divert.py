"""Files leave a message while it arrives, whatever the chunks it comes in."""

from __future__ import annotations

import base64
import hashlib
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgsp.clock import FixedClock
from lgsp.inbound.divert import Dialect, Diverter
from lgsp.inbound.files import FileStore, FileTooLarge
from lgsp.spi.inbound import InboundInvalid

FIELDS = ("Base64",)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FileStore:
    return FileStore(tmp_path_factory.mktemp("files"), FixedClock(), limit=80 * 1024 * 1024)


def run(store: FileStore, dialect: Dialect, chunks: Iterable[bytes]) -> bytes:
    diverter = Diverter(FIELDS, dialect, store)
    try:
        rest = b"".join(diverter.feed(chunk) for chunk in chunks) + diverter.finish()
        diverter.keep()
        return rest
    finally:
        diverter.discard()


def cut(message: bytes, places: list[int]) -> Iterator[bytes]:
    edges = sorted({0, len(message), *(place % (len(message) + 1) for place in places)})
    return (message[a:b] for a, b in pairwise(edges))


def token(content: bytes) -> str:
    return f"lgsp-file:{hashlib.sha256(content).hexdigest()}" if content else ""


places = st.lists(st.integers(0, 100_000), max_size=40)
texts = st.text(max_size=20)
quiet = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quiet
@given(st.lists(st.tuples(texts, st.binary(max_size=300)), max_size=4), places, st.booleans(), st.booleans())
def test_json_over_any_chunks(
    store: FileStore, files: list[tuple[str, bytes]], where: list[int], slashes: bool, ascii_only: bool
) -> None:
    told = {
        "DocCode": '"Base64": "',
        "Base64": None,
        "Base64 ": "no file",
        "Attachments": [
            {"AttachmentName": name, "Base64": base64.b64encode(content).decode()} for name, content in files
        ],
        "deep": [{"Base64": {"Base64": 5}}, "Base64", ["Base64"]],
    }
    message = json.dumps(told, ensure_ascii=ascii_only).encode()
    if slashes:
        message = message.replace(b"/", b"\\/")
    got = json.loads(run(store, "json", cut(message, where)))
    expected = json.loads(message)
    for attachment, (_, content) in zip(expected["Attachments"], files, strict=True):
        attachment["Base64"] = token(content)
    assert got == expected
    for _, content in files:
        if content:
            with store.open(hashlib.sha256(content).hexdigest()) as kept:
                assert kept.read() == content


@quiet
@given(st.lists(st.binary(max_size=300), max_size=4), places, st.booleans(), st.sampled_from(["", "n:"]))
def test_xml_over_any_chunks(store: FileStore, files: list[bytes], where: list[int], cdata: bool, prefix: str) -> None:
    def value(text: str) -> str:
        return f"<![CDATA[{text}]]>" if cdata and text else text

    def message(texts: list[str], outer: str = "") -> str:
        inner = "".join(f"<A><{prefix}Base64 kind='a>b'>{t}</{prefix}Base64></A>" for t in texts)
        head = '<?xml version="1.0"?><!-- <Base64>!</Base64> -->'
        return f"{head}<Doc xmlns:n='u'><X><![CDATA[<Base64>]]></X><Base64/>{inner}{outer}</Doc>"

    sent = message([value("\n".join([base64.encodebytes(f).decode()])) for f in files]).encode()
    got = run(store, "xml", cut(sent, where)).decode()
    # white space in the place of an empty file goes as well
    assert got == message([token(f) for f in files])


@pytest.mark.parametrize(
    ("dialect", "message", "reason"),
    [
        pytest.param("json", b'{"Base64": "not base64!"}', "not base64", id="json-other-characters"),
        pytest.param("json", b'{"Base64": "AAA"}', "cut off", id="json-cut-off"),
        pytest.param("json", b'{"Base64": "AA==AAAA"}', "not base64", id="json-padding-inside"),
        pytest.param("json", b'{"Base64": "AAAA', "ends inside", id="json-no-end"),
        pytest.param("json", b'{"Base64": "AA\\u1ea1A"}', "not base64", id="json-escaped-letter"),
        pytest.param("json", b'{"\\u0042ase64": "lgsp-file:abc"}', "not base64", id="json-forged-reference"),
        pytest.param("xml", b"<a><Base64>lgsp-file:abc</Base64></a>", "not base64", id="xml-forged-reference"),
        pytest.param("xml", b"<a><Base64>AA<b/>AA</Base64></a>", "something else", id="xml-element-inside"),
        pytest.param("xml", b"<a><Base64>AA&#65;A</Base64></a>", "not base64", id="xml-entity-inside"),
        pytest.param("xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "DTD", id="xml-dtd"),
    ],
)
def test_what_is_no_file_is_refused(store: FileStore, dialect: Dialect, message: bytes, reason: str) -> None:
    for chunks in ([message], [message[n : n + 1] for n in range(len(message))]):
        with pytest.raises(InboundInvalid, match=reason):
            run(store, dialect, chunks)
    assert not list((store.root / "arriving").glob("*"))


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    store = FileStore(tmp_path, FixedClock(), limit=1000)
    with pytest.raises(FileTooLarge, match="1000 bytes"):
        run(store, "json", [b'{"Base64": "', b"AAAA" * 500, b'"}'])
    assert not list((tmp_path / "arriving").glob("*"))


def test_sixty_megabytes_take_no_memory(store: FileStore) -> None:
    piece = base64.b64encode(bytes(range(256)) * 192)
    assert len(piece) % 4 == 0

    def body() -> Iterator[bytes]:
        yield b'{"DocCode": "H21", "Attachments": [{"Base64": "'
        for _ in range(60 * 1024 * 1024 // len(piece)):
            yield piece
        yield b'"}]}'

    tracemalloc.start()
    try:
        rest = run(store, "json", body())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024 * 1024
    file_id = json.loads(rest)["Attachments"][0]["Base64"].removeprefix("lgsp-file:")
    meta = store.meta(file_id)
    assert meta is not None
    assert meta.size == 60 * 1024 * 1024 // len(piece) * 256 * 192


def test_many_small_strings_cost_no_more_than_their_bytes(store: FileStore) -> None:
    message = json.dumps([["a", "b\\n"]] * 20_000).encode()
    assert run(store, "json", [message]) == message
