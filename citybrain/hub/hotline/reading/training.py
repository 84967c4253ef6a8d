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
from citybrain.hub.hotline.reading.features import Counts, counts, opened, rarity, weigh
from citybrain.hub.hotline.reading.figures import confusions, macro_f1, per_class
from citybrain.hub.hotline.reading.forms import is_cut, running
from citybrain.hub.hotline.reading.labelled import Labelled
from citybrain.hub.hotline.reading.model import Calibration, Linear, Model
from citybrain.hub.hotline.reading.normal import normalise

FOLDS = 5
POWER = 1.4  # of an n-gram's rarity; this and the next two chosen on two of five folds
COST = 0.5
LEAST_TEXTS = 2
OPENING = 20  # first characters that count three times; of 0, 20, 40 and once or twice more
MARGIN = 0.005  # of a promise, for messages learnt from as words; docs/hotline.md tells how it was chosen
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


def features(texts: Sequence[str]) -> Counts:
    """Return the n-grams by which texts are learnt and read."""
    return counts([opened(one, OPENING) for one in texts])


def fit(found: Any, truth: Numbers, many: int) -> Linear:
    """Return the weights for `many` labels, learnt from n-gram counts; a label without a message gets `ABSENT`."""
    rare = rarity(found, POWER, LEAST_TEXTS)
    used = np.flatnonzero(rare)
    weights = np.zeros((found.shape[1], many), np.float32)
    bias = np.full(many, ABSENT, np.float32)
    present = np.unique(truth)
    if len(present) == 1 or not len(used):
        bias[present] = 1.0
        return Linear(rare, weights, bias, OPENING)
    learner = LinearSVC(C=COST, class_weight="balanced", random_state=1)
    learner.fit(weigh(found, rare)[:, used], truth)
    rows, cuts = learner.coef_, learner.intercept_
    if len(present) == 2:  # scikit-learn gives one row for two
        rows, cuts = np.concatenate([-rows, rows]), np.concatenate([-cuts, cuts])
    for at, label in enumerate(present):
        weights[used, label] = rows[at]
        bias[label] = cuts[at]
    return Linear(rare, weights, bias, OPENING)


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
    """What was told of each message by a model that saw neither it nor a near-duplicate of it.

    `running` is what was told of it as running text, None where the messages aren't cut into words.
    """

    margins: Numbers
    chances: Numbers
    folds: Numbers
    running: "OutOfFold | None" = None

    @property
    def told(self) -> Numbers:
        """Return the likeliest label of each."""
        return np.asarray(self.chances.argmax(axis=1))

    @property
    def confidence(self) -> Numbers:
        """Return its chance."""
        return np.asarray(self.chances.max(axis=1))

    @property
    def forms(self) -> "tuple[OutOfFold, ...]":
        """Return what was told in each form of the messages."""
        return (self,) if self.running is None else (self, self.running)

    def threshold(self, kept: float, truth: Numbers) -> float | None:
        """Return the least confidence that keeps a promise in each form, None where one form never does.

        A model of words cut apart is used on running text: it has to keep `MARGIN` more than it promises.
        """
        asked = kept if self.running is None else min(kept + MARGIN, (1 + kept) / 2)
        found = [promise.threshold_for(asked, one.confidence, one.told == truth) for one in self.forms]
        return None if any(one is None for one in found) else max(one for one in found if one is not None)


def out_of_fold(taught: Lesson) -> OutOfFold:
    """Return predictions over grouped folds; their calibration too comes from the other folds."""
    folds = groups.folds(taught.groups, FOLDS)
    found, many = [features(taught.texts)], len(taught.names)
    if is_cut(taught.texts):
        found.append(features([running(one) for one in taught.texts]))
    margins = [np.zeros((len(taught.texts), many)) for _ in found]
    for fold in range(FOLDS):
        rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        linear = fit(found[0][rest], taught.truth[rest], many)
        for told, form in zip(margins, found, strict=True):
            told[held] = weigh(form[held], linear.rarity) @ linear.weights + linear.bias
    chances = [np.zeros_like(one) for one in margins]
    for fold in range(FOLDS):
        rest, held = folds != fold, folds == fold
        truth = taught.truth[rest]
        for told, form in zip(chances, margins, strict=True):
            if len(np.unique(truth)) > 1:
                told[held] = calibrate(margins[0][rest], truth).chances(form[held])
            else:
                told[held, truth[0]] = 1.0
    last = OutOfFold(margins[1], chances[1], folds) if len(margins) > 1 else None
    return OutOfFold(margins[0], chances[0], folds, last)


def figures(names: Sequence[str], truth: Numbers, told: Numbers, confidence: Numbers) -> dict[str, Any]:
    """Return the figures of predictions, as JSON values."""
    right = truth == told
    usual, most = promise.perfect_calibration_error(confidence)
    return {
        "messages": len(truth),
        "macro_f1": round(macro_f1(truth, told), 4),
        "accuracy": round(float(right.mean()), 4) if len(right) else None,
        "ece": round(promise.calibration_error(confidence, right), 4),
        "ece_if_perfect": {"mean": round(usual, 4), "nine_in_ten_below": round(most, 4)},
        "mean_confidence": round(float(confidence.mean()), 4) if len(right) else None,
        "per_class": per_class(names, truth, told),
        "mistakes": confusions(names, truth, told),
    }


def train(taught: Lesson, promises: Sequence[float] = PROMISES) -> tuple[Model, OutOfFold]:
    """Return a model learnt from all, calibrated and with thresholds from out-of-fold predictions; and those."""
    began = time.process_time()
    held_out = out_of_fold(taught)
    linear = fit(features(taught.texts), taught.truth, len(taught.names))
    thresholds = {one: held_out.threshold(one, taught.truth) for one in promises}
    last = held_out.running
    about = {
        "messages": len(taught.texts),
        "groups": len(np.unique(taught.groups)),
        "skipped": taught.skipped,
        "folds": FOLDS,
        "training_cpu_seconds": round(time.process_time() - began, 1),
        "out_of_fold": figures(taught.names, taught.truth, held_out.told, held_out.confidence),
        "as_running_text": None
        if last is None
        else figures(taught.names, taught.truth, last.told, last.confidence),
    }
    calibration = calibrate(held_out.margins, taught.truth)
    return Model(taught.names, linear, calibration, thresholds, about), held_out
