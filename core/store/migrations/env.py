"""Alembic's entry: one environment for the shared chain and every tier's."""

from alembic import context

from core.store.engine import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=context.config.attributes["connection"].dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
