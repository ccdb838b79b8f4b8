import random
import re
import time

import pytest
from hypothesis import given, strategies as st

from qa.answering.reply_lines import LINE_CHARS
from qa.answering.reply_parser import NotInSources, Parsed, Partial, ReplyParser, Sentence
from qa.text.plain import plain_text, visible_line

IDS = ("s7fk3q", "s9d2pp", "s2bcdf")


def parse(text: str, *, whole: bool = True) -> list[Parsed]:
    parser = ReplyParser(IDS)
    return [*parser.feed(text), *parser.finish(whole=whole)]


def sentences(text: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(item.text, item.ids, item.unknown) for item in parse(text) if isinstance(item, Sentence)]


# ---- the grammar


@pytest.mark.parametrize(
    "reply",
    [
        "It cost 1.5 billion. [s7fk3q, s9d2pp]",
        "It cost 1.5 billion [s7fk3q, s9d2pp].",
        "It cost 1.5 billion. [s7fk3q] [s9d2pp]",
        "It cost 1.5 billion. [s7fk3q][s9d2pp]",
        "It cost 1.5 billion [s7fk3q] [s9d2pp].",
        "It cost 1.5 billion. [s7fk3q; s9d2pp].",
        "It cost 1.5 billion. [S7FK3Q and s9d2pp]",
        "It cost 1.5 billion. [[s7fk3q], [s9d2pp]]",
        "It cost 1.5 billion. [s7fk3q, s9d2pp, s7fk3q]",
        "It cost [s7fk3q] 1.5 billion [s9d2pp].",
        "[s7fk3q, s9d2pp] It cost 1.5 billion.",
        "It cost 1.5 billion. [s7fk3q, s9d2pp",
        "It cost 1.5 billion. (s7fk3q, s9d2pp)",
        "It cost 1.5 billion. s7fk3q, s9d2pp",
        "It cost 1.5 billion. 【s7fk3q†source】【s9d2pp】",
        "It cost 1.5 billion. [Source: s7fk3q, s9d2pp, BBC]",
        "It cost 1.5 billion. [s7fk3q](#s7fk3q) [s9d2pp](http://a.example/x)",
        "It cost 1.5 billion.\n[s7fk3q, s9d2pp]",
        "It cost 1.5 billion.\n\n  - [s7fk3q], [s9d2pp]\n",
        "- It cost **1.5 billion**. [s7fk3q, s9d2pp]\r\n",
        "1. It cost 1.5 billion. [s7fk3q, s9d2pp]",
        "> ### It cost 1.5 billion. \\[s7fk3q, s9d2pp\\]",
        "```text\nIt cost 1.5 billion. [s7fk3q, s9d2pp]\n```",
        "<think>Hm. [s2bcdf]\nOr not?</think>\nIt cost 1.5 billion. [s7fk3q, s9d2pp]",
        "s7fk3q, s9d2pp: It cost 1.5 billion.",
        "---\nIt cost 1.5 billion. &#91;s7fk3q, s9d2pp&#93;",
    ],
)
def test_the_ways_in_which_models_write_one_cited_sentence(reply: str) -> None:
    """However the ids are written, it is the same sentence with the same two ids."""
    assert parse(reply) == [Sentence("It cost 1.5 billion.", ("s7fk3q", "s9d2pp"))]


@pytest.mark.parametrize(
    "reply",
    [
        "It rose. [s7fk3q] It fell. [s9d2pp]",
        "It rose [s7fk3q]. It fell [s9d2pp].",
        "It rose. [s7fk3q]\nIt fell. [s9d2pp]",
        "It rose. [s7fk3q]It fell. [s9d2pp]",
        "[s7fk3q] It rose. [s9d2pp] It fell.",
        "It rose.\n[s7fk3q]\nIt fell.\n[s9d2pp]",
    ],
)
def test_sentences_on_one_line_keep_their_own_ids(reply: str) -> None:
    """Each sentence is cut where its citation ends."""
    assert parse(reply) == [Sentence("It rose.", ("s7fk3q",)), Sentence("It fell.", ("s9d2pp",))]


def test_other_scripts_are_cut_at_their_own_full_stop() -> None:
    """Without spaces the ids leave no gap either."""
    reply = "贸易额为1890亿[s7fk3q]，增长。[s9d2pp]增长很快。[s2bcdf]"
    assert parse(reply) == [
        Sentence("贸易额为1890亿，增长。", ("s7fk3q", "s9d2pp")),
        Sentence("增长很快。", ("s2bcdf",)),
    ]


