"""What a labelled file says of the classifier: out-of-fold figures, promises, a test file, speed. JSON values only."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from citybrain.hub.hotline.reading import promise
from citybrain.hub.hotline.reading.groups import near, near_duplicates
from citybrain.hub.hotline.reading.labelled import Labelled
from citybrain.hub.hotline.reading.model import Model
from citybrain.hub.hotline.reading.modelfile import dump
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.reading.training import FOLDS, PROMISES, Lesson, OutOfFold, figures, lesson, train

LENGTH = 370  # characters of a message whose reading is timed
NOT_READ = -1


def apart(training: Labelled, test: Labelled) -> Labelled:
    """Return the training messages that have no near-duplicate among the test messages."""
    texts = [normalise(one).text for one in training.messages]
    others = [normalise(one).text for one in test.messages]
    found = near_duplicates([*texts, *others])
    readable = np.array([bool(text) for text in (*texts, *others)])  # what can't be read is near nothing
    seen = np.isin(found[: len(texts)], found[len(texts) :][readable[len(texts) :]]) & readable[: len(texts)]
    seen |= near(texts, others)
    gone = {training.groups[at] for at in np.flatnonzero(seen)} - {""}
    held = [at for at in range(len(training)) if not seen[at] and training.groups[at] not in gone]
    return Labelled(
        [training.messages[at] for at in held],
        [training.labels[at] for at in held],
        [training.groups[at] for at in held],
        training.unlabelled,
    )


def evaluate(
    training: Labelled, test: Labelled | None = None, promises: Sequence[float] = PROMISES
) -> dict[str, Any]:
    """Return the figures of a classifier trained on `training`, out of fold and on `test`.

    Training messages near a test message are left out of everything. Times are of the processor, one thread.
    Raises `BadMessages` where nothing can be learnt.
    """
    return judge(training, test, promises).figures


@dataclass(frozen=True)
class Judged:
    """The figures, and what they are of."""

    figures: dict[str, Any]
    model: Model
    taught: Lesson
    held_out: OutOfFold


def judge(training: Labelled, test: Labelled | None = None, promises: Sequence[float] = PROMISES) -> Judged:
    """Return the figures of `evaluate` with the model they are of."""
    used = training if test is None else apart(training, test)
    taught = lesson(used)
    model, held_out = train(taught, promises)
    right = held_out.told == taught.truth
    answer: dict[str, Any] = {
        "training": {
            "messages": len(taught.texts),
            "groups": model.about["groups"],
            "unlabelled": training.unlabelled,
            "nothing_to_read": taught.skipped,
            "left_out_near_a_test_message": len(training) - len(used),
            "labels": list(model.labels),
        },
        "out_of_fold": {"folds": FOLDS, **model.about["out_of_fold"]},
        "as_running_text": model.about["as_running_text"],
        "promises": [
            {
                "promise": one,
                "threshold": None if threshold is None else round(threshold, 4),
                "out_of_fold": promise.kept(held_out.confidence, right, threshold).to_json(),
            }
            for one, threshold in model.thresholds.items()
        ],
        "bounds": "Clopper-Pearson, each one-sided at 90 %",
        "risk_coverage": promise.risk_coverage(held_out.confidence, right),
        "model_bytes": len(dump(model)),
        "training_cpu_seconds": model.about["training_cpu_seconds"],
        "speed": speed(model, test or training),
    }
    if test is not None:
        answer["test"] = on_test(model, test, answer["promises"])
    return Judged(answer, model, taught, held_out)


def on_test(model: Model, test: Labelled, promises: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures on a test file, and put how each promise was kept there into `promises`.

    A message that couldn't be read counts as told wrongly and never as sent.
    """
    names = (*model.labels, *sorted(set(test.labels) - set(model.labels)))
    number = {name: at for at, name in enumerate(names)}
    readings = model.read(test.messages)
    truth = np.array([number[label] for label in test.labels])
    told = np.array([NOT_READ if one.label is None else number[one.label] for one in readings])
    confidence = np.array([one.confidence for one in readings])
    for one in promises:
        threshold = model.thresholds[one["promise"]]
        done = promise.kept(confidence, truth == told, threshold).to_json()
        one["test"] = {**done, "promise_in_reach": bool(done["sent"]) and done["high"] >= one["promise"]}
    found = figures([*names, "(not read)"], truth, told, confidence)
    del found["per_class"]["(not read)"]
    return {
        **found,
        "not_read": int((told == NOT_READ).sum()),
        "labels_never_learnt": list(names[len(model.labels) :]),
        "risk_coverage": promise.risk_coverage(confidence, truth == told),
    }


def speed(model: Model, among: Labelled) -> dict[str, float]:
    """Return messages of 370 characters read in a second of one core, and milliseconds of a single one (median)."""
    joined = "".join(among.messages[:2000])
    long = joined * (1 + 40 * LENGTH // max(1, len(joined)))
    some = [long[at : at + LENGTH] for at in range(0, min(len(long), 2000 * LENGTH) - LENGTH + 1, LENGTH)]
    single = [_cpu(lambda one=one: model.read([one])) for one in some[:30]]  # type: ignore[misc]
    batch = _cpu(lambda: model.read(some))
    return {
        "characters": LENGTH,
        "batch_messages_per_cpu_second": round(len(some) / max(batch, 1e-9)),
        "single_cpu_ms": round(1000 * float(np.median(single)), 2),
    }


def _cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
