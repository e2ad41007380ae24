"""Cassettes of VCR.py (version 1, YAML or JSON): what tests of other projects have recorded."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from lgsp.clock import micros
from lgsp.recording.foreign import Names, recorded
from lgsp.recording.recording import Recording
from lgsp.wire.exchange_format import BadRecording

LARGEST = 128 * 1024 * 1024
_UNPACKED = 64 * 1024 * 1024
_SECOND = timedelta(seconds=1)


def read_vcr(file: Path, names: Names) -> Iterator[Recording]:
    """The exchanges of a cassette. It tells no times: they stand a second apart, the last at the file's own time."""
    if file.stat().st_size > LARGEST:
        raise BadRecording(str(file), f"has more than {LARGEST} bytes: split it")
    try:
        cassette = yaml.safe_load(file.read_bytes())  # JSON is YAML, too
    except (yaml.YAMLError, ValueError, RecursionError) as wrong:
        mark = getattr(wrong, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark is not None else str(file)
        raise BadRecording(where, "is no YAML") from None
    told = cassette.get("interactions") if isinstance(cassette, dict) else None
    if not isinstance(told, list):
        raise BadRecording(str(file), "is no cassette: it has no list of interactions")
    if cassette.get("version", 1) != 1:
        raise BadRecording(f"{file}: version", "this software reads version 1")
    start = datetime.fromtimestamp(file.stat().st_mtime, UTC) - _SECOND * len(told)
    for number, one in enumerate(told):
        try:
            yield _recording(one, names, micros(start + _SECOND * number))
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            what = f"{wrong.args[0]} is missing" if isinstance(wrong, KeyError) else str(wrong)
            raise BadRecording(f"{file}: interaction {number + 1}", what) from None


def _recording(one: Mapping[str, Any], names: Names, at: int) -> Recording:
    request, response = one["request"], one["response"]
    headers, answered = _headers(request.get("headers")), _headers(response.get("headers"))
    status = response["status"]
    code = int(status["code"] if isinstance(status, Mapping) else status)
    packed = next((value for name, value in answered.items() if name.lower() == "content-encoding"), "")
    answer = _unpacked(_bytes(response.get("body")), packed)
    method, url, body = request["method"], request["uri"], _bytes(request.get("body"))
    return recorded(names, {}, at, at + 100_000, method, url, headers, body, code, answered, answer)


def _headers(told: Any) -> dict[str, str]:
    return {
        str(name): ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in (told or {}).items()
    }


def _bytes(told: Any, encoded: bool = False) -> bytes:
    if told is None:
        return b""
    if isinstance(told, Mapping):
        return _bytes(told.get("string", told.get("base64_string")), "base64_string" in told)
    raw = told if isinstance(told, bytes) else str(told).encode("utf-8", "surrogateescape")
    if encoded:
        try:
            return base64.b64decode(raw, validate=False)
        except binascii.Error:
            raise ValueError("body is not base64") from None
    return raw


def _unpacked(body: bytes, packing: str) -> bytes:
    if not body or packing.lower() not in ("gzip", "deflate"):
        return body
    try:
        inner = zlib.decompressobj(47 if body[:2] == b"\x1f\x8b" or packing == "gzip" else -15)
        plain = inner.decompress(body, _UNPACKED)
    except (zlib.error, gzip.BadGzipFile):
        return body  # some recorders store it unpacked and keep the header
    if inner.unconsumed_tail:
        raise ValueError(f"the answer unpacks to more than {_UNPACKED} bytes")
    return plain
