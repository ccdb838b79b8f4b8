"""Preparing articles in other processes: the same results, few processes, and the death of one loses nothing."""

import os
import signal
import subprocess
import sys

import pytest

from qa.catalog.catalog import Prepared
from qa.ingest import prepare as preparing
from qa.ingest.prepare import PoolPreparer, prepare
from qa.text import stemming
from qa.types import Article, Refused
from tests import ROOT
from tests.fakes import article

NEWS = [
    article(str(n), f"Text {n} 😀. Cafe\u0301 opened. 市长来了。 " + "More words follow here. " * 90) for n in range(40)
]
NOTHING = Article(id="c", text=" ")


def test_what_other_processes_prepare_is_what_this_one_prepares() -> None:
    """Equal objects, in the order of the articles, including a refusal."""
    articles = [*NEWS, NOTHING]
    here = [prepare(article) for article in articles]
    with PoolPreparer(2) as beside:
        assert beside.has_pool
        assert beside.start(articles)() == here
    assert isinstance(here[0], Prepared)
    assert len(here[0].chunks) > 1
    assert dict(here[0].stems_by_text()) == {
        words: " ".join(stemming.stems(words)) for words in (chunk.span.slice(NEWS[0].text) for chunk in here[0].chunks)
    }
    assert isinstance(here[-1], Refused)


def test_a_few_articles_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process costs half a second: by default one is started only for many articles, and never with workers=1."""
    monkeypatch.setattr(preparing, "usable_cores", lambda: 2)
    monkeypatch.setattr(preparing, "_LOCAL", 20)
    with PoolPreparer(0) as many, PoolPreparer(1) as single:
        for _ in range(2):
            assert not many.has_pool
            assert many.start(NEWS[:10])() == single.start(NEWS[:10])()
        assert many.start(NEWS)() == single.start(NEWS)()
        assert many.has_pool
        assert not single.has_pool


def test_one_core_is_enough_for_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a single core, no process is started."""
    monkeypatch.setattr(preparing, "usable_cores", lambda: 1)
    monkeypatch.setattr(preparing, "_LOCAL", 0)
    with PoolPreparer(0) as alone:
        assert alone.start(NEWS)() == [prepare(article) for article in NEWS]
        assert not alone.has_pool


def test_a_process_that_dies_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """If it is killed in the middle of its work, that work is done here, and so is the rest."""
    with PoolPreparer(2) as beside:
        assert beside.start(NEWS)() == [prepare(article) for article in NEWS]
        waiting = beside.start(NEWS * 20)
        assert beside._pool is not None
        for pid in list(beside._pool._processes):
            os.kill(pid, signal.SIGKILL)
        assert waiting() == [prepare(article) for article in NEWS] * 20
        assert not beside.has_pool
        assert beside.start(NEWS)() == [prepare(article) for article in NEWS]
    assert "going on without" in caplog.text


ORPHANS = """
import os, signal
from qa.ingest.prepare import PoolPreparer
from qa.types import Article

beside = PoolPreparer(2)
beside.start([Article(id=str(n), text="The bridge opened.") for n in range(64)])()
print("working", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_whose_parent_is_killed_ends() -> None:
    """It would wait for work that nobody can send any more. Our pipe stays open until all of them have exited."""
    with subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        output, _ = parent.communicate(timeout=40)
    assert output == "working\n"
    assert parent.returncode == -signal.SIGKILL
