"""Drafting: a model's proposals become rows of the gold format, or are refused with a reason; odd ones are flagged."""

import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from eval.__main__ import app
from eval.dataset.format import GoldQuestion, check
from eval.drafting.draft import PART_CHARS, Drafter, DraftOptions, draft, parts_of
from eval.drafting.flags import flag_drafts, is_trivial
from eval.drafting.format import DraftQuestion, load_drafts, next_id
from eval.models.model_calls import CachedModel, ReplyCache
from eval.models.prompts import load_prompt
from qa import QaError, Refused, Span
from tests.eval.gold_fixtures import gold_row, read_lines, write_lines
from tests.fakes import ScriptedChat, article
from tests.scripted_server import ScriptedServer, evidence_of

QUIET = Console(quiet=True)
FERRY = "The 😀 ferry Marlin sank on Monday off Sandray. It cost €38 million in 2019. Share this page. 船は沈んだ。"


def ferry():
    """Return the article; "Share this page." is boilerplate."""
    start = FERRY.index("Share")
    return article("a", FERRY, outlet="Wire", published_at="2023-03-21T08:00:00Z", furniture=(Span(start, start + 16),))


def line(question="What was paid for the Marlin?", answers=("€38 million",), proof=("COST",), **fields):
    row = {"question": question, "category": "number", "answers": list(answers), "proof": list(proof)}
    return row | fields


def propose(tmp_path, *lines, articles=None, gold=(), options=DraftOptions(), finish="stop"):
    """Draft with a model that writes these lines; COST, SANK and SHIP are replaced by the sentences' ids."""

    def reply(messages):
        shown = {
            words: key for key, words in evidence_of({"messages": [{"role": "user", "content": messages[1].content}]})
        }
        names = {"COST": "It cost", "SANK": "The 😀", "SHIP": "船は"}
        ids = {
            name: next((key for words, key in shown.items() if words.startswith(head)), name)
            for name, head in names.items()
        }
        written = []
        for proposal in lines:
            if isinstance(proposal, dict):
                proposal = json.dumps(
                    proposal | {"proof": [ids.get(key, key) for key in proposal["proof"]]}, ensure_ascii=False
                )
            written.append(proposal + "\n")
        return written

    model = CachedModel(ScriptedChat(reply, finish), ReplyCache(tmp_path / "cache.jsonl"), max_tokens=9)
    drafter = Drafter(model, load_prompt("draft"), options)
    return draft(drafter, articles or [ferry()], gold, workers=2, console=QUIET)


async def test_a_proposal_becomes_a_gold_row_with_exact_spans(tmp_path):
    """The spans are those of the cited sentences, in code points; the row passes the gold check."""
    done = await propose(tmp_path, line(), line("Quand?", ["沈んだ"], ["SHIP"], category="time"))
    assert done.refused == []
    first, second = done.drafts
    (span,) = first.gold
    assert (span.article_id, span.text) == ("a", "It cost €38 million in 2019.")
    assert FERRY[span.start : span.end] == span.text
    assert FERRY[second.gold[0].start : second.gold[0].end] == second.gold[0].text
    assert (first.as_of, first.answerable, first.draft.status, first.draft.model) == (
        "2023-03-21",
        True,
        "proposed",
        "scripted",
    )
    assert len(first.draft.prompt_hash) == 64
    assert check([first, second], {"a": FERRY}) == []


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
async def test_an_invalid_proposal_is_refused_individually(tmp_path, proposal, reason):
    """It has its reason, and a valid proposal in the same reply is accepted."""
    done = await propose(tmp_path, proposal, line("Where did the Marlin go down?", ["Sandray"], ["SANK"]))
    assert [question.question for question in done.drafts] == ["Where did the Marlin go down?"]
    (refused,) = done.refused
    assert refused.source == "a"
    assert reason in refused.reason


async def test_a_computed_answer_is_marked(tmp_path):
    """An answer that no sentence contains needs the gold format's mark for computed answers."""
    done = await propose(tmp_path, line("When?", ["2023-03-20"], ["SANK"], computed=True, notes="from Monday"))
    assert done.drafts[0].notes == "computed: from Monday"


