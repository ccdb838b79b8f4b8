"""The Python API: the first lines that a newcomer writes work, and failures are named errors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from qa import (
    Answer,
    Article,
    BadQuestion,
    BadSettings,
    Delta,
    Library,
    Locked,
    NotFound,
    Question,
    Retrieved,
    Settings,
    sample_articles,
)
from tests.fakes import ScriptedChat

COST = "What will it cost to rebuild the eastern approach of the Orrin Bridge?"
DAY = "2026-06-15"
OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_EMBED_MODEL", "none")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Open a store with the sample articles, without embeddings."""
    with Library(tmp_path / "store") as library:
        library.add(sample_articles())
        yield library


def test_a_path_is_where_the_store_is(tmp_path: Path) -> None:
    """A path as str and as Path open the same store; other settings come from the environment."""
    with Library(str(tmp_path / "store")) as library:
        assert library.add(Article(id="a", text="The ferry costs four euros.")).added == 1
        assert library.embedder is None
    with Library(tmp_path / "store") as library:
        assert library.text("a") == "The ferry costs four euros."


def test_nothing_given_reads_the_environment_and_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line: `.env` in the working directory is read; the environment overrides it."""
    (tmp_path / ".env").write_text("QA_DATA_DIR=from-dotenv\nQA_DEADLINE_S=7\n")
    with Library() as library:
        assert (library.settings.data_dir, library.settings.deadline_s) == (Path("from-dotenv"), 7)
    monkeypatch.setenv("QA_DATA_DIR", "from-environment")
    with Library() as library:
        assert library.settings.data_dir == Path("from-environment")
    monkeypatch.setenv("QA_DATA_DRI", "typo")
    with pytest.raises(BadSettings, match="QA_DATA_DRI"):
        Library()


def test_settings_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are passed in override the environment."""
    monkeypatch.setenv("QA_DATA_DIR", str(tmp_path / "other"))
    with Library(Settings(data_dir=tmp_path / "mine", embed_model="none")) as library:
        assert library.settings.data_dir == tmp_path / "mine"
    assert not (tmp_path / "other").exists()


def test_add_takes_files_folders_and_articles(tmp_path: Path) -> None:
    """Strings and Paths, relative and absolute, folders and Article objects in one call; the report names the rest."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "one.txt").write_text("The ferry costs four euros.")
    (tmp_path / "two.md").write_text("# Two\n\nThe tram costs three euros.")
    with Library(tmp_path / "store") as library:
        report = library.add(
            "archive/",
            Path("two.md"),
            Article(id="three", text="The bus is free. 🚌\r\n"),
            "missing.txt",
            outlet="Post",
        )
        assert (report.added, [refused.source for refused in report.refused]) == (3, ["missing.txt"])
        assert {row.source.outlet for row in library.catalog.articles("default", 0, 9)} == {"Post", None}
        assert library.text("three") == "The bus is free. 🚌\n"


def test_ask_answers_with_quotes_that_are_there(library: Library) -> None:
    """Each quote is `library.text()` at the citation's span."""
    answer = library.ask(COST, as_of=DAY)
    assert answer.status == "conflicting"
    for citation in answer.citations:
        text = library.text(citation.source.article_id, version=citation.source.version)
        assert citation.span.slice(text) == citation.quote


def test_an_answer_reads_well(library: Library) -> None:
    """`str(answer)`: its text, each quote with its source, conflicts, and any status but `answered`."""
    shown = str(library.ask(COST, as_of=DAY))
    assert shown.startswith(
        "The Brasswick Ledger, 12 March 2026: Rebuilding the eastern approach will cost €46 million"
    )
    assert "\n\n[1] Castrel slides as Orrin repair bill is put at €46m (The Brasswick Ledger, 2026-03-12" in shown
    assert "\n    ledger-bridge-1 151-265\n    “Rebuilding the eastern approach will cost €46 million," in shown
    assert shown.endswith("€46 million [1], €38 million [2]\n\nstatus: conflicting")
    refused = str(library.ask("How old is Dorothea Lanyon, the bus driver?", as_of=DAY))
    assert refused == "The articles do not answer this question.\n\nstatus: not_in_sources"


def test_options_narrow_what_is_read(library: Library) -> None:
    """Outlets, days as str and date, and ids are applied; a Question keeps what no option overrides."""
    answer = library.ask(COST, as_of=date(2026, 6, 15), outlets=["The Aldermont Observer"])
    assert {citation.source.outlet for citation in answer.citations} == {"The Aldermont Observer"}
    two = library.ask(Question(COST, as_of=DAY), after="1 April 2026")
    assert all((citation.source.published_at or "") >= "2026-04-01" for citation in two.citations)
    three = library.ask(COST, as_of=DAY, article_ids=["ledger-bridge-1"])
    assert {citation.source.article_id for citation in three.citations} == {"ledger-bridge-1"}
    assert library.ask(COST, as_of="2020-01-01").status == "not_in_sources"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"as_of": "someday"}, "as_of"),
        ({"after": "03/04/2026"}, "after"),
        ({"before": ""}, "before"),
        ({"mode": "magic"}, "mode"),
        ({"top_k": 0}, "top_k"),
        ({"outlets": "The Aldermont Observer"}, "outlets"),
        ({"article_ids": "a"}, "article_ids"),
        ({"after": "2026-04-02", "before": date(2026, 4, 1)}, "after"),
    ],
)
def test_a_bad_option_is_named(library: Library, options: dict[str, object], name: str) -> None:
    """BadQuestion names the option and its value; no default is used instead."""
    with pytest.raises(BadQuestion, match=name) as caught:
        library.ask(COST, **options)  # type: ignore[arg-type]
    assert caught.value.param == name


