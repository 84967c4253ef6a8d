"""How soon a ticket must be signed for: danger to life or property, water/power/gas/heat, or neither; with the words.

Rules, not a model: danger is too rare to be learnt from a city's tickets, and an officer must see why. A word counts
where it stands: not where it is negated, past, asked or supposed, and signs of danger only beside a word of now.
Source of the limits: codes.yaml, hotline.sign_limits. The words and patterns are our choice; no standard found.
"""

import bisect
import re
from typing import Final

from citybrain.hub.hotline.reading.whole_reading import Urgency
from citybrain.hub.hotline.reading.words import REASONS, Found, Phrases, Reason, lists, set_aside

DANGER: Final = "danger"
UTILITIES: Final = "utilities"
GENERAL: Final = "general"
MOST_WORDS: Final = 5
NEAR: Final = 14  # characters each way in which a word of now speaks for danger
SHORT: Final = 120  # characters: who is in danger writes little; long messages tell what happened
OPENING: Final = 40  # characters at the beginning, where a message says what it is about

_LISTS: Final = lists("urgency")
_DANGER: Final = frozenset(_LISTS["danger"])
_SIGNS: Final = frozenset(_LISTS["signs"])
_CALLS: Final = frozenset(_LISTS["calls"])
_NOW: Final = frozenset(_LISTS["now"]) | _CALLS
_RESTORED: Final = re.compile(r"已经?(?:恢复|来水|来电|修好|通水|通电|供上)|现在好(?:了|多了)|恢复正常了")
_MARK: Final = re.compile("[,，.。;!?、]")
_UTILITIES: Final = frozenset(_LISTS["utilities"])
_PHRASES: Final = Phrases({*_DANGER, *_SIGNS, *_NOW, *_UTILITIES, *_LISTS["other"]})
# A day, a time or a result named in the clause: what is told is over.
_TOLD: Final = Reason(
    "past",
    re.compile(
        r"(?:[0-9]{1,2}[日号]|[0-9]{1,2}月|[0-9]年|当时|当晚|当天|那天|那晚|那年|有一次|有次|几次|多次|次|经常|每次|时常|最后|曾)[^,。]{0,14}$"
    ),
    re.compile(r"^[^,。]{0,4}(?:后|之后|时候|[0-9]+(?:分钟|小时|天)|事件|事故|一事|案)"),
)
_ALL_REASONS: Final = (*REASONS, _TOLD)
_WHO = "(?:有人|老人|孩子|小孩|儿童|婴儿|妻子|丈夫|老婆|老公|父亲|母亲|妈妈|爸爸|爷爷|奶奶|人)"
_PATTERNS: Final = re.compile(
    r"(?:闻到|很大|很浓|浓烈|刺鼻|好大|全是|满是|一股)[^,。]{0,6}(?:煤气|燃气|天然气|液化气)(?:味|的味道)"
    r"|(?:煤气|燃气|天然气|液化气)味(?:道)?[^,。]{0,3}(?:很大|很浓|好大|特别大|越来越|浓)"
    rf"|{_WHO}[^,。]{{0,6}}(?:掉进|掉到|掉入|困在|卡在|被困|昏迷|昏过去|晕倒|溺水|落水|没呼吸|没气了)"
    r"|(?:房子|房屋|楼房|墙|围墙|边坡|山体|护坡|天花板|广告牌|电线杆|电杆|大树|树|塔吊|脚手架|桥)[^,。]{0,8}"
    r"(?:随时|马上|就要|快要|眼看)[^,。]{0,8}(?:倒|塌|掉|垮|砸)"
)


def find_urgency(text: str) -> Urgency:
    """Return how urgent a plain text is, by which words, and which words of danger were set aside, and why."""
    found = list(_PHRASES.find(text))
    now = [one for one in found if one.phrase in _NOW]
    counted: dict[str, list[str]] = {DANGER: [], UTILITIES: []}
    aside: list[tuple[str, str]] = []
    for one in _dangers(text, found):
        beside = any(_beside(text, at, one) for at in _around(now, one))
        reason = set_aside(text, one, REASONS if beside else _ALL_REASONS)
        if not reason and not beside and not _speaks_alone(text, one):
            reason = "told"
        if reason:
            aside.append((one.phrase, reason))
        else:
            counted[DANGER].append(one.phrase)
    for one in found:
        if one.phrase in _UTILITIES and not set_aside(text, one) and not _restored(text, one):
            counted[UTILITIES].append(one.phrase)
    for level, words in counted.items():
        if words:
            return Urgency(level, _first(words), tuple(dict.fromkeys(aside))[:MOST_WORDS])
    return Urgency(GENERAL, (), tuple(dict.fromkeys(aside))[:MOST_WORDS])


def _around(now: list[Found], one: Found) -> list[Found]:
    """Return the words of now around a place: no more than some can be near."""
    at = bisect.bisect(now, one)
    return now[max(0, at - NEAR) : at + NEAR]


def _beside(text: str, now: Found, one: Found) -> bool:
    """Tell whether a word of now speaks for one of danger: a call for help near it, "现在" before it in its clause."""
    if now.phrase in _CALLS:
        return one.start - NEAR <= now.end and now.start <= one.end + NEAR
    between = text[now.end : one.start]
    return now.end <= one.start <= now.end + NEAR and not _MARK.search(between)


def _restored(text: str, one: Found) -> bool:
    """Tell whether the clauses around say that it came back."""
    return bool(_RESTORED.search(text[max(0, one.start - NEAR) : one.end + NEAR]))


def _speaks_alone(text: str, one: Found) -> bool:
    """Tell whether a word of danger counts without a word of now beside it."""
    if one.phrase in _SIGNS:
        return len(text) <= SHORT / 2 and text[one.end : one.end + 1] == "了"
    return len(text) <= SHORT or one.start < OPENING


def _dangers(text: str, found: list[Found]) -> list[Found]:
    """Return the words of danger, those of patterns among them."""
    told = [one for one in found if one.phrase in _DANGER or one.phrase in _SIGNS]
    told += [Found(one.start(), one.end(), one.group()) for one in _PATTERNS.finditer(text)]
    return sorted(told)


def _first(words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))[:MOST_WORDS]
