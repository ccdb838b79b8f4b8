"""Answers in both modes, over a real store with words alone and a scripted model."""

import re
import shutil
import threading
from dataclasses import replace
from datetime import date

import pytest

from qa.answering import extractive
from qa.answering.answerer import Answerer
from qa.answering.draft import Delta, Retrieved
from qa.conflicts import find
from qa.errors import BadQuestion, ModelUnavailable
from qa.library import Library
from qa.llm.prompts import load_prompts
from qa.query import analysis, follow_ups, history
from qa.query.history import NOT_IN_SOURCES
from qa.retrieval.sentence_ranker import EvidenceRanker
from qa.settings import Settings
from qa.temporal import phrases
from qa.types import Answer, Citation, Filters, Question, ShortAnswer, Turn
from qa.verification import verify
from tests.answer_shape import faults
from tests.fakes import PhraseReader, ScriptedChat, article

BRIDGE = article(
    "bridge",
    "Bridge reopens 🎉\r\n\r\nThe Kestrel bridge reopened on 3 May after repairs that cost 4.2 million euros. "
    "Mayor Zoë Ada\u0301mes said “the wait is over”. The bridge did not close again.\n\nLeave a Reply\n\n"
    "Your email address will not be published.",
    title="Bridge reopens",
    outlet="Harbour Daily",
    published_at="2026-05-04",
)
FERRY = article(
    "ferry",
    "The ferry to Kestrel island carried 5,200 passengers in April, its operator said. The ferry has two decks.",
    title="Ferry is full",
    outlet="Coast Wire",
    published_at="2026-05-02",
)


@pytest.fixture
def library(tmp_path):
    with Library(Settings(data_dir=tmp_path / "data", embed_model="none")) as opened:
        opened.ingest([BRIDGE, FERRY])
        yield opened


def ids_in(messages) -> dict[str, str]:
    """Return the sentence ids of a prompt by their text."""
    return {
        said: sentence_id for sentence_id, said in re.findall(r"^\[(\w+)\] (.+)$", messages[-1].content, re.MULTILINE)
    }


def cite(messages, words: str) -> str:
    return next(sentence_id for said, sentence_id in ids_in(messages).items() if words in said)


def check_shape(answer: Answer, library: Library) -> None:
    """Nothing that the contract promises of any answer is broken."""
    assert faults(answer, library.catalog) == []


async def test_extractive_answer_is_verbatim_attributed_and_exact(library):
    """Without a model the answer is a sentence of an article, with who said it and when."""
    answer = await library.answerer().ask(Question("How much did the repairs of the Kestrel bridge cost?"))
    check_shape(answer, library)
    assert answer.status == "answered" and answer.mode == "extractive" and answer.model is None
    assert answer.answer.startswith("Harbour Daily, 4 May 2026: The Kestrel bridge reopened on 3 May")
    assert "4.2 million euros" in answer.citations[0].quote


@pytest.mark.parametrize("mode", ["extractive", "llm"])
async def test_the_event_loop_computes_nothing(library, mode, monkeypatch):
    """Every other answer waits on it: search, sentences, their choice, disagreements and dates belong into threads."""
    seen = {}
    for place, name in (
        (library.retriever, "search"), (library.ranker, "rank"), (extractive, "choose"), (find, "find"),
        (phrases, "resolve"), (verify, "check"),
    ):  # fmt: skip
        real = getattr(place, name)

        def noted(*args, _real=real, _name=name, **kwargs):
            seen.setdefault(_name, set()).add(threading.get_ident())
            return _real(*args, **kwargs)

        monkeypatch.setattr(place, name, noted)
    library.model = ScriptedChat(lambda messages: f"The repairs cost 4.2 million euros. [{cite(messages, 'repairs')}]")
    await library.answerer().ask(Question("How much did the repairs of the Kestrel bridge cost?", mode=mode))
    assert set(seen) == {"search", "rank", "find", "resolve", "choose" if mode == "extractive" else "check"}
    assert threading.get_ident() not in set().union(*seen.values())


def read_with(library: Library, *phrases: str) -> None:
    """Let a reader take these phrases for answers."""
    library.ranker = EvidenceRanker(library.ranker._lexical, None, PhraseReader(*phrases))


def words_at(library: Library, answer: Answer) -> str:
    """Return the article's words at the place of the short answer."""
    assert answer.short_answer is not None
    source = answer.citations[answer.short_answer.citation - 1].source
    text = library.catalog.text("default", source.article_id, source.version).text
    return text[answer.short_answer.start : answer.short_answer.end]


