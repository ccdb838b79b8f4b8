"""PostgreSQL specifics: writers' turns, a server that goes away, values that its types would refuse."""

import random
import string
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy as sa

from qa.catalog import engine, postgres as catalog_postgres
from qa.catalog.catalog import Catalog
from qa.catalog.tables import articles, changes
from qa.errors import BadInput, BadSettings, StoreFailed
from tests.catalog.test_catalog import write
from tests.fakes import article
from tests.lanes.postgres.cluster import Cluster


@pytest.fixture
def catalog(postgres: str) -> Iterator[Catalog]:
    opened = Catalog(postgres)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """Start a server that may be stopped."""
    started = Cluster()
    yield started
    started.close()


def follow(catalog: Catalog, seen: list[int], cursor: int) -> int:
    """Read the change log as an index does."""
    last, touched = catalog.changes_after(cursor, 100)
    seen += touched
    return last


# -- the change log ------------------------------------------------------------------------------------------------


def test_a_follower_misses_no_change_of_a_writer_that_commits_late(catalog: Catalog, postgres: str) -> None:
    """The writer with the lower number commits last; a follower that reads in between still sees both."""
    other = Catalog(postgres)
    seen: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        with engine.writing(catalog._engine) as slow:
            slow.execute(sa.insert(articles).values(collection="default", id="slow", last_version=1))
            slow.execute(sa.insert(changes).values(article=1))  # takes its number now and commits last
            quick = pool.submit(write, other, article("quick", "The dog ran."))
            time.sleep(0.3)
            cursor = follow(other, seen, 0)
            assert not quick.done()  # it waits for its turn, so its number is the later one
        assert quick.result(10) == ["added"]
    follow(other, seen, cursor)
    assert sorted(seen) == [1, 2]
    other.close()


def test_many_writers_and_a_follower_see_the_same_log(catalog: Catalog, postgres: str) -> None:
    """Every change of eight writers at once reaches a follower that reads all the time, each number once."""
    catalogs = [Catalog(postgres) for _ in range(4)]
    done = threading.Event()
    numbers: list[int] = []

    def read_on() -> None:
        cursor = 0
        while not done.is_set() or catalog.last_change() > cursor:
            last, touched = catalog.changes_after(cursor, 3)
            if touched:
                numbers.append(last)
            cursor = last

    reader = threading.Thread(target=read_on)
    reader.start()
    with ThreadPoolExecutor(8) as pool:
        work = [
            pool.submit(write, catalogs[n % 4], article(f"id-{n % 10}", f"Text {n}."), article("all", f"Text {n}."))
            for n in range(40)
        ]
        assert all(len(future.result(30)) == 2 for future in work)
    done.set()
    reader.join(30)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == catalog.last_change() == 80
    assert catalog.article("default", "all").versions == tuple(range(1, 41))
    for opened in catalogs:
        opened.close()


def test_one_article_from_many_writers_is_there_once(catalog: Catalog, postgres: str) -> None:
    """The same text sent by all at once: one adds it, the others find it unchanged."""
    catalogs = [Catalog(postgres) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(write, catalogs[n % 4], article("a", "The dog ran.")) for n in range(16)]
        outcomes = sorted(future.result(30)[0] for future in futures)
    assert outcomes == ["added"] + ["unchanged"] * 15
    assert catalog.article("default", "a").versions == (1,)
    for opened in catalogs:
        opened.close()


def test_a_reader_sees_one_moment(catalog: Catalog) -> None:
    """Two statements of one read transaction agree, whatever is committed between them."""
    write(catalog, article("a", "The dog ran."))
    count = sa.select(sa.func.count()).select_from(articles)
    with engine.reading(catalog._engine) as connection:
        before = connection.scalar(count)
        write(catalog, article("b", "The cat sat."))
        assert connection.scalar(count) == before == 1


