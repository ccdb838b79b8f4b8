"""Drafts: what a model proposes becomes rows of the gold format, is refused with its reason, or is flagged."""

import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from eval.__main__ import app
from eval.dataset.format import GoldQuestion, check
from eval.drafting.draft import PART_CHARS, Drafter, Wanted, draft, parts_of
from eval.drafting.flags import flagged, is_trivial
from eval.drafting.format import DraftQuestion, load_drafts, next_id
from eval.models.model_calls import CachedModel, ReplyCache
from eval.models.prompts import load_prompt
from qa import QaError, Refused, Span
from tests.eval.gold_bits import gold_row, read_lines, write_lines
from tests.fakes import ScriptedChat, article
from tests.scripted_server import ScriptedServer, evidence_of

QUIET = Console(quiet=True)
FERRY = "The 😀 ferry Marlin sank on Monday off Sandray. It cost €38 million in 2019. Share this page. 船は沈んだ。"


def ferry():
    """Return the article; "Share this page." is the furniture of the page."""
    start = FERRY.index("Share")
    return article("a", FERRY, outlet="Wire", published_at="2023-03-21T08:00:00Z", furniture=(Span(start, start + 16),))


def line(question="What was paid for the Marlin?", answers=("€38 million",), proof=("COST",), **fields):
    row = {"question": question, "category": "number", "answers": list(answers), "proof": list(proof)}
    return row | fields


def propose(tmp_path, *lines, articles=None, gold=(), wanted=Wanted(), finish="stop"):
    """Draft with a model that writes these lines; COST, SANK and SHIP stand for the ids of the sentences."""

    def reply(messages):
        shown = {
            words: key for key, words in evidence_of({"messages": [{"role": "user", "content": messages[1].content}]})
        }
        names = {"COST": "It cost", "SANK": "The 😀", "SHIP": "船は"}
        ids = {
            name: next((key for words, key in shown.items() if words.startswith(head)), name)
            for name, head in names.items()
        }
        said = []
        for one in lines:
            if isinstance(one, dict):
                one = json.dumps(one | {"proof": [ids.get(key, key) for key in one["proof"]]}, ensure_ascii=False)
            said.append(one + "\n")
        return said

    model = CachedModel(ScriptedChat(reply, finish), ReplyCache(tmp_path / "cache.jsonl"), max_tokens=9)
    drafter = Drafter(model, load_prompt("draft"), wanted)
    return draft(drafter, articles or [ferry()], gold, workers=2, console=QUIET)


async def test_a_proposal_becomes_a_gold_row_with_exact_spans(tmp_path):
    """The spans are those of the sentences that were named, counted in code points; the row passes the gold check."""
    done = await propose(tmp_path, line(), line("Quand?", ["沈んだ"], ["SHIP"], category="time"))
    assert done.refused == []
    one, two = done.drafts
    (span,) = one.gold
    assert (span.article_id, span.text) == ("a", "It cost €38 million in 2019.")
    assert FERRY[span.start : span.end] == span.text
    assert FERRY[two.gold[0].start : two.gold[0].end] == two.gold[0].text
    assert (one.as_of, one.answerable, one.draft.status, one.draft.model) == (
        "2023-03-21",
        True,
        "proposed",
        "scripted",
    )
    assert len(one.draft.prompt_hash) == 64
    assert check([one, two], {"a": FERRY}) == []


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        (line(proof=["s2bcdf"]), "names sentences that were not shown: s2bcdf"),
        (line(proof=[]), "answerable, but has no gold"),
        (line(answers=["€39 million"]), "no answer stands in gold set 0"),
        (line(answers=["8 million"], proof=["SANK"]), "no answer stands in gold set 0"),
        (line(answers=[]), "answerable, but has no answers"),
        (line(category="unanswerable"), "unanswerable, but has answers"),
        (line(category="gossip"), "category"),
        (line(question=" "), "question"),
        (line(question="\u200b\u2060"), "question"),
        (line(answers="€38 million"), "answers"),
        ("What did it cost? €38 million", "Invalid JSON"),
        ('{"question": "cut', "Invalid JSON"),
        ("[]", "should be an object"),
    ],
)
async def test_what_can_be_no_gold_question_is_refused_by_itself(tmp_path, proposal, reason):
    """Each with its reason; the good one beside it goes in."""
    done = await propose(tmp_path, proposal, line("Where did the Marlin go down?", ["Sandray"], ["SANK"]))
    assert [one.question for one in done.drafts] == ["Where did the Marlin go down?"]
    (refused,) = done.refused
    assert refused.source == "a"
    assert reason in refused.reason


