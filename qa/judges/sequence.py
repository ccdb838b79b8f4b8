"""The rows of token ids that the judges read: a question or statement, a text and perhaps its title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer

MAX_TOKENS = 160
FIRST_TOKENS, TITLE_TOKENS = 64, 24  # what a long question and a long title are cut to
CLS, SEP = 101, 102


@dataclass(frozen=True, slots=True)
class TokenRow:
    """The ids of a row, and which of them are the text's, with their offsets in it."""

    ids: tuple[int, ...]
    text_start: int
    offsets: tuple[tuple[int, int], ...]  # of each token of the text, in characters


def build_rows(tokenizer: Tokenizer, rows: Sequence[tuple[str, str, str]]) -> list[TokenRow]:
    """Return a row for each (question or statement, text, title); an empty title is left out.

    The text is `[CLS] first [SEP] text [SEP] title [SEP]`: its place does not depend on the title.
    """
    parts = [part for row in rows for part in row]
    encoded = tokenizer.encode_batch([_readable(part) for part in parts], add_special_tokens=False)
    return [_join(*encoded[start : start + 3]) for start in range(0, len(encoded), 3)]


def _join(first: Encoding, text: Encoding, title: Encoding) -> TokenRow:
    ids = [CLS, *first.ids[:FIRST_TOKENS], SEP]
    ending = [*title.ids[:TITLE_TOKENS], SEP] if title.ids else []
    start = len(ids)
    room = MAX_TOKENS - start - 1 - len(ending)
    return TokenRow((*ids, *text.ids[:room], SEP, *ending), start, tuple(text.offsets[:room]))


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # the tokenizer cannot take lone surrogates
