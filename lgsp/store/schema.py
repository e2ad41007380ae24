"""The tables. Times are microseconds since 1970 in UTC; texts are NFC; bodies are bytes."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

REVISIONS = ("0001", "0002", "0003", "0004")
"""The revisions of ``migrations/``, oldest first; a start reads them here and need not load Alembic."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite gives out ascending row ids only for an INTEGER primary key.
Id = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("source", String(50), nullable=False),
    Column("source_id", String(200), nullable=False),
    Column("type", String(50), nullable=False),
    Column("dossier", String(100), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False, comment="of the message it came in; tells a repeat from a conflict"),
    Column("payload", LargeBinary, nullable=False, comment="the canonical event, JSON"),
    Column("exchange", BigInteger, comment="the inbound or outbound exchange that told it"),
    Column("caused_by", BigInteger, comment="the delivery or event that it follows from"),
    UniqueConstraint("source", "source_id"),
)
Index("ix_events_dossier", events.c.dossier, events.c.id)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("event", BigInteger, ForeignKey("events.id"), nullable=False),
    Column("system", String(50), nullable=False),
    Column("operation", String(50), nullable=False),
    Column("order_key", String(250), nullable=False),
    Column("seq", BigInteger, nullable=False, comment="place in the lane; a newer full state takes the older one's"),
    Column("full_state", SmallInteger, nullable=False),
    Column("state", String(12), nullable=False),
    Column("open", SmallInteger, nullable=False, comment="1 until done, superseded or discarded"),
    Column("head", SmallInteger, nullable=False, comment="1 for the first open delivery of its lane"),
    Column("claimable", SmallInteger, nullable=False, comment="1 for a head that is ready, waiting or unknown"),
    Column("doubtful", SmallInteger, nullable=False, comment="1 while nobody knows whether an earlier try happened"),
    Column("doubted_at", BigInteger, comment="when the last call left that may have happened, or may yet"),
    Column("key", String(64), nullable=False, comment="idempotency key, the same for all tries"),
    Column("tries", Integer, nullable=False, comment="every claim"),
    Column("attempts", Integer, nullable=False, comment="those that count towards parking"),
    Column("ended", String(12), nullable=False, server_default="", comment="how the last of these ended"),
    Column("alike", Integer, nullable=False, server_default="0", comment="and how many in a row ended so"),
    Column("due_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger),
    Column("lease_owner", String(64)),
    Column("lease_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("cause", String(200), nullable=False, server_default="", comment="groups work items of one cause"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("resend_of", BigInteger),
)
# Small partial indexes: what is settled leaves them, so a claim costs the same after a million deliveries.
_open, _claimable, _leased, _parked = (
    text("open = 1"),
    text("claimable = 1"),
    text("state = 'leased'"),
    text("state = 'parked'"),
)
Index(
    "ix_deliveries_claim",
    deliveries.c.system,
    deliveries.c.due_at,
    deliveries.c.id,
    sqlite_where=_claimable,
    postgresql_where=_claimable,
)
Index(
    "ix_deliveries_lane",
    deliveries.c.order_key,
    deliveries.c.system,
    deliveries.c.seq,
    sqlite_where=_open,
    postgresql_where=_open,
)
Index("ix_deliveries_leased", deliveries.c.lease_until, sqlite_where=_leased, postgresql_where=_leased)
Index("ix_deliveries_parked", deliveries.c.cause, sqlite_where=_parked, postgresql_where=_parked)
Index("ix_deliveries_event", deliveries.c.event)

exchanges = Table(
    "exchanges",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("system", String(50), nullable=False),
    Column("operation", String(50), nullable=False),
    Column("direction", String(3), nullable=False),
    Column("delivery", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("effect", SmallInteger, nullable=False),
    Column("dossier", String(100), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("method", String(10), nullable=False),
    Column("url", Text, nullable=False),
    Column("request_headers", Text, nullable=False),
    Column("request_body", LargeBinary, nullable=False, comment="first byte says: 0 as it is, 1 zlib"),
    Column("outcome", String(30), nullable=False, server_default=""),
    Column("status", Integer),
    Column("answer_headers", Text, nullable=False, server_default="{}"),
    Column("answer_body", LargeBinary),
    Column("error", Text, nullable=False, server_default=""),
    Column("worker", String(64), nullable=False),
)
Index("ix_exchanges_dossier", exchanges.c.dossier, exchanges.c.id)
Index("ix_exchanges_delivery", exchanges.c.delivery)
Index("ix_exchanges_system", exchanges.c.system, exchanges.c.id)

dossiers = Table(
    "dossiers",
    metadata,
    Column("dossier", String(100), primary_key=True),
    Column("status", String(30), nullable=False),
    Column("state", LargeBinary, nullable=False, comment="the bus's truth, a canonical dossier, JSON"),
    Column("updated_at", BigInteger, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("system", String(50), primary_key=True),
    Column("code", String(100), primary_key=True),
    Column("dossier", String(100), nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    UniqueConstraint("system", "dossier"),
)
Index("ix_identities_dossier", identities.c.dossier)

reference_codes = Table(
    "reference_codes",
    metadata,
    Column("system", String(50), primary_key=True),
    Column("code", String(100), primary_key=True, comment="our reference of a payment, our number of a parcel"),
    Column("kind", String(10), nullable=False, comment="payment or shipment"),
    Column("dossier", String(100), nullable=False),
    Column("amount", BigInteger, nullable=False, comment="dong; 0 for a parcel"),
    Column("state", String(20), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_reference_codes_state", reference_codes.c.kind, reference_codes.c.state, reference_codes.c.amount)
Index("ix_reference_codes_dossier", reference_codes.c.dossier)

systems = Table(
    "systems",
    metadata,
    Column("system", String(50), primary_key=True),
    Column("held", SmallInteger, nullable=False),
    Column("held_reason", Text, nullable=False),
    Column("held_by", String(100), nullable=False),
    Column("held_at", BigInteger),
    Column("failures", Integer, nullable=False, comment="in a row"),
    Column("open_until", BigInteger, nullable=False, comment="circuit: no claims before this; 0 closed"),
    Column("opened", Integer, nullable=False, comment="times the circuit opened since it last closed"),
    Column("trial", SmallInteger, nullable=False, comment="1 while one delivery tries an open circuit"),
    Column("tokens", Float, nullable=False),
    Column("tokens_at", BigInteger, nullable=False),
    Column("last_success_at", BigInteger),
    Column("last_failure_at", BigInteger),
    Column("last_failure", Text, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("system", String(50), primary_key=True),
    Column("name", String(50), primary_key=True),
    Column("value", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("lock_owner", String(64)),
    Column("lock_until", BigInteger, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("moved_at", BigInteger, nullable=False),
    Column("lock_owner", String(64)),
    Column("lock_until", BigInteger, nullable=False),
)

code_rows = Table(
    "code_rows",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", String(50), nullable=False, comment="the table's name"),
    Column("code", String(200), nullable=False),
    Column("valid_from", String(10), nullable=False),
    Column("valid_to", String(10), nullable=False),
    Column("document", Text, nullable=False),
    Column("columns", Text, nullable=False, comment="the other columns, JSON"),
)
Index("ix_code_rows_name", code_rows.c.name, code_rows.c.code)

code_loads = Table(
    "code_loads",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("loaded_at", BigInteger, nullable=False),
)

revoked_links = Table(
    "revoked_links",
    metadata,
    Column("file", String(64), primary_key=True),
    Column("revoked_at", BigInteger, nullable=False),
    Column("revoked_by", String(100), nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("system", String(50), primary_key=True),
    Column("operation", String(50), primary_key=True),
    Column("outcome", String(20), primary_key=True),
    Column("n", BigInteger, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("worker", String(64), primary_key=True),
    Column("host", String(100), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(100), nullable=False),
    Column("action", String(50), nullable=False),
    Column("target", String(200), nullable=False),
    Column("reason", Text, nullable=False),
)
