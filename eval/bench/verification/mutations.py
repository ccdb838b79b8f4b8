"""Change one thing in a true sentence, and rewrite a true sentence without changing it. Seeded; knows nothing of `qa`.

The lists here were written apart from those of the checker, so that it is not asked only about what it has in a table.
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
    """Return the capitalised words of a text that do not open a sentence, runs kept together."""
    found = (found.group() for found in _NAME.finditer(text) if text[found.start() - 1] in " -")
    return sorted({name for name in found if not set(name.split()) & _NO_NAMES})


def _put(text: str, found: re.Match[str], new: str, group: int | str = 0) -> str:
    return text[: found.start(group)] + new + text[found.end(group) :]


def number(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Change a number, in digits or in words."""
    found = [one for one in (*_NUMBER.finditer(text), *_NUMBER_WORD.finditer(text)) if not _YEAR.fullmatch(one.group())]
    if not found:
        return None
    one = rng.choice(found)
    if one.group() in _WORDS:
        return _put(text, one, rng.choice([word for word in _WORDS[2:] if word != one.group()]))
    plain = one.group().replace(",", "")
    if "." in plain:
        return _put(text, one, f"{float(plain) + rng.choice((0.1, 1, 2.5)):.1f}")
    value = rng.choice((int(plain) + 1, int(plain) + rng.randint(2, 9), int(plain) * 10 or 7))
    return _put(text, one, f"{value:,}" if "," in one.group() else str(value))