async def test_code_fences_are_not_lines(tmp_path):
    """A code fence around the reply is neither a proposal nor a fault."""
    done = await propose(tmp_path, "```json", line(), "", "```")
    assert (len(done.drafts), done.refused) == (1, [])


async def test_a_question_is_proposed_once(tmp_path):
    """Equal questions about the same article are one draft."""
    done = await propose(tmp_path, line(), line())
    assert len(done.drafts) == 1
    assert done.refused == [Refused("a", "proposed twice: What was paid for the Marlin?")]


async def test_a_truncated_reply_is_refused_as_a_whole(tmp_path):
    """The lines before the cut may be incomplete."""
    done = await propose(tmp_path, line(), finish="length")
    assert (done.drafts, done.refused) == ([], [Refused("a", "the reply ended with 'length'")])


async def test_boilerplate_is_never_shown(tmp_path):
    """Hence it cannot be cited."""
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


def test_sentence_ids_depend_on_the_request(tmp_path):
    """A cached reply can be read again; another article or another number of questions has other ids."""
    model = CachedModel(ScriptedChat(lambda messages: []), ReplyCache(tmp_path / "c.jsonl"), max_tokens=9)
    (part,) = parts_of(ferry())
    (other,) = parts_of(article("a", FERRY + " More."))
    ids, same = (Drafter(model, load_prompt("draft"), DraftOptions()).sentence_ids(part) for _ in range(2))
    assert ids == same
    assert not set(ids) & set(Drafter(model, load_prompt("draft"), DraftOptions(3)).sentence_ids(part))
    assert not set(ids) & set(Drafter(model, load_prompt("draft"), DraftOptions()).sentence_ids(other))


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
        ("The Marlin?", False),  # too few content words
    ],
)
def test_a_question_that_copies_its_sentence_is_trivial(words, trivial):
    """Three quarters of its content words occur in the sentence, whatever its function words."""
    assert is_trivial(drafted("d", words, gold=gold_of("The 😀 ferry Marlin sank on Monday off Sandray."))) is trivial


def test_duplicates_of_gold_and_of_each_other_are_flagged():
    """Duplicates are found by the words that the gold check compares; the first of two drafts is not flagged."""
    gold = [question("number-01", "What did the ferry Marlin cost to build?")]
    drafts = [
        drafted("d1", "what did the ferry marlin cost to build"),
        drafted("d2", "Who was the captain of the Marlin that night?"),
        drafted("d3", "Who was captain of the Marlin that night?"),
    ]
    flags = [question.draft.flags for question in flag_drafts(drafts, gold, [])]
    assert flags == [("duplicate of number-01",), (), ("duplicate of d2",)]


def test_an_unanswerable_question_shows_where_it_may_be_answered():
    """The reviewer is shown each sentence, of an article published by then, that has most of the question's words."""
    later = article("b", "The ferry Marlin sank near Sandray after a fire.", published_at="2023-03-25")
    asked = {"answerable": False, "as_of": "2023-03-21"}
    near, far = flag_drafts(
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


def test_gold_ids_are_not_reused():
    """The next id is one more than the category's highest, also if there are gaps."""
    assert next_id("time", ["time-01", "time-07", "number-40", "time-x", "times-9"]) == "time-08"
    assert next_id("time", []) == "time-01"


def test_a_bad_draft_file_is_reported_line_by_line(tmp_path):
    """All faults are reported together, with their lines; so is a repeated id."""
    good = drafted("d", "q").model_dump(mode="json")
    path = write_lines(tmp_path / "d.jsonl", [good, good | {"draft": {"status": "maybe"}}, good])
    with pytest.raises(QaError) as caught:
        load_drafts(path)
    assert "d.jsonl:2: draft.status" in str(caught.value)
    assert "the id d stands twice" in str(caught.value)


def test_draft_gold_from_articles_to_drafts(monkeypatch, tmp_path):
    """The command writes drafts, reports refusals, uses the cache and never overwrites decisions."""
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
