"""The tree of areas in memory: by id, by code (old ones too), upwards and downwards.

One copy per process, read again when `AreaVersion` changes; that is looked at every `CHECK_SECONDS` at most.
Ended areas stay in it, so that old rows can be named.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, cast

from django.db import connection, transaction

from citybrain.base.areas import codes
from citybrain.base.areas.models import Area, AreaChange, AreaVersion, DecisionKind

CHECK_SECONDS = 2.0

Lineage = tuple[int | None, int | None, int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Node:
    """An area as read at one version.

    `lineage`: ids of city, district, street, community, grid; None below its own level, and where the tree has
    no such level above it (a city without districts).
    """

    id: int
    code: str
    name: str
    name_en: str
    level: int
    parent_id: int | None
    lineage: Lineage
    kind: str
    pinyin: str
    in_force: bool


class UnknownCode(LookupError):
    """No area has or had this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no area has or had the code {code!r}")
        self.code = code


class AmbiguousCode(LookupError):
    """The area with this code was split; only a point tells which successor is meant."""

    def __init__(self, code: str, successors: tuple[Node, ...]) -> None:
        named = ", ".join(f"{node.code} {node.name}" for node in successors)
        super().__init__(f"the area {code} was split into {named}; a point inside it is needed to tell which")
        self.code = code
        self.successors = successors


class _Span(NamedTuple):
    """The days (first inclusive, end exclusive) on which an area had a code."""

    first: date
    end: date
    area_id: int


class AreaTree:
    """All areas at one version. Lists are in the order of codes."""

    def __init__(
        self, version: int, nodes: list[Node], spans: dict[str, list[_Span]], follows: list[tuple[int, int]]
    ) -> None:
        self.version = version
        self._nodes = {node.id: node for node in nodes}
        self._current = {node.code: node.id for node in nodes if node.in_force}
        self._spans = spans
        self._had: dict[int, list[str]] = defaultdict(list)
        for code, held in spans.items():
            for span in held:
                self._had[span.area_id].append(code)
        self._children: dict[int | None, list[Node]] = defaultdict(list)
        for node in nodes:
            if node.in_force:
                self._children[node.parent_id].append(node)
        self._successors: dict[int, list[int]] = defaultdict(list)
        self._predecessors: dict[int, list[int]] = defaultdict(list)
        for before, after in follows:
            self._successors[before].append(after)
            self._predecessors[after].append(before)

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        """Yield every area, ended ones too."""
        return iter(self._nodes.values())

    def get(self, area_id: int) -> Node:
        """Return the node; raises KeyError for an id that never was."""
        return self._nodes[area_id]

    def find(self, area_id: int | None) -> Node | None:
        """Return the node, or None where there is none."""
        return self._nodes.get(area_id) if area_id is not None else None

    def in_force(self, level: int | None = None) -> list[Node]:
        """Return the areas in force, of one level or of all."""
        return [node for node in self._nodes.values() if node.in_force and level in (None, node.level)]

    def roots(self) -> list[Node]:
        """Return the cities."""
        return list(self._children.get(None, ()))

    def children(self, area_id: int | None) -> list[Node]:
        """Return the areas in force right below; of None: the cities."""
        return list(self._children.get(area_id, ()))

    def descendants(self, area_id: int) -> list[Node]:
        """Return the areas in force below it, parents before children."""
        found: list[Node] = []
        waiting = [area_id]
        while waiting:
            below = [child for parent in waiting for child in self._children.get(parent, ())]
            found.extend(below)
            waiting = [child.id for child in below]
        return found

    def ancestors(self, area_id: int) -> list[Node]:
        """Return the areas above it and itself, city first."""
        return [self._nodes[above] for above in self.get(area_id).lineage if above is not None]

    def contains(self, outer_id: int, inner_id: int) -> bool:
        """Say whether `inner` is `outer` or lies below it (or below what was merged or split into it)."""
        inner = self.find(inner_id)
        return inner is not None and any(scope in inner.lineage for scope in self.scope_ids(outer_id))

    def full_name(self, area_id: int, *, english: bool = False) -> str:
        """Return the names from the city down: 津海市和平区…, or in English from the area up, with commas."""
        nodes = self.ancestors(area_id)
        if english:
            return ", ".join(node.name_en or node.name for node in reversed(nodes))
        return "".join(node.name for node in nodes)

    def scope_ids(self, area_id: int) -> tuple[int, ...]:
        """Return the id and those of all areas that were merged or split into it, however long ago.

        Rows written before a merge carry the old id: whoever may see the area sees them by this.
        """
        found = [area_id]
        for known in found:  # grows while it is walked
            found.extend(before for before in self._predecessors.get(known, ()) if before not in found)
        return tuple(found)

    def by_code(self, code: str, on: date | None = None) -> Node:
        """Return today's area for a code as it was understood on a day (by default: today, else last).

        Follows recodings and merges. An area that ended without a successor is returned as it was.

        Raises UnknownCode, and AmbiguousCode where the area was split.
        """
        held = self._holder(code, on)
        ends = self.becomes(held)
        if len(ends) > 1:
            raise AmbiguousCode(code, ends)
        return ends[0]

    def _holder(self, code: str, on: date | None) -> int:
        """Return the id of the area that had the code on the day, or nearest to it."""
        if code not in self._spans:
            try:
                code = codes.normalise(code)
            except codes.BadCode:
                raise UnknownCode(code) from None
        if on is None and code in self._current:
            return self._current[code]
        spans = self._spans.get(code)
        if not spans and len(code) == 4 and code[2:] in {"01", "02"}:
            spans = self._spans.get(code[:2])  # 市辖区 and 县 of a municipality stand for the city
        if not spans:
            raise UnknownCode(code)
        begun = [span for span in spans if on is None or span.first <= on]
        return (begun[-1] if begun else spans[0]).area_id

    def codes_of(self, area_id: int) -> tuple[str, ...]:
        """Return every code the area has or had, today's first."""
        today = self.get(area_id).code
        return (today, *(code for code in self._had.get(area_id, ()) if code != today))

    def becomes(self, area_id: int) -> tuple[Node, ...]:
        """Return what the area has become by now: itself, or its last successors in the order of codes.

        Raises KeyError for an id that never was.
        """
        ends: dict[str, Node] = {}
        waiting = [area_id]
        for known in waiting:  # grows while it is walked
            node = self._nodes[known]
            after = [] if node.in_force else self._successors.get(known, [])
            if not after:
                ends[node.code] = node
            waiting.extend(later for later in after if later not in waiting)
        return tuple(ends[code] for code in sorted(ends))


