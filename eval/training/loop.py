"""The training loop of both judges: batches by length, a schedule, an average of the weights, checkpoints, a curve."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

from eval.training.encoder import Encoder
from qa.embeddings.minilm_weights import TOKENIZER_SHA256, open_tokenizer

T = TypeVar("T")
WARMUP = 0.06
AVERAGED = 0.998  # what each step keeps of the average of the weights
MOST_NORM = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to train. Defaults are those of the shipped models."""

    passes: float
    tokens: int = 4_500  # of a batch
    body_rate: float = 1e-4
    head_rate: float = 5e-4
    seed: int = 7
    save_every: int = 100


def parser_of(about: str | None) -> argparse.ArgumentParser:
    """Return the parser of what both trainings are told."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with qa/ and entailment/")
    parser.add_argument("--weights", type=Path, required=True, help="model.safetensors of the embedder's package")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--passes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=7)
    return parser


def tokenizer_beside(weights: Path) -> Tokenizer:
    """Return the tokenizer as the service opens it for a judge."""
    return open_tokenizer(weights.parent / "tokenizer.json", TOKENIZER_SHA256, None)


def choice_loss(scores: Tensor, right: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return the mean loss of choosing a right row of each unit, of those that have right and wrong ones.

    `scores` and `right` have a value for each row, and `sizes` the number of rows of each unit.
    """
    losses = [
        torch.logsumexp(own, 0) - torch.logsumexp(own[mask], 0)
        for own, mask in zip(scores.split(list(sizes)), right.split(list(sizes)), strict=True)
        if bool(mask.any()) and not bool(mask.all())
    ]
    return torch.stack(losses).mean() if losses else torch.zeros(())


class Trainer(Generic[T]):
    """Train an encoder on batches of units, and take up where an earlier run stopped."""

    def __init__(
        self, encoder: Encoder, plan: Plan, folder: Path, loss: Callable[[Encoder, Sequence[T]], Tensor]
    ) -> None:
        self.encoder, self.plan, self.folder, self._loss = encoder, plan, folder, loss
        body, heads = encoder.body_and_heads()
        self._optimizer = torch.optim.AdamW(
            [{"params": body, "lr": plan.body_rate}, {"params": heads, "lr": plan.head_rate}],
            weight_decay=0.01,
            fused=True,
        )
        self.average = {name: value.clone() for name, value in encoder.trained().items()}
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)

    def run(
        self,
        draw: Callable[[int, random.Random], list[tuple[int, T]]],
        measure: Callable[[Encoder], dict[str, float]],
        measure_every: int,
    ) -> None:
        """Train. `draw` returns the units of a pass with their tokens; `measure` is called on the averaged weights."""
        batches = self._batches(draw)
        first_units, _ = next(batches)
        steps = int(first_units * self.plan.passes)
        self._take_up()
        started, done = time.monotonic(), self.step
        for number, (_, batch) in enumerate(batches):
            if number >= steps:
                break
            if number < self.step:
                continue
            share = number / steps
            rate = min(1.0, share / WARMUP) * max(0.02, 1 - max(0.0, share - WARMUP) / (1 - WARMUP))
            for group, top in zip(
                self._optimizer.param_groups, (self.plan.body_rate, self.plan.head_rate), strict=True
            ):
                group["lr"] = top * rate
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = self._loss(self.encoder, batch)
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for p in self.encoder.parameters() if p.requires_grad], MOST_NORM)
            self._optimizer.step()
            self.step = number + 1
            self._add_to_average()
            if self.step % 20 == 0:
                seconds = (time.monotonic() - started) / (self.step - done)
                self._log(
                    {"step": self.step, "of": steps, "loss": round(loss.item(), 4), "s_per_step": round(seconds, 2)}
                )
            if self.step % self.plan.save_every == 0 or self.step == steps:
                self._save()
            if self.step % measure_every == 0 or self.step == steps:
                self._log({"step": self.step} | self._measured(measure))

    def _batches(self, draw: Callable[[int, random.Random], list[tuple[int, T]]]) -> Iterator[tuple[int, list[T]]]:
        """Yield first how many batches a pass has, then batches of units of about one length, anew for each pass."""
        for epoch in range(1_000):
            chance = random.Random(self.plan.seed * 1_000 + epoch)
            units = draw(epoch, chance)
            chance.shuffle(units)
            batches: list[list[T]] = []
            for start in range(0, len(units), 4_000):
                batches.extend(_by_length(units[start : start + 4_000], self.plan.tokens))
            chance.shuffle(batches)
            if epoch == 0:
                yield len(batches), []
            for batch in batches:
                yield len(batches), batch

    def _add_to_average(self) -> None:
        keep = min(AVERAGED, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.encoder.trained().items():
                self.average[name].lerp_(value, 1 - keep)

    def _measured(self, measure: Callable[[Encoder], dict[str, float]]) -> dict[str, float]:
        own = {name: value.clone() for name, value in self.encoder.trained().items()}
        self.encoder.load_state_dict(self.average, strict=False)
        self.encoder.eval()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            measured = measure(self.encoder)
        self.encoder.load_state_dict(own, strict=False)
        self.encoder.train()
        return {name: round(value, 4) for name, value in measured.items()}

    def _save(self) -> None:
        state = {
            "step": self.step, "model": self.encoder.trained(), "average": self.average,
            "optimizer": self._optimizer.state_dict(), "plan": repr(self.plan),
        }  # fmt: skip
        path = self.folder / "checkpoint.pt"
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def _take_up(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path)
        if state["plan"] != repr(self.plan):
            raise SystemExit(f"{path} is of another plan, {state['plan']}: give another --out")
        self.encoder.load_state_dict(state["model"], strict=False)
        self.average, self.step = state["average"], state["step"]
        self._optimizer.load_state_dict(state["optimizer"])
        self._log({"taken_up_at": self.step})

    def _log(self, row: dict[str, float]) -> None:
        line = json.dumps(row)
        print(line, flush=True)
        with (self.folder / "curve.jsonl").open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def _by_length(units: list[tuple[int, T]], tokens: int) -> Iterator[list[T]]:
    """Yield batches of units of about one size, each of at most so many tokens."""
    batch: list[T] = []
    total = 0
    for size, unit in sorted(units, key=lambda unit: unit[0]):
        if batch and total + size > tokens:
            yield batch
            batch, total = [], 0
        batch.append(unit)
        total += size
    if batch:
        yield batch
