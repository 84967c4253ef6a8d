"""What the made-up city's reports are about: the items with how often they come, and the words people use."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from citybrain.sample.names import DATA

PHRASE_FILES = ("phrases-1.txt", "phrases-2.txt")
HEAD = re.compile(r"(?P<code>\d{6}) (?P<weight>\d+)(?: @(?P<months>[\d,]+))?")
NIGHT, EVENING = (22, 23, 0, 1), (18, 19, 20, 21, 22)
HOURS = {
    "040202": NIGHT,
    "030105": EVENING,
    "030103": EVENING,
    "080104": EVENING,
    "050205": NIGHT,
    "080103": EVENING,
}
"""Items that are heard and seen at their own hours only."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One item as the sample needs it; kinds of agency by key, limits in minutes, `said` with {p} {t} {n}."""

    code: str
    name: str
    subclass: str
    kind: str
    lead: str
    assist: str
    urgent: bool
    working: bool
    accept_minutes: int
    disposal_minutes: int
    finest: int
    self_handle: bool
    weight: int
    months: frozenset[int]
    noted: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    weight: int
    months: frozenset[int]
    noted: str
    said: tuple[str, ...]


def _blocks() -> Iterator[tuple[str, _Block]]:
    """Yield each item's block of the phrase files. Raises ValueError for a line that belongs to none."""
    for name in PHRASE_FILES:
        head, lines = None, list[str]()
        for line in [*(DATA / name).read_text(encoding="utf-8").splitlines(), "000000 0"]:
            if not line.strip() or line.startswith("#"):
                continue
            found = HEAD.fullmatch(line)
            if found is None:
                lines.append(line)
                continue
            if head is not None:
                yield head["code"], _block(head, lines)
            head, lines = found, []


def _block(head: re.Match[str], lines: list[str]) -> _Block:
    months = frozenset(int(month) for month in (head["months"] or "").split(",") if month)
    noted = next(line[2:] for line in lines if line.startswith("= "))
    said = tuple(line for line in lines if not line.startswith("= "))
    if not said:
        raise ValueError(f"{head['code']}: no sentence of a citizen in the phrase files")
    return _Block(int(head["weight"]), months or frozenset(range(1, 13)), noted, said)


def _table(package: str, path: str) -> list[dict[str, str]]:
    text = resources.files(package).joinpath(path).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


@cache
def subjects() -> dict[str, Subject]:
    """Return all items by code. Raises KeyError when the item table and the phrase files differ."""
    blocks = dict(_blocks())
    kinds = {
        row["name_zh"]: row["agency_key"] for row in _table("citybrain.base.identity", "data/agencies.csv")
    }
    levels = {"市": 1, "区": 2, "街镇": 3, "社区": 4}
    found = {}
    for row in _table("citybrain.hub.cases", "data/items.csv"):
        block = blocks.pop(row["code"])
        found[row["code"]] = Subject(
            code=row["code"],
            name=row["name_zh"],
            subclass=row["subclass_code"],
            kind=row["kind"],
            lead=kinds[row["lead_agency"]],
            assist=kinds[row["assist_agency"]],
            urgent=row["priority"] != "普通",
            working=row["disposal_clock"] == "working",
            accept_minutes=int(row["accept_minutes"]),
            disposal_minutes=int(row["disposal_minutes"]),
            finest=levels[row["first_level"]],
            self_handle=row["grid_self_handle"] == "是",
            weight=block.weight,
            months=block.months,
            noted=block.noted,
            said=block.said,
        )
    if blocks:
        raise KeyError(f"phrases for items that the table doesn't have: {sorted(blocks)}")
    return found
