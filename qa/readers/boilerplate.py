"""Find boilerplate in an article: share bars, comment boxes, link lists, sign-up boxes, copyright lines.

Whole lines are marked, never parts of one. A line that matches a pattern is boilerplate wherever it occurs. A section
header ("Latest Posts") also takes the short lines after it, but only after the last real paragraph of the article:
before it a short line may be a heading or a fact, and losing a real sentence is worse than keeping a link.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from qa.temporal.dates import match_day
from qa.text.english import CAPITAL, IN_NAME
from qa.types import Span

Kind = Literal["blank", "boilerplate", "header", "prose", "sentence", "short"]

_LONGEST = 600  # characters; no boilerplate line in the 11,000 articles inspected was longer
_SHORTEST_PARAGRAPH = 80
_LONGEST_BYLINE = 120
_WORDS_OF_A_LINK = 6  # a question of at most this many words is the label of a link
_TOP_LINES = 12

_NETWORK = (
    r"(?:facebook|twitter|x|linkedin|whatsapp|pinterest|reddit|telegram|instagram|youtube|tiktok|flipboard|threads)"
)
_SHARE = rf"(?:{_NETWORK}|share|tweet|print|copy link|e-?mail|rss)"
_ITEM = r"(?:posts?|articles?|stories|story|news|reads|reading|videos?|content|topics|headlines)"
_BULLET = re.compile(r"[•·▪◦‣►*–-]\s+\S")
_COUNT = re.compile(r"[0-9][0-9.,]{0,9}[km]?", re.IGNORECASE)
_TAG = re.compile(r"#?[a-z]+(?: [a-z]+)?")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_SENTENCE = re.compile(r"""[.!?…][)\]"'”’»]*(?:\s|$)|[。！？]""")
_SENTENCE_END = re.compile(r"""[.!?…。！？][)\]"'”’»]*$""")
_LOGO = re.compile(rf"(?:[{CAPITAL}][{IN_NAME}&.]{{0,20}} ){{1,4}}logo")


