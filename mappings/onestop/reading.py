"""How the one-stop system writes things: times, codes, statuses; and the events made of them."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lgsp.canonical.dossier import (
    LocalStatus,
)
from lgsp.canonical.events import (
    DossierRegistered,
    Event,
)
from lgsp.canonical.status import Status
from lgsp.clock import VIETNAM
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context

ONESTOP = "onestop"
PORTAL = "npsp"
FROM_PORTAL = 5  # systemId
ROLLED_BACK = 2  # state of an action
NAMESPACE = uuid.UUID("5c3c6d7e-5d0b-5f0a-9d7b-6f1f3f1f7a10")
Built = TypeVar("Built", bound=BaseModel)

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def moment(field: str, text: str) -> datetime | None:
    """``yyyy-MM-dd'T'HH:mm:ss.SSSZ``; local time where no zone stands. Year 0000 is how OpenCPS says "not known"."""
    if not text or text.startswith("0000-00-00"):
        return None
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise MappingError(field, "must be a time written yyyy-MM-ddTHH:mm:ss.SSS+0700")
    *_, fraction, zone = found.groups()
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    micro = int((fraction or "0").ljust(6, "0"))
    try:
        bare = datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001 - the zone is set below
        if zone is None:
            aware = bare.replace(tzinfo=VIETNAM)
        else:
            aware = datetime.fromisoformat(f"{bare.isoformat()}{'+00:00' if zone == 'Z' else zone}")
        if not 1900 <= aware.year <= 2200:
            raise ValueError
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MappingError(field, "is a date or time that does not exist") from None


def needed_moment(field: str, text: str) -> datetime:
    found = moment(field, text)
    if found is None:
        raise MappingError(field, "is missing or empty")
    return found


def from_millis(field: str, value: int) -> datetime | None:
    if value == 0:
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise MappingError(field, "is a time that does not exist") from None


def fingerprint(item: BaseModel) -> str:
    """A name for what was said, made of what was said."""
    told = json.dumps(item.model_dump(mode="json"), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def message_name(kind: str, message_id: str, item: BaseModel) -> str:
    if not message_id:
        return f"{kind}-{fingerprint(item)}"
    if re.fullmatch(r"[\x21-\x7e]{1,80}", message_id):
        return f"{kind}-{message_id}"
    return f"{kind}-{hashlib.sha256(message_id.encode()).hexdigest()[:40]}"


def build(model: type[Built], values: Mapping[str, Any], names: Mapping[str, str]) -> Built:
    """A canonical value, or ``MappingError`` that names the field as the one-stop system calls it."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = [str(part) for part in first["loc"]]
        field = next((names[key] for key in (".".join(path), path[0] if path else "") if key in names), ".".join(path))
        raise MappingError(field or names.get("", model.__name__), f"cannot be taken: {first['msg']}") from None


_DOSSIER_CODE = re.compile(r"(?:[0-9]{2,3}\.)*(H[0-9]{2})(?:\.[0-9.]+)?-[0-9]{6,8}-[0-9]+")


def own_code(field: str, code: str, context: Context) -> str:
    """The dossier code, unless it is another province's."""
    found = _DOSSIER_CODE.fullmatch(code.strip())
    ours = {context.province, *getattr(context.settings, "other_provinces", ())}
    if found and context.province and found[1] not in ours:
        raise MappingError(field, f"is a dossier code of another province ({found[1]}; here it is {context.province})")
    return code


def status_of(word: str, sub_status: str, context: Context) -> Status | None:
    """What the source's word stands for; None for a word that is to change nothing and for one that no row has."""
    for code in ([f"{word}/{sub_status}"] if sub_status else []) + [word]:
        row = context.codes.find(f"status_{ONESTOP}", code, context.today)
        if row is not None:
            return Status(row["status"]) if row["status"] in set(Status) else None
    return None


def local_word(word: str, sub_status: str, field: str) -> LocalStatus | None:
    if not word:
        return None
    return build(LocalStatus, {"system": ONESTOP, "status": word, "sub_status": sub_status}, {"status": field})


def event_of(kind: str, source_id: str, dossier: str, at: datetime, body: BaseModel, source: str = ONESTOP) -> Event:
    values = {"type": kind, "source": source, "source_id": source_id, "dossier": dossier, "occurred_at": at}
    return build(Event, {**values, "body": body}, {"source_id": "MessageId", "dossier": "DocCode"})


def registered_as(portal_code: str, local_code: str, at: datetime, told_by: str) -> Event:
    """The portal's dossier has this code here. Told under the portal's name for it, which the bus knows.

    Named after the message that told it: an event known from another message would make this one look like a conflict.
    """
    body = DossierRegistered(system=ONESTOP, code=local_code)
    name = hashlib.sha256(f"{told_by}\n{portal_code}\n{local_code}".encode()).hexdigest()[:32]
    return event_of("dossier.registered", f"{ONESTOP}-{name}", portal_code, at, body, source=PORTAL)


def received_at(context: Context) -> datetime:
    return context.received_at or datetime(
        context.today.year, context.today.month, context.today.day, tzinfo=VIETNAM
    ).astimezone(UTC)
