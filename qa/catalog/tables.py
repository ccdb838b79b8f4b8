"""The catalog's tables. Their history, version by version, is in `migrations`."""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA_VERSION = "3"  # the newest of `migrations/versions`
tables = sa.MetaData()

# PostgreSQL sorts and compares by bytes, as SQLite does, and not by a locale.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# SQLite's integers have 64 bits anyway, and only an INTEGER primary key increments automatically.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

meta = sa.Table("meta", tables, sa.Column("name", _TEXT, primary_key=True), sa.Column("value", _TEXT, nullable=False))
alembic_version = sa.Table(
    "alembic_version",
    tables,
    sa.Column("version_num", sa.String(32)),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
articles = sa.Table(
    "articles",
    tables,
    sa.Column("pk", _NUMBER, primary_key=True),
    sa.Column("collection", _TEXT, nullable=False),
    sa.Column("id", _TEXT, nullable=False),
    sa.Column("live_version", _NUMBER),  # NULL: taken down
    sa.Column("last_version", _NUMBER, nullable=False),  # never reused, not even after a takedown
    sa.UniqueConstraint("collection", "id").ddl_if(dialect="sqlite"),
    sqlite_autoincrement=True,
)
# A B-tree of PostgreSQL takes no key of more than 2,700 bytes, and a URL may be longer.
sa.Index("articles_once", sa.func.md5(articles.c.collection), sa.func.md5(articles.c.id), unique=True).ddl_if(
    dialect="postgresql"
)
sa.Index("articles_by_id", articles.c.id, postgresql_using="hash").ddl_if(dialect="postgresql")
versions = sa.Table(
    "versions",
    tables,
    sa.Column("article", sa.ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", _NUMBER, primary_key=True),
    sa.Column("text", _TEXT, nullable=False),
    sa.Column("sha256", _TEXT, nullable=False),
    sa.Column("title", _TEXT),
    sa.Column("outlet", _TEXT),
    sa.Column("url", _TEXT),
    sa.Column("published_at", _TEXT),
    sa.Column("published_day", sa.Integer),  # days since 1970, for filters and the recency prior
    sa.Column("authors", sa.JSON, nullable=False),
    sa.Column("language", _TEXT),
    sa.Column("furniture", sa.LargeBinary, nullable=False),  # spans as pairs of little-endian uint32
    sa.Column("ingested_at", _TEXT, nullable=False),
)
# SQLite stores the outlet after the text: without this index, listing the outlets reads every text.
sa.Index("versions_by_outlet", versions.c.article, versions.c.version, versions.c.outlet).ddl_if(dialect="sqlite")
chunks = sa.Table(
    "chunks",
    tables,
    sa.Column("key", _NUMBER, primary_key=True),
    sa.Column("article", sa.ForeignKey("articles.pk", ondelete="CASCADE"), nullable=False),
    sa.Column("version", _NUMBER, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("sentences", sa.LargeBinary, nullable=False),  # as `furniture`
    sa.Column("embed_sha", sa.LargeBinary, nullable=False),  # of the text embedded for this chunk
    sa.UniqueConstraint("article", "version", "ordinal"),
    sa.Index("chunks_by_embed_sha", "embed_sha"),
    sqlite_autoincrement=True,  # a key is never reused, so a stale index row cannot point at a new chunk
)
embeddings = sa.Table(
    "embeddings",
    tables,
    sa.Column("model", _TEXT, primary_key=True),
    sa.Column("sha", sa.LargeBinary, primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),  # float16
    sqlite_with_rowid=False,
)
changes = sa.Table(
    "changes",
    tables,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("article", _NUMBER, nullable=False),
    sqlite_autoincrement=True,
)
api_keys = sa.Table(
    "api_keys",
    tables,
    sa.Column("id", _TEXT, primary_key=True),
    sa.Column("name", _TEXT, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),  # SHA-256 of a secret of 256 random bits
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", _TEXT, nullable=False),
    sa.Column("expires_at", _TEXT),
    sa.Column("revoked_at", _TEXT),
)
feedback = sa.Table(
    "feedback",
    tables,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("answer_id", _TEXT, nullable=False),
    sa.Column("rating", sa.Integer, nullable=False),  # 1 or -1
    sa.Column("comment", _TEXT, nullable=False),
    sa.Column("given_at", _TEXT, nullable=False),
    sa.Column("exchange", sa.JSON),  # the question and the answer object, if the service still knew them
    sqlite_autoincrement=True,
)