async def test_a_computed_answer_is_marked(tmp_path):
    """An answer that stands in no sentence needs the mark that the gold format has for it."""
    done = await propose(tmp_path, line("When?", ["2023-03-20"], ["SANK"], computed=True, notes="from Monday"))
    assert done.drafts[0].notes == "computed: from Monday"


async def test_code_fences_are_not_lines(tmp_path):
    """Models wrap what they write: the fence is no proposal and no fault."""
    done = await propose(tmp_path, "```json", line(), "", "```")
    assert (len(done.drafts), done.refused) == (1, [])


async def test_a_question_is_proposed_once(tmp_path):
    """The same words of the same article are one draft."""
    done = await propose(tmp_path, line(), line())
    assert len(done.drafts) == 1
    assert done.refused == [Refused("a", "proposed twice: What was paid for the Marlin?")]


async def test_a_reply_that_was_cut_is_refused_whole(tmp_path):
    """The lines before the cut may be half of what was meant."""
    done = await propose(tmp_path, line(), finish="length")
    assert (done.drafts, done.refused) == ([], [Refused("a", "the reply ended with 'length'")])


async def test_furniture_is_never_shown(tmp_path):
    """Nor can it be named."""
    seen = [article("a", FERRY).text[span.start : span.end] for part in parts_of(ferry()) for span in part.spans]
    assert "Share this page." not in seen
    assert "It cost €38 million in 2019." in seen


def test_a_long_article_is_asked_about_in_parts():
    """Every sentence is in one part, in order, and no part is longer than a prompt."""
    text = " ".join(f"Sentence number {n} of a long article about ships." for n in range(600))
    parts = list(parts_of(article("a", text)))
    assert len(parts) > 1
    spans = [span for part in parts for span in part.spans]
    assert spans == sorted(spans)
    assert len(spans) == 600
    assert all(part.spans[-1].end - part.spans[0].start <= PART_CHARS for part in parts)


def test_ids_are_those_of_the_same_request(tmp_path):
    """A kept reply can be read again; another article, another number of questions: other ids."""
    model = CachedModel(ScriptedChat(lambda messages: []), ReplyCache(tmp_path / "c.jsonl"), max_tokens=9)
    (part,) = parts_of(ferry())
    (other,) = parts_of(article("a", FERRY + " More."))
    one, same = (Drafter(model, load_prompt("draft"), Wanted()).shown(part) for _ in range(2))
    assert one == same
    assert not set(one) & set(Drafter(model, load_prompt("draft"), Wanted(3)).shown(part))
    assert not set(one) & set(Drafter(model, load_prompt("draft"), Wanted()).shown(other))


# --- flags


def question(name, words, **fields):
    return GoldQuestion.model_validate(gold_row(name, question=words, **fields))


def drafted(name, words, **fields):
    return DraftQuestion.model_validate(gold_row(name, question=words, draft={"status": "proposed"}, **fields))


def gold_of(words):
    start = FERRY.index(words)
    return [{"article_id": "a", "start": start, "end": start + len(words), "text": words}]


@pytest.mark.parametrize(
    ("words", "trivial"),
    [
        ("On which day did the ferry Marlin sink off Sandray?", False),  # ferry, marlin, sandray of five
        ("Where was it that the ferry Marlin sank on Monday?", True),
        ("Which vessel was lost near the island?", False),
        ("The Marlin?", False),  # too few words to copy
    ],
)
def test_a_question_that_copies_its_sentence_is_trivial(words, trivial):
    """Three quarters of its content words, whatever the little words around them."""
    assert is_trivial(drafted("d", words, gold=gold_of("The 😀 ferry Marlin sank on Monday off Sandray."))) is trivial


