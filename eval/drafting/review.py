"""Let a person decide on drafts, one after the other: accept, edit, reject, skip, quit.

Every decision is on the disk before the next question is shown. What is accepted goes into the gold file only if the
gold set keeps all of its rules with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from eval.dataset.format import GoldQuestion, GoldSpan, check_articles, load
from eval.drafting.flags import flagged
from eval.drafting.format import DraftQuestion, append_gold, load_drafts, next_id, write_drafts
from eval.drafting.review_page import show_draft, show_sentences
from qa import Article, QaError, Span, split_sentences, visible_line

Ask = Callable[[str], str]  # show a prompt, return the line that was typed; EOFError ends the review

KEYS = "[a]ccept  [e]dit  [r]eject  [s]kip  [q]uit"
FIELDS = "edit [q]uestion  [w] answers  [c]ategory  [n]otes  [g]old span  [d]one"


class _Quit(Exception):
    """The reviewer has had enough for today."""


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
        """Show every draft that is not decided yet, until the last one or until the reviewer quits."""
        open_ones = [at for at, draft in enumerate(self.drafts) if draft.draft.status == "proposed"]
        try:
            for number, at in enumerate(open_ones, start=1):
                self.console.rule(f"{number} of {len(open_ones)}")
                self._decide(at)
        except (_Quit, EOFError):
            self.console.print("stopped; the same command goes on from here")

    def counts(self) -> dict[str, int]:
        """Return how many drafts are in each state."""
        states = [one.draft.status for one in self.drafts]
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
        taken = [one.id for one in self.gold]
        new = draft.gold_question(next_id(draft.category, taken))
        # Faults of other rows of the gold file are not this draft's.
        own = [
            one for one in check_articles([*self.gold, new], self.articles.values()) if one.startswith(f"{new.id}: ")
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
        if all(one.id != gold_id for one in self.gold):
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
                said = self.ask("answers, with | between > ")
                changed = {"answers": tuple(one.strip() for one in said.split("|") if one.strip())}
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
        known = [*self.gold, *(one for one in self.drafts[:at] if one.draft.status == "proposed")]
        self._save(at, flagged([edited], known, list(self.articles.values()))[0])

    def _pick_gold(self, draft: DraftQuestion) -> list[dict[str, object]]:
        places = [*draft.gold, *draft.draft.near]
        known = places[0].article_id if places else ""
        article_id = self.ask(f"article [{visible_line(known)}] > ").strip() or known
        article = self.articles.get(article_id)
        if article is None:
            raise ValueError(f"no such article: {article_id!r}")
        spans = split_sentences(article.text)
        show_sentences(self.console, article, spans)
        numbers = [int(one) for one in self.ask("sentence numbers > ").replace(",", " ").split()]
        if not numbers or not all(1 <= one <= len(spans) for one in numbers):
            raise ValueError(f"say numbers from 1 to {len(spans)}")
        return [_span(article, spans[one - 1]) for one in dict.fromkeys(numbers)]


def _span(article: Article, span: Span) -> dict[str, object]:
    place = GoldSpan(article_id=article.id, start=span.start, end=span.end, text=span.slice(article.text))
    return place.model_dump()


def open_review(path: Path, gold_path: Path, articles: Sequence[Article], ask: Ask, console: Console) -> Review:
    """Open a draft file. Raises QaError for one that cannot be read, and for articles that are not there."""
    review = Review(path, gold_path, {one.id: one for one in articles}, ask, console)
    wanted = {span.article_id for one in review.drafts for span in one.gold}
    missing = sorted(wanted - review.articles.keys())
    if missing:
        raise QaError(f"{path}: article {missing[0]} is not among the articles given")
    return review
