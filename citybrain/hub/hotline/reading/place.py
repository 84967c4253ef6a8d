"""Where a message says it is: names of the gazetteer, codes as "A3区", roads, estates, landmarks, buildings."""

import itertools
import re
from collections.abc import Sequence
from typing import Final

from citybrain.hub.hotline.reading.place_names import Gazetteer, Named
from citybrain.hub.hotline.reading.place_words import (
    BODIES,
    DISTRICTS,
    ESTATES,
    LANDMARKS,
    LOOSE,
    NO_NAME_ENDS,
    NO_NAMES,
    NO_ROADS,
    NOT_IN_NAMES,
    ROADS,
    SOFT_STOPS,
    STOPS,
)
from citybrain.hub.hotline.reading.whole_reading import Place, Span

MOST_SPANS = 40  # of one message: a list of a whole city's roads says nothing about one place
_LONGEST = 6  # characters of a name before its ending
_LEAST = 2
_JOINTS = ("", " ", "的", "·", "内", "内的", "旁", "旁的")  # what may stand between two parts of one address

_KIND: Final = {
    **dict.fromkeys(DISTRICTS, "area"),
    **dict.fromkeys(ROADS, "road"),
    **dict.fromkeys(ESTATES, "estate"),
    **dict.fromkeys(LANDMARKS, "landmark"),
    **dict.fromkeys(BODIES, "body"),
}
_ENDING = re.compile("|".join(sorted(_KIND, key=lambda one: (-len(one), one))))
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z][0-9]{0,2}市(?:[A-Z][0-9]{1,3}[区县市])?|[A-Z][0-9]{1,3}[区县市])"
)
_DIGITS = "[0-9一二三四五六七八九十百零]"
_UNIT = "号楼|号院|号院落|单元|幢|栋|弄|门|室|座|号|组|期"
_NUMBER = re.compile(
    rf"(?:(?:[A-Za-z]?{_DIGITS}{{1,5}}(?:-[0-9]{{1,4}})?|[A-Za-z](?=座|区|栋|幢))(?:{_UNIT})(?!线|文|公告|令|提案|工))+"
    r"(?:[0-9]{3,4}(?:室)?)?"
)
_KINDS_OF_NUMBER = re.compile(r"号楼|号院|幢|栋|单元|弄|室|座")
_ONE_HOUSE = re.compile(r"^[一两几][栋幢座门组]$")
_DATE_OR_LINE = re.compile(r"[0-9]{1,2}月$|[0-9]年$")
_BEFORE_A_NAME = re.compile(
    r"(?:^|[。!?:;(《“\"【]|[在住于到是从往至和与及、的由近进去对给向我是区县市镇乡村]|我们|关于|反映|投诉|举报|咨询)$"
)
_LAST_OF_NO_NAME = frozenset("本该各此我全整每某个新住向听过上下里外内中时后前是")
_NAME_CHARACTER = re.compile(r"[\u4e00-\u9fff·]")
_NOT_IN_NAME = re.compile(".*(?:" + "|".join(NOT_IN_NAMES) + ")")
_AGAIN: Final = "小区"  # 金色家园小区 is one name
_LOOSE = LOOSE | frozenset(BODIES)
_BEHIND_A_ROAD = re.compile(r"^(?:[0-9]|[与和、]|交|路?口|段|[东南西北]|附近)")
_NO_VILLAGE_BEFORE = frozenset("道委镇庄愁亲下里政土音长试间村民干")
_HIGHER = frozenset("区县市镇乡村路街道,")
_SMALL = re.compile(r"^(?:[0-9]+|[一二两三四五六七八九十几]+)(?:个|条|所|家|座|栋|级|楼)?$")


def find_place(text: str, gazetteer: Gazetteer, within: int | None = None) -> Place:
    """Return where a plain text says it is. `within`: an area it lies in for certain (`Hint.area_id`).

    A name that several areas have stays several candidates, unless other names or `within` leave one.
    """
    named = gazetteer.find(text)[:MOST_SPANS]
    spans = [Span("area", text[one.start : one.end], one.start, one.end, one.areas) for one in named]
    taken = [(one.start, one.end) for one in named]
    for one in itertools.islice(_CODE.finditer(text), MOST_SPANS):
        _add(spans, taken, "area_code", text, one.start(), one.end())
    every = itertools.islice(_NUMBER.finditer(text), MOST_SPANS)
    numbers = [one for one in every if _may_be_number(text, one)]
    for one in numbers:
        if _KINDS_OF_NUMBER.search(one.group()):
            _add(spans, taken, "number", text, one.start(), one.end())
    _names(text, spans, taken)
    for one in numbers:
        if any(0 <= one.start() - last <= 1 for _, last in taken):
            _add(spans, taken, "number", text, one.start(), one.end())
    spans = sorted(spans, key=lambda one: one.start)[:MOST_SPANS]
    areas, certain = gazetteer.resolve(_meant(named, text), within)
    return Place(_address(text, spans), _once(spans), areas, certain)


