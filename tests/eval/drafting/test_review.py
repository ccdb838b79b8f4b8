"""Reviewing drafts: every decision is written at once, and only a draft that passes the gold checks is accepted."""

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from eval.__main__ import app
from eval.dataset.format import check_articles, load
from eval.drafting import review as review_module
from eval.drafting.format import load_drafts
from eval.drafting.review import open_review
from qa import QaError
from tests.eval.gold_fixtures import gold_row, read_lines, span, write_lines
from tests.fakes import article

TEXT = "The 😀 ferry [red]Marlin[/red] sank on Monday.\n\nIt cost €38 million in 2019. Nobody was hurt. 船は沈んだ。"
ARTICLE = article("a", TEXT, outlet="Wire", published_at="2023-03-21")


def draft(name, words="What did the ferry cost?", **fields):
    gold = [span("a", ARTICLE.text, "It cost €38 million in 2019.")]
    row = gold_row(name, question=words, category="number", answers=["€38 million"], as_of="2023-03-21", gold=gold)
    return row | {"draft": {"status": "proposed", "flags": [], "model": "m", "prompt_hash": "p"}} | fields


class Desk:
    """A scripted reviewer with the files under review and a captured screen."""

    def __init__(self, tmp_path, rows, gold=()):
        self.drafts = write_lines(tmp_path / "drafts.jsonl", rows) if rows is not None else tmp_path / "drafts.jsonl"
        self.gold = tmp_path / "gold.jsonl"
        if gold:
            write_lines(self.gold, gold)
        self.screen = io.StringIO()

    def type(self, *lines):
        waiting = iter(lines)

        def ask(prompt):
            self.screen.write(prompt)
            try:
                return next(waiting)
            except StopIteration:
                raise EOFError from None

        console = Console(file=self.screen, width=100)
        found = open_review(self.drafts, self.gold, [ARTICLE], ask, console)
        found.run()
        return found.counts()

    def states(self):
        return [reviewed.draft.status for reviewed in load_drafts(self.drafts)]

    def questions(self):
        return load(self.gold) if self.gold.exists() else []


def test_accept_reject_skip_and_quit(tmp_path):
    """One key per draft; an accepted question is in the gold file with the next id and passes the check."""
    rows = [draft("d1"), draft("d2", "Who paid?"), draft("d3", "What was the price?"), draft("d4", "Why so dear?")]
    old = gold_row("number-07", question="Which day?", category="number", answers=["Monday"],
                   gold=[span("a", ARTICLE.text, "sank on Monday.")])  # fmt: skip
    desk = Desk(tmp_path, rows, [old])
    before = desk.gold.read_bytes()
    assert desk.type("a", "r", "s", "q") == {"accepted": 1, "rejected": 1, "proposed": 2}
    assert desk.states() == ["accepted", "rejected", "proposed", "proposed"]
    assert desk.gold.read_bytes().startswith(before)
    old_one, new = desk.questions()
    assert (new.id, new.question) == ("number-08", "What did the ferry cost?")
    assert load_drafts(desk.drafts)[0].draft.gold_id == "number-08"
    assert check_articles([old_one, new], [ARTICLE]) == []
    assert "draft" not in read_lines(desk.gold)[1]


def test_a_review_goes_on_where_it_stopped(tmp_path):
    """The end of input counts as quitting; the next review shows only undecided drafts."""
    desk = Desk(tmp_path, [draft("d1"), draft("d2", "Who paid?")])
    desk.type("a")
    assert desk.states() == ["accepted", "proposed"]
    desk.screen.truncate(0)
    desk.type("r")
    assert desk.states() == ["accepted", "rejected"]
    assert "1 of 1" in desk.screen.getvalue()
    assert "What did the ferry cost?" not in desk.screen.getvalue()
    assert len(desk.questions()) == 1


@pytest.mark.parametrize("written", [False, True])
def test_an_interruption_between_decision_and_gold_file_neither_loses_nor_duplicates(tmp_path, written):
    """Whether or not the gold line was written before the interruption, it is there once afterwards."""
    desk = Desk(tmp_path, [draft("d1")])
    desk.type("a")
    line = desk.gold.read_text()
    (row,) = read_lines(desk.drafts)
    write_lines(desk.drafts, [row | {"draft": row["draft"] | {"status": "accepting"}}])
    desk.gold.write_text(line if written else "")
    desk.type()
    assert desk.states() == ["accepted"]
    assert desk.gold.read_text() == line


def test_a_crash_while_writing_gold_is_taken_up(monkeypatch, tmp_path):
    """As above, with a write that really fails."""
    desk = Desk(tmp_path, [draft("d1")])
    with monkeypatch.context() as patch:

        def fail(*args):
            raise OSError("disk full")

        patch.setattr(review_module, "append_gold", fail)
        with pytest.raises(OSError, match="disk full"):
            desk.type("a")
    assert desk.states() == ["accepting"]
    desk.type()
    assert [question.id for question in desk.questions()] == ["number-01"]


def test_a_draft_that_fails_a_check_is_not_accepted(tmp_path):
    """The reason is shown and the draft stays proposed: a duplicate question, an answer that no gold span contains."""
    desk = Desk(
        tmp_path, [draft("d1"), draft("d2", "what did the ferry cost"), draft("d3", "Who paid?", answers=["Wren"])]
    )
    desk.type("a", "a", "s", "a", "q")
    assert desk.states() == ["accepted", "proposed", "proposed"]
    assert "not accepted: nearly the same question as number-01" in desk.screen.getvalue()
    assert "not accepted: no answer stands in gold set 0" in desk.screen.getvalue()
    assert len(desk.questions()) == 1


