"""The forms in which models write a cited answer, beside the one that they are asked for."""

import pytest

from qa.answering.reply_parser import NotInSources, Parsed, Partial, ReplyParser, Sentence, slip_of

IDS = ("w4", "7r", "j2")
BRIDGE, REPAIRS = "The bridge reopened on 3 May.", "The repairs cost 4 million euros."
BOTH = [Sentence(BRIDGE, ("w4",)), Sentence(REPAIRS, ("7r",))]


def parse(text: str) -> list[Parsed]:
    """Parse a reply in one piece, and hold that character by character it is the same."""
    parser, pieces = ReplyParser(IDS), ReplyParser(IDS)
    parsed = [*parser.feed(text), *parser.finish()]
    assert [*(item for sign in text for item in pieces.feed(sign)), *pieces.finish()] == parsed
    return parsed


@pytest.mark.parametrize(
    "reply",
    [
        f"[w4] {BRIDGE}\n[7r] {REPAIRS}",
        f"[w4] {BRIDGE}\r\n\r\n[7r] {REPAIRS}\r\n",
        f"w4: {BRIDGE}\n7r: {REPAIRS}",
        f"w4 - {BRIDGE}\n7R – {REPAIRS}",
        f"- **w4**: {BRIDGE}\n- **7r**: {REPAIRS}",
        f"1. [w4] {BRIDGE}\n2. [7r] {REPAIRS}",
        f"(w4) {BRIDGE}\n(7r) {REPAIRS}",
        f"<w4> {BRIDGE}\n<7r> {REPAIRS}",
        f'<cite id="w4">{BRIDGE}</cite>\n<cite id="7r">{REPAIRS}</cite>',
        f"{BRIDGE}<ref>w4</ref>\n{REPAIRS}<ref name='7r'/>",
        f"| id | |\n|---|---|\n| w4 | {BRIDGE} |\n| 7r | {REPAIRS} |",
        f"| 1 | {BRIDGE} | w4 |\n| 2 | {REPAIRS} | 7r |",
        f"w4\n{BRIDGE}\n7r\n{REPAIRS}",
        f"{BRIDGE}\nSource: w4\n{REPAIRS}\nEvidence: 7r",
        f"{BRIDGE}[^1]\n{REPAIRS}[^2]\n\n[^1]: w4\n[^2]: 7r",
        f"{BRIDGE} [1] {REPAIRS} [2]\n\n[1] w4\n[2] 7r",
        f"{BRIDGE}¹ {REPAIRS}²\n\n1. w4\n2. 7r",
        "The bridge reopened on 3 May [w4], and the repairs cost 4 million euros [7r].",
        f'{{"sentences": [{{"id": "w4", "text": "{BRIDGE}"}}, {{"id": "7r", "text": "{REPAIRS}"}}]}}',
        f'```json\n[\n {{"ids": ["w4"], "sentence": "{BRIDGE}"}},\n {{"ids": ["7r"], "sentence": "{REPAIRS}"}}\n]\n```',
        f'{{"w4": "{BRIDGE}", "7r": "{REPAIRS}"}}',
        f'{{"id": "w4", "text": "{BRIDGE}"}}\n{{"id": "7r", "text": "{REPAIRS}"}}',
        f'{{"answer": "{BRIDGE} [w4] {REPAIRS} [7r]"}}',
        f'{{"answer": [{{"claim": "{BRIDGE}", "evidence": ["w4"]}}, {{"claim": "{REPAIRS}", "ref": ["7r"]}}], "x": 1',
        f"<think>Which? [j2]\nNo.</think>\n[w4] {BRIDGE}\n[7r] {REPAIRS}",
        f"Okay, so j2 says that it rained. Hmm.\nThe user asks why [j2].\n</think>\n\n[w4] {BRIDGE}\n[7r] {REPAIRS}",
        f"[THINK]j2[/THINK][w4] {BRIDGE}\n[7r] {REPAIRS}",
        f"◁think▷j2◁/think▷[w4] {BRIDGE}\n[7r] {REPAIRS}",
        "<|channel|>analysis<|message|>See [j2].\n<|end|><|start|>assistant<|channel|>final<|message|>"
        f"[w4] {BRIDGE}\n[7r] {REPAIRS}<|return|>",
        f"analysisLook at j2 first.assistantfinal[w4] {BRIDGE}\n[7r] {REPAIRS}",
        f'<tool_call>{{"name": "search", "arguments": {{"q": "j2"}}}}</tool_call>\n[w4] {BRIDGE}\n[7r] {REPAIRS}',
    ],
)
def test_two_sentences_with_their_ids(reply: str) -> None:
    """However they are written."""
    assert parse(reply) == BOTH


