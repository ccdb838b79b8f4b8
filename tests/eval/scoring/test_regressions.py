"""Planted regressions: real answers over a small gold set are broken on purpose, and the gate names each break."""

import asyncio
import copy
import re

import pytest

from eval.runs.targets import LibraryTarget
from eval.scoring.compare import Gate, Gates, compare_scores, load_gates
from eval.scoring.score import score
from qa import Library, Settings
from qa.retrieval import fusion
from tests.eval.gold_fixtures import QUIET, gold_row, read_lines, span, write_lines
from tests.fakes import article

# Twelve subjects, each with an old and a new report that differ in one figure; the newer one is right on the question's
# day.
SUBJECTS = {
    "Harlow mill": ("employs", "workers", 210, 340),
    "Vessen tunnel": ("carries", "lorries a day", 1200, 1750),
    "Corvane zoo": ("keeps", "penguins", 14, 31),
    "Ostrava library": ("lends", "books a week", 800, 950),
    "Pell orchard": ("grows", "pear trees", 77, 92),
    "Dunmere ferry": ("takes", "passengers a trip", 150, 120),
    "Quillon bank": ("runs", "branches", 45, 38),
    "Brasswick theatre": ("seats", "people", 600, 480),
    "Tarn observatory": ("tracks", "comets", 9, 16),
    "Selby quarry": ("ships", "tonnes of slate", 5000, 4300),
    "Marlow choir": ("counts", "singers", 52, 64),
    "Estrey clinic": ("treats", "patients a month", 330, 410),
}


def report(subject, verb, noun, number, day, lead):
    body = f"{lead}\n\nThe {subject} now {verb} {number} {noun}. 😀 Nobody was surprised.\n"
    name = subject.replace(" ", "-").lower()
    return article(f"{name}-{day}", body, title=f"{subject}, {day}", outlet="Corvane Wire", published_at=day)


def articles():
    for subject, (verb, noun, old, new) in SUBJECTS.items():
        yield report(subject, verb, noun, old, "2022-11-05", "A bulletin from last autumn, kept in our archive.")
        yield report(subject, verb, noun, new, "2023-03-20", "Fresh figures came out this week after a long count.")
    # Fusion normalises scores from the best to the worst hit, so there must be a hit that hardly matches.
    names = "\n\n".join(f"Have you ever seen the {subject}? Tell the editor." for subject in SUBJECTS)
    yield article("almanac", names, title="Sights of the region", outlet="Corvane Wire", published_at="2022-06-01")


def questions(found):
    for source in found:
        if source.published_at == "2023-03-20":
            subject = source.title.split(",")[0]
            verb, noun, old, new = SUBJECTS[subject]
            gold = [span(source.id, source.text, f"The {subject} now {verb} {new} {noun}.")]
            asked = f"How many {noun} does the {subject} have now?"
            yield gold_row(source.id, question=asked, answers=[str(new)], wrong_answers=[str(old)], gold=gold,
                           as_of="2023-03-22")  # fmt: skip
    for number, subject in enumerate(("Tallin airport", "Orford brewery", "Wexham dam")):
        yield gold_row(f"none-{number}", question=f"Who designed the {subject}?", answerable=False,
                       category="unanswerable")  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the gold set, a run of real extractive answers without embeddings, and the library."""
    folder = tmp_path_factory.mktemp("planted")
    with Library(Settings(data_dir=folder / "store", embed_model="none")) as library:
        found = list(articles())
        assert not library.ingest(found).refused
        gold = write_lines(folder / "gold.jsonl", list(questions(found)))
        yield gold, ask(library, gold, folder / "run.jsonl"), library


def ask(library, gold, out):
    from eval.runs.run import run

    done = asyncio.run(run(LibraryTarget(library, "default"), gold, out, console=QUIET))
    assert done.errors == ()
    return out


@pytest.fixture(scope="module")
def base(files):
    return score(files[0], files[1])


def broken(files, tmp_path, change):
    """Return the scores of the run after a change to its answered items."""
    gold, run, _ = files
    rows = copy.deepcopy(read_lines(run))
    change([row for row in rows if row["kind"] == "item" and row["answer"]["citations"]])
    return score(gold, write_lines(tmp_path / "broken.jsonl", rows))


def caught(base, new):
    return {failure.split(":")[0] for failure in compare_scores(base, new, own_gates()).failures}


def own_gates():
    """Return the project's gated metrics without its floors, and without those that these questions cannot measure."""
    gates = load_gates()
    absent = {"conflict_flag_f1", "dates_resolved", "attack_success"}
    return Gates(gates.alpha, {name: Gate() for name in gates.gated.keys() - absent})