def test_edit_every_field(tmp_path):
    """Question, answers, category, notes and the span by its sentence's number; then accepted as edited."""
    desk = Desk(tmp_path, [draft("d1")])
    desk.type(
        "e",
        "q",
        "Wurde 😀 jemand verletzt?",
        "w",
        "Nobody | no one ",
        "c",
        "factoid",
        "n",
        "short",
        "g",
        "",
        "3",
        "d",
        "a",
    )
    (question,) = desk.questions()
    assert (question.id, question.question, question.answers, question.notes) == (
        "factoid-01", "Wurde 😀 jemand verletzt?", ("Nobody", "no one"), "short",
    )  # fmt: skip
    assert [gold.text for gold in question.gold] == ["Nobody was hurt."]
    assert ARTICLE.text[question.gold[0].start : question.gold[0].end] == question.gold[0].text
    assert load_drafts(desk.drafts)[0].draft.edited


def test_edits_are_kept_before_the_decision(tmp_path):
    """An edit is still there if the review is interrupted before the decision."""
    desk = Desk(tmp_path, [draft("d1")])
    desk.type("e", "q", "How dear was it?")
    assert load_drafts(desk.drafts)[0].question == "How dear was it?"
    assert desk.states() == ["proposed"]


def test_an_answerable_draft_can_become_unanswerable(tmp_path):
    """Its answers and spans are removed."""
    desk = Desk(tmp_path, [draft("d1", "Who built the ferry?")])
    desk.type("e", "c", "unanswerable", "d", "a")
    (question,) = desk.questions()
    assert (question.id, question.answerable, question.answers, question.gold) == ("unanswerable-01", False, (), ())


def test_a_feedback_draft_gets_its_proof_from_the_reviewer(tmp_path):
    """A row without answer and span cannot be accepted before a person has given both."""
    desk = Desk(tmp_path, [draft("d1", answers=[], gold=[], draft={"status": "proposed"})])
    desk.type("a", "e", "w", "€38 million", "g", "a", "2", "d", "a")
    assert "not accepted: answerable, but has no answers" in desk.screen.getvalue()
    assert [gold.text for gold in desk.questions()[0].gold] == ["It cost €38 million in 2019."]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["g", "", "9"], "say numbers from 1 to 4"),
        (["g", "", "0"], "say numbers from 1 to 4"),
        (["g", "", "two"], "invalid literal"),
        (["g", "", ""], "say numbers from 1 to 4"),
        (["g", "b"], "no such article: 'b'"),
        (["q", " "], "not changed"),
        (["x"], "no such key: 'x'"),
    ],
)
def test_invalid_input_changes_nothing(tmp_path, typed, message):
    """It is reported, and the draft stays as it was."""
    desk = Desk(tmp_path, [draft("d1")])
    before = desk.drafts.read_bytes()
    desk.type("e", *typed, "d", "x", "s")
    assert message in desk.screen.getvalue()
    assert (
        load_drafts(desk.drafts)[0].model_dump()
        == load_drafts(write_lines(tmp_path / "o", [json.loads(before)]))[0].model_dump()
    )


def test_the_span_is_marked_and_nothing_is_executed(tmp_path):
    """The quote is marked in its context; markup and terminal codes in an article are shown as text."""
    evil = "It \x1b[31mcost\u202e [bold]€38[/bold] million in 2019."
    row = draft("d1", evil, notes="[link=file:///x]n[/link]")
    row["draft"]["flags"] = ["trivial", "duplicate of number-01"]
    desk = Desk(tmp_path, [row])
    desk.type("q")
    screen = desk.screen.getvalue()
    assert "⟦It cost €38 million in 2019.⟧" in screen
    assert "[red]Marlin[/red] sank on Monday." in screen
    assert "[bold]€38[/bold]" in screen
    assert "[link=file:///x]n[/link]" in screen
    assert "trivial, duplicate of number-01" in screen
    assert "\x1b" not in screen and "\u202e" not in screen


def test_an_article_that_is_not_given_is_named(tmp_path):
    """Without the article its spans can be neither shown nor checked."""
    desk = Desk(tmp_path, [draft("d1", gold=[span("z", "Words.", "Words.")])])
    with pytest.raises(QaError, match="article z is not among the articles"):
        desk.type()


def test_the_command_takes_decisions_from_its_input(tmp_path):
    """It reads one key per line, so that decisions can also be piped in."""
    rows = [{"id": "a", "outlet": "Wire", "published_at": "2023-03-21", "text": TEXT}]
    articles = write_lines(tmp_path / "articles.jsonl", rows)
    drafts = write_lines(tmp_path / "drafts.jsonl", [draft("d1"), draft("d2", "Who paid?")])
    done = CliRunner().invoke(app, ["review", str(drafts), "--articles", str(articles)], input="a\nr\n")
    assert done.exit_code == 0, done.output
    assert "1 accepted, 1 rejected, 0 proposed" in done.stdout
    assert "[a]ccept" in done.stdout
    checked = CliRunner().invoke(app, ["check-gold", str(tmp_path / "drafts.gold.jsonl"), "--articles", str(articles)])
    assert checked.exit_code == 0, checked.output
