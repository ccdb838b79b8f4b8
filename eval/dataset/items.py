"""Gold questions as a run asks them: those of the gold format, and imported ones that say a little more."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eval.dataset.format import GoldQuestion, GoldSpan, Words, load_as, paths_of
from eval.metrics.span import Place
from qa import QaError


class Item(GoldQuestion):
    """A gold question, with what public sets have beside it."""

    article_ids: tuple[Words, ...] = ()  # the question is asked over these articles alone
    gold_articles: tuple[Words, ...] = ()  # where only the articles are known, not the spans

    @property
    def sets(self) -> list[list[GoldSpan]]:
        """Return the sets of gold spans that each suffice."""
        return [one for one in self.alternatives() if one]

    @property
    def right(self) -> list[str]:
        """Return every right answer, those of each side of a conflict too, in each way that it may be written."""
        return [*self.answers, *(one for value in (self.conflict.values if self.conflict else ()) for one in value)]

    @property
    def relevant(self) -> frozenset[str]:
        """Return the ids of all gold articles."""
        return frozenset(self.gold_articles) or frozenset(span.article_id for span in self.gold)

    @property
    def evidence_sets(self) -> list[frozenset[str]]:
        """Return the sets of articles that each suffice."""
        if self.sets:
            return [frozenset(span.article_id for span in one) for one in self.sets]
        return [frozenset(self.gold_articles)] if self.gold_articles else []

    @property
    def places(self) -> list[tuple[Place, str]]:
        """Return every gold span with its words."""
        return [(place_of(span), span.text) for span in self.gold]

    @property
    def cluster(self) -> str:
        """Return what this item is drawn with: its first gold article, else itself.

        Questions about one article fail together; questions without one are counted by themselves.
        """
        return min(self.relevant, default=f"question {self.id}") if not self.gold else self.gold[0].article_id


def place_of(span: GoldSpan) -> Place:
    """Return where a gold span points."""
    return Place(span.article_id, span.start, span.end)


def load_items(gold: Path) -> list[Item]:
    """Read a gold set. Raises QaError with every bad line, and for a set without a question or with an id twice."""
    items = load_as(Item, gold)
    faults: list[str] = []
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            faults.append(f"{gold}: the id {item.id} stands twice")
        seen.add(item.id)
        faults += _set_faults(item)
    if faults:
        raise QaError("\n".join(faults))
    return items


def _set_faults(item: Item) -> list[str]:
    indexes = {index for one in item.gold_sets or () for index in one}
    outside = sorted(index for index in indexes if not 0 <= index < len(item.gold))
    faults = [f"{item.id}: a gold set names span {outside[0]} of {len(item.gold)}"] if outside else []
    return faults + [
        f"{item.id}: gold span {span.start}-{span.end} does not measure its text"
        for span in item.gold
        if span.end - span.start != len(span.text)
    ]


def hash_gold(gold: Path) -> str:
    """Return the SHA-256 of a gold set's bytes."""
    digest = hashlib.sha256()
    for path in paths_of(gold):
        digest.update(path.read_bytes())
    return digest.hexdigest()
