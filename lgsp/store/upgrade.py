"""Brings a database to this release's schema, and says where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from lgsp.errors import StoreError
from lgsp.store.engine import Store
from lgsp.store.schema import REVISIONS

if TYPE_CHECKING:  # loaded only when a schema is brought up
    from alembic.config import Config


@dataclass(frozen=True, slots=True)
class Standing:
    """The schema's revision in the database (empty: none yet) and in this release."""

    database: str
    release: str
    known: bool = True
    """Whether this release knows the database's revision; False: a newer release made it."""

    @property
    def current(self) -> bool:
        return self.database == self.release


def scripts() -> Config:
    """Alembic's configuration of the migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def standing_of(connection: Connection) -> Standing:
    """Where the database stands."""
    if not inspect(connection).has_table("alembic_version"):
        return Standing("", REVISIONS[-1])
    database = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""
    return Standing(database, REVISIONS[-1], not database or database in REVISIONS)


async def standing(store: Store) -> Standing:
    """Where the store's database stands."""
    return await store.read(standing_of)


async def upgrade(store: Store) -> Standing:
    """Bring the schema to this release; returns where it stood before. ``StoreError`` if it is of a newer release."""

    def run(connection: Connection) -> Standing:
        from alembic import command

        if connection.dialect.name == "postgresql":  # two daemons may start at once
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7265837)")
        before = standing_of(connection)
        if not before.known:
            raise newer(before)
        if not before.current:
            config = scripts()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return before

    return await store.transact(run)


def newer(found: Standing) -> StoreError:
    """The error for a database that a newer release has made."""
    return StoreError(
        f"the database has schema {found.database}, which this release does not know (it knows up to {found.release}): "
        "install the newer release again, or restore the backup taken before its upgrade"
    )
