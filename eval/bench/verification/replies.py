"""Measure what the service shows of labelled replies of language models, true and false.

    python -m eval.bench.verification.replies --replies ../shared/replies/replies.jsonl.gz [--json] [--examples N]

Each reply is read as if the model had just written it, with the sentences that it was shown. A true line is kept as
written, or by a quote of a sentence that it cites. The main point of an answer is kept if all true lines that it needs
are.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa.answering.acceptance import Acceptance
from qa.answering.draft import Draft
from qa.answering.generative import Reply
from qa.answering.reply_parser import ReplyParser
from qa.answering.shown_evidence import ShownEvidence
from qa.llm.prompts import MOST_LINE_IDS, make_line_ids
from qa.tracing import StageTimer
from qa.types import Embedder, EntailmentJudge, Evidence, Source, Span, Statement

Row = Mapping[str, Any]
TRUE = frozenset({"supported", "needs_context", "supported_by_other", "uncited_true"})
FALSE = frozenset({"not_supported", "contradicted"})
_VOICES = ("A", "A+", "B", "C", "P", "F")


@dataclass
class Counts:
    """What became of the lines of one voice."""

    true: int = 0
    true_as_written: int = 0
    true_replaced: int = 0
    false: int = 0
    false_as_written: int = 0
    false_quoted: int = 0
    answers: int = 0  # with a true main point
    main_kept: int = 0
    emptied: int = 0
    examples: list[str] = field(default_factory=list)


def read_replies(path: Path) -> list[Row]:
    """Return the rows of the file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def shown_evidence(row: Row) -> tuple[ShownEvidence, dict[int, str]]:
    """Return the sentences of a row as a model is shown them, those that are cited among them, and their ids by n."""
    cited = {n for line in row["lines"] for n in line["cites"]}
    rows = sorted(row["evidence"], key=lambda item: (item["n"] not in cited, item["rank"]))[:MOST_LINE_IDS]
    rows.sort(key=lambda item: item["rank"])
    texts: dict[Source, list[str]] = defaultdict(list)
    evidence = {}
    for item in rows:
        source = Source(
            item["article_id"], 1, "0" * 64, item["title"], item["outlet"], None, item["published_at"]
        )  # fmt: skip
        span = Span(item["start"], item["end"])
        evidence[item["n"]] = Evidence(source, span, item["text"], 1 / item["rank"], item["context"])
        _write(texts[source], item["start"], item["text"])
        at = item["context"].find(item["text"])
        if at >= 0:
            _write(texts[source], item["start"] - at, item["context"])
    words = [row["question"], row["reply"], *(each.text for each in evidence.values())]
    ids = dict(zip(evidence, make_line_ids(len(evidence), words), strict=True))
    by_id = {ids[n]: each for n, each in evidence.items()}
    return ShownEvidence(by_id, {source: "".join(text) for source, text in texts.items()}), ids


def _write(text: list[str], start: int, words: str) -> None:
    text.extend(" " * (start + len(words) - len(text)))
    text[start : start + len(words)] = words


async def _read(
    row: Row, embedder: Embedder | None, judge: EntailmentJudge | None
) -> tuple[list[list[Statement]], bool]:
    """Return what is shown for each line of the reply, and whether it is taken for "not in the sources"."""
    shown, ids = shown_evidence(row)
    texts = {(source.article_id, source.version): text for source, text in shown.texts.items()}
    draft = Draft(row["asked"], texts, "llm")
    reply = Reply(ReplyParser(shown.by_id), Acceptance(shown, embedder, judge, "drop"), draft, StageTimer())
    for line in row["reply"].splitlines():
        for n, key in sorted(ids.items(), reverse=True):
            line = line.replace(f"§{n}", key)
        await _drain(reply.take(line + "\n"))
    await _drain(reply.finish(whole=True))
    statements = draft.finish("ans", {}).statements
    return [_shown_for(line, statements, shown, ids, draft) for line in row["lines"]], draft.is_empty and reply.refuses


