"""The models out of the box: items and classes, learnt from the project's own examples when first asked for.

Their confidence is calibrated on phrasings held out, and therefore means what it says of sentences like the
examples. A city's messages are others: no promise is made of them (`thresholds` are None), nothing is dispatched
by these models alone.
"""

import csv
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np

from citybrain.hub.hotline.reading import promise
from citybrain.hub.hotline.reading.example_set import OTHER, SEVEN, Examples, class_of, is_none, load
from citybrain.hub.hotline.reading.features import BITS
from citybrain.hub.hotline.reading.figures import macro_f1, per_class
from citybrain.hub.hotline.reading.items import (
    Floats,
    ItemModel,
    Weights,
    best_scale,
    first,
    learn,
    shares,
    sobered,
)
from citybrain.hub.hotline.reading.model import Calibration, Linear, Model
from citybrain.hub.hotline.reading.normal import normalise

PHRASINGS: Final = (
    7  # parts the phrasings of each item are dealt into; each is told by what the others taught
)
PROMISES: Final = (0.95, 0.97)
CLASSES: Final = (*SEVEN, OTHER)
# What `held_out` found best: said here, so that a start needn't find them again. A test finds them anew.
ITEM_SCALE: Final = 20.0
ITEM_SLOPE, ITEM_SHIFT = 0.27, -0.73
CLASS_SCALE: Final = 3.9
BALANCE: Final = 0.5  # chosen on held-out phrasings
# Added for "其他": a quarter of the examples are of none of the seven, of a city's messages fewer. Our choice.
OTHER_SHIFT: Final = -1.0
_lock = threading.Lock()


@dataclass(frozen=True)
class Material:
    """What is learnt from: normalised texts with labels and the part each belongs to (-1: an item's own name)."""

    texts: list[str]
    labels: tuple[str, ...]
    parts: Floats
    names: tuple[str, ...]

    def numbers(self) -> Floats:
        """Return each text's place in `names`."""
        number = {one: at for at, one in enumerate(self.names)}
        return np.array([number[one] for one in self.labels])

    def classes(self) -> Floats:
        """Return each text's place in `CLASSES`."""
        return np.array([CLASSES.index(class_of(one) or OTHER) for one in self.labels])


def own_words() -> dict[str, str]:
    """Return each item's name and the conditions of its standard."""
    text = resources.files("citybrain.hub.cases").joinpath("data/items.csv").read_text(encoding="utf-8-sig")
    return {
        row["code"]: f"{row['name_zh']} {row['filing_condition']}"
        for row in csv.DictReader(text.splitlines())
    }


def material(examples: Examples) -> Material:
    """Return the examples and the items' own words, ready to learn from."""
    own = own_words()
    seen: Counter[str] = Counter()
    parts = []
    for label in examples.labels:
        parts.append(seen[label] % PHRASINGS)
        seen[label] += 1
    codes = [code for code in own if code in seen]
    texts = [normalise(one).text or "0" for one in (*examples.texts, *(own[code] for code in codes))]
    labels = (*examples.labels, *codes)
    return Material(texts, labels, np.array(parts + [-1] * len(codes)), tuple(sorted(set(labels))))


@lru_cache(maxsize=1)
def _made() -> tuple[ItemModel, Model]:
    examples = load()
    taught = material(examples)
    items = ItemModel(
        taught.names,
        learn(taught.texts, taught.numbers(), len(taught.names)),
        ITEM_SCALE,
        ITEM_SLOPE,
        ITEM_SHIFT,
    )
    classes = learn(taught.texts, taught.classes(), len(CLASSES), BALANCE)
    about = {"made_from": "examples", "digest": examples.digest, "messages": len(examples.texts)}
    return items, Model(CLASSES, _dense(classes), _softmax(CLASS_SCALE), dict.fromkeys(PROMISES), about)


