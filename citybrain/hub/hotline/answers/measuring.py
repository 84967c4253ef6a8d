"""How well replies are found and told from near ones, on a file of messages with their own replies."""

from typing import Any, Final

import numpy as np

from citybrain.hub.hotline.answers.fitness import CONSTANT, FIND, JUDGE, SIGNS, Array, Ground, Replies, score
from citybrain.hub.hotline.answers.pairs import Pairs
from citybrain.hub.hotline.reading.features import counts, rarity, weigh
from citybrain.hub.hotline.reading.groups import folds, near_duplicates
from citybrain.hub.hotline.reading.normal import normalise

CANDIDATES: Final = 60  # nearest replies that are compared sign by sign
FOLDS: Final = 5
FEWEST_GROUPS: Final = (
    50  # from which the weights are fitted in folds; below, the shipped ones are judged alone
)
SAME: Final = 0.98  # cosine from which two replies are one text sent twice
_BLOCK: Final = 256
_SETTINGS_TRIED: Final = 40  # while this was built, on the public file


class Compared:
    """A file's messages against all its replies; computed once, judged by any weights."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        texts = [normalise(one.whole).text for one in pairs.messages]
        known = pairs.groups if any(pairs.groups) else None
        self.groups = near_duplicates(texts, known)
        self.text_of = _numbered([normalise(one).text for one in pairs.replies])
        ground = Ground(pairs.messages, pairs.replies)
        self.replies = Replies(ground, pairs.replies)
        self.near_reply = self._nearest_replies()
        many = len(pairs)
        most = min(CANDIDATES, many)
        self.asked = np.empty((many, most), np.int64)
        self.near_message = np.full(many, -1, np.int64)
        extra = np.empty((many, most + 3), np.int64)
        self.signs = np.empty((many, most + 3, len(SIGNS)), np.float32)
        for at in range(0, many, _BLOCK):
            rows = np.arange(at, min(many, at + _BLOCK))
            alike = self.replies.alike([pairs.messages[one] for one in rows])
            self.asked[rows] = np.argsort(-alike, axis=1, kind="stable")[:, :most]
            self.near_message[rows] = self._other(alike, rows)
            wrong = np.stack([self.near_reply[rows], self.near_message[rows]], 1)
            extra[rows] = np.concatenate([self.asked[rows], rows[:, None], np.where(wrong < 0, 0, wrong)], 1)
            self.signs[rows] = self.replies.signs([pairs.messages[one] for one in rows], alike, extra[rows])

    def _different(self, rows: Array) -> Array:
        """Return which replies are another answer: another group's, and another text."""
        other_group: Array = self.groups[rows][:, None] != self.groups[None, :]
        return np.asarray(other_group & (self.text_of[rows][:, None] != self.text_of[None, :]))

    def _other(self, alike: Array, rows: Array) -> Array:
        """Return the reply of another group that is likest to each row, -1 where there is none."""
        asked = np.where(self._different(rows), alike, -1.0)
        best = asked.argmax(axis=1)
        return np.where(asked[np.arange(len(rows)), best] > 0, best, -1)

    def _nearest_replies(self) -> Array:
        """Return for each message the reply that is likest to its own: of another group and another text."""
        found = counts(self.replies.read, bits=20)
        weighed = weigh(found, rarity(found, 1.5, 1))
        nearest = np.full(len(self.pairs), -1, np.int64)
        for at in range(0, len(self.pairs), _BLOCK):
            rows = np.arange(at, min(len(self.pairs), at + _BLOCK))
            alike = (weighed[rows] @ weighed.T).toarray()
            nearest[rows] = self._other(np.where(alike >= SAME, -1.0, alike), rows)
        return nearest


def _numbered(texts: list[str]) -> Array:
    first: dict[str, int] = {}
    return np.asarray([first.setdefault(one, len(first)) for one in texts], np.int64)


def learn_to_judge(compared: Compared, rows: Array) -> tuple[Array, float]:
    """Return weights and constant that tell right replies from the reply likest to each (logistic regression)."""
    from sklearn.linear_model import LogisticRegression

    own = compared.signs[rows, -3]
    wrong = compared.signs[rows[compared.near_reply[rows] >= 0], -2]
    signs = np.concatenate([own, wrong]).astype(np.float64)
    right = np.arange(len(signs)) < len(own)
    middle, spread = signs.mean(axis=0), signs.std(axis=0) + 1e-6
    found = LogisticRegression(max_iter=1000).fit((signs - middle) / spread, right)
    weights = found.coef_[0] / spread
    return weights, float(found.intercept_[0] - weights @ middle)


