"""Train the entailment judge: whether all of a statement is in its evidence (covered), and unchanged (faithful).

    python -m eval.training.train_entailment --data ../shared/train --weights MODEL.safetensors --out FOLDER

Two logits. Where a row tells which of them fails, it is told so; where it tells only that the statement is not
supported, the loss is that of both holding at once. The statements on one evidence are in one batch, and half of the
loss of a choice among them is added: minimal pairs are told apart by what differs.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from eval.bench.verification.minimal_pairs import pairs as minimal_pairs
from eval.training.clean_entailment import read_entailment
from eval.training.data import load_pairs
from eval.training.encoder import Encoder, load_encoder, pack
from eval.training.loop import Plan, Trainer, choice_loss, parser_of, tokenizer_beside
from eval.training.measure import auroc
from qa.judges.sequence import TokenRow, build_rows

OUR_COPIES = 4  # times that a hand-written statement is read in a pass
PUBLIC = 0.4  # of the public statements a pass reads as many, others in each
HELD_OUT = 5  # of five hand-written evidences one is for measuring
MOST_ROWS = 8  # statements of one evidence in a batch
AROUND = 0.3  # of the hand-written evidences, as many are read with the sentences around them
CHOICE = 0.5
GRAMMAR_SEED = 7
WITH_SOURCE = 0.35  # of the groups, as many have the outlet and the day before their evidence
NAMES_OUTLET = 0.3  # of the statements on these, as many name an outlet
_OUTLETS = (
    "Harbour Daily", "The Brenwick Times", "Northwire", "the Estrey Herald", "Channel 6", "Radio Marrow", "The Ledger",
    "Coastal News", "The Aldon Observer", "Meridian Press", "Valley Post", "the Tarn Gazette", "NewsPoint",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """A statement and its evidence; None is unknown."""

    statement: str
    evidence: str
    supported: bool
    covered: bool | None
    faithful: bool | None


@dataclass(frozen=True, slots=True)
class Unit:
    """Statements on one evidence, ready for the encoder; targets are 1, 0 or -1 for unknown."""

    rows: tuple[TokenRow, ...]
    targets: tuple[tuple[int, int, int], ...]  # supported, covered, faithful


def our_pairs(*, held_out: bool, chance: random.Random | None = None) -> list[list[Pair]]:
    """Return the hand-written statements by evidence; of every fifth evidence those that are held out."""
    groups: dict[str, list[Pair]] = {}
    numbers: dict[str, int] = {}
    around: dict[str, bool] = {}
    for pair in load_pairs():
        number = numbers.setdefault(pair.evidence, len(numbers))
        if (number % HELD_OUT == 0) != held_out:
            continue
        with_context = around.setdefault(pair.group, chance is not None and chance.random() < AROUND)
        evidence = " ".join(filter(None, [pair.before, pair.evidence, pair.after])) if with_context else pair.evidence
        groups.setdefault(pair.group, []).append(
            Pair(pair.statement, evidence, pair.is_supported, pair.covered, pair.faithful)
        )
    return list(groups.values())


def grammar_pairs(half: Literal["train", "report"]) -> list[list[Pair]]:
    """Return the minimal pairs of the grammar: of other words and forms in each half."""
    return [
        [
            Pair(pair.false, evidence, supported=False, covered=None, faithful=None),
            Pair(pair.true, evidence, supported=True, covered=True, faithful=True),
        ]
        for pair in minimal_pairs(GRAMMAR_SEED)
        if pair.half == half and (evidence := " ".join(pair.evidence))
    ]


def with_source(group: Sequence[Pair], chance: random.Random) -> list[Pair]:
    """Return statements with their evidence as the service gives it: some after outlet and day, some naming the outlet.

    Who reported something is known from the source: a statement that names another outlet is not supported.
    """
    if chance.random() >= WITH_SOURCE:
        return list(group)
    outlet, other = chance.sample(_OUTLETS, 2)
    day = date(2015, 1, 1) + timedelta(days=chance.randrange(4_500))
    source = f"{outlet}, {day.day} {day:%B %Y}: "
    changed = []
    for pair in group:
        statement, supported = pair.statement, pair.supported
        if chance.random() < NAMES_OUTLET and statement.endswith("."):
            named = outlet if chance.random() < 0.7 else other
            verb = chance.choice(("reported", "said", "says"))
            statement = (
                f"{statement[:-1]}, {named} {verb}." if chance.random() < 0.6 else f"{named} {verb}: {statement}"
            )
            supported = supported and named == outlet
        as_before = supported == pair.supported
        changed.append(
            Pair(
                statement,
                source + pair.evidence,
                supported,
                pair.covered if as_before else False,
                pair.faithful if as_before else None,
            )
        )
    return changed


def by_evidence(pairs: Iterable[Pair], chance: random.Random) -> list[list[Pair]]:
    """Return groups of at most MOST_ROWS statements that share their evidence."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.evidence].append(pair)
    parts = []
    for group in groups.values():
        chance.shuffle(group)
        parts += [group[start : start + MOST_ROWS] for start in range(0, len(group), MOST_ROWS)]
    return parts


