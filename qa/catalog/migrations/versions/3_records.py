"""The tables of keys and of feedback, which the first stores lack: they were added while the schema was still 1.

Revision ID: 3
Revises: 2
"""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Upgrade from 2 to 3. Most stores have both tables already."""
    op.create_table(
        "api_keys",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", _TEXT, nullable=False),
        sa.Column("expires_at", _TEXT),
        sa.Column("revoked_at", _TEXT),
        if_not_exists=True,
    )
    op.create_table(
        "feedback",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("answer_id", _TEXT, nullable=False),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("comment", _TEXT, nullable=False),
        sa.Column("given_at", _TEXT, nullable=False),
        sa.Column("exchange", sa.JSON),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
