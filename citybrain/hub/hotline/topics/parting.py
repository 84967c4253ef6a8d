"""Two matters at one place: a gathering is parted where its messages fall in two and the reading knows both by name.

What most messages share, the place's name, is set aside; by what is left they must fall into two that share little.
That alone parts what belongs together, the sides of one matter. So each half must also be one item of the list, and
another one: no water and noise in the square are, two views of one road are not.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from citybrain.hub.hotline.reading import shipped
from citybrain.hub.hotline.reading.example_set import is_none
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.topics.engine import Engine
from citybrain.hub.hotline.topics.ranking import LEAST_PEOPLE
from citybrain.hub.hotline.topics.terms import Message, terms_of

LEAST: Final = 2 * LEAST_PEOPLE
MOST: Final = 400  # messages of a gathering that is looked at
SHARED: Final = 0.6  # of the messages hold a pair: it is the place's
BETWEEN: Final = 0.2  # likeness between the halves, at most, of that within the looser one
WITHIN: Final = 0.1  # likeness within the looser half, at least
ITEM: Final = 0.5  # mean chance of one item in each half, at least; all our choice, see docs/hotline.md
_READ: Final = 400  # characters
_SEEDS, _ROUNDS = 6, 10

Matrix = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Told = np.ndarray[Any, np.dtype[np.bool_]]


def parted(engine: Engine, messages: Sequence[Message]) -> list[bool] | None:
    """Return for each message whether it goes, with the smaller half, or None where a gathering is one matter."""
    if not LEAST <= len(messages) <= MOST:
        return None
    second = _halves(_bare(engine, messages))
    if second is None or not _enough(messages, second) or not _known_apart(messages, second):
        return None
    return [bool(one) for one in (second if second.sum() * 2 <= len(second) else ~second)]


def _bare(engine: Engine, messages: Sequence[Message]) -> Matrix:
    """Return [messages, pairs] weighed, each of length 1 or 0, without what most messages or only one holds."""
    weighed = [engine.weigh(terms) for terms in terms_of(messages)]
    every, held = np.unique(np.concatenate([pairs for pairs, _ in weighed]), return_counts=True)
    kept = every[(held > 1) & (held < SHARED * len(messages))]
    found = np.zeros((len(messages), max(1, len(kept))), np.float32)
    for row, (pairs, weights) in enumerate(weighed):
        inside = np.isin(pairs, kept)
        found[row, np.searchsorted(kept, pairs[inside])] = weights[inside]
    length = np.linalg.norm(found, axis=1, keepdims=True)
    told: Matrix = np.where(length > 0.05, found / np.maximum(length, 1e-9), 0).astype(np.float32)
    return told


def _halves(found: Matrix) -> Told | None:
    """Return which rows are of the second of two halves that share least, None where none share little enough."""
    rows = np.flatnonzero(found.any(axis=1))
    if len(rows) < LEAST:
        return None
    chance = np.random.default_rng(0)
    best: tuple[float, Told] | None = None
    for _ in range(_SEEDS):
        second = _grown(found, found[chance.choice(rows, 2, replace=False)])
        apart = _apart(found, rows, second)
        if apart is not None and (best is None or apart < best[0]):
            best = (apart, second)
    return best[1] if best is not None and best[0] < BETWEEN else None


def _grown(found: Matrix, middles: Matrix) -> Told:
    """Return which rows are nearer to the second of two middles, both moved until they stay."""
    second = np.zeros(len(found), bool)
    for _ in range(_ROUNDS):
        near = found @ middles.T
        second = near[:, 1] > near[:, 0]
        if not second.any() or second.all():
            break
        sums = np.stack([found[~second].sum(axis=0), found[second].sum(axis=0)])
        middles = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return second


def _apart(found: Matrix, rows: np.ndarray[Any, np.dtype[np.int64]], second: Told) -> float | None:
    """Return the mean likeness between two halves as a share of that within the looser; None for small ones."""
    first, other = found[rows[~second[rows]]], found[rows[second[rows]]]
    if min(len(first), len(other)) < LEAST_PEOPLE:
        return None
    within = min(_likeness(first), _likeness(other))
    return float((first @ other.T).mean()) / within if within >= WITHIN else None


def _likeness(half: Matrix) -> float:
    many = len(half)
    return (float((half @ half.T).sum()) - many) / (many * (many - 1))


def _enough(messages: Sequence[Message], second: Told) -> bool:
    people = [{one.person or one.key for one, is_second in zip(messages, second, strict=True) if is_second == half}
              for half in (False, True)]  # fmt: skip
    return min(map(len, people)) >= LEAST_PEOPLE


def _known_apart(messages: Sequence[Message], second: Told) -> bool:
    """Return whether each half is, by what was read of it, mostly one item, and they are two."""
    model = shipped.items()
    chances = model.chances([normalise(f"{one.title}。{one.text}"[:_READ]).text for one in messages])
    likeliest = [chances[half].mean(axis=0) for half in (~second, second)]
    best = [int(one.argmax()) for one in likeliest]
    sure = all(
        one.max() >= ITEM and not is_none(model.labels[at]) for one, at in zip(likeliest, best, strict=True)
    )
    return sure and best[0] != best[1]
