"""Train the reader: whether a sentence answers a question, which of several does it best, and where the answer is.

    python -m eval.training.train_reader --data ../shared/train --weights MODEL.safetensors --out FOLDER

The loss is that of answering (yes or no, of each row), half of that of the best of a group, and half of those of the
answer's first and last token. The title is given in half of the groups: the order is measured without it, refusal
with it.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from eval.training.encoder import Encoder, load_encoder, pack
from eval.training.loop import Plan, Trainer, choice_loss, parser_of, tokenizer_beside
from eval.training.measure import auroc
from eval.training.reader_data import (
    OUR_COPIES,
    Group,
    augment,
    our_groups,
    read_groups,
    yes_no_groups,
)
from qa.judges.reader import likeliest_span
from qa.judges.sequence import TokenRow, build_rows

TITLED = 0.5
BEST, SPAN = 0.5, 0.5  # the weights of the losses beside that of answering


@dataclass(frozen=True, slots=True)
class Unit:
    """A question with its rows, ready for the encoder."""

    rows: tuple[TokenRow, ...]
    right: tuple[bool, ...]
    spans: tuple[tuple[int, int] | None, ...]  # the first and the last token of the answer


def encode(groups: Sequence[Group], tokenizer: Tokenizer, titled: Sequence[bool]) -> list[Unit]:
    """Return units; a right sentence whose answer is cut off by the limit of tokens keeps no span."""
    texts = [
        (group.question, candidate.text, candidate.title if with_title else "")
        for group, with_title in zip(groups, titled, strict=True)
        for candidate in group.candidates
    ]
    rows = iter(build_rows(tokenizer, texts))
    units = []
    for group in groups:
        own = tuple(next(rows) for _ in group.candidates)
        spans = tuple(_token_span(row, c.start, c.end) for row, c in zip(own, group.candidates, strict=True))
        units.append(Unit(own, tuple(c.right for c in group.candidates), spans))
    return units


def _token_span(row: TokenRow, start: int, end: int) -> tuple[int, int] | None:
    if start < 0:
        return None
    inside = [place for place, (a, b) in enumerate(row.offsets) if a < end and b > start]
    return (row.text_start + inside[0], row.text_start + inside[-1]) if inside and row.offsets[-1][1] >= end else None


def loss_of(encoder: Encoder, units: Sequence[Unit]) -> Tensor:
    """Return the loss of a batch of units."""
    rows = [row for unit in units for row in unit.rows]
    right = torch.tensor([float(value) for unit in units for value in unit.right])
    batch = pack([row.ids for row in rows])
    logits, tokens = encoder(batch)
    assert tokens is not None
    answering = functional.binary_cross_entropy_with_logits(logits[:, 0], right)
    best = choice_loss(logits[:, 0], right > 0, [len(unit.rows) for unit in units])
    spans = [(number, span) for number, span in enumerate(s for unit in units for s in unit.spans) if span is not None]
    ends = torch.zeros(())
    for number, (first, last) in spans:
        begin = int(batch.starts[number]) + rows[number].text_start
        inside = tokens[begin : begin + len(rows[number].offsets)]
        targets = torch.tensor([first - rows[number].text_start, last - rows[number].text_start])
        ends = ends + functional.cross_entropy(inside.T, targets) / len(spans)
    total: Tensor = answering + BEST * best + SPAN * ends
    return total


def score(encoder: Encoder, units: Sequence[Unit]) -> tuple[list[list[float]], list[list[tuple[int, int]]]]:
    """Return the logit and the likeliest answer (first and last token) of each row of each unit."""
    order = sorted(((len(row.ids), u, r) for u, unit in enumerate(units) for r, row in enumerate(unit.rows)))
    logits = [[0.0] * len(unit.rows) for unit in units]
    spans = [[(0, 0)] * len(unit.rows) for unit in units]
    for start in range(0, len(order), 64):
        part = order[start : start + 64]
        batch = pack([units[u].rows[r].ids for _, u, r in part])
        out, tokens = encoder(batch)
        assert tokens is not None
        for (_, u, r), logit, begin in zip(part, out[:, 0].tolist(), batch.starts.tolist(), strict=True):
            logits[u][r] = logit
            row = units[u].rows[r]
            begin += row.text_start
            first, last = likeliest_span(tokens[begin : begin + len(row.offsets)].numpy())
            spans[u][r] = (row.text_start + first, row.text_start + last)
    return logits, spans


def measure(encoder: Encoder, sets: dict[str, list[Unit]]) -> dict[str, float]:
    """Return AUROC of answering, the share of groups whose right sentence is first, and the answers' F1 in tokens."""
    figures = {}
    for name, units in sets.items():
        logits, spans = score(encoder, units)
        flat = [
            (logit, right)
            for own, unit in zip(logits, units, strict=True)
            for logit, right in zip(own, unit.right, strict=True)
        ]
        figures[f"{name}_auroc"] = auroc([v for v, right in flat if right], [v for v, right in flat if not right])
        both = [
            (own, unit.right)
            for own, unit in zip(logits, units, strict=True)
            if any(unit.right) and not all(unit.right)
        ]
        if both:
            figures[f"{name}_first"] = sum(
                right[max(range(len(own)), key=own.__getitem__)] for own, right in both
            ) / len(both)
        f1 = [
            _f1(span, gold)
            for own, unit in zip(spans, units, strict=True)
            for span, gold in zip(own, unit.spans, strict=True)
            if gold is not None
        ]
        if f1:
            figures[f"{name}_f1"] = sum(f1) / len(f1)
    return figures


