"""Exchanges as rows: written before the bytes leave, closed after the answer, never changed otherwise."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from lgsp.store.schema import exchanges
from lgsp.wire.exchange import Closed, Opened

_x = exchanges.c
_b = bindparam
_OPEN = insert(exchanges)
_CLOSE = (
    update(exchanges)
    .where(_x.id == _b("id_"), _x.closed_at.is_(None))
    .values(
        closed_at=_b("closed_at_"),
        outcome=_b("outcome_"),
        status=_b("status_"),
        answer_headers=_b("headers_"),
        answer_body=_b("body_"),
        error=_b("error_"),
    )
)
COMPRESS_FROM = 2048
"""Bytes from which a body is compressed: below it the time costs more than the room."""


def pack(body: bytes) -> bytes:
    """A body as stored: one byte that tells how, then the body."""
    return b"\x01" + zlib.compress(body, 1) if len(body) >= COMPRESS_FROM else b"\x00" + body


def unpack(stored: bytes | None) -> bytes:
    """The exact bytes again."""
    if not stored:
        return b""
    return zlib.decompress(stored[1:]) if stored[:1] == b"\x01" else stored[1:]


def opened_row(exchange: Opened, worker: str) -> dict[str, Any]:
    return {
        "id": exchange.id,
        "system": exchange.system,
        "operation": exchange.operation,
        "direction": exchange.direction,
        "delivery": exchange.delivery,
        "attempt": exchange.attempt,
        "effect": int(exchange.effect),
        "dossier": exchange.dossier,
        "opened_at": exchange.opened_at,
        "method": exchange.method,
        "url": exchange.url,
        "request_headers": json.dumps(dict(exchange.headers), ensure_ascii=False),
        "request_body": pack(exchange.body),
        "worker": worker,
    }


def write_opened(connection: Connection, items: Sequence[tuple[Opened, str]]) -> list[None]:
    connection.execute(_OPEN, [opened_row(exchange, worker) for exchange, worker in items])
    return [None] * len(items)


def write_whole(connection: Connection, items: Sequence[tuple[Opened, Closed, str]]) -> list[None]:
    """Exchanges that are over; those whose request is stored already are only closed."""
    known = set(connection.execute(select(_x.id).where(_x.id.in_([opened.id for opened, _, _ in items]))).scalars())
    fresh = [opened_row(opened, worker) for opened, _, worker in items if opened.id not in known]
    if fresh:
        connection.execute(_OPEN, fresh)
    return write_closed(connection, [closed for _, closed, _ in items])


def write_closed(connection: Connection, items: Sequence[Closed]) -> list[None]:
    connection.execute(
        _CLOSE,
        [
            {
                "id_": c.id,
                "closed_at_": c.closed_at,
                "outcome_": c.outcome,
                "status_": c.status,
                "headers_": json.dumps(dict(c.headers), ensure_ascii=False),
                "body_": pack(c.body),
                "error_": c.error,
            }
            for c in items
        ],
    )
    return [None] * len(items)


def read_row(row: Row[Any]) -> tuple[Opened, Closed | None]:
    """A stored exchange as the wire's own values."""
    opened = Opened(
        id=row.id,
        system=row.system,
        operation=row.operation,
        direction=row.direction,
        opened_at=row.opened_at,
        method=row.method,
        url=row.url,
        headers=json.loads(row.request_headers),
        body=unpack(row.request_body),
        delivery=row.delivery,
        dossier=row.dossier,
        attempt=row.attempt,
        effect=bool(row.effect),
    )
    if row.closed_at is None:
        return opened, None
    return opened, Closed(
        id=row.id,
        closed_at=row.closed_at,
        outcome=row.outcome,
        status=row.status,
        headers=json.loads(row.answer_headers),
        body=unpack(row.answer_body),
        error=row.error,
    )
