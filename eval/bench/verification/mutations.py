"""Falsify a true sentence by one change, or rewrite it with the same meaning. Seeded; imports nothing of `qa`.

The word lists here were written independently of the checker's, so that it is not tested only on its own tables.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence


def _pairs(written: str) -> tuple[tuple[str, str], ...]:
    return tuple((old, new) for old, _, new in (pair.partition("/") for pair in written.split(",")))


_NUMBER = re.compile(r"(?<![\w.,-])\d{1,3}(?:,\d{3})+(?![\w,])|(?<![\w.,-])\d+(?:\.\d+)?(?![\w]|[.,]\d)")
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_NUMBER_WORD = re.compile(
    rf"(?<!\w-)\b(?:{'|'.join(_WORDS[2:])})\b(?!-(?:one|two|three|four|five|six|seven|eight|nine)\b)"
)
_NAME = re.compile(r"(?<![.!?:“\"‘] )(?<!^)(?<![“\"‘(\w])[A-Z][a-z]+(?:-[A-Z][a-z]+)?(?: [A-Z][a-z]+)*")
_NO_NAMES = frozenset(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August"
    " September October November December I The A An He She It They We You Mr Mrs Ms Dr But And In On At If For As To"
    " What That Here Her His Since After Under When Where How Why Who There This These Those With From By Of So No Not"
    " Is Are Was Will Can Do Does Did Or My Our Your Its Their First Last More All Some Many Most New One Two".split()
)
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|should|must|did|does|may|might)\b(?! not|n)"
)
_NOT = re.compile(r"\b(?:not|never) |n['’]t\b|\bno (?=[a-z])")
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = "January February March April May June July August September October November December".split()
_YEAR = re.compile(r"\b(?:19|20)\d\d\b(?!s)")
_DATE = re.compile(rf"\b(?:{'|'.join(_MONTHS)}) (\d{{1,2}})\b|\b(\d{{1,2}}) (?:{'|'.join(_MONTHS)})\b")
_UNITS = _pairs(
    "million/billion,billion/million,thousand/million,percent/million,dollars/euros,trillion/billion,"
    "miles/kilometers,km/miles,kilometers/meters,feet/inches,hours/days,minutes/hours,months/weeks,weeks/months,"
    "pounds/tons,%/ million,$/€,£/$,degrees/percent,tonnes/kilograms,per cent/per day"
)
_OPPOSITES = _pairs(
    "rose/fell,fell/rose,increased/decreased,won/lost,lost/won,more/less,before/after,after/before,higher/lower,"
    "first/last,last/next,above/below,began/ended,started/ended,opened/closed,accepted/rejected,"
    "approved/blocked,supported/opposed,guilty/innocent,arrived/left,left/returned,bought/sold,hired/fired,"
    "strong/weak,largest/smallest,biggest/smallest,old/young,early/late,best/worst,good/bad,killed/rescued,"
    "died/recovered,public/private,north/south,eastern/western,man/woman,men/women,son/daughter,father/mother,"
    "attack/retreat,arrested/released,safe/dangerous,easy/difficult,confirmed/denied,legal/illegal,true/false,"
    "ally/enemy,major/minor,success/failure,likely/unlikely,possible/impossible,husband/wife,majority/minority,"
    "always/never,inside/outside,gained/shed,dropped/soared,raised/lowered,joined/quit,against/for,from/to,"
    "with/without,most/least,many/few,new/outdated,high/low,large/tiny,under/over,over/under,up/down,down/up,"
    "longer/shorter,increase/decline,praised/mocked,signed/vetoed,ended/resumed,found/lost,failed/managed,"
    "between/outside,former/current,former/future,officials/rebels,police/protesters,president/senator,"
    "said/denied,only/also,all/none,national/local,because/although,announced/cancelled"
)
_MODALS = _pairs("will/may,may/will,could/will,would/might,might/will,can/must,should/will")
_COMPARISONS = _pairs(
    "more than/less than,less than/more than,fewer than/more than,at least/at most,higher than/lower than,"
    "lower than/higher than,better than/worse than,worse than/better than,larger than/smaller than,"
    "bigger than/smaller than,longer than/shorter than,older than/younger than,faster than/slower than,"
    "stronger than/weaker than,over half/under half,up to/more than,most of/few of"
)
_LOOSE = re.compile(r"\b(?:about|around|roughly|some|nearly|almost|over|than|least|most|to|approximately|near) [$€£]?$")
_ORDER = _pairs(
    "before/after,after/before,since/until,until/since,earlier/later,later/earlier,prior to/following,"
    "following/prior to,ahead of/after,last year/next year,last week/next week,last month/next month"
)
_SPEAKER = re.compile(
    r"(?P<a>[A-Z][a-z]+(?: [A-Z][a-z]+)*) (?:said|says|told|added|wrote|tweeted)\b"
    r"|\b(?:said|says) (?P<b>[A-Z][a-z]+(?: [A-Z][a-z]+)*)"
)
_QUOTE = re.compile(r"[“\"]([^“”\"]{12,})[”\"]")

Mutator = Callable[[str, Sequence[str], random.Random], str | None]


def names(text: str) -> list[str]:
    """Return the capitalised words of a text that do not begin a sentence, adjacent ones together."""
    found = (match.group() for match in _NAME.finditer(text) if text[match.start() - 1] in " -")
    return sorted({name for name in found if not set(name.split()) & _NO_NAMES})


def _put(text: str, match: re.Match[str], new: str, group: int | str = 0) -> str:
    return text[: match.start(group)] + new + text[match.end(group) :]


def number(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Change a number, in digits or in words."""
    matches = [
        match for match in (*_NUMBER.finditer(text), *_NUMBER_WORD.finditer(text)) if not _YEAR.fullmatch(match.group())
    ]
    if not matches:
        return None
    match = rng.choice(matches)
    if match.group() in _WORDS:
        return _put(text, match, rng.choice([word for word in _WORDS[2:] if word != match.group()]))
    plain = match.group().replace(",", "")
    if "." in plain:
        return _put(text, match, f"{float(plain) + rng.choice((0.1, 1, 2.5)):.1f}")
    value = rng.choice((int(plain) + 1, int(plain) + rng.randint(2, 9), int(plain) * 10 or 7))
    return _put(text, match, f"{value:,}" if "," in match.group() else str(value))


