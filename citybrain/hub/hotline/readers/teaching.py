"""Training on a city's own tickets: learns on a part, compares with the model in use on the rest, then learns from all.

The comparison is on messages that the model in use never learnt from, near-duplicates apart from what the new one
learnt. The new one reads unless it is worse; the other is kept.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.db import transaction
from django.db.models import Max
from scipy.special import bdtr

from citybrain.base.ledger.append import record
from citybrain.hub.hotline.models.reader import CLASS_SCHEME, ModelInUse, ModelState
from citybrain.hub.hotline.readers import using
from citybrain.hub.hotline.reading import groups, modelfile, promise, shift, shipped
from citybrain.hub.hotline.reading.errors import ReadingRefused
from citybrain.hub.hotline.reading.figures import macro_f1
from citybrain.hub.hotline.reading.labelled import Labelled
from citybrain.hub.hotline.reading.model import Floats, Model
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.reading.training import FOLDS, PROMISES, Lesson, OutOfFold, lesson, train

FEWEST: Final = 50  # messages on which two models are compared
WORSE: Final = 0.1  # chance (sign test) below which the new one is worse; else the newer messages count
LOST: Final = 0.02  # of the accuracy: too much to lose, though few messages don't make it sure
DOUBT: Final = 0.95  # of the upper bound under which a class is not begun with
_HASH: Final = 8


@dataclass(frozen=True)
class Told:
    """How one model did on the held part: `sent` at its threshold, `right` of those."""

    accuracy: float
    macro_f1: float
    sent: int
    right: int


@dataclass(frozen=True)
class Compared:
    """The new model and the one in use on the same `messages`, held back from the new and never seen by the other.

    `before` is None where there was none to compare with; `against` names it. `better`: the new one is taken, since it
    is neither worse beyond chance nor by two points.
    """

    messages: int
    left_out: int
    against: str
    new: Told | None
    before: Told | None
    better: bool
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return JSON values only."""
        return asdict(self)


@dataclass(frozen=True)
class Taught:
    """A new version, how it compared, and whether it reads now."""

    row: ModelInUse
    compared: Compared
    taken: bool


def teach(
    labelled: Labelled,
    who: str,
    now: datetime,
    *,
    promised: float = PROMISES[0],
    scheme: str = CLASS_SCHEME,
    force: bool = False,
) -> Taught:
    """Return the new version, trained on all; it reads from now on if it is better, or if forced.

    Raises BadMessages where nothing can be learnt; nothing is stored then, and the model in use goes on.
    """
    taught = lesson(labelled)
    compared = compare(taught, promised, scheme)
    model = learn(taught, promised, compared)
    seen = marks(taught.texts)
    row = keep(model, who, now, promised, scheme, seen=seen, use=force or compared.better)
    return Taught(row, compared, row.state == ModelState.IN_USE)


def learn(taught: Lesson, promised: float, compared: Compared) -> Model:
    """Return a model of all messages; it tells how it compared, which classes are doubtful, what it learnt from."""
    model, held = train(taught, tuple(dict.fromkeys((promised, *PROMISES))))
    about = {
        **model.about,
        "compared": compared.to_json(),
        "doubtful": doubtful(model, held, taught, promised),
        "profile": shift.profile_of(taught, held).to_json(),
        "risk_coverage": promise.risk_coverage(held.confidence, held.told == taught.truth),
    }
    return replace(model, about=about)


def keep(
    model: Model,
    who: str,
    now: datetime,
    promised: float,
    scheme: str = CLASS_SCHEME,
    *,
    seen: bytes = b"",
    use: bool = False,
) -> ModelInUse:
    """Return a model stored as the scheme's next version, and read by from now on where `use` says so."""
    content = modelfile.dump(model)
    with transaction.atomic():
        last = ModelInUse.objects.filter(scheme=scheme).aggregate(most=Max("version"))["most"] or 0
        row = ModelInUse.objects.create(
            scheme=scheme,
            version=last + 1,
            content=content,
            digest=hashlib.sha256(content).hexdigest(),
            labels=list(model.labels),
            promise=promised,
            threshold=model.thresholds.get(promised),
            about=dict(model.about),
            seen=seen,
            trained_at=now,
            trained_by=who,
        )
        body = {"digest": row.digest, "compared": model.about.get("compared", {})}
        record(who, "hotline.model_trained", f"model:{scheme}:{row.version}", body, at=now)
        if use:
            using.take_into_use(row, who, now)
    return row


def bring_in(path: Path, who: str, now: datetime, *, promised: float = PROMISES[0]) -> ModelInUse:
    """Return a model file stored as the next version, not in use. Raises ReadingRefused naming the file."""
    return keep(modelfile.load(path), who, now, promised)