@pytest.mark.parametrize(
    ("question", "phrase", "short"),
    [
        ("How much did the repairs of the Kestrel bridge cost?", "2 million euros", "4.2 million euros"),
        ("What did Mayor Zoë Adámes say?", "the wait is over", "the wait is over"),
        ("Who said the wait is over?", "Ada", "Zoë Ada\u0301mes"),
        (
            "Did the Kestrel bridge reopen on 3 May?",
            "May",
            "The Kestrel bridge reopened on 3 May after repairs that cost 4.2 million euros",
        ),
    ],
)
async def test_the_short_answer_is_a_span_of_the_article(library, question, phrase, short):
    """Emoji, CRLF and combining marks before it do not move it."""
    read_with(library, phrase)
    answer = await library.answerer().ask(Question(question))
    check_shape(answer, library)
    assert answer.status == "answered" and answer.short_answer is not None
    assert answer.short_answer.text == words_at(library, answer) == short


async def test_the_short_answer_comes_before_the_first_words(library):
    """A stream without a model has it between the hits and the text; with none the stream is as before."""
    read_with(library, "4.2 million euros")
    question = Question("How much did the repairs of the Kestrel bridge cost?")
    events = [event async for event in library.answerer().stream(question)]
    assert isinstance(events[0], Retrieved) and isinstance(events[1], ShortAnswer)
    assert events[1] == events[-1].short_answer
    assert "".join(event.text for event in events if isinstance(event, Delta)) == events[-1].answer
    read_with(library)
    events = [event async for event in library.answerer().stream(question)]
    assert not any(isinstance(event, ShortAnswer) for event in events) and events[-1].short_answer is None


async def test_articles_that_contradict_each_other_stream_no_short_answer(library):
    """One side in bold would look like the truth."""
    library.ingest([replace(BRIDGE, id="other", outlet="Coast Wire", text=BRIDGE.text.replace("4.2", "6.5"))])
    read_with(library, "4.2 million euros", "6.5 million euros")
    events = [
        event async for event in library.answerer().stream(Question("How much did the Kestrel bridge repairs cost?"))
    ]
    assert events[-1].status == "conflicting" and events[-1].short_answer is None
    assert not any(isinstance(event, ShortAnswer) for event in events)


async def test_a_model_answer_has_the_short_answer_of_its_first_sentence(library):
    """It is the article's words in what the model's first statement cites, and is not streamed."""
    read_with(library, "4.2 million euros", "5,200 passengers")
    library.model = ScriptedChat(
        lambda messages: [
            f"The ferry carried 5,200 passengers in April. [{cite(messages, '5,200')}]\n",
            f"The repairs cost 4.2 million euros. [{cite(messages, '4.2 million')}]\n",
        ]
    )
    question = Question("What did the Kestrel bridge repairs cost, and who took the ferry?")
    events = [event async for event in library.answerer().stream(question)]
    answer = events[-1]
    check_shape(answer, library)
    assert answer.mode == "llm" and answer.short_answer.text == words_at(library, answer) == "5,200 passengers"
    assert answer.short_answer.citation == 1 and not any(isinstance(event, ShortAnswer) for event in events)


async def test_silent_articles_are_a_status(library):
    """A question whose names are in no article is refused, without statements and citations."""
    answer = await library.answerer().ask(Question("What did Prime Minister Okonkwo say about the bridge?"))
    assert answer.status == "not_in_sources" and answer.answer == NOT_IN_SOURCES
    assert answer.statements == () and answer.citations == ()


async def test_length_is_not_answered_by_a_sentence_without_one(library):
    """ "How long" wants a length of time, whatever other words a sentence shares with the question."""
    answer = await library.answerer().ask(Question("How long did the repairs of the Kestrel bridge last?"))
    assert answer.status == "not_in_sources"


async def test_nothing_dated_after_as_of_is_cited(library):
    """On 3 May nobody could read what was published on 4 May."""
    answer = await library.answerer().ask(Question("How much did the Kestrel bridge repairs cost?", as_of="2026-05-03"))
    assert all(citation.source.article_id != "bridge" for citation in answer.citations)


async def test_filters_bound_the_answer(library):
    """A filter by outlet leaves the other outlets out."""
    asked = Question("How many passengers did the Kestrel ferry carry?", filters=Filters(outlets=("harbour daily",)))
    answer = await library.answerer().ask(asked)
    assert {citation.source.outlet for citation in answer.citations} <= {"Harbour Daily"}


