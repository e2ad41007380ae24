"""A recording: one exchange as it leaves the journal, or one of the two other lines of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from lgsp.clock import from_micros, micros
from lgsp.wire.exchange import FORMAT, Closed, Opened
from lgsp.wire.exchange_format import BadRecording, from_json, to_json

Origin = Literal["live", "sandbox", "spec", "mock"]
"""Where it comes from: the remote in earnest, its test system, its document, or a mock, which proves nothing of it."""
ORIGINS: tuple[str, ...] = get_args(Origin)


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange with where it comes from."""

    opened: Opened
    closed: Closed | None
    origin: Origin
    connector: str = ""
    """Package and version of the connector that spoke, e.g. ``lgsp 0.1.0``; empty where none did."""
    contract: str = ""
    """Digest of the contract's schemas as they were."""
    redacted: str = ""
    """Fingerprint of the key of its pseudonyms; empty: nothing was replaced yet."""
    taken_at: int = 0
    """When the bus committed what it told, or how the delivery ended whose last call it was (microseconds); 0: it told
    nothing, or nobody knows."""
    place: int = 0
    """Its place among all that was committed."""


@dataclass(frozen=True, slots=True)
class Bus:
    """Under which settings the exchanges after it were made, secrets left out: what a second bus needs to play them."""

    province: Mapping[str, Any]
    systems: Mapping[str, Mapping[str, Any]]
    codes: Mapping[str, str] = field(default_factory=dict)
    """The digest of each code table."""
    base_url: str = ""
    """How others reach this bus: links to files begin with it."""
    restarts: tuple[int, ...] = ()
    """When it was started again after a kill that cut calls off (microseconds)."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a dossier stood when its exchanges were recorded."""

    dossier: str
    status: str
    deliveries: Mapping[str, Mapping[str, int]]
    """How many deliveries of ``system.operation`` stand in which state."""


Line = Recording | Bus | Ending


def line_to_json(line: Line) -> dict[str, Any]:
    """A line of a file, as a value for ``json.dumps``."""
    match line:
        case Recording():
            told = to_json(line.opened, line.closed)
            taken = {"at": from_micros(line.taken_at).isoformat(), "place": line.place} if line.taken_at else None
            more = {
                "taken": taken,
                "origin": line.origin,
                "connector": line.connector,
                "contract": line.contract,
                "redacted": line.redacted,
            }
            return {"format": FORMAT, "kind": "exchange", **more, **{k: v for k, v in told.items() if k != "format"}}
        case Bus():
            return {"format": FORMAT, "kind": "bus", "province": dict(line.province), "systems": dict(line.systems),
                    "codes": dict(line.codes), "base_url": line.base_url,
                    "restarts": [from_micros(at).isoformat() for at in line.restarts]}  # fmt: skip
        case Ending():
            return {"format": FORMAT, "kind": "dossier", "dossier": line.dossier, "status": line.status,
                    "deliveries": {k: dict(v) for k, v in line.deliveries.items()}}  # fmt: skip


def line_from_json(value: Any) -> Line:
    """The line that ``line_to_json`` wrote; ``BadRecording`` names the field that is wrong."""
    if not isinstance(value, Mapping):
        raise BadRecording("the whole", "not an object")
    if value.get("format") != FORMAT:
        raise BadRecording("format", f"this software reads format {FORMAT}")
    match value.get("kind", "exchange"):
        case "exchange":
            opened, closed = from_json(value)
            origin = value.get("origin", "")
            if origin not in ORIGINS:
                raise BadRecording("origin", f"must be {', '.join(ORIGINS)}")
            texts = {name: value.get(name, "") for name in ("connector", "contract", "redacted")}
            for name, text in texts.items():
                if not isinstance(text, str):
                    raise BadRecording(name, "must be text")
            taken_at, place = _taken(value)
            return Recording(opened, closed, origin, **texts, taken_at=taken_at, place=place)
        case "bus":
            return Bus(
                _object(value, "province"),
                _object(value, "systems"),
                _object(value, "codes"),
                _text(value, "base_url"),
                _times(value, "restarts"),
            )
        case "dossier":
            return Ending(_text(value, "dossier"), _text(value, "status"), _object(value, "deliveries"))
        case _:
            raise BadRecording("kind", "must be exchange, bus or dossier")


def _taken(value: Mapping[str, Any]) -> tuple[int, int]:
    told = value.get("taken")
    if told is None:
        return 0, 0
    if not isinstance(told, Mapping) or not isinstance(told.get("place"), int):
        raise BadRecording("taken", "must be null, or at and place")
    try:
        return micros(datetime.fromisoformat(told["at"])), int(told["place"])
    except (KeyError, TypeError, ValueError):
        raise BadRecording("taken.at", "must be a time with its zone") from None


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name, {})
    if not isinstance(found, Mapping):
        raise BadRecording(name, "must be an object")
    return found


def _times(value: Mapping[str, Any], name: str) -> tuple[int, ...]:
    try:
        return tuple(micros(datetime.fromisoformat(text)) for text in value.get(name, ()))
    except (TypeError, ValueError):
        raise BadRecording(name, "must be a list of times with their zone") from None


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name, "")
    if not isinstance(found, str):
        raise BadRecording(name, "must be text")
    return found