def test_a_quotation_ends_before_its_ids() -> None:
    """Closing quotation marks belong to the sentence before, opening ones to the sentence after."""
    assert sentences("He said “yes.” [s7fk3q] “No”, said Ann. [s9d2pp]") == [
        ("He said “yes.”", ("s7fk3q",), ()),
        ("“No”, said Ann.", ("s9d2pp",), ()),
    ]


def test_ids_inside_a_sentence_do_not_cut_it() -> None:
    """After an abbreviation a small letter goes on."""
    assert sentences("The U.S. [s7fk3q] economy grew, [s9d2pp] slowly.") == [
        ("The U.S. economy grew, slowly.", ("s7fk3q", "s9d2pp"), ())
    ]


@pytest.mark.parametrize(
    ("reply", "text", "ids", "unknown"),
    [
        ("It rose. [1]", "It rose.", (), ("1",)),
        ("It rose [1, 2][^3]. [s7fk3q]", "It rose.", ("s7fk3q",), ("1", "2", "3")),
        ("It rose. [n]", "It rose.", (), ("n",)),
        ("It rose. [s9zzzz]", "It rose.", (), ("s9zzzz",)),
        ("It rose. [s7fk3q, s9zzzz]", "It rose.", ("s7fk3q",), ("s9zzzz",)),
        ("It rose. [source 2]", "It rose.", (), ("2",)),
        ("It rose. [-1] [0] [1-3]", "It rose.", (), ("1", "0", "3")),
        ("It rose. [[1] 2]", "It rose.", (), ("1", "2")),
        ("It rose. [1](https://evil.example)", "It rose.", (), ("1",)),
        ("It rose. &#91;1&#93; &amp;#91;2&amp;#93;", "It rose.", (), ("1", "2")),
        ("It rose. [\u200b1\u200b]", "It rose.", (), ("1",)),
        ("It rose. ［１］", "It rose.", (), ("１",)),
    ],
)
def test_what_nobody_gave_is_counted_and_never_shown(
    reply: str, text: str, ids: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    """Row 12: invented ids and numeric markers are taken out of the text; the answer puts its own markers."""
    assert sentences(reply) == [(text, ids, unknown)]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("He said they [sic] won. [s7fk3q]", "He said they [sic] won."),
        ("He won in [2023] again. [s7fk3q]", "He won in [2023] again."),
        ("[He] won. [s7fk3q]", "[He] won."),
        ("He won [what?. [s7fk3q]", "He won what?."),
        ("He won] it. [s7fk3q]", "He won it."),
        ("40 [s7fk3q]", "40"),
        ("See id 7. [s7fk3q]", "See id 7."),
        ("He [as he said](once more) won. [s7fk3q]", "He [as he said] (once more) won."),
        ("A [b [c] d] e. [s7fk3q]", "A [b [c] d] e."),
        ("Sales of 5 < 7 and f*** up 40 %. [s7fk3q]", "Sales of 5 < 7 and f*** up 40 %."),
        ("R&D at AT&T cost $5. [s7fk3q]", "R&D at AT&T cost $5."),
        ("The 👨\u200d👩\u200d👧 met in Cafe\u0301 #1. [s7fk3q]", "The 👨\u200d👩\u200d👧 met in Cafe\u0301 #1."),
    ],
)
def test_ordinary_text_stays(reply: str, text: str) -> None:
    """Brackets with words, unpaired brackets, signs, emoji and combining marks are not citations."""
    assert sentences(reply) == [(text, ("s7fk3q",), ())]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("See [the Guardian](https://evil.example/a_(b)?q=1) now.", "See the Guardian now."),
        ("See [the Guardian](/relative \"title\") now.", "See the Guardian now."),
        ("See ![leak](https://evil.example/?q=secret) now.", "See leak now."),
        ("See https://evil.example/a?b#c, now.", "See, now."),
        ("See www.evil.example and //evil.example/x now.", "See and now."),
        ("See <https://evil.example> now.", "See now."),
        ("See javascript:alert(1) and data:text/html;base64,AA now.", "See and now."),
        ("See <b>it</b> <img src=x onerror=alert(1)> now<!-- hidden -->.", "See it now ."),
        ("See <scr<b>ipt>x now.", "See scr ipt>x now."),
        ("See <img src=x onerror=alert(1) now.", "See img src=x onerror=alert(1) now."),
        ("See &lt;script&gt;it&lt;/script&gt; now.", "See it now."),
        ("See **it** __here__, *there*, _so_ and `x` ~~now~~.", "See it here, there, so and x now."),
        ("See\u202e it\u200b\x07 n\U000e0041\u00adow\u2028then.", "See it now then."),
        ("[it]: https://evil.example", "it:"),
        ("See [it] (https://evil.example) now.", "See [it] now."),
        ("See ht[7]tps://evil.example now.", "See ht now."),
    ],
)  # fmt: skip
def test_markup_becomes_plain_text(reply: str, text: str) -> None:
    """A model that obeys an article can only change words: no link, image, tag or hidden character comes through."""
    assert [shown[0] for shown in sentences(reply)] == [text]