def doubtful(model: Model, held: OutOfFold, taught: Lesson, promised: float) -> list[str]:
    """Return the classes whose own share of right ones at the threshold is surely below the promise."""
    threshold = model.thresholds.get(promised)
    if threshold is None:
        return list(model.labels)
    return [
        label
        for at, label in enumerate(model.labels)
        if any(_breaks(one, at, threshold, taught, promised) for one in held.forms)
    ]


def _breaks(told: OutOfFold, label: int, threshold: float, taught: Lesson, promised: float) -> bool:
    own = (told.confidence >= threshold) & (told.told == label)
    right = int((taught.truth[own] == label).sum())
    return bool(own.any()) and promise.upper_bound(right, int(own.sum()), DOUBT) < promised


def compare(taught: Lesson, promised: float, scheme: str = CLASS_SCHEME) -> Compared:
    """Return how a model of four fifths of the messages and the one in use do on the last fifth."""
    row = using.in_use(scheme)
    before, against, trouble = _before(row)
    folds = groups.folds(taught.groups, FOLDS, seed=7)
    rest, held = np.flatnonzero(folds != 0), np.flatnonzero(folds == 0)
    unseen = held[~_seen(row, [taught.texts[at] for at in held])]
    left_out = len(held) - len(unseen)
    if before is None or (row is None and not set(before.labels) & set(taught.names)):
        return Compared(
            0, 0, against, None, None, True, trouble or "there is no model in use to compare with"
        )
    if len(unseen) < FEWEST:
        why = (
            f"only {len(unseen)} held messages that the model in use hasn't learnt from; {FEWEST} are needed"
        )
        return Compared(len(unseen), left_out, against, None, None, False, why)
    part = replace(
        taught, texts=[taught.texts[at] for at in rest], truth=taught.truth[rest], groups=taught.groups[rest]
    )
    candidate, _ = train(part, (promised,))
    texts, truth = [taught.texts[at] for at in unseen], [taught.names[at] for at in taught.truth[unseen]]
    new, old = told(candidate, texts, truth, promised), told(before, texts, truth, promised)
    alone, missed = apart(candidate, before, texts, truth)
    surely = alone < missed and bool(bdtr(alone, alone + missed, 0.5) < WORSE)
    worse = surely or old.accuracy - new.accuracy > LOST
    why = (
        f"accuracy {new.accuracy:.4f} against {old.accuracy:.4f} on {len(texts)} held messages; right alone on {alone} "
        f"and {missed}: {'worse' if worse else 'no worse than chance explains'}"
    )
    return Compared(len(texts), left_out, against, new, old, not worse, why)


def _before(row: ModelInUse | None) -> tuple[Model | None, str, str]:
    if row is None:
        try:
            return shipped.classes(), "the model out of the box", ""
        except ReadingRefused as refused:
            return None, "", str(refused)
    try:
        return using.load_content(row), str(row), ""
    except ReadingRefused as refused:
        return None, str(row), f"the model in use can't be read: {refused}"


def apart(new: Model, before: Model, texts: Sequence[str], truth: Sequence[str]) -> tuple[int, int]:
    """Return on how many messages only the new model was right, and on how many only the one before."""
    first, second = (
        np.array(
            [
                model.labels[at] == true
                for at, true in zip(model.chances(texts).argmax(axis=1), truth, strict=True)
            ]
        )
        for model in (new, before)
    )
    return int((first & ~second).sum()), int((second & ~first).sum())


def told(model: Model, texts: Sequence[str], truth: Sequence[str], promised: float) -> Told:
    """Return how a model does on messages; a label it doesn't know is always told wrongly."""
    chances = model.chances(texts)
    best, sure = chances.argmax(axis=1), chances.max(axis=1)
    names = sorted({*truth, *model.labels})
    number = {name: at for at, name in enumerate(names)}
    true = np.array([number[one] for one in truth])
    said = np.array([number[model.labels[at]] for at in best])
    done = promise.kept(sure, true == said, model.thresholds.get(promised))
    return Told(round(float((true == said).mean()), 4), round(macro_f1(true, said), 4), done.sent, done.right)


def _mark(text: str) -> bytes:
    return hashlib.sha256(text.replace(" ", "").encode()).digest()[:_HASH]


def marks(texts: Sequence[str]) -> bytes:
    """Return a short hash of each normalised text: enough to know it again, nothing to read it by."""
    return b"".join(sorted({_mark(one) for one in texts}))


def _seen(row: ModelInUse | None, texts: Sequence[str]) -> Floats:
    """Return of each normalised text whether the model in use learnt from the very same one."""
    kept = bytes(ModelInUse.objects.values_list("seen", flat=True).get(pk=row.pk)) if row is not None else b""
    known = {kept[at : at + _HASH] for at in range(0, len(kept), _HASH)}
    return np.array([_mark(one) in known for one in texts], bool)


def has_learnt(row: ModelInUse, message: str) -> bool:
    """Return whether a version learnt from this very message."""
    return bool(_seen(row, [normalise(message).text])[0])
