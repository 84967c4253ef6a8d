"""Training: a linear classifier, its calibration and thresholds, all on predictions that no message's twin helped."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from citybrain.hub.hotline.reading import groups, promise
from citybrain.hub.hotline.reading.errors import BadMessages
from citybrain.hub.hotline.reading.features import counts, rarity, weigh
from citybrain.hub.hotline.reading.figures import confusions, macro_f1, per_class
from citybrain.hub.hotline.reading.labelled import Labelled
from citybrain.hub.hotline.reading.model import Calibration, Linear, Model
from citybrain.hub.hotline.reading.normal import normalise

FOLDS = 5
POWER = 1.4  # of an n-gram's rarity; this and the next two chosen on two of five folds
COST = 0.5
LEAST_TEXTS = 2
ABSENT = -3.0  # margin of a label that a fold's training part doesn't hold
PROMISES = (0.95, 0.97)

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Lesson:
    """What can be learnt from: normalised texts, label numbers and groups; `skipped` messages had nothing to read."""

    names: tuple[str, ...]
    texts: list[str]
    truth: Numbers
    groups: Numbers
    skipped: int


def lesson(labelled: Labelled) -> Lesson:
    """Return the readable messages with their groups: those of the file and near-duplicates.

    Raises `BadMessages` for one class only, or fewer groups than folds.
    """
    normal = [normalise(one) for one in labelled.messages]
    held = [at for at, one in enumerate(normal) if not one.reason]
    names = sorted({labelled.labels[at] for at in held})
    if len(names) < 2:
        have = f"all have the label {names[0]}" if names else "none has a word to read"
        raise BadMessages(
            f"{len(labelled)} messages: {have}; at least two labels are needed to tell them apart"
        )
    number = {name: at for at, name in enumerate(names)}
    texts = [normal[at].text for at in held]
    found = groups.near_duplicates(texts, [labelled.groups[at] for at in held])
    if len(np.unique(found)) < FOLDS:
        raise BadMessages(
            f"{len(held)} messages, {len(np.unique(found))} of them different; at least {FOLDS} are needed"
        )
    truth = np.array([number[labelled.labels[at]] for at in held])
    return Lesson(tuple(names), texts, truth, found, len(normal) - len(held))


def fit(found: Any, truth: Numbers, many: int) -> Linear:
    """Return the weights for `many` labels, learnt from n-gram counts; a label without a message gets `ABSENT`."""
    rare = rarity(found, POWER, LEAST_TEXTS)
    used = np.flatnonzero(rare)
    weights = np.zeros((found.shape[1], many), np.float32)
    bias = np.full(many, ABSENT, np.float32)
    present = np.unique(truth)
    if len(present) == 1 or not len(used):
        bias[present] = 1.0
        return Linear(rare, weights, bias)
    learner = LinearSVC(C=COST, class_weight="balanced", random_state=1)
    learner.fit(weigh(found, rare)[:, used], truth)
    rows, cuts = learner.coef_, learner.intercept_
    if len(present) == 2:  # scikit-learn gives one row for two
        rows, cuts = np.concatenate([-rows, rows]), np.concatenate([-cuts, cuts])
    for at, label in enumerate(present):
        weights[used, label] = rows[at]
        bias[label] = cuts[at]
    return Linear(rare, weights, bias)


def calibrate(margins: Numbers, truth: Numbers) -> Calibration:
    """Return the multinomial logistic calibration of out-of-fold margins."""
    many = margins.shape[1]
    learner = LogisticRegression(C=1.0, max_iter=300).fit(margins, truth)
    scale, shift = np.zeros((many, many)), np.full(many, -30.0)
    rows, cuts = learner.coef_, learner.intercept_
    if len(learner.classes_) == 2:
        rows, cuts = np.concatenate([-rows / 2, rows / 2]), np.concatenate([-cuts / 2, cuts / 2])
    scale[:, learner.classes_], shift[learner.classes_] = rows.T, cuts
    return Calibration(scale, shift)


@dataclass(frozen=True)
class OutOfFold:
    """What was told of each message by a model that saw neither it nor a near-duplicate of it."""

    margins: Numbers
    chances: Numbers
    folds: Numbers

    @property
    def told(self) -> Numbers:
        """Return the likeliest label of each."""
        return np.asarray(self.chances.argmax(axis=1))

    @property
    def confidence(self) -> Numbers:
        """Return its chance."""
        return np.asarray(self.chances.max(axis=1))


def out_of_fold(taught: Lesson) -> OutOfFold:
    """Return predictions over grouped folds; their calibration too comes from the other folds."""
    folds = groups.folds(taught.groups, FOLDS)
    found, many = counts(taught.texts), len(taught.names)
    margins = np.zeros((len(taught.texts), many))
    for fold in range(FOLDS):
        rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        linear = fit(found[rest], taught.truth[rest], many)
        margins[held] = weigh(found[held], linear.rarity) @ linear.weights + linear.bias
    chances = np.zeros_like(margins)
    for fold in range(FOLDS):
        rest, held = folds != fold, folds == fold
        if len(np.unique(taught.truth[rest])) > 1:
            chances[held] = calibrate(margins[rest], taught.truth[rest]).chances(margins[held])
        else:
            chances[held, taught.truth[rest][0]] = 1.0
    return OutOfFold(margins, chances, folds)


def figures(names: Sequence[str], truth: Numbers, told: Numbers, confidence: Numbers) -> dict[str, Any]:
    """Return the figures of predictions, as JSON values."""
    right = truth == told
    return {
        "messages": len(truth),
        "macro_f1": round(macro_f1(truth, told), 4),
        "accuracy": round(float(right.mean()), 4) if len(right) else None,
        "ece": round(promise.calibration_error(confidence, right), 4),
        "per_class": per_class(names, truth, told),
        "mistakes": confusions(names, truth, told),
    }


def train(taught: Lesson, promises: Sequence[float] = PROMISES) -> tuple[Model, OutOfFold]:
    """Return a model learnt from all, calibrated and with thresholds from out-of-fold predictions; and those."""
    began = time.process_time()
    held_out = out_of_fold(taught)
    right = held_out.told == taught.truth
    linear = fit(counts(taught.texts), taught.truth, len(taught.names))
    thresholds = {one: promise.threshold_for(one, held_out.confidence, right) for one in promises}
    about = {
        "messages": len(taught.texts),
        "groups": len(np.unique(taught.groups)),
        "skipped": taught.skipped,
        "folds": FOLDS,
        "training_cpu_seconds": round(time.process_time() - began, 1),
        "out_of_fold": figures(taught.names, taught.truth, held_out.told, held_out.confidence),
    }
    return Model(taught.names, linear, calibrate(held_out.margins, taught.truth), thresholds, about), held_out