def _once(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return each text of a kind at its first place."""
    first: dict[tuple[str, str], Span] = {}
    for one in spans:
        first.setdefault((one.kind, one.text), one)
    return tuple(first.values())


def _names(text: str, spans: list[Span], taken: list[tuple[int, int]]) -> None:
    """Add roads, estates, landmarks and areas that end as such names do."""
    for one in _ENDING.finditer(text):
        if len(spans) >= MOST_SPANS:
            return
        start = _beginning(text, one.start(), one.group(), taken)
        if start is not None and _is_name(
            text[start : one.start()], one.group(), text[one.end() : one.end() + 2]
        ):
            end = one.end() + (len(_AGAIN) if text.startswith(_AGAIN, one.end()) else 0)
            _add(spans, taken, _KIND[one.group()], text, start, end)


def _add(spans: list[Span], taken: list[tuple[int, int]], kind: str, text: str, start: int, end: int) -> None:
    if all(end <= first or last <= start for first, last in taken):
        spans.append(Span(kind, text[start:end], start, end))
        taken.append((start, end))


def _beginning(text: str, at: int, ending: str, taken: Sequence[tuple[int, int]]) -> int | None:
    """Return where the name before an ending begins; None where there is none of two characters or more.

    Before a loose ending (one that is a plain noun, too) a name must begin behind the end of a sentence, another place
    or a word such as "in": else it is half a sentence.
    """
    least = max([last for _, last in taken if last <= at], default=0)
    start = at
    while start > max(least, at - _LONGEST) and _NAME_CHARACTER.match(text[start - 1]):
        one, long = text[start - 1], at - start >= _LEAST
        if long and (
            one in STOPS or one in _HIGHER or (one in SOFT_STOPS and not _opens(text, start - 1, least))
        ):
            break
        start -= 1
    cut = _NOT_IN_NAME.match(text, start, at)
    if cut:
        start = cut.end()
    if at - start < _LEAST or (
        at - start == _LEAST and text[start] in STOPS | SOFT_STOPS and not _opens(text, start, least)
    ):
        return None
    return (
        start
        if ending not in _LOOSE
        or cut
        or start == least
        or _BEFORE_A_NAME.search(text, max(0, start - 3), start)
        else None
    )


def _opens(text: str, at: int, least: int) -> bool:
    """Tell whether nothing but a mark, a number or another place stands before this character."""
    return at == least or not _NAME_CHARACTER.match(text[at - 1])


def _is_name(name: str, ending: str, after: str) -> bool:
    """Tell whether a name before its ending names one place, not a kind of places (老旧小区, 人行道, 3个小区)."""
    if _SMALL.match(name) or any(one in STOPS for one in name[1:]):
        return False
    if _KIND[ending] == "road":
        if ending == "道" and not _BEHIND_A_ROAD.match(after):
            return False
        return not (name + ending).endswith(NO_ROADS)
    if _KIND[ending] == "area" and (
        (after and after[0] in _NO_VILLAGE_BEFORE) or name.endswith(("家", "中", "农"))
    ):
        return name.endswith("家") and ending == "村" and not (after and after[0] in _NO_VILLAGE_BEFORE)
    if ending in _LOOSE and name[-1] in _LAST_OF_NO_NAME:
        return False
    return not name.endswith(NO_NAME_ENDS) and name not in NO_NAMES


def _may_be_number(text: str, one: re.Match[str]) -> bool:
    """Tell whether a number may be of a building: no date, no bus line, no class at school."""
    if _DATE_OR_LINE.search(text[max(0, one.start() - 4) : one.start()]):
        return False
    if _ONE_HOUSE.match(one.group()):
        return False
    return text[one.end() : one.end() + 1] not in ("线", "学", "业", "人", "长", "员", "户")


def _meant(named: Sequence[Named], text: str) -> list[Named]:
    """Return the names with those of bodies last ("和平区教育局" is an office): they tell less where a matter is."""
    office = re.compile(r"^.{0,6}?(?:局|委员会|政府|法院|检察院|公司|热线|办公室|中心)")
    return sorted(named, key=lambda one: bool(office.match(text[one.end : one.end + 10])))


def _address(text: str, spans: Sequence[Span]) -> str:
    """Return the longest piece of neighbouring spans."""
    best = (0, 0)
    start = end = -1
    for one in (one for one in spans if one.kind != "body"):
        if end >= 0 and text[end : one.start] in _JOINTS:
            end = one.end
        else:
            start, end = one.start, one.end
        if end - start > best[1] - best[0]:
            best = (start, end)
    return text[best[0] : best[1]]