def test_duplicates_of_gold_and_of_each_other_are_flagged():
    """By the words that the gold check compares; the first of two drafts is the one that stays clean."""
    gold = [question("number-01", "What did the ferry Marlin cost to build?")]
    drafts = [
        drafted("d1", "what did the ferry marlin cost to build"),
        drafted("d2", "Who was the captain of the Marlin that night?"),
        drafted("d3", "Who was captain of the Marlin that night?"),
    ]
    flags = [one.draft.flags for one in flagged(drafts, gold, [])]
    assert flags == [("duplicate of number-01",), (), ("duplicate of d2",)]


def test_an_unanswerable_question_shows_where_it_may_be_answered():
    """A sentence of any article that was out by then and holds most of its words is put before the reviewer."""
    later = article("b", "The ferry Marlin sank near Sandray after a fire.", published_at="2023-03-25")
    asked = {"answerable": False, "as_of": "2023-03-21"}
    near, far = flagged(
        [
            drafted("d1", "Why was it that the Marlin sank off Sandray?", **asked),
            drafted("d2", "Who owns the lighthouse at Vellin?", **asked),
        ],
        [],
        [ferry(), later],
    )
    assert near.draft.flags == ("may be answered",)
    assert [(span.article_id, span.text) for span in near.draft.near] == [
        ("a", "The 😀 ferry Marlin sank on Monday off Sandray.")
    ]
    assert (far.draft.flags, far.draft.near) == ((), ())


# --- files and the command


def test_ids_of_gold_are_never_given_again():
    """One more than the highest of the category, also after a hole."""
    assert next_id("time", ["time-01", "time-07", "number-40", "time-x", "times-9"]) == "time-08"
    assert next_id("time", []) == "time-01"


def test_a_bad_draft_file_is_told_line_by_line(tmp_path):
    """All faults at once, with their lines; an id that stands twice too."""
    good = drafted("d", "q").model_dump(mode="json")
    path = write_lines(tmp_path / "d.jsonl", [good, good | {"draft": {"status": "maybe"}}, good])
    with pytest.raises(QaError) as caught:
        load_drafts(path)
    assert "d.jsonl:2: draft.status" in str(caught.value)
    assert "the id d stands twice" in str(caught.value)


def test_draft_gold_from_articles_to_drafts(monkeypatch, tmp_path):
    """The command writes drafts, says what it refused, asks nothing twice and never writes over decisions."""
    rows = [{"id": "a", "outlet": "Wire", "published_at": "2023-03-21", "text": FERRY}]
    articles, out = write_lines(tmp_path / "articles.jsonl", rows), tmp_path / "drafts.jsonl"

    def reply(request):
        key = next(key for key, words in evidence_of(request) if words.startswith("It cost"))
        return [json.dumps(line(proof=[key])) + "\n", json.dumps(line("Why?", proof=["s9zzzz"]))]

    def call(server, *args):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("QA_LLM_MODEL", "scripted")
        return CliRunner().invoke(app, ["draft-gold", str(articles), "--out", str(out), *args])

    with ScriptedServer(reply=reply) as server:
        declined = CliRunner().invoke(app, ["draft-gold", str(articles), "--out", str(out), "--model", "m"])
        assert declined.exit_code == 2  # no server is named
        done = call(server, "--yes")
        assert done.exit_code == 0, done.output
        assert "1 calls, 0 more are answered already" in done.stderr
        assert "refused: a: Why?: names sentences that were not shown: s9zzzz" in done.stderr
        assert done.stdout.startswith("1 drafts, 0 with a flag, 1 refused, 1 calls")
        assert call(server).stdout.startswith("1 drafts, 0 with a flag, 1 refused, 0 calls")
        (row,) = read_lines(out)
        write_lines(out, [row | {"draft": row["draft"] | {"status": "rejected"}}])
        kept = call(server, "--yes")
        assert kept.exit_code == 2
        assert "holds decisions" in kept.output
        assert read_lines(out)[0]["draft"]["status"] == "rejected"
