"""A trained classifier: from messages to labels with calibrated confidences, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from citybrain.hub.hotline.reading.features import Counts, counts, grams, opened, weigh
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.reading.parts import margins_by_parts

CHUNK = 512  # messages that are hashed together: bounds memory, costs no speed
CANDIDATES = 3
_STRONGEST = 12  # pairs of characters of which words are told
_LONGEST = 6  # characters of such a word

Floats = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Calibration:
    """From margins to chances: the softmax of margins · scale + shift."""

    scale: Floats
    shift: Floats

    def chances(self, margins: Floats) -> Floats:
        """Return each label's chance; a row sums to 1."""
        told = margins @ self.scale + self.shift
        told = np.exp(told - told.max(axis=1, keepdims=True))
        return np.asarray(told / told.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Reading:
    """What a message was read as. `label` is None where nothing could be read; `reason` says why.

    `candidates` are the likeliest labels with their chances, likeliest first. `confidence` is the first one's, 0
    without one. `shortened` where only the message's beginning was read.
    """

    label: str | None
    confidence: float
    candidates: tuple[tuple[str, float], ...]
    reason: str = ""
    shortened: bool = False


@dataclass(frozen=True)
class Linear:
    """One weight for each hash and label; the margin of a label is the sum over a message's n-grams, and `bias`."""

    rarity: Floats  # [hashes], 0 for those not learnt
    weights: Floats  # [hashes, labels]
    bias: Floats  # [labels]
    opening: int = 0  # first characters of a message that count three times
    by_parts: bool = False  # long messages are read part by part: learnt from sentences, not from messages

    def counts(self, texts: Sequence[str]) -> Counts:
        """Return the n-grams of normalised texts, those of their openings three times."""
        return counts([opened(one, self.opening) for one in texts])

    def margins(self, texts: Sequence[str]) -> Floats:
        """Return [texts, labels]; of a text without a known n-gram the bias."""
        return margins_by_parts(self._margins, texts) if self.by_parts else self._margins(texts)

    def _margins(self, texts: Sequence[str]) -> Floats:
        return np.asarray(weigh(self.counts(texts), self.rarity) @ self.weights + self.bias)


@dataclass(frozen=True)
class Model:
    """The classifier with its calibration, and the threshold for each promise (None: no threshold keeps it).

    `about` tells what it was trained on and how well it did out of fold; JSON values only.
    """

    labels: tuple[str, ...]
    linear: Linear
    calibration: Calibration
    thresholds: Mapping[float, float | None]
    about: Mapping[str, Any]

    def chances(self, texts: Sequence[str]) -> Floats:
        """Return [texts, labels] for normalised texts."""
        parts = [self.linear.margins(texts[at : at + CHUNK]) for at in range(0, len(texts), CHUNK)]
        return self.calibration.chances(np.concatenate(parts) if parts else np.zeros((0, len(self.labels))))

    def read(self, messages: Sequence[str]) -> list[Reading]:
        """Return what each message was read as."""
        normal = [normalise(message) for message in messages]
        chances = iter(self.chances([one.text for one in normal if not one.reason]))
        told = []
        for one in normal:
            if one.reason:
                told.append(Reading(None, 0.0, (), one.reason, one.shortened))
                continue
            chance = next(chances)
            best = np.argsort(-chance, kind="stable")[:CANDIDATES]
            candidates = tuple((self.labels[at], float(chance[at])) for at in best)
            told.append(Reading(*candidates[0], candidates, "", one.shortened))
        return told

    def why(self, message: str, label: str, most: int = 5) -> list[str]:
        """Return the words in a message that spoke most for a label, strongest first.

        A word is a run of neighbouring pairs of characters, each among the strongest of the message.
        """
        text = normalise(message).text
        spoke = self.spoke(text, label)
        if not len(spoke):
            return []
        least = max(float(np.sort(spoke)[-_STRONGEST:][0]), 1e-9)
        words: dict[str, float] = {}
        for begin, end in _runs(np.flatnonzero(spoke >= least).tolist(), _LONGEST - 1):
            words[text[begin : end + 1]] = float(spoke[begin:end].sum())
        return sorted(words, key=lambda word: (-words[word], word))[:most]

    def spoke(self, text: str, label: str) -> Floats:
        """Return how much each pair of characters of a normalised text spoke for a label, by its place."""
        told = np.zeros(max(0, len(text) - 1))
        solid = np.frombuffer(text.encode("utf-32-le"), np.uint32) != ord(" ")
        held = solid[:-1] & solid[1:]
        _, hashes = grams([text], (2,))
        told[held] = self.linear.rarity[hashes] * self.linear.weights[hashes, self.labels.index(label)]
        return told


def _runs(places: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of each run of neighbouring places, cut after `most`."""
    begin = end = -1
    for at in places:
        if at != end or at - begin == most:
            if begin >= 0:
                yield begin, end
            begin = at
        end = at + 1
    if begin >= 0:
        yield begin, end
