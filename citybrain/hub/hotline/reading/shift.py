"""Whether messages still look like those a model learnt from: its confidences, what it tells, what it never saw.

A model's confidence means what it promises of messages like its own. Other messages (another city's, another
season's) it may read as surely and more wrongly; no label is needed to see that they are others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from citybrain.hub.hotline.reading.features import counts
from citybrain.hub.hotline.reading.model import Floats, Linear

if TYPE_CHECKING:  # training loads scikit-learn, which nobody needs who only looks
    from citybrain.hub.hotline.reading.training import Lesson, OutOfFold

FEWEST: Final = 100  # messages from which anything is said; our choice
FALLEN: Final = (
    0.03  # of the mean confidence, which is the share expected right; this and the next two our choice
)
MOVED: Final = 0.20  # of the shares of classes (total variation)
STRANGE: Final = 0.02  # of characters never seen, above those of training
LEAST_TEXTS: Final = 2  # training messages from which a character is known
CHANCE: Final = 0.001  # below which chance doesn't explain a difference


@dataclass(frozen=True)
class Profile:
    """What a model told of its own messages, out of fold.

    `confidence` are the quantiles 0, 0.01, … 1; `told` the share of each label; `unknown` the mean share of a
    message's different characters that the other folds didn't know.
    """

    messages: int
    confidence: tuple[float, ...]
    told: Mapping[str, float]
    unknown: float

    def to_json(self) -> dict[str, Any]:
        """Return JSON values only."""
        return {**asdict(self), "confidence": list(self.confidence), "told": dict(self.told)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Profile":
        """Return the profile that `to_json` told. Raises KeyError, TypeError or ValueError for anything else."""
        told = {str(name): float(share) for name, share in kept["told"].items()}
        confidence = tuple(float(one) for one in kept["confidence"])
        return cls(int(kept["messages"]), confidence, told, float(kept["unknown"]))


@dataclass(frozen=True)
class Shift:
    """How far messages are from a profile. `signs` says by what: "confidence", "classes", "characters"; none: alike."""

    messages: int
    confidence: float
    confidence_then: float
    moved: float
    unknown: float
    unknown_then: float
    signs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values only."""
        return {**asdict(self), "signs": list(self.signs)}


def profile_of(taught: "Lesson", held: "OutOfFold") -> Profile:
    """Return the profile of a training set from what was told of it out of fold.

    Where the messages were cut into words, of them as running text: so the messages come that it will be held against.
    """
    seen = held.running or held
    told = np.bincount(seen.told, minlength=len(taught.names)) / max(1, len(seen.told))
    return Profile(
        len(taught.texts),
        tuple(np.round(np.quantile(seen.confidence, np.linspace(0, 1, 101)), 4).tolist()),
        {name: round(float(share), 4) for name, share in zip(taught.names, told, strict=True)},
        round(float(_unknown_out_of_fold(taught.texts, seen.folds).mean()), 5),
    )


def _unknown_out_of_fold(texts: Sequence[str], folds: Floats) -> Floats:
    found = counts(texts, (1,))
    found.data[:] = 1
    every = np.asarray(found.sum(axis=0)).ravel()
    share = np.zeros(len(texts))
    for fold in np.unique(folds):
        at = np.flatnonzero(folds == fold)
        here = found[at]
        strange = (every - np.asarray(here.sum(axis=0)).ravel() < LEAST_TEXTS).astype(np.float32)
        share[at] = here @ strange / np.maximum(1, np.diff(here.indptr))
    return share


def unknown(linear: Linear, texts: Sequence[str]) -> Floats:
    """Return the share of each normalised text's different characters that a model never learnt."""
    found = counts(texts, (1,))
    found.data[:] = 1
    return np.asarray(found @ (linear.rarity == 0).astype(np.float32) / np.maximum(1, np.diff(found.indptr)))


def notice(
    profile: Profile, confidence: Sequence[float], told: Sequence[str], strange: Sequence[float]
) -> Shift:
    """Return how far messages are from a profile; fewer than `FEWEST` are never called shifted.

    A difference counts where it is large and no chance: both, since many messages make any difference certain.
    """
    sure = np.asarray(confidence, float)
    many = len(sure)
    if not many:
        return Shift(0, 0.0, _mean(profile), 0.0, 0.0, profile.unknown, ())
    fallen = _mean(profile) - float(sure.mean())
    moved, by_chance = _moved(profile, told)
    foreign = float(np.mean(strange)) if len(strange) else 0.0
    signs = (
        ("confidence", fallen >= FALLEN and _fallen_by_chance(profile, sure, fallen) < CHANCE),
        ("classes", moved >= MOVED and by_chance < CHANCE),
        ("characters", foreign >= profile.unknown + STRANGE),
    )
    return Shift(
        many,
        round(float(sure.mean()), 4),
        round(_mean(profile), 4),
        round(moved, 4),
        round(foreign, 5),
        profile.unknown,
        tuple(name for name, is_so in signs if is_so) if many >= FEWEST else (),
    )


def _mean(profile: Profile) -> float:
    steps = np.asarray(profile.confidence)
    return float((steps[1:] + steps[:-1]).mean() / 2)


def _fallen_by_chance(profile: Profile, sure: Floats, fallen: float) -> float:
    """Return the one-sided chance of such a fall between two means of the same spread."""
    from scipy.special import ndtr

    then = float(np.var(np.asarray(profile.confidence)))
    error = np.sqrt(then / max(1, profile.messages) + max(then, float(sure.var())) / len(sure))
    return float(ndtr(-fallen / max(error, 1e-9)))


def _moved(profile: Profile, told: Sequence[str]) -> tuple[float, float]:
    """Return the total variation of the shares of classes, and the chance of it (chi-squared)."""
    from scipy.special import chdtrc

    names = sorted({*profile.told, *told})
    then = np.array([max(profile.told.get(name, 0.0), 0.5 / max(1, profile.messages)) for name in names])
    now = np.array([sum(one == name for one in told) for name in names])
    expected = then / then.sum() * len(told)
    moved = float(np.abs(now / len(told) - then / then.sum()).sum() / 2)
    return moved, float(chdtrc(max(1, len(names) - 1), float(((now - expected) ** 2 / expected).sum())))
