"""A small gold set, its articles, and models that obey, change a number, forget the ids, or refuse."""

import re
from pathlib import Path

from tests.eval.gold_fixtures import gold_row, span, write_lines
from tests.scripted_server import Json, evidence_of

TEXT = "The Kestrel bridge cost 42 million euros. It opened again on a Monday. Nobody was hurt at the opening."
OTHER = "The Ruritan ferry carried 5,200 passengers in April. The crossing takes an hour."
BRIDGE = "How much did the Kestrel bridge cost?"
FERRY = "How many passengers did the Ruritan ferry carry in April?"
NOBODY = "Who painted the Kestrel bridge green?"
ROWS = [
    {"id": "bridge", "title": "Bridge", "outlet": "Corvane Wire", "published_at": "2023-03-21", "text": TEXT},
    {"id": "ferry", "title": "Ferry", "outlet": "Harbour Daily", "published_at": "2023-05-02", "text": OTHER},
]


def write_set(folder: Path) -> tuple[Path, Path]:
    """Write the gold file and the articles, and return both paths."""
    gold = [
        gold_row("cost", question=BRIDGE, answers=["42 million"], wrong_answers=["24 million"],
                 gold=[span("bridge", TEXT, "The Kestrel bridge cost 42 million euros.")]),
        gold_row("riders", question=FERRY, answers=["5,200"],
                 gold=[span("ferry", OTHER, "The Ruritan ferry carried 5,200 passengers in April.")]),
        gold_row("nobody", question=NOBODY, answerable=False, category="unanswerable"),
    ]  # fmt: skip
    return write_lines(folder / "gold.jsonl", gold), write_lines(folder / "articles.jsonl", ROWS)


def question_in(request: Json) -> str:
    found = re.search(r"(?m)^Question: (.+)$", request["messages"][-1]["content"])
    assert found, "the prompt has no question"
    return found.group(1)


def _about(request: Json) -> tuple[str, str]:
    """Return the id and the words of the sentence that answers; the first one if none does."""
    topic = "ferry carried" if "ferry" in question_in(request) else "bridge cost"
    evidence = evidence_of(request)
    return next((pair for pair in evidence if topic in pair[1]), evidence[0])


def obeys(request: Json) -> list[str]:
    """Answer with the right sentence and its id, and refuse what the evidence does not say."""
    if question_in(request) == NOBODY:
        return ["NOT_IN_", "SOURCES"]
    sentence_id, words = _about(request)
    return [words[:9], f"{words[9:]} [{sentence_id}]\n"]


def lies(request: Json) -> list[str]:
    """Turn the digits of the right sentence round, and answer what cannot be answered."""
    sentence_id, words = _about(request)
    return [re.sub(r"\d\d", lambda digits: digits.group()[::-1], words, count=1), f" [{sentence_id}]\n"]


def forgets_ids(request: Json) -> list[str]:
    """Write the right sentence without an id."""
    return [_about(request)[1], "\n"]
