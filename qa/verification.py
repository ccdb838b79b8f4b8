"""Decide whether cited sentences support a statement. Pure.

A statement is laid word by word along each sentence it cites (`qa.alignment`). A verdict never comes from likeness
alone: a number, a name, a denial, a role or a quotation that the cited text does not have makes a statement
unsupported, however many of its other words are there. docs/verification.md has the rules and what they catch.
"""

from __future__ import annotations

from collections.abc import Sequence

from qa import lexicon, quotations, text
from qa.alignment import Alignment, align
from qa.facts import CLAIMING, Token, tokens
from qa.types import Evidence, Support

# Shares of a statement's claiming words that its sources must hold; measured by `python -m eval.verification`.
PARTLY, FULLY = 0.3, 0.8
_CLOSE = 0.6  # from here on a statement repeats its source, and a word in another's place is a changed word
_CONTEXT = 0.5  # what a word counts for that stands only beside the cited sentence
_NEARLY, _ABOUT = 0.1, 0.05  # how far "more than 190" and "about 190" may be from the number they stand for