def _dense(weights: Weights) -> Linear:
    table = np.zeros((2**BITS, weights.table.shape[1]), np.float32)
    used = np.flatnonzero(weights.rows)
    table[used] = weights.table[weights.rows[used]]
    return Linear(weights.rarity, table, weights.bias, by_parts=True)


def _softmax(scale: float) -> Calibration:
    return Calibration(np.eye(len(CLASSES)) * scale, np.where(np.array(CLASSES) == OTHER, OTHER_SHIFT, 0.0))


def items() -> ItemModel:
    """Return the reader of items; made in about a second, once in a process. Raises `BadMessages`."""
    with _lock:
        return _made()[0]


def classes() -> Model:
    """Return the reader of the seven classes and "其他", for a city without a model of its own."""
    with _lock:
        return _made()[1]


@dataclass(frozen=True)
class HeldOut:
    """What was told of each example by a model that saw neither it nor the others of its part."""

    truth: Floats
    margins: Floats
    names: tuple[str, ...]

    def scale(self) -> float:
        """Return the scale under which the truth is likeliest."""
        return best_scale(self.margins, self.truth)

    def chances(self, scale: float) -> Floats:
        """Return the chance of each name."""
        return shares(self.margins, scale)


def held_out(
    taught: Material,
    truth: Floats,
    names: tuple[str, ...],
    balance: float = 0.0,
    parts: Sequence[int] = range(PHRASINGS),
) -> HeldOut:
    """Return predictions of `parts` of the examples, each held out (an item's own name is always learnt)."""
    asked = np.flatnonzero(np.isin(taught.parts, parts))
    margins = np.zeros((len(taught.texts), len(names)))
    for part in parts:
        rest, held = np.flatnonzero(taught.parts != part), np.flatnonzero(taught.parts == part)
        weights = learn([taught.texts[at] for at in rest], truth[rest], len(names), balance)
        margins[held] = weights.margins([taught.texts[at] for at in held])
    return HeldOut(truth[asked], margins[asked], names)


def figures(parts: Sequence[int] = range(PHRASINGS)) -> dict[str, Any]:
    """Return how well held-out phrasings of the examples are told, items and classes; a second or so for each part."""
    taught = material(load())
    told_items = held_out(taught, taught.numbers(), taught.names, parts=parts)
    told_classes = held_out(taught, taught.classes(), CLASSES, BALANCE, parts)
    return {
        "examples": len(told_items.truth),
        "items": _item_figures(told_items),
        "classes": _class_figures(told_classes),
    }


def _item_figures(told: HeldOut) -> dict[str, Any]:
    none = np.array([is_none(one) for one in told.names])
    chances = sobered(told.chances(ITEM_SCALE), none, ITEM_SLOPE, ITEM_SHIFT)
    nothing = chances[:, none].sum(axis=1)
    only = np.where(none, -1, chances)
    of_item = ~none[told.truth]
    rank = (only > only[np.arange(len(only)), told.truth][:, None]).sum(axis=1)
    said_none = nothing >= only.max(axis=1)
    right = np.where(of_item, (rank == 0) & ~said_none, said_none)
    return {
        "labels": int((~none).sum()),
        "first": round(float((rank == 0)[of_item].mean()), 4),
        "first_three": round(float((rank < 3)[of_item].mean()), 4),
        "none_told_as_none": round(float(said_none[~of_item].mean()), 4),
        "item_told_as_none": round(float(said_none[of_item].mean()), 4),
        "right": round(float(right.mean()), 4),
        "ece": round(promise.calibration_error(first(chances, none), right), 4),
    }


def _class_figures(told: HeldOut) -> dict[str, Any]:
    chances = _softmax(CLASS_SCALE).chances(told.margins)
    best = chances.argmax(axis=1)
    right = best == told.truth
    return {
        "macro_f1": round(macro_f1(told.truth, best), 4),
        "accuracy": round(float(right.mean()), 4),
        "ece": round(promise.calibration_error(chances.max(axis=1), right), 4),
        "per_class": per_class(told.names, told.truth, best),
        "scale": round(told.scale(), 2),
    }
