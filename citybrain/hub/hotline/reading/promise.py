"""What may be said of a confidence: bounds of a share, the risk–coverage curve, the threshold that keeps a promise."""

from dataclasses import dataclass
from typing import Any

import numpy as np

LEVEL = 0.90  # of every bound here, one-sided
Numbers = np.ndarray[Any, np.dtype[Any]]


def lower_bound(right: int, asked: int, level: float = LEVEL) -> float:
    """Return the exact one-sided lower bound of a share (Clopper–Pearson): 0 where nothing was right or asked."""
    from scipy.special import betaincinv

    return float(betaincinv(right, asked - right + 1, 1 - level)) if right else 0.0


def upper_bound(right: int, asked: int, level: float = LEVEL) -> float:
    """Return the exact one-sided upper bound of a share (Clopper–Pearson): 1 where all were right or none asked."""
    from scipy.special import betaincinv

    return float(betaincinv(right + 1, asked - right, level)) if right < asked else 1.0


@dataclass(frozen=True)
class Kept:
    """How a threshold did: `asked` messages, `sent` at or above it, `right` of them.

    `low` and `high` are each one-sided at 90 %: together an 80 % interval.
    """

    asked: int
    sent: int
    right: int

    def to_json(self) -> dict[str, float | int | None]:
        """Return shares and bounds with the counts; no precision where nothing was sent."""
        return {
            "messages": self.asked,
            "sent": self.sent,
            "right": self.right,
            "coverage": round(self.sent / self.asked, 4) if self.asked else None,
            "precision": round(self.right / self.sent, 4) if self.sent else None,
            "low": round(lower_bound(self.right, self.sent), 4),
            "high": round(upper_bound(self.right, self.sent), 4),
        }


def kept(confidence: Numbers, right: Numbers, threshold: float | None) -> Kept:
    """Return how a threshold does; None sends nothing."""
    sent = np.zeros(len(right), bool) if threshold is None else confidence >= threshold
    return Kept(len(right), int(sent.sum()), int(right[sent].sum()))


def threshold_for(promise: float, confidence: Numbers, right: Numbers) -> float | None:
    """Return the least confidence from which the lower 90 % bound of the precision keeps the promise, or None.

    Walks from the surest hundredth of the messages down, one hundredth a step: begins where the bound first holds
    (a few messages prove nothing) and ends before the first step where it no longer does. A threshold that only
    holds again further down by luck is not taken. Messages of equal confidence go together.
    """
    order = np.argsort(-confidence, kind="stable")
    sure, good = confidence[order], np.cumsum(right[order])
    best: float | None = None
    for step in range(1, 101):
        at = -(-len(sure) * step // 100)
        if not at:
            continue
        while at < len(sure) and sure[at] == sure[at - 1]:
            at += 1
        if lower_bound(int(good[at - 1]), at) >= promise:
            best = float(sure[at - 1])
        elif best is not None:
            break
    return best


def risk_coverage(confidence: Numbers, right: Numbers, steps: int = 20) -> list[dict[str, float]]:
    """Return, for each twentieth of the messages from the surest down, threshold, coverage, precision and its bound."""
    order = np.argsort(-confidence, kind="stable")
    sure, good = confidence[order], np.cumsum(right[order])
    ends = (
        sorted({max(1, round(len(sure) * step / steps)) for step in range(1, steps + 1)}) if len(sure) else []
    )
    return [
        {
            "threshold": round(float(sure[at - 1]), 4),
            "coverage": round(at / len(sure), 4),
            "precision": round(float(good[at - 1]) / at, 4),
            "low": round(lower_bound(int(good[at - 1]), at), 4),
        }
        for at in ends
    ]


def calibration_error(confidence: Numbers, right: Numbers, bins: int = 15) -> float:
    """Return the expected calibration error (ECE): |mean confidence - share right| over equal-width bins, weighted."""
    if not len(right):
        return 0.0
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    many = np.bincount(place, minlength=bins)
    apart = np.abs(np.bincount(place, confidence, bins) - np.bincount(place, right, bins))
    return float(apart[many > 0].sum() / len(right))


def perfect_calibration_error(confidence: Numbers, times: int = 300, seed: int = 1) -> tuple[float, float]:
    """Return the mean and the 90th percentile of the ECE that a perfectly calibrated model would show.

    Right and wrong are drawn by the confidences themselves: what is left is chance, more of it the fewer messages.
    """
    if not len(confidence):
        return 0.0, 0.0
    draw = np.random.default_rng(seed)
    found = [calibration_error(confidence, draw.random(len(confidence)) < confidence) for _ in range(times)]
    return float(np.mean(found)), float(np.quantile(found, 0.9))
