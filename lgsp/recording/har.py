"""HAR 1.2 (HTTP Archive), both ways: browsers, proxies and test tools write and open it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from lgsp import __version__
from lgsp.clock import from_micros, micros
from lgsp.recording.foreign import Names, recorded
from lgsp.recording.recording import Recording
from lgsp.wire.exchange import Closed, Opened
from lgsp.wire.exchange_format import BadRecording

LARGEST = 512 * 1024 * 1024
"""Most bytes of an archive: it is one document, which is read whole."""


def write_har(recordings: Iterable[Recording]) -> str:
    """The recordings as one archive. What HAR has no place for stands under ``_lgsp``."""
    log = {
        "version": "1.2",
        "creator": {"name": "lgsp", "version": __version__},
        "entries": [_entry(one) for one in recordings],
    }
    return json.dumps({"log": log}, ensure_ascii=False, indent=1) + "\n"


def _entry(one: Recording) -> dict[str, Any]:
    told, closed = one.opened, one.closed
    took = (closed.closed_at - told.opened_at) / 1000 if closed is not None else 0
    more = {
        "origin": one.origin, "connector": one.connector, "contract": one.contract, "system": told.system,
        "operation": told.operation, "direction": told.direction, "dossier": told.dossier, "effect": told.effect,
        "outcome": closed.outcome if closed else None, "error": closed.error if closed else "",
        "redacted": one.redacted,
    }  # fmt: skip
    return {
        "startedDateTime": from_micros(told.opened_at).isoformat(),
        "time": took,
        "request": _request(told),
        "response": _response(closed),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "_lgsp": more,
    }


def _request(told: Opened) -> dict[str, Any]:
    query = [{"name": k, "value": v} for k, v in parse_qsl(urlsplit(told.url).query, keep_blank_values=True)]
    made = {
        "method": told.method, "url": told.url, "httpVersion": "HTTP/1.1", "cookies": [],
        "headers": _pairs(told.headers),
        "queryString": query, "headersSize": -1, "bodySize": len(told.body),
    }  # fmt: skip
    if told.body:
        made["postData"] = {"mimeType": _kind(told.headers), **_content(told.body)}
    return made


def _response(closed: Closed | None) -> dict[str, Any]:
    body = closed.body if closed is not None else b""
    headers = closed.headers if closed is not None else {}
    return {
        "status": (closed.status or 0) if closed is not None else 0,  # 0: no answer came
        "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "headers": _pairs(headers), "redirectURL": "",
        "headersSize": -1, "bodySize": len(body),
        "content": {"size": len(body), "mimeType": _kind(headers), **_content(body)},
    }  # fmt: skip


def _pairs(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _kind(headers: Mapping[str, str]) -> str:
    return next(
        (value for name, value in headers.items() if name.lower() == "content-type"), "application/octet-stream"
    )


def _content(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def read_har(file: Path, names: Names) -> Iterator[Recording]:
    """The exchanges of an archive; ``BadRecording`` names the entry and the field."""
    if file.stat().st_size > LARGEST:
        raise BadRecording(str(file), f"has more than {LARGEST} bytes: split it")
    try:
        entries = json.loads(file.read_bytes().decode("utf-8-sig"))["log"]["entries"]
    except (ValueError, RecursionError):
        raise BadRecording(str(file), "is no JSON") from None
    except (KeyError, TypeError):
        raise BadRecording(str(file), "is no HAR: it has no log.entries") from None
    if not isinstance(entries, list):
        raise BadRecording(str(file), "is no HAR: log.entries is no list")
    for number, entry in enumerate(entries):
        try:
            yield _recording(entry, names)
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            what = f"{wrong.args[0]} is missing" if isinstance(wrong, KeyError) else str(wrong)
            raise BadRecording(f"{file}: entry {number + 1}", what) from None


def _recording(entry: Mapping[str, Any], names: Names) -> Recording:
    request, response = entry["request"], entry["response"]
    started = datetime.fromisoformat(entry["startedDateTime"].replace("Z", "+00:00"))
    if started.tzinfo is None:
        raise ValueError("startedDateTime has no zone")
    at = micros(started)
    ended = at + round(max(float(entry.get("time") or 0), 0) * 1000)
    status = int(response["status"]) or None
    return recorded(
        names, entry.get("_lgsp") or {}, at, ended, request["method"], request["url"], _headers(request),
        _posted(request.get("postData") or {}), status, _headers(response), _bytes(response.get("content") or {}),
    )  # fmt: skip


def _headers(part: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for header in part.get("headers") or ():
        name, value = str(header["name"]), str(header["value"])
        if not name.startswith(":"):  # HTTP/2 writes method and path among the headers
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _posted(told: Mapping[str, Any]) -> bytes:
    if "text" in told:
        return _bytes(told)
    return urlencode([(p["name"], p.get("value", "")) for p in told.get("params") or ()]).encode()


def _bytes(told: Mapping[str, Any]) -> bytes:
    text = str(told.get("text") or "")
    if told.get("encoding") == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("text is not base64") from None
    return text.encode("utf-8", "surrogatepass")
