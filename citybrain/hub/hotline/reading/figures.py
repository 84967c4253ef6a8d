"""How well labels were told: per class and over all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]


def per_class(labels: Sequence[str], truth: Numbers, told: Numbers) -> dict[str, dict[str, float | int]]:
    """Return messages, precision, recall and F1 of each label; 0 where a label was never told or never true."""
    figures: dict[str, dict[str, float | int]] = {}
    for at, label in enumerate(labels):
        right = int(((truth == at) & (told == at)).sum())
        true, said = int((truth == at).sum()), int((told == at).sum())
        figures[label] = {
            "messages": true,
            "precision": round(right / said, 4) if said else 0.0,
            "recall": round(right / true, 4) if true else 0.0,
            "f1": round(2 * right / (true + said), 4) if true + said else 0.0,
        }
    return figures


def macro_f1(truth: Numbers, told: Numbers) -> float:
    """Return the mean F1 of the labels that are true or told of any message."""
    seen = np.union1d(truth, told)
    seen = seen[seen >= 0]  # below 0: not read, no label
    each = [
        2 * ((truth == at) & (told == at)).sum() / ((truth == at).sum() + (told == at).sum()) for at in seen
    ]
    return float(np.mean(each)) if each else 0.0


def confusions(labels: Sequence[str], truth: Numbers, told: Numbers, most: int = 8) -> list[dict[str, Any]]:
    """Return the most frequent mistakes, with how often."""
    pairs, times = np.unique(np.stack([truth, told], 1)[truth != told], axis=0, return_counts=True)
    order = np.argsort(-times, kind="stable")[:most]
    return [
        {"true": labels[pairs[at][0]], "told": labels[pairs[at][1]], "times": int(times[at])} for at in order
    ]
