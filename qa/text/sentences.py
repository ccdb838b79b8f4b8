"""Split a news text into sentences, as spans. Pure; linear time on any input.

The rules, and the libraries they were compared with, are in docs/chunking.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from qa.text.english import IN_NAME, MONTH_ABBREVIATIONS, MONTHS, NO_SMALL_LETTER, WEEKDAY_ABBREVIATIONS, WEEKDAYS
from qa.text.lines import joined_lines
from qa.types import Span

MAX_SENTENCE_CHARS = 1200

_CLOSERS = r"\"'”’»›)\]}」』）】》〉＂"
_OPENERS = "\"'“‘„«‹([{「『（【《〈¿¡"
# Possessive quantifiers: each character is matched once, so a million dots cost no more than a million letters.
_STOP = re.compile(
    rf"(?P<run>[.!?…]++)(?P<close>[{_CLOSERS}]*+(?: [”»](?!\S)| [\"“](?=\n|\Z))?(?:\[\d{{1,3}}\]){{0,4}})"
    rf"|[。！？｡؟۔।]++[{_CLOSERS}]*+"
)
_GAP = re.compile(rf"(?P<space>\s*+)(?P<open>[{re.escape(_OPENERS)}]*+)")
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\s\"'“”‘’(\[—–/-]*+$")
_INITIALISM = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_ATTRIBUTION = re.compile(
    rf"(?:{NO_SMALL_LETTER}[{IN_NAME}.]*\s){{1,6}}(?:said|says|asked|asks|added|told|tweeted|wrote|shouted|replied)\b"
)
_LIST_MARK = re.compile(r"(?:\d{1,3}|[A-Za-z])")
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))  # a pair of them is one flag
_LOOK_BACK = 24  # longer than any abbreviation


def _lexicon(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Before a name or a number: such a full stop never ends a sentence.
_TITLES = _lexicon(
    "mr mrs ms mx dr prof rev fr hon gov govs lt sgt cpl pvt pfc spc col gen adm cmdr cdr capt maj brig sen sens"
    " rep reps pres supt insp det atty messrs mme mlle msgr vs amb jos asst assoc mt ft fig figs vol pp"
)
_LOWER = _lexicon("vs v cf ca approx e.g i.e pp fig figs vol gen prof al")
# Before a number these are abbreviations; elsewhere they end sentences like any other word.
_NUMBERED = _lexicon(" ".join(("no nos p art sec ch op ext", *MONTH_ABBREVIATIONS, *WEEKDAY_ABBREVIATIONS)).lower())
# These occur in the middle and at the end of sentences alike; the next word decides.
_EITHER = _lexicon(
    "st ste ave blvd rd prop inc corp co cos ltd plc bros jr sr dept univ assn gov't govt etc est mfg natl intl"
    " ala ariz ark calif colo conn del fla ga ill ind kan kans ky la mass md mich minn miss mo mont neb nev okla ore"
    " pa tenn tex va vt wash wis wyo ont que sask alta"
)
# After an abbreviation a capital letter proves little ("U.S. President"); one of these words begins a sentence.
_STARTERS = _lexicon(
    "the a an this that these those it its he she his her they their we our you your i in on at as after before but and"
    " so yet or nor if when while where what who why how there here some many most several both each other others"
    " another all no not now then still also however meanwhile although though since because for from by with without"
    " during under over about between among despite according last earlier later once until unlike nearly only even"
    " more than one two three such to is are was were do does did have has can could will would should"
)
_AFTER_CLOCK = _lexicon(
    "et est edt pt pst pdt ct cst cdt mst mdt mt gmt bst utc cet ist eastern pacific central mountain"
) | {name.lower() for name in (*WEEKDAYS, *WEEKDAY_ABBREVIATIONS, *MONTHS, *MONTH_ABBREVIATIONS)}
_DOMAINS = _lexicon("com org net gov edu io co uk")


def split_sentences(text: str, excluded: Sequence[Span] = ()) -> list[Span]:
    """Return the sentences in order; together they cover every non-blank character outside `excluded`."""
    found: list[Span] = []
    for start, end in _regions(text, excluded):
        cursor = start
        for stop in _STOP.finditer(text, start, end):
            if _ends_sentence(text, stop, cursor, end):
                _append(found, text, cursor, stop.end())
                cursor = stop.end()
        _append(found, text, cursor, end)
    return found


def _ends_sentence(text: str, stop: re.Match[str], start: int, limit: int) -> bool:
    """Tell whether the sentence that began at `start` ends with this run of stops and closing quotes or brackets."""
    run = stop["run"]
    if run is None:  # full-width stops and those of other scripts are never part of a word
        return True
    gap = _GAP.match(text, stop.end(), limit)
    assert gap is not None  # it matches the empty string
    at = gap.end()
    if at >= limit:
        return True
    following = text[at]
    if not gap["space"]:
        return _is_missing_space(text, stop, gap, limit)
    if following.islower():
        return text[at + 1 : at + 2].isupper()  # "iPhone", "eBay"
    if following in ".!?…,;:":
        return False
    closing = stop["close"]
    if run[0] in "!?":
        return not (closing and _ATTRIBUTION.match(text, at, min(limit, at + 80)))
    if run != ".":
        return _ends_after_dots(text, stop.start(), at, limit)
    if closing and closing.strip(")]"):
        return True
    return _ends_after_word(text, stop, gap, start, limit)


def _ends_after_word(text: str, stop: re.Match[str], gap: re.Match[str], start: int, limit: int) -> bool:
    """Tell whether a single full stop after a word ends the sentence, if no lower-case letter follows."""
    dot, at = stop.start(), gap.end()
    token = _token_before(text, dot, start)
    if not token:
        return True
    capital = token[0].isupper()
    key = token.lower()
    if key in (_TITLES if capital else _LOWER):
        return False
    if text[at].isdigit() and key in _NUMBERED:
        return False
    if dot - start < _LOOK_BACK and _LIST_MARK.fullmatch(token) and not text[start : dot - len(token)].strip():
        return False  # "1. The first"
    if key in ("a.m", "p.m"):
        return text[at - 1] != "(" and _word_at(text, at, limit) not in _AFTER_CLOCK
    initial = len(token) == 1 and capital
    if initial or (capital and key in _EITHER) or key == "etc" or _INITIALISM.fullmatch(token):
        quoted = gap["open"].strip("([{") != ""
        return (quoted and not initial) or _word_at(text, at, limit) in _STARTERS
    return True


def _is_missing_space(text: str, stop: re.Match[str], gap: re.Match[str], limit: int) -> bool:
    """Tell whether the space between two sentences was lost, for instance by a scraper: "last week.The"."""
    at, dot = gap.end(), stop.start()
    before = text[max(0, dot - 2) : dot]
    if len(stop["run"]) > 1 or not (before.isalpha() and before.islower() and text[at].isupper()):
        return False
    word = _word_at(text, at, limit)
    around = _token_before(text, dot, 0) + text[at : at + _LOOK_BACK].split(None, 1)[0]
    return word != "" and word not in _DOMAINS and "@" not in around and ":" not in around


def _token_before(text: str, dot: int, start: int) -> str:
    """Return the word directly before the full stop."""
    found = _TOKEN.search(text, max(start, dot - _LOOK_BACK), dot)
    return found[0] if found else ""


def _word_at(text: str, at: int, limit: int) -> str:
    """Return the word that starts here in lower case, or the empty string if it is an initial ("A. Smith")."""
    found = _WORD.match(text, at, min(limit, at + _LOOK_BACK))
    if found is None or (len(found[0]) == 1 and text[found.end() : found.end() + 1] == "."):
        return ""
    return found[0].lower()


def _ends_after_dots(text: str, dots: int, at: int, limit: int) -> bool:
    """Tell whether an ellipsis ends the sentence: one after a space is mostly a pause or a cut in a quotation."""
    word = _word_at(text, at, limit)
    before = text[max(0, dots - 2) : dots]
    return word != "i" and (word in _STARTERS or not before[-1:].isspace() or before[0] in ".!?")


def _append(found: list[Span], text: str, start: int, end: int) -> None:
    """Add the range without surrounding white space, in pieces no longer than the limit."""
    piece = text[start:end]
    bare = piece.lstrip()
    start += len(piece) - len(bare)
    end = start + len(bare.rstrip())
    while end - start > MAX_SENTENCE_CHARS:
        cut = _cut(text, start)
        found.append(Span(start, cut))
        while text[cut].isspace():
            cut += 1
        start = cut
    if start < end:
        found.append(Span(start, end))


def _cut(text: str, start: int) -> int:
    """Choose where an overlong sentence breaks: at white space, else between graphemes, else at the limit."""
    limit = start + MAX_SENTENCE_CHARS
    if text[limit].isspace() or text[limit - 1].isspace():
        return start + len(text[start:limit].rstrip())
    head, *tail = text[start:limit].rsplit(None, 1)
    if tail and len(head) >= MAX_SENTENCE_CHARS // 2:
        return start + len(head)
    between = (at for at in range(limit, start + MAX_SENTENCE_CHARS // 2, -1) if not inside_grapheme(text, start, at))
    return next(between, limit)


def inside_grapheme(text: str, start: int, at: int) -> bool:
    """Tell whether a cut before `at` would separate a mark, a joiner, a flag or a syllable from its base.

    `start` is a place before `at` that is between graphemes.
    """
    after = text[at]
    if "\u200d" in (text[at - 1], after) or unicodedata.category(after).startswith("M"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f" or "\u1160" <= after <= "\u11ff":
        return True  # skin tones, the tags of regional flags, the later parts of a Hangul syllable
    letters_of_flags = at - start - len(text[start:at].rstrip(_FLAG_LETTERS))
    return after in _FLAG_LETTERS and letters_of_flags % 2 == 1


def _regions(text: str, excluded: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Yield the regions in which only punctuation ends a sentence: lines, minus the excluded spans."""
    holes = iter(sorted(excluded))
    hole = next(holes, None)
    for start, end in joined_lines(text):
        while hole is not None and hole.start < end:
            if hole.end > start:
                if start < hole.start:
                    yield start, hole.start
                start = hole.end
            if hole.end > end:
                break
            hole = next(holes, None)
        if start < end:
            yield start, end