def numbers_exchanged(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Swap two numbers of the sentence."""
    matches = [*_NUMBER.finditer(text), *_NUMBER_WORD.finditer(text)]
    if len({match.group() for match in matches}) < 2:
        return None
    first, second = sorted(rng.sample(matches, 2), key=lambda match: match.start())
    gap = text[first.end() : second.start()]
    digits = [
        str(_WORDS.index(match.group())) if match.group() in _WORDS else match.group() for match in (first, second)
    ]
    if digits[0] == digits[1] or re.fullmatch(r"\W*(?:and|or|to)?\W*", gap):
        return None
    return text[: first.start()] + second.group() + gap + first.group() + text[second.end() :]


def name(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Replace a name of the sentence with another of the article."""
    matches = _name_matches(text)
    if not matches:
        return None
    match = rng.choice(matches)
    return _renamed(text, match, 0, others, rng)


def _name_matches(text: str) -> list[re.Match[str]]:
    return [match for match in _NAME.finditer(text) if not set(match.group().split()) & _NO_NAMES]


def _renamed(
    text: str, match: re.Match[str], group: int | str, others: Sequence[str], rng: random.Random
) -> str | None:
    own = set(match.group(group).split())
    fit = [other for other in others if not own & set(other.split()) and other[:4] != match.group(group)[:4]]
    return _put(text, match, rng.choice(fit), group) if fit else None


def names_exchanged(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Swap two names of the sentence that have a verb or a preposition between them."""
    matches = _name_matches(text)
    if len({match.group() for match in matches}) < 2:
        return None
    first, second = sorted(rng.sample(matches, 2), key=lambda match: match.start())
    gap = text[first.end() : second.start()]
    if (
        first.group()[:4] == second.group()[:4]
        or set(first.group().split()) & set(second.group().split())
        or len(re.findall(r"\b[a-z]+", gap)) < 2
    ):
        return None
    return text[: first.start()] + second.group() + gap + first.group() + text[second.end() :]


def speaker(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Replace the speaker with another name of the article."""
    match = _SPEAKER.search(text)
    if match is None or set((match["a"] or match["b"]).split()) & _NO_NAMES:
        return None
    return _renamed(text, match, "a" if match["a"] else "b", others, rng)


def denied(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Insert "not" after an auxiliary."""
    matches = list(_AUXILIARY.finditer(text))
    if not matches:
        return None
    match = rng.choice(matches)
    return _put(text, match, match.group() + " not")


def affirmed(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Remove a "not", "never" or "no"."""
    matches = list(_NOT.finditer(text))
    if not matches:
        return None
    return _put(text, rng.choice(matches), "")


def opposite(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Replace a word with its opposite."""
    return _swapped(text, _OPPOSITES, rng)


def unit(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Change the unit or the magnitude next to a number."""
    candidates = []
    for old, new in _UNITS:
        pattern = (
            rf"(?<=\d){old}|(?<=\d[ -]){re.escape(old)}\b|{re.escape(old)}(?=\d)"
            if old in "%$£"
            else rf"(?<=[\dnr][ -]){old}\b"
        )
        if old == "$":
            pattern = r"\$(?=\d)"
        candidates += [
            (match, new)
            for match in re.finditer(pattern, text)
            if old not in ("hours", "months", "weeks") or re.search(r"\d[ -]$", text[: match.start()])
        ]
    if not candidates:
        return None
    match, new = rng.choice(candidates)
    return _put(text, match, new)


def date(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Change a year, a month, a day of the month or a weekday."""
    candidates: list[str] = []
    for match in _YEAR.finditer(text):
        candidates.append(_put(text, match, str(int(match.group()) + rng.choice((-2, -1, 1, 3)))))
    for match in _DATE.finditer(text):
        group = 1 if match[1] else 2
        candidates.append(_put(text, match, str(int(match[group]) % 28 + 1), group))
    for words in (_DAYS, _MONTHS):
        for match in re.finditer(rf"\b(?:{'|'.join(words)})\b", text):
            if match.group() not in ("May", "March") or re.match(r" \d", text[match.end() :]):
                candidates.append(_put(text, match, rng.choice([word for word in words if word != match.group()])))
    return rng.choice(candidates) if candidates else None


def modality(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Turn a possibility into a certainty, or a plan into a possibility."""
    return _swapped(text, _MODALS, rng)


def quotation(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Remove a word from a quotation, or insert one."""
    match = _QUOTE.search(text)
    if match is None:
        return None
    words = match[1].split(" ")
    # An ellipsis or the edge of a quotation shows that words are missing; that would be no falsification.
    if len(words) < 4 or not all(words) or re.search(r"…|\.\.|\[", match[1]):
        return None
    at = rng.randrange(1, len(words) - 1)
    words[at : at + 1] = [] if rng.random() < 0.5 else [words[at], "really"]
    return _put(text, match, " ".join(words), 1)


def quote_moved(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Attribute a quotation to another name of the article."""
    return speaker(text, others, rng) if _QUOTE.search(text) else None


def rounded(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Round a number to fewer digits without saying so: 190 for 189."""
    candidates: list[str] = []
    for match in _NUMBER.finditer(text):
        plain = match.group().replace(",", "")
        if not plain.isdigit() or len(plain) < 3 or _YEAR.fullmatch(plain) or _LOOSE.search(text[: match.start()]):
            continue
        value = round(int(plain), 1 - len(plain.rstrip("0"))) if len(plain.rstrip("0")) > 1 else int(plain)
        if value != int(plain):
            candidates.append(_put(text, match, f"{value:,}" if "," in match.group() else str(value)))
    return rng.choice(candidates) if candidates else None


def compared(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Reverse a comparison."""
    return _swapped(text, _COMPARISONS, rng)


def order(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Swap before and after."""
    return _swapped(text, _ORDER, rng)


def mixed(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Replace the end of a sentence, after a preposition, with that of another sentence of the article."""
    candidates: list[str] = []
    for preposition in ("in", "at", "on", "by", "for", "with", "from", "to"):
        separator = f" {preposition} "
        head, found, tail = text.rpartition(separator)
        for other in others if found and len(tail) < 60 and not _QUOTATION.search(tail) else ():
            end = other.rpartition(separator)[2]
            new_words = set(re.findall(r"\w+", end.lower())) - set(re.findall(r"\w+", text.lower()))
            if (
                separator in other
                and sum(len(word) > 3 for word in new_words) > 1
                and 8 < len(end) < 60
                and not _QUOTATION.search(end)
                and tail not in other
            ):
                candidates.append(head + separator + end)
    return rng.choice(candidates) if candidates else None


def _swapped(text: str, pairs: Sequence[tuple[str, str]], rng: random.Random) -> str | None:
    candidates = [(match, new) for old, new in pairs for match in re.finditer(rf"\b{old}\b", text)]
    if not candidates:
        return None
    match, new = rng.choice(candidates)
    return _put(text, match, new)


MUTATORS: dict[str, Mutator] = {
    "number changed": number,
    "numbers exchanged": numbers_exchanged,
    "name changed": name,
    "names exchanged": names_exchanged,
    "speaker changed": speaker,
    "not added": denied,
    "not removed": affirmed,
    "opposite word": opposite,
    "unit or magnitude": unit,
    "date changed": date,
    "modality changed": modality,
    "quotation altered": quotation,
    "quotation given to another": quote_moved,
    "rounded without a word": rounded,
    "comparison reversed": compared,
    "before and after": order,
}

# -- rewrites that change nothing ----------------------------------------------------------------------------------

_LOWERED = re.compile(
    r"(?:The|A|An|In|On|At|It|He|She|They|There|This|That|These|Those|His|Her|Its|Their|But|And|For|More|Some|Many|Most|Several|Police|After|Before|As|By)\b"
)
_ADVERBIAL = re.compile(
    r"^(?:In|On|At|After|Before|During|Since|As|By|For|With|While|When|Meanwhile|However|Earlier|Last)\b"
    r"[^,“”\"]{4,70}, (?=[A-Z“a-z])"
)
_TAIL = re.compile(
    r", (?:which|who|including|while|after|before|as|according|during|when|where|with|adding)\b[^“”\"]*(?=[.!?]$)"
)
_INSIDE = re.compile(r"[^“\"]*(?:”|\S\")")  # begins inside a quotation: not the words of the outlet
_QUOTATION = re.compile(r"[“”\"]")


def attributed(text: str, outlet: str | None) -> str | None:
    """Attribute the sentence to its outlet."""
    if not outlet or text[0] in "“\"'‘" or "?" in text or _INSIDE.match(text):
        return None
    return f"{outlet} reported that {text[0].lower() + text[1:] if _LOWERED.match(text) else text}"


def shortened(text: str, _outlet: str | None) -> str | None:
    """Drop an adverbial clause set off by a comma, at the start or the end."""
    head = _ADVERBIAL.match(text)
    if head and len(text) - head.end() > 30 and not re.match(r"(?:which|who|and|or|but)\b", text[head.end() :]):
        return text[head.end()].upper() + text[head.end() + 1 :]
    tail = _TAIL.search(text)
    if tail and tail.start() > 30:
        return text[: tail.start()] + text[tail.end() :]
    return None


def in_digits(text: str, _outlet: str | None) -> str | None:
    """Write number words as digits, digits without commas, percent as %, million and billion as m and bn."""
    if _QUOTATION.search(text):  # a quotation may not be reworded
        return None
    new = _NUMBER_WORD.sub(lambda match: str(_WORDS.index(match.group())), text)
    new = re.sub(r"(?<=\d) ?(?:percent|per cent)\b", "%", new)
    new = re.sub(r"(?<=\d),(?=\d{3}\b)", "", new)
    new = re.sub(r"(?<=\d) million\b", "m", new)
    new = re.sub(r"(?<=\d) billion\b", "bn", new)
    return new if new != text else None


def straight(text: str, _outlet: str | None) -> str | None:
    """Make curly quotation marks straight."""
    new = text.translate(str.maketrans("“”‘’", "\"\"''"))
    return new if new != text else None


def both(text: str, outlet: str | None) -> str | None:
    """Shorten, then attribute."""
    short = shortened(text, outlet)
    return attributed(in_digits(short, outlet) or short, outlet) if short else None


REWRITES: dict[str, Callable[[str, str | None], str | None]] = {
    "untouched": lambda text, outlet: text,
    "outlet reported that": attributed,
    "clause left out": shortened,
    "numbers in digits": in_digits,
    "straight quotation marks": straight,
    "clause left out, in digits, attributed": both,
}