@pytest.mark.parametrize("reply", ["NOT_IN_SOURCES", " **NOT_IN_SOURCES**.\n", "`NOT_IN_SOURCES`", "- NOT_IN_SOURCES"])
def test_not_in_sources_is_a_mark(reply: str) -> None:
    """Also with the decoration that models add."""
    assert parse(reply) == [NotInSources()]


def test_a_mark_beside_a_sentence_is_still_a_mark() -> None:
    """Small models explain themselves; the sentence is kept apart, without ids."""
    assert parse("The articles do not say. NOT_IN_SOURCES") == [Sentence("The articles do not say"), NotInSources()]
    assert parse("It rose. [s7fk3q] PARTIAL") == [Sentence("It rose.", ("s7fk3q",)), Partial()]
    assert parse("It rose. [s7fk3q]\nPARTIAL\n") == [Sentence("It rose.", ("s7fk3q",)), Partial()]
    assert parse("A PARTIAL eclipse. [s7fk3q]") == [Sentence("A PARTIAL eclipse.", ("s7fk3q",))]


def test_a_sentence_without_ids_says_so() -> None:
    """The caller rejects it; the ids of a later sentence are not lent to it."""
    assert parse("Here is what I found:\nIt rose. [s7fk3q]\nHope this helps!") == [
        Sentence("Here is what I found:"),
        Sentence("It rose.", ("s7fk3q",)),
        Sentence("Hope this helps!"),
    ]


@pytest.mark.parametrize(
    "reply", ["", " \n\r\n", "[s7fk3q]", "[1]", "```\n```", "<think>It rose. [s7fk3q]", "---", "[]()"]
)
def test_nothing_said_is_nothing(reply: str) -> None:
    """Ids without a sentence and an unclosed thought are not an answer."""
    assert parse(reply) == []


# ---- streaming


REPLIES = [
    "It rose [s7fk3q]. It fell [s9d2pp].\r\n\nSo what? [1]\nNOT_IN_SOURCES",
    "<think>no [s7fk3q]\n</think>It <b>rose</b>.\n[s7fk3q]\n<thi>x</THINK >y [s9d2pp]\nPARTIAL",
    "1. **It** cost 👩\u200d🚀 e\u0301 5 < 7 [sic] [s7fk3q, s9d2pp\n- [x](http://e.x) [[1] [s2bcdf]]. 贸易。[s7fk3q]",
]


@pytest.mark.parametrize("reply", REPLIES)
def test_any_two_pieces_give_what_one_piece_gives(reply: str) -> None:
    """Every place to split, and every character alone."""
    whole = parse(reply)
    assert any(isinstance(item, Sentence) and item.ids for item in whole)
    for at in range(len(reply) + 1):
        parser = ReplyParser(IDS)
        assert [*parser.feed(reply[:at]), *parser.feed(reply[at:]), *parser.finish()] == whole
    parser = ReplyParser(IDS)
    assert [*(item for character in reply for item in parser.feed(character)), *parser.finish()] == whole


FRAGMENTS = [
    *"[](){}<>!*_`#~\\/:;,.?&-|\n\r '\"", "s7fk3q", "s9d2pp", "s9zzzz", "1", "[s7fk3q]", "[2]", "](", "http://e.x/",
    "www.e.x", "javascript:", "data:a/", "<think>", "</think>", "<img src=x>", "</b>", "<!--", "-->", "&lt;", "&#91;",
    "&amp;", "\\[", "NOT_IN_SOURCES", "PARTIAL", "```", "It rose. ", "It fell ", "[sic]", "\u202e", "\u200d", "\u200b",
    "\U000e0041", "👩", "e\u0301", "漢。", "“", "”", "…", "\ud800", "\x00", "**", "__",
]  # fmt: skip
anything = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=30).map("".join)


