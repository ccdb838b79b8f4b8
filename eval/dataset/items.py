"""Gold items as a run asks them: gold questions with the extra fields of imported sets, their loader and their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eval.dataset.format import GoldQuestion, GoldSpan, Words, gold_files, load_as
from eval.metrics.span import Place
from qa import QaError


class Item(GoldQuestion):
    """A gold question with the extra fields that public sets have."""

    article_ids: tuple[Words, ...] = ()  # search only these articles for the answer
    gold_articles: tuple[Words, ...] = ()  # for sets that annotate the relevant articles but no spans

    @property
    def sets(self) -> list[list[GoldSpan]]:
        """Return the sets of gold spans, each of which is sufficient evidence."""
        return [spans for spans in self.alternatives() if spans]

    @property
    def right_answers(self) -> list[str]:
        """Return all accepted spellings of all right answers, those of each side of a conflict included."""
        return [
            *self.answers,
            *(spelling for value in (self.conflict.values if self.conflict else ()) for spelling in value),
        ]

    @property
    def relevant(self) -> frozenset[str]:
        """Return the ids of all gold articles."""
        return frozenset(self.gold_articles) or frozenset(span.article_id for span in self.gold)

    @property
    def evidence_sets(self) -> list[frozenset[str]]:
        """Return the sets of articles, each of which is sufficient evidence."""
        if self.sets:
            return [frozenset(span.article_id for span in spans) for spans in self.sets]
        return [frozenset(self.gold_articles)] if self.gold_articles else []

    @property
    def places(self) -> list[tuple[Place, str]]:
        """Return every gold span with its words."""
        return [(place_of(span), span.text) for span in self.gold]

    @property
    def cluster(self) -> str:
        """Return the cluster that resampling draws this item with: its first gold article, else the item alone.

        Questions about one article fail together; a question without a gold article is a cluster of its own.
        """
        return min(self.relevant, default=f"question {self.id}") if not self.gold else self.gold[0].article_id


def place_of(span: GoldSpan) -> Place:
    """Return the place that a gold span points to."""
    return Place(span.article_id, span.start, span.end)


def load_items(gold: Path) -> list[Item]:
    """Read a gold set. Raises QaError listing every bad line, for an empty set and for a repeated id."""
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
    indexes = {index for indexes in item.gold_sets or () for index in indexes}
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
    for path in gold_files(gold):
        digest.update(path.read_bytes())
    return digest.hexdigest()