def test_the_base_is_good_and_passes(base):
    """The real answers are right, so a break can show, and they pass against themselves."""
    values = {name: metric["value"] for name, metric in base["metrics"].items()}
    assert values["citation_validity"] == 1
    assert values["answer_contains"] >= 10 / 12
    assert values["ndcg@10"] >= 0.9
    assert caught(base, base) == set()


def test_shifting_every_span_by_one_is_caught_by_citation_validity(files, base, tmp_path):
    """With offsets off by one no citation is valid."""

    def shift(items):
        for item in items:
            for citation in item["answer"]["citations"]:
                citation["start"] += 1
                citation["end"] += 1

    new = broken(files, tmp_path, shift)
    assert new["metrics"]["citation_validity"]["value"] == 0
    assert "citation_validity" in caught(base, new)


def test_spans_in_utf16_units_are_caught_by_citation_validity(files, base, tmp_path):
    """After an emoji every UTF-16 offset is one too large; before it they agree."""

    def confuse(items):
        for item in items:
            for citation in item["answer"]["citations"]:
                citation["start"] = citation["start_utf16"] + 1  # as if an emoji stood before the quote
                citation["end"] = citation["end_utf16"] + 1

    assert "citation_validity" in caught(base, broken(files, tmp_path, confuse))


def test_swapped_answers_are_caught_by_the_answer(files, base, tmp_path):
    """Each answer belongs to another question: citations are valid, answers and spans are wrong."""

    def swap(items):
        replies = [{name: item[name] for name in ("answer", "looked", "hits")} for item in items]
        for item, reply in zip(items, replies[1:] + replies[:1], strict=True):
            item |= reply

    new = broken(files, tmp_path, swap)
    assert new["metrics"]["citation_validity"]["value"] == 1
    assert {"answer_contains", "span_f1", "citation_recall"} <= caught(base, new)


def test_dropped_citations_are_caught_by_citation_validity_and_recall(files, base, tmp_path):
    """An answer without citations fails although its words are right."""

    def drop(items):
        for item in items:
            answer = item["answer"]
            answer["citations"] = []
            answer["answer"] = re.sub(r" \[\d+\]", "", answer["answer"])
            for statement in answer["statements"]:
                statement["citations"] = []

    new = broken(files, tmp_path, drop)
    assert new["metrics"]["answer_contains"]["value"] == base["metrics"]["answer_contains"]["value"]
    assert {"citation_validity", "citation_recall", "span_f1"} <= caught(base, new)


def test_refusing_everything_is_caught_by_over_refusal(files, base, tmp_path):
    """An empty answer contains nothing wrong, and still it fails."""

    def refuse(items):
        for item in items:
            item["answer"] |= {"status": "not_in_sources", "answer": "", "statements": [], "citations": []}

    assert {"over_refusal", "answer_contains", "citation_validity"} <= caught(base, broken(files, tmp_path, refuse))


def test_a_dropped_recency_prior_is_caught_by_the_ranking(files, base, tmp_path, monkeypatch):
    """The service itself is broken: without the recency prior the old report comes first."""
    gold, _, library = files
    monkeypatch.setattr(fusion, "recency", lambda days, *_: dict.fromkeys(days, 0.0))
    new = score(gold, ask(library, gold, tmp_path / "run.jsonl"))
    assert "ndcg@10" in caught(base, new)


def test_a_fusion_turned_round_is_caught_by_the_ranking(files, base, tmp_path, monkeypatch):
    """A better hit gets a lower score: everything still runs, and the almanac comes first."""
    gold, _, library = files
    fuse = fusion.fuse
    monkeypatch.setattr(fusion, "fuse", lambda *legs: {key: 9 - score for key, score in fuse(*legs).items()})
    new = score(gold, ask(library, gold, tmp_path / "run.jsonl"))
    assert "ndcg@10" in caught(base, new)
