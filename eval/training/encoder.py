"""The encoder that is trained: all-MiniLM-L6-v2 in PyTorch, from the weights of the embedder's package, with heads.

The word embeddings stay as they are, because the judges share them with the embedder. A sequence is one row of token
ids with one kind of segment, as the embedder's graph has it, so that the same graph runs what is trained here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

LAYERS, ATTENTION_HEADS, WIDTH, INNER = 6, 12, 384, 1536
EPSILON = 1e-12
_HEADS = ("row_hidden", "row_head", "token_head")


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows one behind the other, so that only attention sees padding: a third of a padded batch would be padding."""

    ids: Tensor  # of all tokens, shape (tokens,)
    places: Tensor  # of each in its row
    row: Tensor  # its row
    starts: Tensor  # where each row starts, shape (rows,)
    padded: Tensor  # the token at each place of the padded rows, shape (rows, longest); past the last for padding
    unpadded: Tensor  # where each token is among the padded ones, shape (tokens,)


def pack(rows: Sequence[Sequence[int]]) -> Batch:
    """Return rows of ids as a batch."""
    lengths = torch.tensor([len(row) for row in rows])
    longest, total = int(lengths.max()), int(lengths.sum())
    starts = lengths.cumsum(0) - lengths
    row = torch.repeat_interleave(torch.arange(len(rows)), lengths)
    places = torch.arange(total) - starts[row]
    unpadded = row * longest + places
    padded = torch.full((len(rows) * longest,), total)
    padded[unpadded] = torch.arange(total)
    ids = torch.tensor([token for tokens in rows for token in tokens])
    return Batch(ids, places, row, starts, padded.view(len(rows), longest), unpadded)


class _Take(torch.autograd.Function):
    """Take rows by index where each is taken once at most: the gradient is taken back by the inverse index."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return _take(flat, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inverse,) = ctx.saved_tensors
        return _take(gradient, inverse), None, None


def _take(flat: Tensor, index: Tensor) -> Tensor:
    """Return the rows at the index; the one past the last is of zeros."""
    return torch.cat((flat, flat.new_zeros(1, flat.shape[1])))[index]


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.attended = nn.LayerNorm(WIDTH, EPSILON)
        self.wide = nn.Linear(WIDTH, INNER)
        self.narrow = nn.Linear(INNER, WIDTH)
        self.out = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, flow: Tensor, batch: Batch, mask: Tensor) -> Tensor:
        rows, longest = batch.padded.shape
        padded = _Take.apply(self.qkv(flow), batch.padded.view(-1), batch.unpadded)
        heads = padded.view(rows, longest, 3, ATTENTION_HEADS, -1).permute(2, 0, 3, 1, 4)
        query, key, value = heads.reshape(3, rows * ATTENTION_HEADS, longest, -1)
        # As two products: the backward pass of PyTorch's own attention took eight times as long in bfloat16.
        weights = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=(WIDTH // ATTENTION_HEADS) ** -0.5)
        mixed = (torch.softmax(weights, -1) @ value).view(rows, ATTENTION_HEADS, longest, -1)
        mixed = mixed.transpose(1, 2).reshape(rows * longest, WIDTH)
        flow = self.attended(flow + self.mix(_Take.apply(mixed, batch.unpadded, batch.padded.view(-1))))
        return self.out(flow + self.narrow(functional.gelu(self.wide(flow))))


class Encoder(nn.Module):
    """Six layers over frozen word embeddings, and heads: one on the whole row, one on each token."""

    def __init__(self, row_logits: int, token_logits: int) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, WIDTH)
        self.words.weight.requires_grad_(False)
        self.places = nn.Embedding(512, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))
        self.row_hidden = nn.Linear(2 * WIDTH, WIDTH)
        self.row_head = nn.Linear(WIDTH, row_logits)
        self.token_head = nn.Linear(WIDTH, token_logits) if token_logits else None

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return the logits of the rows, shape (rows, n), and of all tokens, shape (tokens, n), float32."""
        flow = self.norm(self.words(batch.ids) + self.places(batch.places))
        if torch.is_autocast_enabled("cpu"):
            flow = flow.bfloat16()
        mask = torch.zeros(batch.padded.shape, dtype=flow.dtype)
        mask = mask.masked_fill(batch.padded == len(batch.ids), float("-inf"))
        rows, longest = batch.padded.shape
        mask = mask[:, None, None, :].expand(-1, ATTENTION_HEADS, longest, -1).reshape(-1, longest, longest)
        for layer in self.layers:
            flow = layer(flow, batch, mask)
        mean = torch.zeros(rows, WIDTH).index_add(0, batch.row, flow.float())
        mean = mean / torch.bincount(batch.row, minlength=rows)[:, None]
        row = self.row_head(functional.gelu(self.row_hidden(torch.cat((flow[batch.starts].float(), mean), 1)))).float()
        return row, None if self.token_head is None else self.token_head(flow).float()

    def body_and_heads(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Return the trained parameters of the body and those of the heads."""
        named = [(name, value) for name, value in self.named_parameters() if value.requires_grad]
        return (
            [value for name, value in named if not name.startswith(_HEADS)],
            [value for name, value in named if name.startswith(_HEADS)],
        )

    def take_body(self, state: Mapping[str, Tensor]) -> None:
        """Take the layers of another trained encoder, and keep the own heads."""
        body = {name: value for name, value in state.items() if not name.startswith(_HEADS)}
        self.load_state_dict(body, strict=False)

    def trained(self) -> dict[str, Tensor]:
        """Return the state without the word embeddings."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("words.")}


def load_encoder(weights: Path, row_logits: int, token_logits: int) -> Encoder:
    """Return an encoder that starts from the published weights, `model.safetensors` of the embedder's package."""
    source = load_file(weights)
    encoder = Encoder(row_logits, token_logits)
    state: dict[str, Any] = {
        "words.weight": source["embeddings.word_embeddings.weight"],
        "places.weight": source["embeddings.position_embeddings.weight"]
        + source["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": source["embeddings.LayerNorm.weight"],
        "norm.bias": source["embeddings.LayerNorm.bias"],
    }
    for layer in range(LAYERS):
        state |= _layer_state(source, layer)
    encoder.load_state_dict(state, strict=False)
    for head in (encoder.row_hidden, encoder.row_head, *filter(None, [encoder.token_head])):
        nn.init.normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias)
    return encoder


def _layer_state(source: Mapping[str, Tensor], layer: int) -> dict[str, Tensor]:
    old, new = f"encoder.layer.{layer}", f"layers.{layer}"
    state = {}
    for kind in ("weight", "bias"):
        parts = [source[f"{old}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
        state[f"{new}.qkv.{kind}"] = torch.cat(parts)
        for theirs, ours in (
            ("attention.output.dense", "mix"),
            ("attention.output.LayerNorm", "attended"),
            ("intermediate.dense", "wide"),
            ("output.dense", "narrow"),
            ("output.LayerNorm", "out"),
        ):
            state[f"{new}.{ours}.{kind}"] = source[f"{old}.{theirs}.{kind}"]
    return state
