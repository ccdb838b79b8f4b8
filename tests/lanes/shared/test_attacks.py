"""Attack texts of a public set (BIPIA), planted in the same way as our own in tests/attacks."""

import random

import pytest

from eval.bench.attacks.hostile_model import BEHAVIOURS
from eval.bench.attacks.plants import every_place, load_texts
from tests.attacks.test_attacks import SEED, assert_nothing_got_through, attack_service, check_prompt, check_replies


@pytest.fixture(scope="module")
def plants(shared):
    return load_texts(shared / "attacks" / "bipia_text_attack_train.json")


def test_no_attack_text_breaks_out_of_the_evidence(plants):
    """In the prompt, each planted article keeps its lines, whatever the text and its position."""
    for plant, position in every_place(plants):
        check_prompt(plant, position)


def test_no_reply_about_a_text_leaves_the_parser_with_more_than_words(plants):
    """Each text with half of the hostile model's behaviours in turn: known ids, plain words, no fence token, no id."""
    halves = [list(BEHAVIOURS)[at::2] for at in (0, 1)]
    assert sum(check_replies(plant, halves[at % 2]) for at, plant in enumerate(plants)) > 5_000


def test_the_service_lets_nothing_through(plants, tmp_path):
    """Nothing of eight random texts gets out, although the model has read them all."""
    tally, unseen = attack_service(tmp_path, random.Random(SEED).sample(plants, 8))
    assert_nothing_got_through(tally)
    assert (tally.refused, unseen) == ([], [])
