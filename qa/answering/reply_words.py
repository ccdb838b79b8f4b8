"""Tell what a model says about its answer from what it answers: marks, lead-ins, thoughts, headings of lists. Pure."""

from __future__ import annotations

import re

_REFUSAL_MARK = re.compile(r"^NOT[_ ]IN[_ ](?:THE[_ ])?SOURCES\b|\bNOT[_ ]IN[_ ](?:THE[_ ])?SOURCES$")
_REFUSAL_WORDS = re.compile(r"^not[_ ]in[_ ](?:the[_ ])?sources$", re.IGNORECASE)
_PARTIAL_MARK = re.compile(r"^PARTIAL(?:LY ANSWERED)?(?=$|[\s:.,;–—-])(?!\s+[a-z]+\s[^:]*$)")

_ANY = r"(?:evidence|articles?|sources?|context|sentences?|texts?|passages?|documents?|excerpts?|information|reports?)"
_GIVEN = r"(?:provided|given|available|supplied|above|listed|shown|retrieved)"
# What the model was shown. A bare "the report" or "the documents" may be what the news is about.
_EVIDENCE = rf"(?:{_GIVEN}\s(?:news\s)?{_ANY}|{_ANY}\s{_GIVEN}|evidence|(?:news\s)?articles?|context|excerpts?)"
_SAY = (
    r"(?:mention|say|state|contain|answer|provide|give|include|specify|tell|name|explain|address|cover|discuss|indicate"
    r"|report|have)"
)
# "The articles do not say why", "There is no information about ... in the evidence", "No article mentions ..."
_ABSENCE = re.compile(
    rf"""(?ix)^(?:however,\s|unfortunately,\s|but\s|sorry,\s|i['’]m\ssorry,?\s(?:but\s)?|based\son\s[^,]*,\s)*(?:
        (?:the|these|those|this)\s+{_EVIDENCE}\s(?:(?:do|does|did)(?:\snot|n['’]t)|cannot|can['’]t|fails?\sto)\s
            (?:\w+ly\s)?{_SAY}\b.*
      | (?:the|these|those|this)\s+{_EVIDENCE}\s(?:lacks?|has\sno|have\sno|contains?\sno|gives?\sno|provides?\sno)\b.*
      | (?:none\sof\sthe|no)\s+{_EVIDENCE}\s(?:\w+ly\s)?{_SAY}(?:s|es)?\b.*
      | (?:there\sis|i\s(?:see|find|found|have))\s(?:no|not\s(?:any|enough)|insufficient)\s
            (?:information|mention|details?|data|indication|statement|sentence|reference|answer|evidence)\b.*
            \b(?:in|from|within|by)\s(?:(?:any\sof\s)?(?:the|these|those|this)\s)?{_EVIDENCE}\b.*
      | (?:it|this|that|the\squestion)\s(?:is\snot|cannot\sbe|isn['’]t)\s
            (?:answered|mentioned|stated|specified|given|determined)\b.*\b{_EVIDENCE}\b.*
      | i\s(?:cannot|can['’]t|could\snot|am\s(?:not\sable|unable)\sto)\s(?:answer|find|determine)\b.*
      | i\sdo(?:\snot|n['’]t)\sknow\b.*
    )$"""
)

_PREAMBLE = re.compile(
    rf"""(?ix)^(?:
        (?:based\son|according\sto|as\sper|per|from|in|as\s(?:stated|reported|mentioned|said)\s(?:in|by))\s
            (?:the|these|this)\s+{_EVIDENCE}(?:\s\d{{1,2}})?\s?[,:]\s*
      | (?:the\s)?(?:final\s)?(?:answer|evidence|quote|statement|sentence|fact|response|summary|result)\s?
            (?:\d{{1,2}}\s?)?:\s+
      | (?:the|these|this)\s+(?:(?:news\s)?articles?|{_GIVEN}\s{_ANY})(?:\s\d{{1,2}})?\s
            (?:says?|states?|shows?|reports?|mentions?|notes?|indicates?)\sthat\s
    )"""
)
_SOURCES = re.compile(
    r"(?:(?:the|cited|relevant|supporting)\s)*(?:sources?|references?|citations?|footnotes?|evidence|ids?)"
    r"(?:\s(?:used|cited|ids?))?\s?[:：]?",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(r"[:：]\s*$")
_CHAT = re.compile(
    r"(?:i|i['’](?:m|ll|ve)|you|let me|please|sure|certainly|of course|thanks|thank you|if you|feel free|as an ai"
    r"|hope)\b",
    re.IGNORECASE,
)
_THOUGHT = re.compile(
    r"(?:okay|ok|alright|hmm+|right,|so,|well,|let me|let['’]s|we (?:need|have|are|must|should|can)"
    r"|i (?:need|have|should|must|will|am)|i['’]ll"
    r"|the user|user (?:asks|wants)|first,? (?:i|we|let)|looking at|to answer|thinking)\b",
    re.IGNORECASE,
)


def is_partial_mark(text: str) -> bool:
    """Tell whether a line says PARTIAL, alone or with what is missing behind it."""
    return _PARTIAL_MARK.match(text) is not None


def without_refusal_mark(text: str) -> str | None:
    """Return the words beside NOT_IN_SOURCES, at either end of a sentence; None if it is not there."""
    if _REFUSAL_WORDS.match(text):
        return ""
    return _REFUSAL_MARK.sub(" ", text) if _REFUSAL_MARK.search(text) else None


def tells_absence(text: str) -> bool:
    """Tell whether a sentence says that the evidence does not say something: no article can prove that."""
    return _ABSENCE.match(text) is not None


def without_preamble(text: str) -> str:
    """Return a sentence without "According to the articles," and labels such as "Answer:" before it."""
    for _ in range(3):
        shorter = _PREAMBLE.sub("", text)
        if shorter == text or not shorter.strip():
            break
        text = shorter[:1].upper() + shorter[1:]
    return text


def heads_sources(text: str) -> bool:
    """Tell whether a line only announces the ids that follow: "Sources:"."""
    return _SOURCES.fullmatch(text.strip(" *_#()[]")) is not None


def leads_in(text: str) -> bool:
    """Tell whether a line only announces the next one: "Here is the answer:"."""
    return _LEAD_IN.search(text) is not None


def is_chat(text: str) -> bool:
    """Tell whether a sentence speaks to the user and not about the news."""
    return _CHAT.match(text.strip()) is not None


def thinks_aloud(text: str) -> bool:
    """Tell whether a reply begins like thoughts: they may end with a closing tag that nothing opened."""
    return _THOUGHT.match(text.strip(" *_#>")) is not None
