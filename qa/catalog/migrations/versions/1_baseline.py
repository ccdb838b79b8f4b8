"""The tables when Alembic was introduced. This file never changes: later changes are migrations of their own.

Revision ID: 1
"""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    op.create_table("meta", sa.Column("name", _TEXT, primary_key=True), sa.Column("value", _TEXT, nullable=False))
    _create_articles(once=op.get_bind().dialect.name == "sqlite")
    _create_versions()
    _create_chunks()
    op.create_table(
        "embeddings",
        sa.Column("model", _TEXT, primary_key=True),
        sa.Column("sha", sa.LargeBinary, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "changes",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("article", _NUMBER, nullable=False),
        sqlite_autoincrement=True,
    )
    _create_records()


def _create_articles(*, once: bool) -> None:
    op.create_table(
        "articles",
        sa.Column("pk", _NUMBER, primary_key=True),
        sa.Column("collection", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("live_version", _NUMBER),
        sa.Column("last_version", _NUMBER, nullable=False),
        *([sa.UniqueConstraint("collection", "id")] if once else []),
        sqlite_autoincrement=True,
    )
    if not once:
        op.create_index("articles_once", "articles", [sa.text("md5(collection)"), sa.text("md5(id)")], unique=True)
        op.create_index("articles_by_id", "articles", ["id"], postgresql_using="hash")


def _create_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("article", _NUMBER, sa.ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", _NUMBER, primary_key=True),
        sa.Column("text", _TEXT, nullable=False),
        sa.Column("sha256", _TEXT, nullable=False),
        sa.Column("title", _TEXT),
        sa.Column("outlet", _TEXT),
        sa.Column("url", _TEXT),
        sa.Column("published_at", _TEXT),
        sa.Column("published_day", sa.Integer),
        sa.Column("authors", sa.JSON, nullable=False),
        sa.Column("language", _TEXT),
        sa.Column("furniture", sa.LargeBinary, nullable=False),
        sa.Column("ingested_at", _TEXT, nullable=False),
    )


def _create_chunks() -> None:
    op.create_table(
        "chunks",
        sa.Column("key", _NUMBER, primary_key=True),
        sa.Column("article", _NUMBER, sa.ForeignKey("articles.pk", ondelete="CASCADE"), nullable=False),
        sa.Column("version", _NUMBER, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("sentences", sa.LargeBinary, nullable=False),
        sa.Column("embed_sha", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("article", "version", "ordinal"),
        sqlite_autoincrement=True,
    )
    op.create_index("chunks_by_embed_sha", "chunks", ["embed_sha"])


def _create_records() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", _TEXT, nullable=False),
        sa.Column("expires_at", _TEXT),
        sa.Column("revoked_at", _TEXT),
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
    )
