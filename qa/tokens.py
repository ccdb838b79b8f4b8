"""How many tokens a text may cost a model that nobody has named: an upper estimate by its characters. Pure."""

from __future__ import annotations

import math
import re

# Common tokenisers need about one token for four letters of English, for one to two of other alphabets, and up to two
# for a character of CJK or an emoji. Counting too many only shows less evidence; too few overruns a small window.
_PER_ASCII, _PER_LETTER, _PER_WIDE = 1 / 3, 1.0, 2.0
_WIDE = re.compile("[\u2e80-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00010000-\U0010ffff]")


def estimate(text: str) -> int:
    """Return how many tokens a text costs at most, by any usual tokeniser."""
    ascii_ = len(text.encode("ascii", "ignore"))
    wide = 0 if ascii_ == len(text) else len(_WIDE.findall(text))
    return math.ceil(_PER_ASCII * ascii_ + _PER_WIDE * wide + _PER_LETTER * (len(text) - ascii_ - wide))