async def test_model_answer_maps_ids_to_spans(library):
    """The model names sentence ids; the server turns them into spans, numbered by first appearance."""
    library.model = ScriptedChat(
        lambda messages: [
            f"The repairs cost 4.2 million euros. [{cite(messages, '4.2 million')}]\n",
            f"The ferry carried 5,200 passengers in April. [{cite(messages, '5,200')}]\n",
        ]
    )
    answer = await library.answerer().ask(Question("What did the Kestrel bridge repairs cost, and who took the ferry?"))
    check_shape(answer, library)
    assert answer.mode == "llm" and answer.model == "scripted" and answer.complete
    assert answer.answer == ("The repairs cost 4.2 million euros. [1] The ferry carried 5,200 passengers in April. [2]")
    assert [statement.support for statement in answer.statements] == ["supported", "supported"]
    assert answer.usage.prompt_tokens == 10


async def test_invented_ids_and_changed_facts_are_rejected(library):
    """An id that was not given, a changed number and a sentence that nothing bears never reach the answer."""
    library.model = ScriptedChat(
        lambda messages: [
            f"The repairs cost 9.9 million euros. [{cite(messages, '4.2 million')}]\n",
            "The bridge is made of cheese. [s9zzzz]\nIt opened. \n",
            f"The Kestrel bridge reopened on 3 May. [{cite(messages, 'reopened')}, s1qqqq]\n",
        ]
    )
    answer = await library.answerer().ask(Question("What did the Kestrel bridge repairs cost?"))
    check_shape(answer, library)
    quote, written = answer.statements
    assert quote.replaced and quote.text.startswith("Harbour Daily, 4 May 2026: The Kestrel") and "4.2 " in quote.text
    assert not written.replaced and written.text == "The Kestrel bridge reopened on 3 May. [1]"
    reasons = " | ".join(f"{rejected.reason}: {rejected.text}" for rejected in answer.rejected)
    assert "9.9" in reasons
    assert "s9zzzz" in reasons and "s1qqqq" in reasons and "cheese" in reasons and "It opened." in reasons


async def test_unsupported_can_be_marked_instead(tmp_path):
    """With QA_UNSUPPORTED=mark a changed number is shown, and shown as unsupported."""
    settings = Settings(data_dir=tmp_path / "data", embed_model="none", unsupported="mark")
    with Library(settings) as library:
        library.ingest([BRIDGE])
        library.model = ScriptedChat(lambda messages: [f"It cost 9.9 million. [{cite(messages, '4.2 million')}]"])
        answer = await library.answerer().ask(Question("What did the Kestrel bridge repairs cost?"))
    assert [statement.support for statement in answer.statements] == ["unsupported"]
    assert "9.9" in answer.statements[0].reasons[0]


async def test_model_may_say_that_the_articles_do_not(library):
    """The model's refusal is the status, not a phrase."""
    library.model = ScriptedChat(lambda messages: ["NOT_IN_", "SOURCES"])
    answer = await library.answerer().ask(Question("Why did the mayor of Kestrel resign?"))
    assert answer.status == "not_in_sources" and answer.citations == () and answer.complete
    assert answer.mode == "llm" and answer.degraded == ()


async def test_a_refusal_that_retrieval_does_not_share_is_not_believed(library):
    """A model that gives up is no proof that the articles do not say it: the sentence is quoted."""
    library.model = ScriptedChat(lambda messages: ["NOT_IN_", "SOURCES"])
    answer = await library.answerer().ask(Question("What did the Kestrel bridge repairs cost?"))
    check_shape(answer, library)
    assert answer.status == "answered" and "4.2 million" in answer.answer
    assert answer.mode == "extractive" and answer.degraded == ("llm_unusable",)


async def test_partial_answer_says_so(library):
    """A reply that ends with PARTIAL is a partial answer."""
    library.model = ScriptedChat(lambda m: [f"The repairs cost 4.2 million euros. [{cite(m, '4.2')}]\nPARTIAL"])
    answer = await library.answerer().ask(Question("What did the Kestrel bridge repairs cost, and who paid?"))
    assert answer.status == "partial"


async def test_cut_reply_is_not_complete(library):
    """A reply that stopped for length is kept as far as it can be checked, and is not called complete."""
    library.model = ScriptedChat(
        lambda m: [f"The repairs cost 4.2 million euros. [{cite(m, '4.2')}]\nThe bri"], finish_reason="length"
    )
    answer = await library.answerer().ask(Question("What did the Kestrel bridge repairs cost?"))
    assert not answer.complete and answer.status == "partial"
    assert len(answer.statements) == 1


