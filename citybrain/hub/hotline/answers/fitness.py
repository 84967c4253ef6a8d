"""How well a reply fits a message: by what both speak of, weighed by how rare it is, and by what only one names."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from citybrain.hub.hotline.answers.pairs import Told
from citybrain.hub.hotline.answers.substance import flat, substance
from citybrain.hub.hotline.reading.example_set import load
from citybrain.hub.hotline.reading.features import Counts, counts, rarity, weigh
from citybrain.hub.hotline.reading.normal import normalise

SIGNS: Final = ("alike", "crowd", "shared", "unshared", "heading", "text", "length")
_BITS: Final = 20
_POWER: Final = 1.5
_CROWD: Final = 10  # messages that a reply is most like
_MOST_GROUND: Final = 5_000
_TOKEN = re.compile(r"[a-z]+\d*[市区县]?|\d+(?:路|号|栋|线|元|米|街|幢|弄|楼|单元|年|月)")

Array = np.ndarray[Any, np.dtype[Any]]

# Weights of SIGNS as they are, fitted once on 2,251 public pairs (docs/hotline.md): to find the reply among many,
FIND: Final = (60.3, -67.97, 1.105, 0.3811, 5.164, 4.376, -0.1323)
# and, with the constant, to tell a right reply from a wrong one that is much like it.
JUDGE: Final = (20.55, -45.54, 0.5482, 0.3029, 3.747, 2.937, -0.1308)
CONSTANT: Final = 1.778


class Ground:
    """What is usual: how rare each pair of characters, each number and name is, and what messages are like."""

    def __init__(self, messages: Sequence[Told], replies: Sequence[str]) -> None:
        from scipy import sparse

        told = [_read(one.whole) for one in messages]
        said = [_read(one) for one in replies]
        both = sparse.vstack([_grams(told), _grams(said)]) if replies else _grams(told)
        self.weight = rarity(both, _POWER, 1)
        pairs = _ones([*told, *said])
        held = np.bincount(pairs.indices, minlength=pairs.shape[1])
        self.many = max(1, pairs.shape[0])
        self.pair_weight = np.log((1 + self.many) / (1 + held)).astype(np.float32)
        times: dict[str, int] = {}
        for one in [*(_tokens(each.whole) for each in messages), *(_tokens(each) for each in replies)]:
            for token in one:
                times[token] = times.get(token, 0) + 1
        self.times = times
        self._messages = weigh(_grams(told[:_MOST_GROUND]), self.weight)

    def worth(self, token: str) -> float:
        """Return how much a name or number counts: the rarer, the more."""
        return float(np.log((1 + self.many) / (1 + self.times.get(token, 0)))) + 0.5

    def crowd(self, said: Counts) -> Array:
        """Return how like the ten nearest messages of the ground each reply is: what fits all says little."""
        many = self._messages.shape[0]
        if not many:
            return np.zeros(said.shape[0], np.float32)
        found = np.empty(said.shape[0], np.float32)
        for at in range(0, said.shape[0], 512):
            alike = (said[at : at + 512] @ self._messages.T).toarray()
            most = min(_CROWD, many)
            found[at : at + 512] = np.partition(alike, many - most, axis=1)[:, many - most :].mean(axis=1)
        return found


class Replies:
    """Replies (as `substance` leaves them) made ready to be compared with messages."""

    def __init__(self, ground: Ground, replies: Sequence[str]) -> None:
        self.ground = ground
        self.read = [_read(one) for one in replies]
        self.weighed = weigh(_grams(self.read), ground.weight)
        self.crowd = ground.crowd(self.weighed)
        self.pairs = _ones(self.read)
        self.tokens = [_tokens(one) for one in replies]
        self.length = np.log1p([len(one) for one in self.read]).astype(np.float32)

    def __len__(self) -> int:
        return len(self.read)

    def alike(self, messages: Sequence[Told]) -> Array:
        """Return the cosine of each message (rows) with each reply (columns)."""
        told = weigh(_grams([_read(one.whole) for one in messages]), self.ground.weight)
        return np.asarray((told @ self.weighed.T).toarray(), np.float32)

    def signs(self, messages: Sequence[Told], alike: Array, asked: Array) -> Array:
        """Return SIGNS of each message with the replies `asked` of it (numbers, one row for each message)."""
        rows = np.arange(len(messages))[:, None]
        found = np.empty((*asked.shape, len(SIGNS)), np.float32)
        found[..., 0] = alike[rows, asked]
        found[..., 1] = self.crowd[asked]
        found[..., 2], found[..., 3] = self._names(messages, asked)
        found[..., 4] = self._covered([_read(one.heading) for one in messages])[rows, asked]
        found[..., 5] = self._covered([_read(one.text) for one in messages])[rows, asked]
        found[..., 6] = self.length[asked]
        return found

    def _covered(self, texts: Sequence[str]) -> Array:
        """Return the share of what is rare in each text that each reply has too."""
        from scipy import sparse

        told = _ones(texts)
        values = self.ground.pair_weight[told.indices]
        weighed = sparse.csr_matrix((values, told.indices, told.indptr), shape=told.shape)
        whole = np.asarray(weighed.sum(axis=1)).ravel() + 1
        return np.asarray((weighed @ self.pairs.T).toarray() / whole[:, None], np.float32)

    def _names(self, messages: Sequence[Told], asked: Array) -> tuple[Array, Array]:
        """Return what message and reply both name, and (below 0) what the reply alone names."""
        shared = np.zeros(asked.shape, np.float32)
        alone = np.zeros(asked.shape, np.float32)
        for row, one in enumerate(messages):
            told = _tokens(one.whole)
            for column, reply in enumerate(asked[row]):
                said = self.tokens[reply]
                shared[row, column] = sum(self.ground.worth(token) for token in said & told)
                alone[row, column] = sum(self.ground.worth(token) for token in said - told)
        return np.log1p(shared), -np.log1p(alone)


def score(signs: Array, weights: Sequence[float] | Array, constant: float = 0.0) -> Array:
    """Return the weighed sum of signs: what is higher fits better."""
    return np.asarray(signs @ np.asarray(weights, np.float64) + constant, np.float64)


def fitness(message: str, reply: str, *, title: str = "", ground: Ground | None = None) -> float:
    """Return how well a reply fits a message, 0 to 1; 0 where either holds no word.

    `ground` tells what is usual in the city (its own messages and replies); the shipped examples stand in for it.
    It judges whether both speak of the same, not whether what the reply says is true.
    """
    told, said = Told(title, message), substance(reply, title)
    if not _read(told.whole) or not _read(said):
        return 0.0
    replies = Replies(ground or usual_ground(), [said])
    signs = replies.signs([told], replies.alike([told]), np.zeros((1, 1), np.int64))
    return float(1 / (1 + np.exp(-score(signs, JUDGE, CONSTANT)[0, 0])))


@lru_cache(maxsize=1)
def usual_ground() -> Ground:
    """Return the ground that the project's own examples make."""
    return Ground([Told("", one) for one in load().texts], [])


def _read(text: str) -> str:
    return normalise(text).text


def _grams(texts: Sequence[str]) -> Counts:
    return counts(texts, bits=_BITS)


def _ones(texts: Sequence[str]) -> Counts:
    found = counts(texts, (2,), _BITS)
    found.data[:] = 1
    return found


def _tokens(text: str) -> frozenset[str]:
    """Return the names in letters and the numbers that count something: a road's, a house's, a bus's."""
    return frozenset(_TOKEN.findall(flat(text).lower()))