async def _drain(events: AsyncGenerator[Any, None]) -> None:
    async for _ in events:
        pass


def _shown_for(
    line: Row, statements: Sequence[Statement], shown: ShownEvidence, ids: Mapping[int, str], draft: Draft
) -> list[Statement]:
    """Return the statements that stand for a line: its own words, or quotes of what it cites or of the one beside."""
    words = _plain(line["text"].split("[§")[0])
    citations = {citation.number: citation for citation in draft.finish("ans", {}).citations}
    cited = [shown.by_id[ids[n]] for n in line["cites"] if n in ids]
    near = [*cited, *(each for evidence in cited for each in shown.neighbours(evidence))]
    spans = {(each.source, each.span) for each in near}
    found = []
    for statement in statements:
        own = _plain(statement.text.rsplit(" [", 1)[0])
        of_line = own and (own in words or words in own)
        quotes = statement.replaced and (not cited or any(
            (citations[number].source, citations[number].span) in spans for number in statement.citations
        ))  # fmt: skip
        if (of_line and not statement.replaced) or quotes:
            found.append(statement)
    return found


def _plain(text: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text.casefold()).split())


def measure(
    rows: Sequence[Row], embedder: Embedder | None = None, judge: EntailmentJudge | None = None
) -> dict[str, Counts]:
    """Return the counts by voice."""
    counts: dict[str, Counts] = {voice: Counts() for voice in _VOICES}
    for row in rows:
        own = counts[row["voice"]]
        shown, refused = asyncio.run(_read(row, embedder, judge))
        main = []
        for line, statements in zip(row["lines"], shown, strict=True):
            as_written = any(not statement.replaced for statement in statements)
            if line["label"] in TRUE:
                own.true += 1
                own.true_as_written += as_written
                own.true_replaced += bool(statements) and not as_written
                if line["main"]:
                    main.append(bool(statements))
                if not statements:
                    own.examples.append(f"lost: {row['id']}: {line['text']}")
                elif not as_written:
                    own.examples.append(f"replaced: {row['id']}: {line['text']}")
            elif line["label"] in FALSE:
                own.false += 1
                own.false_as_written += as_written
                own.false_quoted += bool(statements) and not as_written
                if as_written:
                    own.examples.append(f"false shown: {row['id']}: {line['text']}")
        if main:
            own.answers += 1
            own.main_kept += all(main)
            own.emptied += refused
    return counts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--examples", type=int, default=0, metavar="N")
    parser.add_argument("--without-entailment", action="store_true")
    arguments = parser.parse_args()
    from qa.settings import Settings
    from qa.wiring import build_embedder, build_entailment

    settings = Settings(embed_model="minilm")
    embedder = build_embedder(settings)
    judge = None if arguments.without_entailment else build_entailment(settings)
    rows = read_replies(arguments.replies)
    counts = measure(rows, embedder, judge)
    counts["all"] = Counts(
        **{
            name: sum(getattr(each, name) for each in counts.values())
            for name in Counts.__dataclass_fields__
            if name != "examples"
        }
    )
    if arguments.json:
        print(json.dumps({voice: vars(each) for voice, each in counts.items()}))
        return
    columns = "voice,true as written,replaced,lost,n,main kept,emptied,answers,false as written,quoted,n".split(",")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for voice, own in counts.items():
        lost = own.true - own.true_as_written - own.true_replaced
        cells = [
            voice,
            _share(own.true_as_written, own.true),
            _share(own.true_replaced, own.true),
            _share(lost, own.true),
        ]
        cells += [str(own.true), _share(own.main_kept, own.answers), str(own.emptied), str(own.answers)]
        cells += [_share(own.false_as_written, own.false), _share(own.false_quoted, own.false), str(own.false)]
        print(f"| {' | '.join(cells)} |")
    for voice, own in counts.items():
        for example in own.examples[: arguments.examples]:
            print(voice, example)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}".lstrip("0") if whole else "-"


if __name__ == "__main__":
    main()