def learn_to_find(compared: Compared, rows: Array) -> Array:
    """Return weights that put the right reply first among the candidates (conditional logit, ridge 1)."""
    from scipy.optimize import minimize

    right = compared.text_of[compared.asked[rows]] == compared.text_of[rows][:, None]
    rows, right = rows[right.any(axis=1)], right[right.any(axis=1)]
    signs = compared.signs[rows, :-3].astype(np.float64)
    spread = signs.reshape(-1, signs.shape[-1]).std(axis=0) + 1e-6
    signs = (signs - signs.reshape(-1, signs.shape[-1]).mean(axis=0)) / spread

    def loss(weights: Array) -> tuple[float, Array]:
        scores = signs @ weights
        share = np.exp(scores - scores.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        hit = (share * right).sum(axis=1) + 1e-12
        slope = np.einsum("ik,ikf->f", share - share * right / hit[:, None], signs) + weights
        return float(-np.log(hit).sum() + weights @ weights / 2), slope

    return np.asarray(minimize(loss, np.zeros(signs.shape[-1]), jac=True, method="L-BFGS-B").x / spread)


def judged(compared: Compared, among: Array, fit: Array) -> dict[str, Any]:
    """Return the figures of scores: of the candidates, and how well own, likest and hardest reply (columns) fit."""
    many = len(compared.pairs)
    rows = np.arange(many)
    best = compared.asked[rows, among.argmax(axis=1)]
    own_text = compared.text_of[best] == compared.text_of
    same_group = compared.groups[best] == compared.groups
    order = np.argsort(-among, axis=1, kind="stable")[:, :5]
    in_five = (
        compared.text_of[np.take_along_axis(compared.asked, order, 1)] == compared.text_of[:, None]
    ).any(1)
    near, hard = compared.near_reply >= 0, compared.near_message >= 0
    return {
        "r_at_1": round(float(own_text.mean()), 4),
        "r_at_1_same_row": round(float((best == rows).mean()), 4),
        "r_at_1_own_or_near_duplicate": round(float((own_text | same_group).mean()), 4),
        "r_at_5": round(float(in_five.mean()), 4),
        "auc_wrong_but_near": _auc(fit[:, 0], fit[near, 1]),
        "right_above_its_wrong_one": round(float((fit[near, 0] > fit[near, 1]).mean()), 4)
        if near.any()
        else None,
        "auc_wrong_nearest_to_message": _auc(fit[:, 0], fit[hard, 2]),
    }


def _auc(right: Array, wrong: Array) -> float | None:
    """Return the chance that a right reply scores above a wrong one; equal scores count half."""
    if not len(wrong):
        return None
    order = np.sort(wrong)
    below = np.searchsorted(order, right, "left") + np.searchsorted(order, right, "right")
    return round(float(below.mean() / 2 / len(wrong)), 4)


def measure(pairs: Pairs) -> dict[str, Any]:
    """Return all figures of a file: weights fitted on the other folds, and the shipped weights as they are."""
    compared = Compared(pairs)
    names = len(np.unique(compared.groups))
    told: dict[str, Any] = {
        "messages": len(pairs),
        "without_message": pairs.without_message,
        "without_reply": pairs.without_reply,
        "groups": names,
        "different_replies": int(compared.text_of.max()) + 1,
        "titles_taken_out": True,
        "settings_tried": _SETTINGS_TRIED,
    }
    among, last = compared.signs[:, :-3], compared.signs[:, -3:]
    shipped = judged(compared, score(among, FIND), score(last, JUDGE, CONSTANT))
    if names < FEWEST_GROUPS:
        return told | shipped | {"folds": 0, "shipped_weights": shipped}
    found, fit = np.empty(among.shape[:2], np.float64), np.empty((len(pairs), 3), np.float64)
    fold = folds(compared.groups, FOLDS)
    for one in range(FOLDS):
        held, rows = fold == one, np.flatnonzero(fold != one)
        found[held] = score(among[held], learn_to_find(compared, rows))
        fit[held] = score(last[held], *learn_to_judge(compared, rows))
    return told | judged(compared, found, fit) | {"folds": FOLDS, "shipped_weights": shipped}
