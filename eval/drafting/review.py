"""Interactive review of drafts in a terminal: accept, edit, reject, skip or quit, one draft after the other.

Every decision is written to disk before the next draft is shown. An accepted question is appended to the gold file only
if the gold set still passes its checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from eval.dataset.format import GoldQuestion, GoldSpan, check_articles, load
from eval.drafting.flags import flag_drafts
from eval.drafting.format import DraftQuestion, append_gold, load_drafts, next_id, write_drafts
from eval.drafting.review_page import show_draft, show_sentences
from qa import Article, QaError, Span, split_sentences, visible_line

Ask = Callable[[str], str]  # shows a prompt and returns the typed line; EOFError ends the review

KEYS = "[a]ccept  [e]dit  [r]eject  [s]kip  [q]uit"
FIELDS = "edit [q]uestion  [w] answers  [c]ategory  [n]otes  [g]old span  [d]one"


class _Quit(Exception):
    """The reviewer quits; undecided drafts stay proposed."""


@dataclass(slots=True)
class Review:
    """A draft file under review, with the gold file that it feeds."""

    path: Path
    gold_path: Path
    articles: Mapping[str, Article]
    ask: Ask
    console: Console
    drafts: list[DraftQuestion] = field(init=False)
    gold: list[GoldQuestion] = field(init=False)

    def __post_init__(self) -> None:
        self.drafts = load_drafts(self.path)
        self.gold = load(self.gold_path) if self.gold_path.exists() and self.gold_path.stat().st_size else []
        for at, draft in enumerate(self.drafts):
            if draft.draft.status == "accepting":
                self._finish(at)  # an interruption came between the decision and the gold file

    def run(self) -> None:
        """Show every undecided draft, until the last or until the reviewer quits."""
        undecided = [at for at, draft in enumerate(self.drafts) if draft.draft.status == "proposed"]
        try:
            for number, at in enumerate(undecided, start=1):
                self.console.rule(f"{number} of {len(undecided)}")
                self._decide(at)
        except (_Quit, EOFError):
            self.console.print("stopped; the same command goes on from here")

    def counts(self) -> dict[str, int]:
        """Return how many drafts are in each state."""
        states = [draft.draft.status for draft in self.drafts]
        return {state: states.count(state) for state in ("accepted", "rejected", "proposed")}

    def _decide(self, at: int) -> None:
        show_draft(self.console, self.drafts[at], self.articles)
        while True:
            match self._key(KEYS):
                case "a":
                    if self._accept(at):
                        return
                case "e":
                    self._edit(at)
                    show_draft(self.console, self.drafts[at], self.articles)
                case "r":
                    self._save(at, self.drafts[at].decided("rejected"))
                    return
                case "s":
                    return
                case "q":
                    raise _Quit
                case other:
                    self.console.print(f"no such key: {other!r}", markup=False)

    def _accept(self, at: int) -> bool:
        draft = self.drafts[at]
        taken = [question.id for question in self.gold]
        new = draft.gold_question(next_id(draft.category, taken))
        # Faults of other rows in the gold file do not count against this draft.
        own = [
            fault
            for fault in check_articles([*self.gold, new], self.articles.values())
            if fault.startswith(f"{new.id}: ")
        ]
        for fault in own:
            self.console.print(f"not accepted: {fault.removeprefix(f'{new.id}: ')}", style="red", markup=False)
        if own:
            return False
        self._save(at, draft.decided("accepting", new.id))
        self._finish(at)
        return True

    def _finish(self, at: int) -> None:
        draft = self.drafts[at]
        gold_id = draft.draft.gold_id
        assert gold_id is not None
        if all(question.id != gold_id for question in self.gold):
            new = draft.gold_question(gold_id)
            append_gold(self.gold_path, new)
            self.gold.append(new)
        self._save(at, draft.decided("accepted", gold_id))

    def _save(self, at: int, draft: DraftQuestion) -> None:
        self.drafts[at] = draft
        write_drafts(self.path, self.drafts)

    def _key(self, keys: str) -> str:
        return self.ask(f"{keys} > ").strip().lower()

    def _edit(self, at: int) -> None:
        while (key := self._key(FIELDS)) != "d":
            try:
                self._change(at, key)
            except (ValidationError, ValueError) as exc:
                reason = exc.errors()[0]["msg"] if isinstance(exc, ValidationError) else str(exc)
                self.console.print(f"not changed: {reason}", style="red", markup=False)

    def _change(self, at: int, key: str) -> None:
        draft = self.drafts[at]
        match key:
            case "q":
                changed: dict[str, object] = {"question": self.ask("question > ").strip()}
            case "w":
                typed = self.ask("answers, with | between > ")
                changed = {"answers": tuple(answer.strip() for answer in typed.split("|") if answer.strip())}
            case "c":
                category = self.ask("category > ").strip()
                changed = {"category": category, "answerable": category != "unanswerable"}
            case "n":
                changed = {"notes": self.ask("notes > ").strip()}
            case "g":
                changed = {"gold": self._pick_gold(draft), "gold_sets": None}
            case _:
                raise ValueError(f"no such key: {key!r}")
        if changed.get("answerable") is False:
            changed |= {"answers": (), "gold": (), "gold_sets": None, "conflict": None}
        note = draft.draft.model_copy(update={"edited": True})
        edited = DraftQuestion.model_validate(draft.model_dump() | changed | {"draft": note.model_dump()})
        known = [*self.gold, *(earlier for earlier in self.drafts[:at] if earlier.draft.status == "proposed")]
        self._save(at, flag_drafts([edited], known, list(self.articles.values()))[0])

    def _pick_gold(self, draft: DraftQuestion) -> list[dict[str, object]]:
        places = [*draft.gold, *draft.draft.near]
        default = places[0].article_id if places else ""
        article_id = self.ask(f"article [{visible_line(default)}] > ").strip() or default
        article = self.articles.get(article_id)
        if article is None:
            raise ValueError(f"no such article: {article_id!r}")
        spans = split_sentences(article.text)
        show_sentences(self.console, article, spans)
        numbers = [int(number) for number in self.ask("sentence numbers > ").replace(",", " ").split()]
        if not numbers or not all(1 <= number <= len(spans) for number in numbers):
            raise ValueError(f"say numbers from 1 to {len(spans)}")
        return [_span(article, spans[number - 1]) for number in dict.fromkeys(numbers)]


def _span(article: Article, span: Span) -> dict[str, object]:
    place = GoldSpan(article_id=article.id, start=span.start, end=span.end, text=span.slice(article.text))
    return place.model_dump()


def open_review(path: Path, gold_path: Path, articles: Sequence[Article], ask: Ask, console: Console) -> Review:
    """Open a draft file. Raises QaError if it cannot be read or cites an article that is not among those given."""
    review = Review(path, gold_path, {article.id: article for article in articles}, ask, console)
    cited = {span.article_id for draft in review.drafts for span in draft.gold}
    missing = sorted(cited - review.articles.keys())
    if missing:
        raise QaError(f"{path}: article {missing[0]} is not among the articles given")
    return review
