"""Phrases in a message: quickly found, and whether they count where they stand (negated, past, asked, supposed)."""

import html
import itertools
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from citybrain.hub.hotline.reading.normal import MOST_CHARACTERS

_TAG = re.compile(
    r"<(?:script|style)\b.{0,5000}?</(?:script|style)>|<[a-z/!][^<>]{0,2000}>", re.IGNORECASE | re.DOTALL
)
_BLANK = re.compile(r"[\s\u200b-\u200f\ufeff]+")
_BLANK_BETWEEN = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_CLAUSE_END = re.compile(r"[,，.。;；!！?？:：、\n…~]")
_HEAD = 2  # characters by which phrases are looked up


def lists(name: str) -> dict[str, tuple[str, ...]]:
    """Return the lists of words of data/<name>.toml; words stand with blanks between."""
    text = (Path(__file__).parent / "data" / f"{name}.toml").read_text(encoding="utf-8")
    return {key: tuple(words.split()) for key, words in tomllib.loads(text).items()}


def plain(title: str, text: str) -> str:
    """Return title and text as one line to find phrases in: no markup, half width, blanks as one; marks are kept.

    Title and text are parted by "。". Blanks between Chinese characters are closed up: words cut apart read as the
    sentence did. At most `MOST_CHARACTERS` characters are looked at.
    """
    joined = f"{title.strip()}。{text}" if title.strip() else text
    joined = html.unescape(joined[:MOST_CHARACTERS].replace("_x000D_", "\n"))
    if "<" in joined:
        joined = _TAG.sub(" ", joined)
    joined = _BLANK.sub(" ", unicodedata.normalize("NFKC", joined))
    return _BLANK_BETWEEN.sub("", joined).strip()


class Found(NamedTuple):
    """A phrase at its place in a text."""

    start: int
    end: int
    phrase: str


class Phrases:
    """Many phrases, found in one pass: the longest at each place, none over another.

    Looked up by their first two characters, so that time depends on the text's length and hardly on how many
    phrases there are (100,000 names of places are fine). A phrase of one character is refused.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        lengths: dict[str, set[int]] = {}
        self._all = frozenset(phrases)
        for one in self._all:
            if len(one) < _HEAD:
                raise ValueError(f"phrase {one!r}: at least two characters are needed")
            lengths.setdefault(one[:_HEAD], set()).add(len(one))
        self._lengths = {head: tuple(sorted(held, reverse=True)) for head, held in lengths.items()}

    def __len__(self) -> int:
        return len(self._all)

    def find(self, text: str) -> Iterator[Found]:
        """Yield the phrases in a text from left to right."""
        lengths, phrases = self._lengths, self._all
        free = 0
        for at, head in sorted(places(text, lengths.keys() & heads(text))):
            if at < free:
                continue
            for many in lengths[head]:
                if text[at : at + many] in phrases:
                    yield Found(at, at + many, text[at : at + many])
                    free = at + many
                    break


@lru_cache(maxsize=8)
def heads(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring characters of a text; a message is asked for them by every list in turn."""
    return frozenset(map("".join, itertools.pairwise(text)))


def places(text: str, pairs: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield where each of some pairs of characters stands in a text."""
    for pair in pairs:
        at = text.find(pair)
        while at >= 0:
            yield at, pair
            at = text.find(pair, at + 1)


def clause(text: str, start: int, end: int) -> tuple[str, str, str]:
    """Return what stands in the same clause before and after a piece of text, and the mark that ends it.

    At most 40 characters each way; "" where nothing ends it.
    """
    before = text[max(0, start - 40) : start]
    cut = [one.end() for one in _CLAUSE_END.finditer(before)]
    after = text[end : end + 40]
    stop = _CLAUSE_END.search(after)
    return (
        before[cut[-1] :] if cut else before,
        after[: stop.start()] if stop else after,
        stop.group() if stop else "",
    )


class Reason(NamedTuple):
    """A reason why a phrase doesn't count: patterns of the clause before it and after it, either of them enough."""

    name: str
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None


NEGATED = Reason(
    "negated",
    re.compile(
        r"(?:没有?|并未|未|尚未|不是|并非|无人?|不存在|不算|不会|不至于|不能|避免|防止|预防|杜绝|排除|免于|远离|禁止|不得|不准|严禁)"
        r"(?:人员|任何|什么|过|造成|出现|发生|明显|再|有|的|了|被|随意|因为|擅自)*$"
    ),
    re.compile(r"^(?:是?没有|并没有|不存在|已?排除|是?不可能|倒是?没有|不严重)"),
)
_PAST = Reason(
    "past",
    re.compile(
        r"(?:(?:前年|去年|当年|以前|从前|曾经?|[0-9一二两三四五六七八九十几多]+年前|上世纪|小时候|上次|那次|上一次|之前)"
        r"(?![^,。]*(?:至今|到现在|开始|以来|起|就一直|一直)))[^,。]*$"
    ),
    re.compile(
        r"^[^,。]{0,8}(?:被?扑灭|灭了|修好|解决了|已恢复|恢复了|恢复正常|处理好|抢修好|通了|来电了|来水了|救出|脱险|出院|后来好)"
    ),
)
_ASKED = Reason(
    "asked",
    re.compile(r"(?:是否|会不会|有没有|要不要|能不能|可不可以|如何|怎样|怎么|什么是|咨询|还会)[^,。]{0,4}$"),
    re.compile(
        r"^[^,。]{0,2}(?:怎么(?:办理|赔偿|预防|认定|申请|收费)|如何(?:办理|申请|预防|报销|赔偿|认定)|要不要紧|的?(?:赔偿|补偿|补助)?"
        r"(?:标准|政策|规定|流程|条件|费用|通知|公告|计划|预案|演练|知识|培训|保险|认定))"
    ),
)
SUPPOSED = Reason(
    "supposed",
    re.compile(
        r"(?:如果|假如|万一|要是|一旦|倘若|比如|例如|譬如|好比|犹如|仿佛|恨不得|担心|害怕|恐怕|生怕|怕|以防|谨防|以免|免得|难道|非要|等到|等着|"
        r"容易|极易|易于?|可能|会|将会?|必将|足以|引发|引起|诱发|涉嫌|隐患|危险|潜在)[^,。]{0,10}$"
    ),
    re.compile(
        r"^(?:等|之类)?[^,。]{0,2}(?:隐患|风险|危险|可能|危害|后果|威胁|时候?(?:怎么|如何|该|谁)|怎么办|谁负责|谁来负责|的话|事故频发|责任)"
    ),
)
REASONS: Final = (_ASKED, NEGATED, _PAST, SUPPOSED)


def set_aside(text: str, found: Found, reasons: Iterable[Reason] = REASONS) -> str:
    """Return why a phrase doesn't count where it stands: negated, past, asked or supposed; "" where it counts."""
    before, after, mark = clause(text, found.start, found.end)
    for one in reasons:
        if one.before and one.before.search(before):
            return one.name
        if one.after and one.after.search(after):
            return one.name
    if mark in ("?", "？") and after.endswith(("吗", "么", "没有", "不")):
        return "asked"
    return ""


def strongest(weights: Mapping[str, float], most: int = 5) -> tuple[str, ...]:
    """Return the words of most weight, strongest first, none that another one holds already; those above 0 only."""
    told: list[str] = []
    for word, weight in sorted(weights.items(), key=lambda one: (-one[1], one[0])):
        if weight <= 0 or len(told) == most:
            break
        if not any(word in other or other in word for other in told):
            told.append(word)
    return tuple(told)