def test_a_search_reads_days_as_a_question_does(library: Library) -> None:
    """Text in any form and dates; what is not a day is named."""
    assert library.search("Orrin Bridge", as_of=date(2026, 3, 12)) == library.search(
        "Orrin Bridge", as_of="12 March 2026"
    )
    with pytest.raises(BadQuestion, match="as_of: 'someday'"):
        library.search("Orrin Bridge", as_of="someday")


def test_the_hits_of_a_search_are_read_like_a_list(library: Library) -> None:
    """Best first, as many as asked for; a search that finds nothing is empty."""
    found = library.search("Orrin Bridge", top_k=3)
    assert [hit.text for hit in found] == [hit.text for hit in found.hits]
    assert (len(found), bool(library.search("zyzzyva"))) == (3, False)


def test_a_question_that_is_no_text_is_refused(library: Library) -> None:
    """None from a form that was not filled in is the caller's mistake, by its name."""
    with pytest.raises(BadQuestion, match="question: text is wanted, not None"):
        library.ask(None)  # type: ignore[arg-type]


def test_add_takes_lists_and_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An iterable of articles and paths is as good as each of them; `~` is the caller's home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "archive").mkdir(parents=True)
    (tmp_path / "home" / "archive" / "one.txt").write_text("The ferry costs four euros.")
    articles = (Article(id=f"n{number}", text=f"Notice {number} was lifted.") for number in range(3))
    with Library("~/store") as library:
        assert library.add(articles, ["~/archive"]).added == 4
    assert (tmp_path / "home" / "store").is_dir()


def test_an_unknown_option_is_a_mistake_of_the_caller(library: Library) -> None:
    """A misspelt option is an error: ignoring it would answer another question."""
    with pytest.raises(TypeError, match="asof"):
        library.ask(COST, asof=DAY)  # type: ignore[call-arg]
    with pytest.raises(BadQuestion, match="empty"):
        library.ask("  ")


async def test_every_way_of_asking_gives_the_same_answer(library: Library) -> None:
    """`ask` in a running loop, `aask` and a stream give the same answer; the pieces join to its text."""

    def same(answer: Answer) -> tuple[object, ...]:
        return answer.status, answer.answer, answer.citations, answer.statements, answer.conflicts

    here = library.ask(COST, as_of=DAY)
    events = [event async for event in library.stream(COST, as_of=DAY)]
    assert isinstance(events[0], Retrieved)
    assert events[0].hits
    last = events[-1]
    assert isinstance(last, Answer)
    assert same(here) == same(await library.aask(COST, as_of=DAY)) == same(last)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == last.answer


def test_questions_may_be_asked_one_after_the_other_with_a_model(library: Library) -> None:
    """Each `ask` has its own event loop, which the model's connections do not outlive."""
    closed: list[int] = []

    class Chat(ScriptedChat):
        async def aclose(self) -> None:
            closed.append(id(asyncio.get_running_loop()))

    library.model = Chat(lambda messages: ["NOT_IN_SOURCES"])
    for _ in range(2):
        assert library.ask("Who is the king of Norway?", as_of=DAY, mode="llm").mode == "llm"
    assert len(closed) == 2


def test_search_and_remove(library: Library) -> None:
    """A removed article is neither found nor cited any more; removing an unknown one is NotFound."""
    assert "ledger-bridge-1" in {hit.source.article_id for hit in library.search("Orrin Bridge cost", top_k=50).hits}
    library.remove("ledger-bridge-1")
    assert "ledger-bridge-1" not in {
        hit.source.article_id for hit in library.search("Orrin Bridge cost", top_k=50).hits
    }
    assert "ledger-bridge-1" not in {cited.source.article_id for cited in library.ask(COST, as_of=DAY).citations}
    for missing in (library.remove, library.text):
        with pytest.raises(NotFound, match="ledger-bridge-1"):
            missing("ledger-bridge-1")


def test_a_store_that_is_open_elsewhere_is_locked(library: Library) -> None:
    """A second Library on the same directory is refused; the error names the directory."""
    with pytest.raises(Locked, match="store"):
        Library(library.settings.data_dir)


def test_a_store_that_cannot_be_opened_is_let_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bad setting the directory is unlocked, and nothing stays open."""
    monkeypatch.setenv("QA_EMBED_MODEL", "nonsense")
    before = len(list(OPEN_FILES.iterdir())) if OPEN_FILES.is_dir() else 0
    with pytest.raises(BadSettings, match="nonsense"):
        Library(tmp_path / "store")
    if before:
        assert len(list(OPEN_FILES.iterdir())) <= before
    monkeypatch.setenv("QA_EMBED_MODEL", "none")
    Library(tmp_path / "store").close()