def encode(groups: Sequence[Sequence[Pair]], tokenizer: Tokenizer) -> list[Unit]:
    """Return units."""
    rows = iter(build_rows(tokenizer, [(pair.statement, pair.evidence, "") for group in groups for pair in group]))
    return [
        Unit(
            tuple(next(rows) for _ in group),
            tuple((int(pair.supported), _target(pair.covered), _target(pair.faithful)) for pair in group),
        )
        for group in groups
    ]


def _target(value: bool | None) -> int:
    return -1 if value is None else int(value)


def loss_of(encoder: Encoder, units: Sequence[Unit]) -> Tensor:
    """Return the loss of a batch of units."""
    logits, _ = encoder(pack([row.ids for unit in units for row in unit.rows]))
    targets = torch.tensor([target for unit in units for target in unit.targets])
    supported = targets[:, 0] == 1
    both = functional.logsigmoid(logits).sum(1)  # the log of the share that both hold
    not_both = torch.log((-torch.expm1(both)).clamp_min(1e-6))
    total = torch.where(supported, -both, -not_both).mean()
    for column in (1, 2):
        known = targets[:, column] >= 0
        if bool(known.any()):
            own = functional.binary_cross_entropy_with_logits(
                logits[known, column - 1], targets[known, column].float(), reduction="sum"
            )
            total = total + 0.5 * own / len(targets)
    return total + CHOICE * choice_loss(both, supported, [len(unit.rows) for unit in units])


def score(encoder: Encoder, units: Sequence[Unit]) -> list[list[tuple[float, float]]]:
    """Return both logits of each row of each unit."""
    order = sorted((len(row.ids), u, r) for u, unit in enumerate(units) for r, row in enumerate(unit.rows))
    logits = [[(0.0, 0.0)] * len(unit.rows) for unit in units]
    for start in range(0, len(order), 64):
        part = order[start : start + 64]
        out, _ = encoder(pack([units[u].rows[r].ids for _, u, r in part]))
        for (_, u, r), (covered, faithful) in zip(part, out.tolist(), strict=True):
            logits[u][r] = (covered, faithful)
    return logits


def support(covered: float, faithful: float) -> float:
    """Return the log of the estimated share that a statement is supported."""
    values = torch.tensor([covered, faithful])
    return float(functional.logsigmoid(values).sum())


def measure(encoder: Encoder, sets: dict[str, list[Unit]]) -> dict[str, float]:
    """Return AUROC of support, and the share of true statements accepted where a quarter of the false ones are."""
    figures = {}
    for name, units in sets.items():
        scored = [
            (support(*logits), target[0] == 1)
            for own, unit in zip(score(encoder, units), units, strict=True)
            for logits, target in zip(own, unit.targets, strict=True)
        ]
        right = sorted(value for value, is_right in scored if is_right)
        wrong = sorted(value for value, is_right in scored if not is_right)
        figures[f"{name}_auroc"] = auroc(right, wrong)
        bar = wrong[int(0.75 * len(wrong))]
        figures[f"{name}_true_at_25"] = sum(value > bar for value in right) / len(right)
    return figures


def main() -> None:
    """Train, or take up a training that was stopped."""
    parser = parser_of(__doc__)
    parser.add_argument("--start", type=Path, help="a checkpoint of the reader, whose layers to start from")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    tokenizer = tokenizer_beside(arguments.weights)
    train_rows, dev_rows, removed = read_entailment(arguments.data / "entailment")
    train, dev = (
        [Pair(row.statement, row.evidence, row.label, row.covered, row.faithful) for row in rows]
        for rows in (train_rows, dev_rows)
    )
    print(json.dumps({"train": len(train), "dev": len(dev), "removed": removed}))
    chance = random.Random(arguments.seed)
    sets = {
        "dev": encode(by_evidence(chance.sample(dev, min(len(dev), 2_500)), chance), tokenizer),
        "ours": encode(our_pairs(held_out=True), tokenizer),
        "grammar": encode(chance.sample(grammar_pairs("report"), 800), tokenizer),
    }

    def draw(_epoch: int, chance: random.Random) -> list[tuple[int, Unit]]:
        groups = [group for group in by_evidence(train, chance) if chance.random() < PUBLIC]
        groups += grammar_pairs("train")
        for _ in range(OUR_COPIES):
            groups += our_pairs(held_out=False, chance=chance)
        units = encode([with_source(group, chance) for group in groups], tokenizer)
        return [(sum(len(row.ids) for row in unit.rows), unit) for unit in units]

    encoder = load_encoder(arguments.weights, row_logits=2, token_logits=0)
    if arguments.start is not None:
        encoder.take_body(torch.load(arguments.start)["average"])
    trainer = Trainer(encoder, Plan(arguments.passes, seed=arguments.seed), arguments.out, loss_of)
    trainer.run(draw, lambda encoder: measure(encoder, sets), measure_every=500)


if __name__ == "__main__":
    main()