@given(anything, st.randoms(use_true_random=False))
def test_no_split_changes_what_was_said(reply: str, rng: random.Random) -> None:
    """The property that makes streaming honest, for text that nobody would write."""
    parser, parsed, at = ReplyParser(IDS), list[Parsed](), 0
    while at < len(reply):
        step = rng.randint(1, 9)
        parsed += parser.feed(reply[at : at + step])
        at += step
    assert [*parsed, *parser.finish()] == parse(reply)


@given(anything)
def test_no_text_carries_markup_markers_or_strangers(reply: str) -> None:
    """Whatever the model wrote: known ids only, plain text only, no marker but the ones that we will put."""
    for item in parse(reply):
        if not isinstance(item, Sentence):
            continue
        assert set(item.ids) <= set(IDS)
        assert not set(item.unknown) & set(IDS)
        assert item.text.strip()
        assert not re.search(r"\[[\s\d]*\]|\]\(|!\[|<[A-Za-z/!?]|\w://", item.text)
        assert not re.search(r"(?i)(?<![a-z0-9])(www\.|javascript:\S)", item.text)
        assert not set(re.findall(r"[A-Za-z0-9]+", item.text)) & set(IDS)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u202a-\u202e\ud800-\udfff\U000e0000-\U000e0fff]", item.text)


@given(anything)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """Removing one thing never uncovers another."""
    assert plain_text(plain_text(text)) == plain_text(text)
    assert visible_line(visible_line(text)) == visible_line(text)


@given(anything, st.integers(0, 60))
def test_a_cut_reply_proves_nothing_that_the_whole_did_not(reply: str, cut: int) -> None:
    """What was returned before the cut is unchanged; the sentence that was cut has no ids."""
    parser = ReplyParser(IDS)
    before = parser.feed(reply[:cut])
    assert parse(reply)[: len(before)] == before
    assert all(
        item.text and not item.ids for item in parser.finish(whole=False)[-1:] if isinstance(item, Sentence)
    ) or (reply[:cut].rstrip(" ").endswith(("\n", "\r")))


def test_the_cut_sentence_keeps_its_words_without_its_ids() -> None:
    """`[id] It fell` may have gone on with `by no more than 1 %`."""
    assert parse("It rose. [s7fk3q]\n[s9d2pp] It fell", whole=False) == [
        Sentence("It rose.", ("s7fk3q",)),
        Sentence("It fell"),
    ]


def test_an_overlong_line_is_cut_and_its_last_sentence_proves_nothing() -> None:
    """A hard cap on a line, the same wherever it was split; the line after it is read again."""
    line = "It rose. [s7fk3q] [s9d2pp] It fell " + "very " * 2000 + "much.\nIt stood. [s2bcdf]"
    parsed = parse(line)
    assert parsed[0] == Sentence("It rose.", ("s7fk3q", "s9d2pp"))
    assert isinstance(parsed[1], Sentence)
    *cut, last = parsed[1:]
    assert all(isinstance(item, Sentence) and not item.ids and len(item.text) < LINE_CHARS for item in cut)
    assert last == Sentence("It stood.", ("s2bcdf",))
    parser = ReplyParser(IDS)
    assert [
        *(item for at in range(0, len(line), 7) for item in parser.feed(line[at : at + 7])),
        *parser.finish(),
    ] == parsed


@pytest.mark.parametrize(
    "unit",
    ["[", "]", "<", "*a ", "_a ", "(", "[1](", "<!--", "a:", "\\", "&amp;", "\u200d", "[s7fk3q", "`", "http://",
     "<think>", "//a", "s7fk3q ", "([", "[a]", "a. [1] "],
)  # fmt: skip
def test_hostile_repeats_take_no_time(unit: str) -> None:
    """A line of any one sign is parsed within a second: no pattern may be worse than quadratic."""
    begun = time.perf_counter()
    half = LINE_CHARS // 2 // len(unit)
    closing = {"[": "]", "(": ")", "<": ">"}.get(unit[0], unit)
    parse(unit * half + closing * half + "\n" + unit * 100_000)
    assert time.perf_counter() - begun < 1.5