class BrokenChat(ScriptedChat):
    """Write a sentence, or nothing, and then fail."""

    async def stream(self, messages, *, deadline, max_tokens, temperature=0.0, calls=None):
        async for piece in super().stream(messages, deadline=deadline, max_tokens=max_tokens):
            if not hasattr(piece, "finish_reason"):
                yield piece
        raise ModelUnavailable("model server away")


async def test_without_its_model_the_answer_is_extractive(library):
    """A failing model is reported in `degraded`, and the answer is extractive."""
    library.model = BrokenChat(lambda messages: [])
    answer = await library.answerer().ask(Question("What did the Kestrel bridge repairs cost?"))
    assert answer.mode == "extractive" and answer.degraded == ("llm",) and answer.complete
    check_shape(answer, library)


async def test_without_its_model_the_answer_is_an_error_by_setting(tmp_path):
    """With QA_ON_LLM_FAILURE=error the failure is the caller's to handle."""
    with Library(Settings(data_dir=tmp_path / "data", embed_model="none", on_llm_failure="error")) as library:
        library.ingest([BRIDGE])
        library.model = BrokenChat(lambda messages: [])
        with pytest.raises(ModelUnavailable):
            await library.answerer().ask(Question("What did the Kestrel bridge repairs cost?"))


async def test_what_was_said_before_the_cut_is_checked_and_kept(library):
    """The stream of a reply that broke off joins to the answer, which is not complete."""
    library.model = BrokenChat(
        lambda m: [f"The repairs cost 4.2 million euros. [{cite(m, '4.2')}]\nThe ferry has [{cite(m, '5,200')}"]
    )
    events = [event async for event in library.answerer().stream(Question("What did the Kestrel bridge repairs cost?"))]
    answer = events[-1]
    assert isinstance(answer, Answer) and not answer.complete and answer.degraded == ("llm",)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == answer.answer
    check_shape(answer, library)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
async def test_joined_stream_equals_the_answer(library, size):
    """However the reply is cut, the pieces join to the same answer, and each citation precedes its marker."""

    def reply(m):
        whole = f"The repairs cost 4.2 million euros. [{cite(m, '4.2')}]\nIt has two decks. [{cite(m, 'two decks')}]\n"
        return [whole[at : at + size] for at in range(0, len(whole), size)]

    library.model = ScriptedChat(reply)
    events = [
        event async for event in library.answerer().stream(Question("Kestrel bridge repairs cost and ferry decks?"))
    ]
    assert isinstance(events[0], Retrieved) and isinstance(events[-1], Answer)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == events[-1].answer
    known: set[int] = set()
    for event in events:
        if isinstance(event, Citation):
            known.add(event.number)
        elif isinstance(event, Delta):
            assert {int(n) for n in re.findall(r"\[(\d+)\]", event.text)} <= known
    assert known == {1, 2}


async def test_article_text_cannot_forge_a_marker(library):
    """A number in brackets in an article is not a citation of ours."""
    library.ingest([article("note", "The harbour fee rose to 12 euros [7] in June, the Kestrel council said.")])
    answer = await library.answerer().ask(Question("How much is the Kestrel harbour fee?"))
    assert "(7)" in answer.answer
    check_shape(answer, library)


async def test_taken_down_article_is_not_cited(library):
    """What was taken down cannot be cited any more."""
    library.remove("bridge")
    answer = await library.answerer().ask(Question("How much did the repairs of the Kestrel bridge cost?"))
    assert all(citation.source.article_id != "bridge" for citation in answer.citations)


async def test_what_is_taken_down_while_it_is_found_is_not_cited(library, monkeypatch):
    """Between the search and the answer an article may go; what was found of it is not shown as if it were there."""
    search = library.retriever.search

    def search_and_lose(*args, **bounds):
        found = search(*args, **bounds)
        assert any(hit.source.article_id == "bridge" for hit in found.hits)
        library.catalog.remove("default", "bridge")
        return found

    monkeypatch.setattr(library.retriever, "search", search_and_lose)
    answer = await library.answerer().ask(Question("How much did the repairs of the Kestrel bridge cost?"))
    assert "4.2 million" not in answer.answer
    assert all(citation.source.article_id != "bridge" for citation in answer.citations)


