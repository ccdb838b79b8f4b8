"""Run the migrations on the connection of `qa.catalog.schema`, inside the caller's transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
