"""The calibration error of estimates whose error is known."""

import numpy as np
import pytest

from eval.bench.tuning.calibration import calibration_error, reliability


def test_estimates_that_come_true_have_no_error() -> None:
    """Of ten questions at .75 and .25 three quarters and one quarter are answerable."""
    estimated = np.array([0.75] * 4 + [0.25] * 4)
    answerable = np.array([1, 1, 1, 0, 0, 0, 0, 1], dtype=float)
    assert calibration_error(estimated, answerable, np.ones(8)) == pytest.approx(0.0)


def test_the_error_is_weighed_by_bin_and_by_question() -> None:
    """A sure and wrong estimate counts with its weight; a bin without questions is no row."""
    estimated, answerable = np.array([1.0, 0.0]), np.array([0.0, 0.0])
    assert calibration_error(estimated, answerable, np.array([1.0, 1.0])) == pytest.approx(0.5)
    assert calibration_error(estimated, answerable, np.array([3.0, 1.0])) == pytest.approx(0.75)
    assert reliability(estimated, answerable, np.array([1.0, 1.0])) == [(0.0, 0.0, 0.5), (1.0, 0.0, 0.5)]