def read_tree() -> AreaTree:
    """Return the tree as the current transaction sees it, past the process's copy: three queries."""
    return _read(current_version())


def _read(version: int) -> AreaTree:
    recodes: dict[int, list[tuple[date, str]]] = defaultdict(list)
    follows: list[tuple[int, int]] = []
    for kind, area_id, after, at, from_code in AreaChange.objects.order_by("at", "id").values_list(
        "kind", "area_id", "successor_id", "at", "from_code"
    ):
        if kind == DecisionKind.RECODE:
            recodes[area_id].append((at, from_code))
        elif after is not None:
            follows.append((area_id, after))
    nodes: list[Node] = []
    spans: dict[str, list[_Span]] = defaultdict(list)
    no_lineage: Lineage = (None, None, None, None, None)
    lineages: dict[int, Lineage] = {}
    columns = (
        "id",
        "code",
        "name",
        "name_en",
        "level",
        "parent_id",
        "kind",
        "pinyin",
        "valid_from",
        "valid_until",
    )
    rows = Area.objects.order_by("level", "code", "id").values_list(*columns)
    for area_id, code, name, name_en, level, parent_id, kind, pinyin, first, until in rows:
        above = lineages.get(parent_id, no_lineage) if parent_id else no_lineage
        lineage = cast(Lineage, (*above[: level - 1], area_id, *above[level:]))
        lineages[area_id] = lineage
        nodes.append(
            Node(area_id, code, name, name_en, level, parent_id, lineage, kind, pinyin, until is None)
        )
        since = first or date.min
        for at, old in recodes.get(area_id, ()):
            spans[old].append(_Span(since, at, area_id))
            since = at
        spans[code].append(_Span(since, until or date.max, area_id))
    for held in spans.values():
        held.sort()
    return AreaTree(version, nodes, dict(spans), follows)


class _Kept:
    tree: AreaTree | None = None
    checked_at = 0.0


_lock = threading.Lock()


def current_version() -> int:
    """Return the number that changes with every change of areas or shapes (0: nothing was set up)."""
    return AreaVersion.objects.values_list("version", flat=True).first() or 0


def tree() -> AreaTree:
    """Return the tree, at most `CHECK_SECONDS` old (changes made by this process show at once)."""
    kept = _Kept.tree
    if kept is not None and time.monotonic() - _Kept.checked_at < CHECK_SECONDS:
        return kept
    with _lock:
        version = current_version()
        kept = _Kept.tree
        if kept is None or kept.version != version:
            kept = _Kept.tree = _read(version)
        _Kept.checked_at = time.monotonic()
        return kept


def forget() -> None:
    """Drop the copy, so that the next call reads again (for tests that write areas past the actions)."""
    with _lock:
        _Kept.tree = None
        _Kept.checked_at = 0.0


def hold() -> None:
    """Let no other change of areas run until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('areas'))")


def bump() -> None:
    """Give the areas a new version; called by every action inside its transaction.

    The numbers come from a sequence, so that one rolled back is never given again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO areas_areaversion (id, version) VALUES (1, nextval('areas_version_seq'))"
            " ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version"
        )
    _Kept.checked_at = 0.0
    transaction.on_commit(_look_again)


def _look_again() -> None:
    _Kept.checked_at = 0.0
