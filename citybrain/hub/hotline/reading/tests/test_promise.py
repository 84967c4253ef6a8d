"""Bounds, thresholds and calibration."""

import math

import numpy as np
import pytest

from citybrain.hub.hotline.reading.promise import (
    calibration_error,
    kept,
    lower_bound,
    risk_coverage,
    threshold_for,
    upper_bound,
)


def test_the_bounds_are_the_exact_ones() -> None:
    assert lower_bound(22, 22) == pytest.approx(0.1 ** (1 / 22))  # all right: 10 % would still be as lucky
    assert upper_bound(0, 22) == pytest.approx(1 - 0.1 ** (1 / 22))
    assert (lower_bound(0, 9), upper_bound(9, 9), lower_bound(0, 0), upper_bound(0, 0)) == (0, 1, 0, 1)
    below = sum(  # P(X >= 18) where the share is the lower bound of 18 of 20
        math.comb(20, k) * lower_bound(18, 20) ** k * (1 - lower_bound(18, 20)) ** (20 - k)
        for k in (18, 19, 20)
    )
    assert below == pytest.approx(0.1)


def test_the_threshold_is_the_least_whose_bound_keeps_the_promise() -> None:
    confidence = np.linspace(1, 0.001, 1000)
    right = np.ones(1000, bool)
    right[600::2] = False
    threshold = threshold_for(0.95, confidence, right)
    assert threshold is not None
    done = kept(confidence, right, threshold)
    assert (done.sent, done.right) == (640, 620)
    assert lower_bound(620, 640) >= 0.95 > lower_bound(625, 650)
    assert threshold_for(0.9, confidence, right) < threshold  # type: ignore[operator]


def test_no_threshold_is_told_where_none_keeps_the_promise() -> None:
    confidence = np.linspace(1, 0.1, 200)
    assert threshold_for(0.95, confidence, np.arange(200) % 10 > 0) is None
    assert threshold_for(0.95, confidence[:20], np.ones(20, bool)) is None  # 20 of 20 prove 89 %
    assert threshold_for(0.95, confidence[:0], np.ones(0, bool)) is None
    assert kept(confidence, np.ones(200, bool), None).to_json() == {
        "messages": 200, "sent": 0, "right": 0, "coverage": 0.0, "precision": None, "low": 0.0, "high": 1.0,
    }  # fmt: skip


def test_messages_of_one_confidence_are_sent_together_or_not_at_all() -> None:
    confidence = np.array([0.9] * 100 + [0.5] * 100)
    assert threshold_for(0.95, confidence, np.arange(200) < 105) == 0.9


def test_the_curve_ends_with_all_messages_and_the_share_right() -> None:
    curve = risk_coverage(np.linspace(1, 0.5, 40), np.arange(40) < 30)
    assert (len(curve), curve[-1]["coverage"], curve[-1]["precision"]) == (20, 1.0, 0.75)
    assert curve[0]["precision"] == 1.0


def test_the_calibration_error_is_the_gap_between_said_and_right() -> None:
    assert calibration_error(np.full(100, 0.8), np.arange(100) < 80) == pytest.approx(0)
    assert calibration_error(np.full(100, 0.9), np.arange(100) < 60) == pytest.approx(0.3)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0