@pytest.mark.parametrize(
    ("question", "param"),
    [
        (Question("  "), "question"),
        (Question("x" * 2_001), "question"),
        (Question("Who?", mode="llm"), "mode"),
        (Question("Who?", as_of="yesterday"), "as_of"),
    ],
)
async def test_bad_questions_name_their_fault(library, question, param):
    """A question that cannot be used is refused with the field's name."""
    with pytest.raises(BadQuestion) as caught:
        await library.answerer().ask(question)
    assert caught.value.param == param


async def test_an_index_that_is_away_is_told_in_the_answer(library, monkeypatch):
    """Not everything was searched, and the answer says so."""
    search = library.retriever.search
    monkeypatch.setattr(
        library.retriever, "search", lambda *args, **bounds: replace(search(*args, **bounds), degraded=("vectors",))
    )
    answer = await library.answerer().ask(Question("How much did the repairs of the Kestrel bridge cost?"))
    assert answer.degraded == ("vectors",) and answer.status == "answered"


async def test_an_empty_index_is_filled_before_the_first_question(tmp_path):
    """After an upgrade the word index may be empty: to search it would look like "not in the sources"."""
    settings = Settings(data_dir=tmp_path / "data", embed_model="none")
    with Library(settings) as library:
        library.ingest([BRIDGE, FERRY])
    for index in (tmp_path / "data").glob("lexical-*"):
        shutil.rmtree(index)
    with Library(settings) as library:
        answer = await library.answerer().ask(Question("How much did the repairs of the Kestrel bridge cost?"))
    assert "4.2 million" in answer.answer


class Midnight:
    """A clock that passes midnight between any two looks at it."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> date:
        self.looks += 1
        return date(2030, 1, self.looks)


@pytest.mark.parametrize("mode", ["extractive", "llm"])
async def test_a_question_asked_at_midnight_is_of_one_day(library, mode):
    """The clock is read once: search, rewriting and answer are of the same today."""
    library.ingest(
        [
            article("today", "The Kestrel bridge closed for repairs of its deck.", published_at="2030-01-01"),
            article("tomorrow", "The Kestrel bridge closed for repairs of its towers.", published_at="2030-01-02"),
        ]
    )
    prompts = []

    def reply(messages):
        prompts.append(messages[-1].content)
        rewrites = len(prompts) == 1
        return ["Why did the Kestrel bridge close?"] if rewrites else [f"It closed. [{cite(messages, 'deck')}]"]

    midnight = Midnight()
    answerer = Answerer(
        library.catalog, library.retriever, library.ranker, ScriptedChat(reply), load_prompts(), today=midnight
    )
    turns = (Turn("user", "Did the Kestrel bridge close?"), Turn("assistant", "It closed."))
    retrieved, *_, answer = [event async for event in answerer.stream(Question("And why?", turns, mode=mode))]
    found = {hit.source.article_id for hit in retrieved.hits}
    assert midnight.looks == 1 and "today" in found and "tomorrow" not in found
    assert answer.mode == mode and answer.degraded == ()
    assert len(prompts) == (2 if mode == "llm" else 0)
    assert all("Today is 2030-01-01 (Tuesday)." in prompt for prompt in prompts)


async def test_a_question_of_a_given_day_does_not_look_at_the_clock(library):
    """With `as_of` no other day matters."""
    midnight = Midnight()
    answerer = Answerer(library.catalog, library.retriever, library.ranker, None, load_prompts(), today=midnight)
    await answerer.ask(Question("How much did the repairs of the Kestrel bridge cost?", as_of="2026-06-15"))
    assert midnight.looks == 0


async def test_what_a_question_asks_for_is_worked_out_once(library, monkeypatch):
    """Its conversation, whether it is a follow-up, and its kind of answer: before the search, and handed down."""
    calls: dict[str, int] = {}
    for place, name in ((history, "clean"), (follow_ups, "needs_context"), (analysis, "kind_of")):
        real = getattr(place, name)

        def counted(*args, _real=real, _name=name):
            calls[_name] = calls.get(_name, 0) + 1
            return _real(*args)

        monkeypatch.setattr(place, name, counted)
    library.model = ScriptedChat(lambda messages: ["NOT_IN_SOURCES"])
    turns = (Turn("user", "Did the Kestrel bridge reopen?"),)
    await library.answerer().ask(Question("How much did the repairs of the Kestrel bridge cost?", turns))
    assert calls == {"clean": 1, "needs_context": 1, "kind_of": 1}
