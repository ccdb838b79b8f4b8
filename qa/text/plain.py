"""Sanitise untrusted text to plain visible text: no markup, no links, no invisible characters. Pure."""

from __future__ import annotations

import html
import re

# Controls and line separators separate words, so they become a space.
_BREAKS = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
# Invisible: soft hyphen, fillers, zero width, bidi, tags and variation supplements (they can hide a whole
# message), private use, lone surrogates.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\ufffe\uffff\ue000-\uf8ff\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\U000f0000-\U0010ffff]"
)
# Joiners form emoji families and Persian words: a single one stays between two visible non-ASCII characters.
_LOOSE_JOINERS = re.compile(
    "[\u200c\u200d]{2,}|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])|[\u200c\u200d](?=[\u200c\u200d])"
)

_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!<>|~-])")
_IMAGE = re.compile(r"!(?=\[)")
_TAG = re.compile(r"<!--.*?-->|<[A-Za-z/!?][^<>]*>")
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_URL = re.compile(
    r"""(?ix)
    \s? (?: [a-z][a-z0-9+.-]{0,15}:// | (?<![\w:/])//(?=\w) | (?<![a-z0-9])www\.
    | (?<![a-z0-9])(?: data:(?=\w+/) | (?:javascript|vbscript|mailto|xmpp):(?=\S) ) )
    [^\s<>\[\]()"”»]* (?: \([^\s<>()]*\) [^\s<>\[\]()"”»]* )*
    """
)
# Frontends turn mail addresses into links too. The bound keeps a long run of letters from taking quadratic time.
_MAIL = re.compile(r"\s?[\w.+-]{1,64}@(?=[\w-]{1,63}\.\w)[\w.-]*\w")
_LINE_START = re.compile(r"^(?:[#>|+*=~-]+\s*(?=\s|$)|[>|]+)+\s*|^(\d{1,9})[.)](?=\s|$)")
_URL_TAIL = re.compile(r"[.,;:!?'’]+$")
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])(.{1,400}?)(?<=[^\s*])\1(?![\w*])")
_UNDERLINE = re.compile(r"(?<!\w)(_{1,3})(?=[^\s_])(.{1,400}?)(?<=[^\s_])\1(?!\w)")
_TICKS = re.compile(r"`+|~~+")
_EMPTY_PARENS = re.compile(r"(?<!\])\(\s*[,;]*\s*\)")  # after `]` they show that the brackets were a link
_EMPTIED = re.compile(r"\]\(\s*\)")  # what remains of a link whose address was removed
_LINK_END = re.compile(r"\](?=[(\[])")
# Every rule in _clean_once needs one of these, so most sentences need none of the rules.
_MARKUP = re.compile(r"(?i)[&\\<!*_`~@(]|//|www\.|(?:data|javascript|vbscript|mailto|xmpp):")
_ROUNDS = 8  # each round uncovers one layer of nesting; text nested deeper loses all its markup characters


def visible_line(text: str) -> str:
    """Return `text` on one line, without control and invisible characters and with white space collapsed."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = _BREAKS.sub(" ", _INVISIBLE.sub("", _BREAKS.sub(" ", text)))
    while (joined := _LOOSE_JOINERS.sub("", text)) != text:
        text = joined
    return _BREAKS.sub(" ", text).strip()


def plain_text(text: str) -> str:
    """Return one line of plain text: no tag, link, address, entity or emphasis remains to be rendered."""
    for _ in range(_ROUNDS):
        cleaned = _clean_once(text)
        if cleaned == text:
            return cleaned
        text = cleaned
    return visible_line(
        re.sub(r"[<>&\\`*_]|://|//|www\.|@(?=\w)|(?i:javascript|vbscript|mailto|xmpp|data):", " ", text)
    )


def plain_statement(text: str) -> str:
    """Return plain text that does not begin a heading, a quotation, a table or a list, and has no emptied link."""
    text = _LINK_END.sub("] ", _EMPTIED.sub("]", plain_text(text)))
    while (rest := _LINE_START.sub(r"\1", text)) != text:
        text = rest
    return text


def _clean_once(text: str) -> str:
    text = visible_line(html.unescape(text))
    if not _MARKUP.search(text):
        return text
    text = _ESCAPED.sub(r"\1", text)
    text = _TAG.sub(" ", text)
    text = _TAG_START.sub("", text)
    text = _URL.sub(_tail, text)
    if "@" in text:
        text = _MAIL.sub(" ", text)
    text = _IMAGE.sub("", text)
    text = _UNDERLINE.sub(r"\2", _EMPHASIS.sub(r"\2", text))
    text = _EMPTY_PARENS.sub(" ", _TICKS.sub("", text))
    return visible_line(text)


def _tail(match: re.Match[str]) -> str:
    tail = _URL_TAIL.search(match.group())
    return tail.group() if tail else " "
