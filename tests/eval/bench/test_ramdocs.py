"""The scores of RAMDocs, on two invented items in its format."""

import gzip
import json

from eval.bench.verification.conflicts import ramdocs_marks
from qa import Library, Settings
from tests.eval.gold_fixtures import write_lines


def test_an_item_whose_wrong_value_is_also_right_has_no_wrong_one(tmp_path):
    """An answer "novel", right for one Carrie and wrong for another, includes nothing that is only wrong."""
    both = {"question": "What is Carrie?", "answers": ["Film", "Novel"], "wrong_answers": ["Novel"]}
    plain = {"question": "When was Carrie built?", "answers": ["1976"], "wrong_answers": ["1990", "1990"]}
    common = {"dataset": "ramdocs", "answerable": True, "asof": None, "gold": [], "meta": {}, "split": "dev"}
    write_lines(tmp_path / "items.jsonl", [
        common | both | {"id": "r/1", "closed_docs": ["r/1/0", "r/1/1"]},
        common | plain | {"id": "r/2", "closed_docs": ["r/2/0"]},
    ])  # fmt: skip
    texts = {"r/1/0": "Carrie is a film.", "r/1/1": "Carrie is a novel.", "r/2/0": "Carrie was built in 1990."}
    with gzip.open(tmp_path / "docs.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": name, "title": "", "text": text}) + "\n" for name, text in texts.items())
    with Library(Settings(data_dir=tmp_path / "data", embed_model="none")) as library:
        first, second = ramdocs_marks(library, tmp_path)
    assert (first.wrong, first.several) == (None, True)
    assert (second.wrong, second.strict, second.several) == (1.0, 0.0, True)
