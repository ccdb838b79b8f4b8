"""An index for listing the outlets, which read every text in SQLite.

Revision ID: 2
Revises: 1
"""

from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Upgrade from 1 to 2. PostgreSQL stores long texts out of line and needs no such index."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("versions_by_outlet", "versions", ["article", "version", "outlet"])