def test_one_process_at_a_time_writes_the_vectors(catalog: Catalog, postgres: str) -> None:
    """The second is refused the lock at once; after the first released it, or died, it gets the lock."""
    other = Catalog(postgres)
    with catalog.vector_turn() as first, other.vector_turn() as second:
        assert (first, second) == (True, False)
    with other.vector_turn() as second:
        assert second
    with psycopg.connect(postgres, autocommit=True) as dying:
        dying.execute(f"SELECT pg_advisory_lock({catalog_postgres.VECTOR_LOCK}, hashtext(current_schema()))")
        with other.vector_turn() as second:
            assert not second
    assert comes_to_turn(other)  # a connection that ends releases its locks
    other.close()


def comes_to_turn(catalog: Catalog) -> bool:
    """Try for some seconds: the server notices the end of a connection a moment later."""
    for _ in range(100):
        with catalog.vector_turn() as ours:
            if ours:
                return True
        time.sleep(0.05)
    return False


# -- a server that goes away --------------------------------------------------------------------------------------


def test_a_server_that_was_started_again_is_found_again(own: Cluster) -> None:
    """Acknowledged writes survive a crash, no client has to restart, and a write waits until the server is back."""
    catalog = Catalog(own.url(own.create()))
    write(catalog, article("a", "The dog ran."))
    own.stop("fast")
    with pytest.raises(StoreFailed, match="does not answer"):
        catalog.count()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(write, catalog, article("b", "The cat sat."))
        time.sleep(0.3)
        assert not waiting.done()
        own.start()
        assert waiting.result(20) == ["added"]
    assert catalog.count() == (2, 2)
    catalog.close()


def test_a_connection_that_is_cut_in_the_middle_is_tried_again(catalog: Catalog, postgres: str) -> None:
    """The work takes effect once, in the second transaction; the first left nothing."""
    calls: list[int] = []

    def work(connection: sa.Connection) -> str:
        calls.append(1)
        connection.execute(sa.insert(changes).values(article=len(calls)))
        if len(calls) == 1:
            me = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            with psycopg.connect(postgres, autocommit=True) as killer:
                killer.execute(f"SELECT pg_terminate_backend({me}, 5000)")
        connection.execute(sa.insert(changes).values(article=len(calls)))
        return "done"

    assert engine.written(catalog._engine, work) == "done"
    assert len(calls) == 2
    assert catalog.changes_after(0, 9)[1] == [2]