@pytest.mark.parametrize(
    ("reply", "guesses"),
    [
        ("[w5] It rose.", ("w4",)),
        ("w5: It rose.", ("w4",)),
        ("It rose. [4w]", ("w4",)),
        ("It rose. [r7, j3]", ("7r", "j2")),
        ("It rose. [k9]", ()),
        ("It rose. [w2]", ()),  # w4 or j2
    ],
)
def test_an_id_with_a_wrong_sign_is_a_guess(reply: str, guesses: tuple[str, ...]) -> None:
    """Only if one id alone can be meant; the caller looks whether that sentence says it."""
    (sentence,) = parse(reply)
    assert isinstance(sentence, Sentence) and (sentence.text, sentence.ids, sentence.guesses) == (
        "It rose.",
        (),
        guesses,
    )


def test_a_slip_is_of_one_sign_or_order() -> None:
    """Ids of six signs may be cut off too."""
    known = {"s7fk3q": "s7fk3q", "s9d2pp": "s9d2pp"}
    assert [slip_of(word, known) for word in ("s7fk3", "s7fk3r", "S7FK", "s7", "q3kf7s", "s7fk3q")] == [
        "s7fk3q", "s7fk3q", "s7fk3q", None, "s7fk3q", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sources", ["Sources: w4, 7r", "**Sources:**\n- w4\n- 7r", "References\n[w4] [7r]", "(IDs: w4; 7r)"]
)
def test_a_list_of_sources_is_a_guess_for_each_sentence(sources: str) -> None:
    """Which of them bears which sentence is for the caller to find."""
    assert [item.guesses for item in parse(f"It rose.\nIt fell.\n\n{sources}")] == [("w4", "7r")] * 2  # type: ignore[union-attr]
    assert parse(f"It rose.\n{sources}") == [Sentence("It rose.", ("w4", "7r"))]


@pytest.mark.parametrize(
    "reply",
    [
        "NOT IN SOURCES",
        "Not in sources.",
        "NOT_IN_THE_SOURCES",
        '{"answer": "NOT_IN_SOURCES", "citations": []}',
        "The articles do not say what it cost.",
        "Unfortunately, the provided evidence doesn't explicitly mention the price. [w4]",
        "None of the articles mentions it.",
        "There is no information about the price in the given articles.",
        "I cannot answer this question.",
    ],
)
def test_what_is_said_about_the_evidence_is_no_sentence_of_the_answer(reply: str) -> None:
    """No article can prove it."""
    assert parse(reply) == [NotInSources()]


@pytest.mark.parametrize(
    "sentence",
    [
        "The report does not name the driver.",
        "The documents do not show who paid.",
        "The court found no evidence of fraud.",
        "There is no evidence that the mayor knew.",
        "The article of the treaty does not bind Norway.",
        "Not in Kansas, but in Iowa it rained.",
        "Partial results came at noon.",
    ],
)
def test_news_about_what_is_not_there_stays(sentence: str) -> None:
    """A report in the news is not the evidence."""
    assert parse(f"[w4] {sentence}") == [Sentence(sentence, ("w4",))]


@pytest.mark.parametrize(
    "mark", ["PARTIAL", "**PARTIAL**", "PARTIAL: the articles do not say why.", "PARTIAL – no cost is given"]
)
def test_partial_may_say_what_is_missing(mark: str) -> None:
    """What follows the mark is about the evidence."""
    assert parse(f"[w4] {BRIDGE}\n{mark}") == [BOTH[0], Partial()]


def test_json_that_breaks_off_keeps_what_is_whole() -> None:
    """The sentence in which it was cut has no ids."""
    parser = ReplyParser(IDS)
    reply = f'{{"sentences": [{{"id": "w4", "text": "{BRIDGE}"}}, {{"id": "7r", "text": "The repairs co'
    first, second = [*parser.feed(reply), *parser.finish(whole=False)]
    assert first == BOTH[0]
    assert isinstance(second, Sentence) and not second.ids and second.cut


@pytest.mark.parametrize("depth", [5, 3_000, 20_000])
def test_nested_json_is_read_in_time(depth: int) -> None:
    """Neither a stack nor a minute is spent on it."""
    parse("[" * depth + "1" + "]" * depth) if depth < 100 else ReplyParser(IDS).feed("[{" * depth)
    parser = ReplyParser(IDS)
    parser.feed("{" * depth + '"a": "b"')
    parser.finish()
