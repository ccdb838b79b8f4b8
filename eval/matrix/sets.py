"""The sets of the matrix: our gold set over the sample articles, and the public sets that ask whole questions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.dataset.format import gold_files
from eval.dataset.importers import import_set
from eval.runs.files import write_text
from qa import QaError, sample_articles

GOLD = Path(__file__).parents[1] / "gold"
SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A public set in a folder of the data: the importer has the folder's name, the articles are a file of the data."""

    folder: str
    articles: str
    year: str | None = None  # only questions of this year: the articles of the others are not in the file


@dataclass(frozen=True, slots=True)
class MatrixSet:
    """A set that can be asked: its questions, its articles, and how many questions the whole set has."""

    name: str
    gold: Path
    articles: Path
    of: int


_2022 = "realtimeqa_docs/docs_2022.jsonl.gz"
PUBLIC: Mapping[str, PublicSet] = {
    "silver": PublicSet("realtimeqa_silver", _2022, "2022"),
    "future": PublicSet("realtimeqa_future_unanswerable", _2022),
    "clapnq": PublicSet("clapnq", "clapnq/docs.jsonl.gz"),
    "ramdocs": PublicSet("ramdocs", "ramdocs/docs.jsonl.gz"),
    "robustrag": PublicSet("robustrag_realtimeqa", "robustrag_realtimeqa/docs.jsonl.gz"),
}


def prepare_sets(
    folder: Path,
    gold: Path | None = None,
    articles: Path | None = None,
    public: Path | None = None,
    names: Sequence[str] = (),
    limit: int | None = None,
) -> list[MatrixSet]:
    """Return the sets to ask, their files written below a folder. Raises QaError for a set that is not there.

    The gold set comes first, then the public sets that are in `public`; `names` selects among them. With `limit` so
    many questions of each are asked, evenly spread over the set, because a set is sorted by category.
    """
    own = SAMPLE if gold is None else gold.stem
    known = [own, *(name for name, each in PUBLIC.items() if public and (public / each.folder).is_dir())]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise QaError(f"no set {', '.join(unknown)}; there are {', '.join(known)}")
    sets: list[MatrixSet] = []
    for name in [name for name in known if not names or name in names]:
        if name == own:
            questions, corpus = gold or GOLD, articles or sample_articles()
        else:
            assert public is not None, "a public set is known only where its folder is"
            questions, corpus = folder / f"{name}.gold.jsonl", public / PUBLIC[name].articles
            folder.mkdir(parents=True, exist_ok=True)
            import_set(PUBLIC[name].folder, public / PUBLIC[name].folder, questions, None, PUBLIC[name].year)
        if not corpus.exists():
            raise QaError(f"{name}: its articles, {corpus}, are missing")
        sets.append(_limited(name, questions, corpus, limit, folder))
    return sets


def _limited(name: str, gold: Path, articles: Path, limit: int | None, folder: Path) -> MatrixSet:
    try:
        rows = [
            line for file in gold_files(gold) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()
        ]
    except (OSError, UnicodeDecodeError) as exc:
        raise QaError(f"{gold}: {exc}") from None
    if limit is None or limit >= len(rows):
        return MatrixSet(name, gold, articles, len(rows))
    chosen = [rows[place * len(rows) // limit] for place in range(limit)]
    out = folder / f"{name}.{limit}.gold.jsonl"
    write_text(out, "\n".join([*chosen, ""]))
    return MatrixSet(name, out, articles, len(rows))


def hash_articles(path: Path) -> str:
    """Return one hash of the files of a set's articles."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
