"""Whether an answer answers: by rule, with the faults named. "已收到" is not an answer.

Pure: texts in, faults out. Hard faults keep an answer from being sent; the others bring it before a person.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from citybrain.hub.hotline.states import Kind

FAULTS: Final[dict[str, Promise]] = {
    "empty": _("没有内容"),
    "received_only": _("只说已收到或将处理，没有答复问题"),
    "promise_only": _("只有承诺，没有说明做了什么"),
    "short": _("过于简短"),
    "no_result": _("没有写明核实或处理结果"),
    "no_basis": _("咨询答复没有依据或办理途径"),
    "copies": _("照抄来电内容"),
    "template": _("与其他工单的答复相同"),
}
HARD: Final = frozenset({"empty", "received_only"})
_LETTER = re.compile(r"[0-9A-Za-z\u3400-\u4dbf\u4e00-\u9fff]")
_WHEN = re.compile(r"[0-9一二三四五六七八九十]+\s*(?:年|月|日|号|天|小时|个工作日|时)")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`score` 0 (no answer) to 100; `faults` are keys of FAULTS, the worst first."""

    score: int
    faults: tuple[str, ...]

    @property
    def is_answer(self) -> bool:
        return not HARD & set(self.faults)

    @property
    def labels(self) -> list[str]:
        return [str(FAULTS[fault]) for fault in self.faults]


@cache
def _rules() -> dict[str, Any]:
    text = resources.files("citybrain.hub.hotline").joinpath("data/quality.toml").read_text(encoding="utf-8")
    rules: dict[str, Any] = tomllib.loads(text)
    words = sorted(rules["empty_words"], key=len, reverse=True)
    rules["empty_pattern"] = re.compile("|".join(map(re.escape, words)))
    return rules


def letters(text: str) -> int:
    """Return how many letters and digits a text has."""
    return len(_LETTER.findall(text))


def left_over(reply: str) -> str:
    """Return what an answer says besides that the message came in and will be seen to."""
    rules = _rules()
    return "".join(_LETTER.findall(rules["empty_pattern"].sub("", reply)))


def judge(reply: str, *, kind: str = "", message: str = "", same_elsewhere: int = 0) -> Verdict:
    """Return what the rules say of an answer to a message of a kind.

    `same_elsewhere`: other tickets that got word for word the same.
    """
    if letters(reply) == 0:
        return Verdict(0, ("empty",))
    rules = _rules()
    faults = [name for name, holds in _checks(reply, kind, message, same_elsewhere, rules) if holds]
    score = max(0, 100 - sum(int(rules["points"][fault]) for fault in faults))
    return Verdict(score, tuple(faults))


def _checks(
    reply: str, kind: str, message: str, same_elsewhere: int, rules: dict[str, Any]
) -> list[tuple[str, bool]]:
    received = len(left_over(reply)) < rules["least_letters"]
    done = _has(reply, rules["done_words"])
    basis = _has(reply, rules["basis_words"])
    promise = _has(reply, rules["promise_words"])
    asks = kind in {Kind.QUESTION, Kind.SUGGESTION, Kind.PRAISE}
    return [
        ("received_only", received),
        ("promise_only", not received and promise and not done and not basis and not _WHEN.search(reply)),
        ("copies", not received and _copies(reply, message)),
        ("template", same_elsewhere >= 3),
        ("no_result", not received and not asks and not done and not promise),
        ("no_basis", not received and kind == Kind.QUESTION and not basis),
        ("short", not received and letters(reply) < rules["short_letters"]),
    ]


def _has(text: str, words: list[str]) -> bool:
    return any(word in text for word in words)


def _copies(reply: str, message: str) -> bool:
    """Return whether most of an answer is the message itself, by its groups of five letters."""
    said, asked = _fives(reply), _fives(message)
    return len(said) >= 10 and len(said & asked) > 0.7 * len(said)


def _fives(text: str) -> set[str]:
    run = "".join(_LETTER.findall(text[:5000]))
    return {run[place : place + 5] for place in range(len(run) - 4)}
