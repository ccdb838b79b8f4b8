"""The judge's verdict and that of the rules: who may overrule whom."""

import pytest

from qa.types import Entailed
from qa.verification.entailment import combine, estimate
from qa.verification.verify import Verdict

SURE, UNSURE, WRONG = Entailed(6, 6), Entailed(3, -1.0), Entailed(4, -6)
PARTIAL: Verdict = ("partial", ("says more than the cited text",))


@pytest.mark.parametrize(
    ("verdict", "entailed", "expected"),
    [
        (("unsupported", ("number not in cited text: 9",)), SURE, "unsupported"),
        (("supported", ()), SURE, "supported"),
        (("supported", ()), UNSURE, "supported"),
        (("supported", ()), WRONG, "unsupported"),
        (PARTIAL, SURE, "supported"),
        (PARTIAL, UNSURE, "partial"),
        (PARTIAL, WRONG, "unsupported"),
    ],
)
def test_the_judge_never_lifts_a_hard_departure(verdict: Verdict, entailed: Entailed, expected: str) -> None:
    support, reasons = combine(verdict, [WRONG, entailed], 0.7)
    assert support == expected
    assert bool(reasons) == (support != "supported")


def test_a_statement_is_as_likely_as_both_of_its_halves() -> None:
    assert estimate(Entailed(0, 0)) == pytest.approx(0.25)
    assert estimate(Entailed(9, 9)) > 0.99
    assert estimate(Entailed(-700, 9)) == pytest.approx(0.0)


def test_the_support_score_must_agree_that_a_retelling_is_one() -> None:
    assert combine(PARTIAL, [SURE], 0.4)[0] == "partial"