def _f1(span: tuple[int, int], gold: tuple[int, int]) -> float:
    shared = max(0, min(span[1], gold[1]) - max(span[0], gold[0]) + 1)
    return 2 * shared / (span[1] - span[0] + gold[1] - gold[0] + 2)


def claims(folder: Path, split: str) -> Iterator[tuple[str, str, str]]:
    """Yield claims with the evidence that decides them, to make yes-no questions from."""
    with gzip.open(folder / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["source"] in ("fever", "foolmetwice", "fever-symmetric") and len(row["evidence"]) < 500:
                yield row["source"], row["statement"], row["evidence"]


def main() -> None:
    """Train, or take up a training that was stopped."""
    arguments = parser_of(__doc__).parse_args()
    torch.manual_seed(arguments.seed)
    tokenizer = tokenizer_beside(arguments.weights)
    public, removed = read_groups(arguments.data / "qa", "train")
    yes_no = yes_no_groups(claims(arguments.data / "entailment", "train"), arguments.seed)
    groups = [*public, *yes_no, *our_groups(held_out=False) * OUR_COPIES]
    print(
        json.dumps(
            {
                "groups": len(groups),
                "yes_no": len(yes_no),
                "rows": sum(len(g.candidates) for g in groups),
                "removed": removed,
            }
        )
    )
    names = sorted(
        {word for group in groups for word in group.question.split()[1:] if word[:1].isupper() and word.isalpha()}
    )
    dev, _ = read_groups(arguments.data / "qa", "dev")
    random.Random(arguments.seed).shuffle(dev)
    asked = [group for group in dev if group.source.startswith("squad2.0")][:250]  # that people made unanswerable
    asked += [group for group in dev[700:] if group.source.startswith("squad1")][:250]
    held = our_groups(held_out=True)
    sets = {
        "dev": encode(dev[:700], tokenizer, [n % 2 == 0 for n in range(700)]),
        "human_unanswerable": encode(asked, tokenizer, [True] * len(asked)),
        "ours": encode(held, tokenizer, [False] * len(held)),
    }

    def draw(_epoch: int, chance: random.Random) -> list[tuple[int, Unit]]:
        drawn = [changed for group in groups for changed in augment(group, chance, names)]
        units = encode(drawn, tokenizer, [chance.random() < TITLED for _ in drawn])
        return [(sum(len(row.ids) for row in unit.rows), unit) for unit in units]

    encoder = load_encoder(arguments.weights, row_logits=1, token_logits=2)
    trainer = Trainer(encoder, Plan(arguments.passes, seed=arguments.seed), arguments.out, loss_of)
    trainer.run(draw, lambda encoder: measure(encoder, sets), measure_every=500)


if __name__ == "__main__":
    main()