def test_a_writer_that_stands_still_loses_its_turn(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends its idle transaction, so that the others can write."""
    monkeypatch.setitem(catalog_postgres._LIMITS, "idle_in_transaction_session_timeout", "300ms")
    name = cluster.create(cluster.template)
    catalog = Catalog(cluster.url(name))
    with (
        pytest.raises(StoreFailed),
        engine.writing(catalog._engine) as frozen,
        ThreadPoolExecutor(1) as pool,
    ):
        frozen.execute(sa.insert(changes).values(article=7))
        assert pool.submit(write, catalog, article("a", "The dog ran.")).result(20) == ["added"]
        frozen.execute(sa.select(changes))
    assert catalog.changes_after(0, 9)[1] == [1]
    catalog.close()
    cluster.drop(name)


def test_a_statement_has_an_end(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that the server cannot finish times out instead of blocking a thread for ever."""
    monkeypatch.setitem(catalog_postgres._LIMITS, "statement_timeout", "200ms")
    name = cluster.create(cluster.template)
    catalog = Catalog(cluster.url(name))
    with pytest.raises(StoreFailed, match="timeout"), engine.reading(catalog._engine) as connection:
        connection.exec_driver_sql("SELECT pg_sleep(20)")
    catalog.close()
    cluster.drop(name)


def test_no_server_is_told_without_the_password() -> None:
    """One line that names host and port, without the password."""
    with pytest.raises(StoreFailed, match=r"127\.0\.0\.1") as raised:
        Catalog("postgresql://me:canary@127.0.0.1:1/news")
    assert "canary" not in str(raised.value)
    assert "\n" not in str(raised.value)
    with pytest.raises(BadSettings, match="QA_DATABASE_URL"):
        Catalog("no url")


def test_a_database_of_another_encoding_is_refused(cluster: Cluster) -> None:
    """It could not hold every text; the message says how to create one that can."""
    name = cluster.create("template0", "LATIN1")
    with pytest.raises(StoreFailed, match=r"LATIN1.*UTF8"):
        Catalog(cluster.url(name))
    cluster.drop(name)


def test_a_missing_driver_names_the_extra(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the start stops with what to install."""
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(BadSettings, match=r"news-qa\[postgres\]"):
        Catalog(postgres)


# -- values ----------------------------------------------------------------------------------------------------------


def test_an_id_may_be_longer_than_a_tree_of_postgresql_takes(catalog: Catalog) -> None:
    """Incompressible URLs longer than a B-tree entry may be; each is found exactly once."""
    dice = random.Random(5)
    ids = ["".join(dice.choices(string.ascii_letters, k=size)) for size in (2_000, 3_000, 9_000, 100_000)]
    assert write(catalog, *(article(article_id, f"Text {n}.") for n, article_id in enumerate(ids))) == ["added"] * 4
    assert write(catalog, *(article(article_id, f"Text {n}.") for n, article_id in enumerate(ids))) == ["unchanged"] * 4
    assert [catalog.text("default", article_id).text for article_id in ids] == [
        "Text 0.",
        "Text 1.",
        "Text 2.",
        "Text 3.",
    ]
    assert write(catalog, article("b", "The dog ran."), collection="c" * 5_000) == ["added"]


def test_nul_is_the_callers_mistake(catalog: Catalog) -> None:
    """PostgreSQL cannot store NUL in text: a look-up with NUL is the caller's error, not a catalog failure."""
    with pytest.raises(BadInput, match="NUL"):
        catalog.article("default", "a\0b")


def test_order_is_by_code_point(catalog: Catalog) -> None:
    """As in SQLite, whatever the server's collation: capitals before small letters, accents last."""
    for outlet in ("b", "Z", "é", "a", "Ä"):
        write(catalog, article(outlet, "The dog ran.", outlet=outlet))
    assert catalog.outlets("default", 2) == ["a", "Z"]  # equally many: the first by code point, shown as people sort


def test_keys_and_feedback_hold_any_unicode(catalog: Catalog) -> None:
    """JSON with a lone surrogate and a NUL comes back unchanged; timestamps are ours, not the server's."""
    expires = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)
    row, _ = catalog.records.create_key("ключ 😀", ["ask"], expires)
    assert catalog.records.keys() == [row]
    exchange = {"question": "a\ud800\0😀 e\u0301"}
    catalog.records.add_feedback("ans_1", -1, "市长 wrong", exchange)
    (kept,) = catalog.records.feedback()
    assert (kept.exchange, kept.comment) == (exchange, "市长 wrong")


# -- the service -------------------------------------------------------------------------------------------------------


def test_the_service_outlives_its_catalog(own: Cluster, tmp_path: object) -> None:
    """While it is away: 503, and /readyz names it; once it is back, everything works without a restart."""
    from tests.service.serving import BRIDGE, client

    url = own.url(own.create())
    with client(tmp_path, BRIDGE, database_url=url) as http:  # type: ignore[arg-type]
        assert http.get("/readyz").status_code == 200
        own.stop()
        ready = http.get("/readyz")
        assert (ready.status_code, ready.json()["catalog"]) == (503, "away: it does not answer")
        assert http.get("/healthz").status_code == 200
        reply = http.post("/v1/ask", json={"question": "When did the bridge open?"})
        assert (reply.status_code, set(reply.json())) == (503, {"error"})
        own.start()
        assert http.get("/readyz").status_code == 200
        assert http.get("/v1/articles/bridge-1/text").json()["text"] == BRIDGE["text"]