def _compile(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


# Headings of sections without news. They match whole lines; a colon at the end is allowed.
_HEADER = _compile(
    r"leave a (?:reply|comment|response)(?: cancel reply)?",
    r"top comments?|readers?[’']? comments|(?:post|add|write) a comment",
    r"join the (?:conversation|discussion)|cancel reply",
    r"(?:[0-9,]{1,7} )?(?:comments?|replies|responses)(?: \([0-9,]{1,7}\))?",
    rf"(?:related|latest|recent|popular|trending|similar|recommended|featured|most (?:read|popular|viewed)) {_ITEM}",
    rf"more {_ITEM}(?: (?:from|by|in|on|like this)\b.{{0,60}})?|(?:previous|next) (?:post|article|story)",
    r"latest(?: in)?|trending(?: now)?|most (?:read|popular|viewed)|hot news|editor[’']?s?[’']? (?:picks?|choice)",
    r"(?:you (?:may|might) (?:also )?like|recommended(?: for you)?|read next|see also|further reading)",
    r"related(?: (?:topics|tags|links|coverage|content))?|tags|topics|filed under|source link|jump to|in this article",
    r"subscribe (?:for|to) (?:news|more|updates|us)!?|newsletter(?: sign[ -]?up)?|sign up for (?:our )?newsletters?",
    r"about the (?:creator|author|writer)|reader insights|add your insights",
    rf"(?:find|follow|connect with|join) us(?: on (?:social media|{_NETWORK}))?!?|miscellaneous links|social links",
    r"share this(?: (?:article|story|post|page|with))?|share on|quick links|useful links|site ?map",
)

# Lines that are boilerplate as a whole.
_WHOLE_LINE = _compile(
    r"(?:(?:story|article) )?continues? (?:reading )?(?:below|after)(?: (?:this |the )?(?:advertisement|ad))?",
    r"(?:(?:story|article) continues below |skip )?advertisement|advertising|sponsored(?: content)?|promoted",
    rf"(?:share|tweet|print|copy link|e?-?mail)(?: (?:this|on|via|to) (?:article|story|{_NETWORK}|e-?mail))?",
    rf"(?:share this(?: \w+)?: ?)?(?:{_SHARE}[\s|,•·/]+){{1,14}}{_SHARE}",
    r"posted by [\w.-]{2,40}:.{0,500}",  # a reader's comment
    r"(?:like|enjoy(?:ed|ing)?) this (?:story|article)\? .{2,120}|enter your e-?mail(?: address)?",
    r"get the best of .{2,60} in(?:to)? your inbox\b.{0,120}",
    r"your email address will not be published\.?(?: ?required fields are marked ?\*?)?",
    r"required fields are marked ?\*?|(?:save my name|notify me of|name ?\*|email ?\*|website ?\*|comment ?\*).{0,120}",
    r"(?:log|sign) ?in(?: or register)? to (?:comment|reply|leave a comment|join the conversation).{0,40}",
    r"there are no comments(?: (?:for|on) this .{1,20}| yet)?\.?|no comments(?: yet)?\.?|view (?:all )?comments",
    r"comments (?:are|have been) (?:closed|disabled)\.?|be the first to (?:share|comment|respond|reply|like)\b.{0,80}",
    r"(?:privacy|cookie) (?:policy|notice|settings|preferences)|manage (?:cookies|preferences)",
    r"terms (?:of (?:use|service)|(?:and|&) conditions)|do not sell (?:or share )?my (?:personal )?information",
    r"(?:contact|about) us|advertise with us|back to (?:top|home)|skip to (?:main )?content|scroll to continue",
    r"load more|(?:show|view|see|read) more|(?:all )?rights reserved\.?",
    r"(?:©|copyright (?:©|\(c\)|[12][0-9]{3})|\(c\) ?[12][0-9]{3}).{0,300}",
    r"this material may not be published, broadcast.{0,120}|thank(?:s| you) for (?:subscribing|signing up).{0,60}",
    r"(?:you have been |you are )?successfully subscribed\b.{0,100}|oo?ps! something went wrong\b.{0,80}",
    r"get the latest (?:\w+ ){0,3}news from .{2,120}",
    r"video (?:player was slow to load|ad was|content never loaded).{0,200}|[0-9]\. how relevant is this ad to you\?",
)

# The beginnings of boilerplate lines; the rest of such a line may be anything.
_LINE_START = _compile(
    r"(?:(?:read|see) (?:more|also|next)|also read|related|further reading|source link)\s?:\s?\S",
    rf"(?:follow .{{2,80}}|(?:like|join|find) (?:us|me|him|her|them)) on {_NETWORK}\b",
    r"(?:contact|reach|e-?mail) .{2,80} at (?:\S{1,40}@\S|\(?[0-9]{3}\)?[ -][0-9]{3})",
    r"(?:this (?:web)?site|we|our (?:web)?sites?) uses? cookies\b|accept (?:all )?cookies\b",
    r"by (?:continuing|clicking|using|submitting|signing up)\b.{1,120}\byou (?:agree|accept|consent)\b",
    r"(?:disclosure: )?this (?:article|post) (?:may )?contains? affiliate links\b",
    r"a version of this (?:story|article|post) (?:first )?appear(?:s|ed) (?:first )?in .{2,80}\bnewsletter\b",
    r"(?:thank you for supporting our journalism\b|support (?:strong )?local journalism(?:[.:]| by\b| and\b| like\b))",
)

# A request to subscribe begins with one of these and names the newsletter later: "Sign up for Medicare" is news.
_SUBSCRIBE_START = _compile(
    r"(?:please )?(?:sign up|subscribe (?:to|for|here|now|today)|get|join|receive|want|enjoy|would you like)\s",
    r"(?:not|already) a subscriber\b|for more (?!than\b).{1,60}, (?:sign up|subscribe)\b",
    r"what[’']s everyone talking about\?",
    r"stay in the conversation\b|smart analysis\b|.{2,80}:\s?sign up\b",
)
_SUBSCRIPTION = _compile(
    r"\bnewsletters?\b|\byour inbox\b|\be-?mail alerts\b",
    r"\bsubscriber-only\b|\bdigital subscri|\bsubscribe (?:here|today)\b",
)
_COUNTS = _compile(r"(?:[\s|•·,]*[0-9][0-9.,]{0,9}[km]?\s?(?:shares?|views?|comments?|likes?|reads?)){1,5}")
_MINUTES = re.compile(r"\b[0-9]{1,3}[ -]min(?:ute)?s? read$", re.IGNORECASE)


def find(text: str) -> tuple[Span, ...]:
    """Return the ranges of boilerplate in a text: sorted, disjoint, whole lines without their line ends."""
    lines = text.split("\n")
    kinds = [_classify(line.strip()) for line in lines]
    filled = [number for number, kind in enumerate(kinds) if kind != "blank"]
    marked = [kind in ("boilerplate", "header") for kind in kinds]
    if filled and _is_logo(lines[filled[0]].strip()):
        marked[filled[0]] = True
    tail = _find_tail(kinds)
    _mark_sections(lines, kinds, marked, tail)
    _mark_counts(lines, marked, filled, tail)
    return _spans(lines, marked)


def _classify(line: str) -> Kind:
    """Classify a stripped line without looking at its neighbours."""
    if not line:
        return "blank"
    return _classify_short(line) if len(line) <= _LONGEST else _classify_prose(line)


@lru_cache(maxsize=4096)  # the same few boilerplate lines occur in thousands of articles
def _classify_short(line: str) -> Kind:
    bare = line.rstrip(":").rstrip()
    if _HEADER.fullmatch(bare):
        return "header"
    if _WHOLE_LINE.fullmatch(bare) or _LINE_START.match(line):
        return "boilerplate"
    if _SUBSCRIBE_START.match(line) and _SUBSCRIPTION.search(line):
        return "boilerplate"
    if len(line) <= _LONGEST_BYLINE and (_MINUTES.search(line) or _is_counts(line)):
        return "boilerplate"
    return _classify_prose(line)


def _is_counts(line: str) -> bool:
    """Tell whether a line consists of share and view counts, with or without a date before them."""
    dated = match_day(line)
    return _COUNTS.fullmatch(line[dated[1] :] if dated else line) is not None


def _classify_prose(line: str) -> Kind:
    """Tell a paragraph from a sentence, and a sentence from a heading or the label of a link."""
    cjk = _CJK.search(line) is not None
    if len(line) >= (_SHORTEST_PARAGRAPH // 3 if cjk else _SHORTEST_PARAGRAPH) and _SENTENCE.search(line):
        return "prose"
    words = len(line) if cjk else len(line.split(maxsplit=_WORDS_OF_A_LINK))
    if _SENTENCE_END.search(line) and (words > 3 if not line.endswith("?") else words > _WORDS_OF_A_LINK):
        return "sentence"
    return "short"


def _is_logo(line: str) -> bool:
    """Tell whether the first line is the text of a logo ("The Herald logo"), not a headline about one."""
    return _LOGO.fullmatch(line) is not None and "New" not in line


def _find_tail(kinds: Sequence[Kind]) -> int:
    """Return the line after the last real paragraph, or after the last sentence if there is no paragraph."""
    for news in ("prose", "sentence"):
        for number in range(len(kinds) - 1, -1, -1):
            if kinds[number] == news:
                return number + 1
    return 0


def _mark_sections(lines: Sequence[str], kinds: Sequence[Kind], marked: list[bool], tail: int) -> None:
    """Mark the lines of each section header: in the tail every short line after it, elsewhere its bullets."""
    inside = False
    for number, kind in enumerate(kinds):
        if kind == "header":
            inside = True
        elif kind in ("prose", "sentence"):
            inside = False
        elif kind == "short" and inside:
            inside = marked[number] = number >= tail or _BULLET.match(lines[number].strip()) is not None


def _mark_counts(lines: Sequence[str], marked: list[bool], filled: Sequence[int], tail: int) -> None:
    """Mark a lone count or tag next to boilerplate: after a byline at the top, before a comment box at the end."""
    for before, number in pairwise(filled[:_TOP_LINES]):
        if marked[before] and _COUNT.fullmatch(lines[number].strip()):
            marked[number] = True
    for number, after in reversed(tuple(pairwise(filled))):
        if number < tail:
            return
        if marked[after] and (_COUNT.fullmatch(lines[number].strip()) or _TAG.fullmatch(lines[number].strip())):
            marked[number] = True


def _spans(lines: Sequence[str], marked: Sequence[bool]) -> tuple[Span, ...]:
    """Turn marked lines into spans; lines with only blank lines between them share a span."""
    spans: list[Span] = []
    joined = False  # whether there are only blank lines since the last span
    start = 0
    for line, mark in zip(lines, marked, strict=True):
        end = start + len(line)
        if mark:
            spans.append(Span(spans.pop().start if joined else start, end))
            joined = True
        elif line.strip():
            joined = False
        start = end + 1
    return tuple(spans)