def numbers_exchanged(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Let two numbers of the sentence change places."""
    found = [*_NUMBER.finditer(text), *_NUMBER_WORD.finditer(text)]
    if len({one.group() for one in found}) < 2:
        return None
    first, second = sorted(rng.sample(found, 2), key=lambda one: one.start())
    gap = text[first.end() : second.start()]
    digits = [str(_WORDS.index(one.group())) if one.group() in _WORDS else one.group() for one in (first, second)]
    if digits[0] == digits[1] or re.fullmatch(r"\W*(?:and|or|to)?\W*", gap):
        return None
    return text[: first.start()] + second.group() + gap + first.group() + text[second.end() :]


def name(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Put another name of the article for one of the sentence."""
    found = [one for one in _NAME.finditer(text) if not set(one.group().split()) & _NO_NAMES]
    if not found:
        return None
    one = rng.choice(found)
    return _renamed(text, one, 0, others, rng)


def _renamed(text: str, one: re.Match[str], group: int | str, others: Sequence[str], rng: random.Random) -> str | None:
    own = set(one.group(group).split())
    fit = [other for other in others if not own & set(other.split()) and other[:4] != one.group(group)[:4]]
    return _put(text, one, rng.choice(fit), group) if fit else None


def names_exchanged(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Let two names of the sentence change places, where a verb or a preposition stands between them."""
    found = [one for one in _NAME.finditer(text) if not set(one.group().split()) & _NO_NAMES]
    if len({one.group() for one in found}) < 2:
        return None
    first, second = sorted(rng.sample(found, 2), key=lambda one: one.start())
    gap = text[first.end() : second.start()]
    if (
        first.group()[:4] == second.group()[:4]
        or set(first.group().split()) & set(second.group().split())
        or len(re.findall(r"\b[a-z]+", gap)) < 2
    ):
        return None
    return text[: first.start()] + second.group() + gap + first.group() + text[second.end() :]


def speaker(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Let another name of the article have said it."""
    found = _SPEAKER.search(text)
    if found is None or set((found["a"] or found["b"]).split()) & _NO_NAMES:
        return None
    return _renamed(text, found, "a" if found["a"] else "b", others, rng)


def denied(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Put "not" behind an auxiliary."""
    found = list(_AUXILIARY.finditer(text))
    if not found:
        return None
    one = rng.choice(found)
    return _put(text, one, one.group() + " not")


def affirmed(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Take a "not", "never" or "no" away."""
    found = list(_NOT.finditer(text))
    if not found:
        return None
    return _put(text, rng.choice(found), "")


def opposite(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Put a word's contrary for it."""
    return _swapped(text, _OPPOSITES, rng)


def unit(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Change what is counted, or how large the unit is, behind or before a number."""
    fit = []
    for old, new in _UNITS:
        pattern = (
            rf"(?<=\d){old}|(?<=\d[ -]){re.escape(old)}\b|{re.escape(old)}(?=\d)"
            if old in "%$£"
            else rf"(?<=[\dnr][ -]){old}\b"
        )
        if old == "$":
            pattern = r"\$(?=\d)"
        fit += [
            (found, new)
            for found in re.finditer(pattern, text)
            if old not in ("hours", "months", "weeks") or re.search(r"\d[ -]$", text[: found.start()])
        ]
    if not fit:
        return None
    found, new = rng.choice(fit)
    return _put(text, found, new)


def date(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Change a year, a month, a day of the month or a weekday."""
    fit: list[str] = []
    for found in _YEAR.finditer(text):
        fit.append(_put(text, found, str(int(found.group()) + rng.choice((-2, -1, 1, 3)))))
    for found in _DATE.finditer(text):
        group = 1 if found[1] else 2
        fit.append(_put(text, found, str(int(found[group]) % 28 + 1), group))
    for words in (_DAYS, _MONTHS):
        for found in re.finditer(rf"\b(?:{'|'.join(words)})\b", text):
            if found.group() not in ("May", "March") or re.match(r" \d", text[found.end() :]):
                fit.append(_put(text, found, rng.choice([word for word in words if word != found.group()])))
    return rng.choice(fit) if fit else None


def modality(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Make a possibility certain or a plan a possibility."""
    return _swapped(text, _MODALS, rng)


def quotation(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Leave a word out of a quotation, or put one in."""
    found = _QUOTE.search(text)
    if found is None:
        return None
    words = found[1].split(" ")
    # What a mark of omission or the edge of a quotation leaves out is left out openly.
    if len(words) < 4 or not all(words) or re.search(r"…|\.\.|\[", found[1]):
        return None
    at = rng.randrange(1, len(words) - 1)
    words[at : at + 1] = [] if rng.random() < 0.5 else [words[at], "really"]
    return _put(text, found, " ".join(words), 1)


def quote_moved(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Give a quotation to another name of the article."""
    return speaker(text, others, rng) if _QUOTE.search(text) else None


def rounded(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Round a number to fewer digits without saying so: 190 for 189."""
    fit: list[str] = []
    for one in _NUMBER.finditer(text):
        plain = one.group().replace(",", "")
        if not plain.isdigit() or len(plain) < 3 or _YEAR.fullmatch(plain) or _LOOSE.search(text[: one.start()]):
            continue
        value = round(int(plain), 1 - len(plain.rstrip("0"))) if len(plain.rstrip("0")) > 1 else int(plain)
        if value != int(plain):
            fit.append(_put(text, one, f"{value:,}" if "," in one.group() else str(value)))
    return rng.choice(fit) if fit else None


def compared(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Turn a comparison round."""
    return _swapped(text, _COMPARISONS, rng)


def order(text: str, _names: Sequence[str], rng: random.Random) -> str | None:
    """Turn before and after round."""
    return _swapped(text, _ORDER, rng)


def mixed(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """End a sentence as another of the article ends, behind the same preposition."""
    fit: list[str] = []
    for preposition in ("in", "at", "on", "by", "for", "with", "from", "to"):
        mark = f" {preposition} "
        head, found, tail = text.rpartition(mark)
        for other in others if found and len(tail) < 60 and not _QUOTATION.search(tail) else ():
            end = other.rpartition(mark)[2]
            strange = set(re.findall(r"\w+", end.lower())) - set(re.findall(r"\w+", text.lower()))
            if (
                mark in other
                and sum(len(word) > 3 for word in strange) > 1
                and 8 < len(end) < 60
                and not _QUOTATION.search(end)
                and tail not in other
            ):
                fit.append(head + mark + end)
    return rng.choice(fit) if fit else None


def _swapped(text: str, pairs: Sequence[tuple[str, str]], rng: random.Random) -> str | None:
    fit = [(found, new) for old, new in pairs for found in re.finditer(rf"\b{old}\b", text)]
    if not fit:
        return None
    found, new = rng.choice(fit)
    return _put(text, found, new)


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
_INSIDE = re.compile(r"[^“\"]*(?:”|\S\")")  # it begins inside a quotation: not the outlet's words
_QUOTATION = re.compile(r"[“”\"]")


def attributed(text: str, outlet: str | None) -> str | None:
    """Say who reported it."""
    if not outlet or text[0] in "“\"'‘" or "?" in text or _INSIDE.match(text):
        return None
    return f"{outlet} reported that {text[0].lower() + text[1:] if _LOWERED.match(text) else text}"


def shortened(text: str, _outlet: str | None) -> str | None:
    """Leave out an adverbial clause at a comma, in front or behind."""
    head = _ADVERBIAL.match(text)
    if head and len(text) - head.end() > 30 and not re.match(r"(?:which|who|and|or|but)\b", text[head.end() :]):
        return text[head.end()].upper() + text[head.end() + 1 :]
    tail = _TAIL.search(text)
    if tail and tail.start() > 30:
        return text[: tail.start()] + text[tail.end() :]
    return None


def in_digits(text: str, _outlet: str | None) -> str | None:
    """Write number words in digits, digits with and without commas, percent as a sign, magnitudes short."""
    if _QUOTATION.search(text):  # its words are not ours to rewrite
        return None
    new = _NUMBER_WORD.sub(lambda one: str(_WORDS.index(one.group())), text)
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
