"""Alembic's entry: runs on the connection it is given, so that SQLite and PostgreSQL migrate alike."""

from alembic import context

from lgsp.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
context.run_migrations()
