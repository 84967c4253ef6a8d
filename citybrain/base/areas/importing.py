"""Rows become areas: each is checked on its own and against the tree, and ends in the receipt.

Running the same rows again changes nothing. Rows never take an area away, and never undo a decision: a code that
ended stays ended, a name given up isn't given back.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas import codes, tree
from citybrain.base.areas.doer import MANAGE, Doer, require_manage
from citybrain.base.areas.models import (
    Area,
    AreaChange,
    AreaDecision,
    DecisionKind,
    DecisionState,
    Level,
)
from citybrain.base.areas.names import english_name, pinyin_key
from citybrain.base.areas.rows import Outcome, Receipt, Refusal, RowResult, Wanted, read_row
from citybrain.base.areas.tables import AreaRow
from citybrain.base.ledger.append import record


@dataclass
class _Batch:
    """One import under way."""

    actor: Doer
    areas: tree.AreaTree
    decided_names: dict[int, set[str]]
    wanted: dict[str, Wanted] = field(default_factory=dict)
    results: dict[int, RowResult] = field(default_factory=dict)  # by place among the rows
    places: dict[str, int] = field(default_factory=dict)
    refused_codes: dict[str, str] = field(default_factory=dict)
    allowed: dict[int | None, bool] = field(default_factory=dict)

    def say(self, place: int, row: AreaRow, outcome: Outcome, reason: str = "", code: str = "") -> None:
        self.results[place] = RowResult(row.line, code or row.code, outcome, reason)

    def take(self, place: int, row: AreaRow) -> None:
        """Check a row by itself and remember it, or refuse it."""
        try:
            wanted = read_row(row)
        except Refusal as refusal:
            self.say(place, row, "refused", str(refusal))
            self.refused_codes[row.code] = str(refusal)
            return
        twin = self.wanted.get(wanted.code)
        if twin is not None:
            reason = _("代码 %(code)s 与第 %(line)d 行重复。") % {"code": wanted.code, "line": twin.row.line}
            self.say(place, row, "refused", reason)
            return
        self.wanted[wanted.code] = wanted
        self.places[wanted.code] = place

    def current(self, code: str) -> tree.Node | None:
        """Return the area in force with this code."""
        try:
            node = self.areas.by_code(code)
        except LookupError:
            return None
        return node if node.in_force and node.code == code else None

    def known(self, code: str) -> bool:
        return code in self.wanted or self.current(code) is not None

    def find_parent(self, wanted: Wanted) -> str:
        """Return the parent's code: the one given, else the nearest shorter code that is known.

        Raises Refusal when it isn't there, isn't above, or was refused itself.
        """
        if wanted.level == Level.CITY:
            if wanted.parent:
                raise Refusal(_("城市没有上级，却填了 %(parent)s。") % {"parent": wanted.parent})
            return ""
        options = [wanted.parent] if wanted.parent else codes.likely_parents(wanted.code)
        for option in options:
            if option in self.refused_codes and self.current(option) is None:
                raise Refusal(
                    _("上级 %(parent)s 未能导入：%(reason)s")
                    % {"parent": option, "reason": self.refused_codes[option]}
                )
            if self.known(option):
                self.check_above(option, wanted)
                return option
        if wanted.parent:
            raise Refusal(_("文件和系统中都没有所填的上级 %(parent)s。") % {"parent": wanted.parent})
        raise Refusal(
            _("找不到上级：文件和系统中都没有 %(parents)s。") % {"parents": _(" 或 ").join(options)}
        )

    def check_above(self, parent: str, wanted: Wanted) -> None:
        chain = [wanted.code]
        above = parent
        while above in self.wanted:
            chain.append(above)
            if above in chain[:-1]:
                raise Refusal(_("上级关系成环：%(chain)s。") % {"chain": " → ".join(chain)})
            above = self.wanted[above].parent
        level = self.wanted[parent].level if parent in self.wanted else self._level_on_record(parent)
        if level >= wanted.level:
            raise Refusal(
                _("上级 %(parent)s 的级别是“%(level)s”，不高于本行。")
                % {"parent": parent, "level": Level(level).label}
            )

    def _level_on_record(self, code: str) -> int:
        node = self.current(code)
        return node.level if node else 0

    def check_right(self, parent: str, existing: tree.Node | None) -> None:
        """Raise Refusal unless the actor may change the area, or its nearest ancestor on record."""
        node = existing or self.current(parent)
        while node is None and parent in self.wanted:
            parent = self.wanted[parent].parent
            node = self.current(parent)
        area_id = node.id if node else None
        if area_id not in self.allowed:
            self.allowed[area_id] = self.actor.covers_area(MANAGE, area_id)
        if not self.allowed[area_id]:
            where = f"{node.code} {node.name}" if node else _("新的城市")
            raise Refusal(_("您无权变更：%(area)s。") % {"area": where})

    def settle(self, wanted: Wanted) -> Outcome:
        """Return what is to be done with a row; raises Refusal."""
        existing = self.current(wanted.code)
        parent = self.find_parent(wanted)
        self.check_right(parent, existing)
        if existing is None:
            self.check_not_ended(wanted.code)
            wanted.parent = parent
            return "added"
        above = self.areas.find(existing.parent_id)
        on_record = above.code if above else ""
        if wanted.parent and on_record != parent:
            raise Refusal(
                _("系统中它的上级是 %(parent)s；导入不改变隶属关系，请按“代码变更”办理。")
                % {"parent": on_record}
            )
        wanted.parent = on_record
        if wanted.row.name in {existing.name, *self.decided_names.get(existing.id, ())}:
            return "unchanged"
        return "renamed"

    def check_not_ended(self, code: str) -> None:
        try:
            node = self.areas.by_code(code)
        except tree.UnknownCode:
            return
        except tree.AmbiguousCode as split:
            names = _("、").join(f"{node.code} {node.name}" for node in split.successors)
            raise Refusal(
                _("区域 %(code)s 已拆分为 %(names)s，请改填其中之一。") % {"code": code, "names": names}
            ) from None
        if not node.in_force:
            raise Refusal(_("区域 %(area)s 已撤销。") % {"area": f"{code} {node.name}"})
        raise Refusal(
            _("代码 %(code)s 已停用，该区域现为 %(area)s。")
            % {"code": code, "area": f"{node.code} {node.name}"}
        )


def import_rows(
    actor: Doer,
    rows: Iterable[AreaRow],
    *,
    source: str = "",
    progress: Callable[[int], object] | None = None,
) -> Receipt:
    """Add areas and rename those whose name differs, in one transaction; return what became of each row.

    Parents may stand anywhere in the rows. `progress` is called with the number of rows done since the last
    call. Raises NotAllowedError when the actor may change areas nowhere.
    """
    if not actor.may(MANAGE):
        require_manage(actor)
    listed = list(rows)
    with transaction.atomic():
        tree.hold()
        batch = _Batch(actor, tree.read_tree(), _names_given_up())
        for place, row in enumerate(listed):
            batch.take(place, row)
        added, renamed = _settle_all(batch, progress)
        if added or renamed:
            ids = _insert(batch, added)
            _rename(batch, renamed)
            tree.bump()
            _log(batch, source, added, renamed, len(ids))
    return Receipt(tuple(batch.results[place] for place in range(len(listed))))


def _names_given_up() -> dict[int, set[str]]:
    given_up: dict[int, set[str]] = {}
    for area_id, name in AreaChange.objects.filter(kind=DecisionKind.RENAME).values_list(
        "area_id", "from_name"
    ):
        given_up.setdefault(area_id, set()).add(name)
    return given_up


def _settle_all(batch: _Batch, progress: Callable[[int], object] | None) -> tuple[list[Wanted], list[Wanted]]:
    """Decide every row, parents before children."""
    lists: dict[str, list[Wanted]] = {"added": [], "renamed": [], "unchanged": []}
    for done, wanted in enumerate(sorted(batch.wanted.values(), key=lambda one: (one.level, one.code)), 1):
        try:
            outcome = batch.settle(wanted)
            lists[outcome].append(wanted)
            batch.say(batch.places[wanted.code], wanted.row, outcome, code=wanted.code)
        except Refusal as refusal:
            batch.refused_codes[wanted.code] = str(refusal)
            batch.say(batch.places[wanted.code], wanted.row, "refused", str(refusal), wanted.code)
        if progress and done % 1000 == 0:
            progress(1000)
    if progress:
        progress(len(batch.results) % 1000)
    return lists["added"], lists["renamed"]


_COPY = (
    "COPY areas_area (id, code, name, name_en, pinyin, level, kind, parent_id, path, valid_from) FROM STDIN"
)


def _insert(batch: _Batch, added: list[Wanted]) -> dict[str, int]:
    """Copy new areas in, parents first; return their ids by code."""
    ids: dict[str, int] = {}
    paths = {node.id: f"{'.'.join(str(above) for above in node.lineage if above)}." for node in batch.areas}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('areas_area', 'id')) FROM generate_series(1, %s)",
            [len(added)],
        )
        numbers = [number for (number,) in cursor.fetchall()]
        with cursor.copy(_COPY) as copy:
            for number, one in zip(numbers, added, strict=True):
                above = batch.current(one.parent) if one.parent not in ids else None
                parent_id = ids.get(one.parent) or (above.id if above else None)
                paths[number] = f"{paths[parent_id] if parent_id else ''}{number}."
                ids[one.code] = number
                copy.write_row(
                    (
                        number,
                        one.code,
                        one.row.name,
                        one.row.name_en or english_name(one.row.name, one.level),
                        pinyin_key(one.row.name),
                        int(one.level),
                        codes.kind_from_name(one.code, one.row.name, one.level).value,
                        parent_id,
                        paths[number],
                        one.valid_from,
                    )
                )
    return ids


def _rename(batch: _Batch, renamed: list[Wanted]) -> None:
    """Give areas on record their new names, with one decision for all of them."""
    if not renamed:
        return
    today = timezone.localdate()
    decision = AreaDecision.objects.create(
        kind=DecisionKind.RENAME,
        at=today,
        plan={"import": True},
        actor=batch.actor.key,
        recorded_at=timezone.now(),
        state=DecisionState.APPLIED,
    )
    changes, areas = [], []
    for one in renamed:
        node = batch.current(one.code)
        if node is None:
            continue
        changes.append(rename_change(decision, node, one.row.name))
        areas.append(
            Area(
                id=node.id,
                name=one.row.name,
                name_en=one.row.name_en or english_name(one.row.name, node.level),
                pinyin=pinyin_key(one.row.name),
            )
        )
    AreaChange.objects.bulk_create(changes, batch_size=2000)
    Area.objects.bulk_update(areas, ["name", "name_en", "pinyin"], batch_size=500)


def rename_change(decision: AreaDecision, node: tree.Node, name: str) -> AreaChange:
    """Return the unsaved history row of a rename."""
    return AreaChange(
        decision=decision,
        kind=DecisionKind.RENAME,
        area_id=node.id,
        at=decision.at,
        from_code=node.code,
        to_code=node.code,
        from_name=node.name,
        to_name=name,
    )


def _log(batch: _Batch, source: str, added: list[Wanted], renamed: list[Wanted], count: int) -> None:
    roots = [one.code for one in added if not one.parent]
    body = {
        "source": source,
        "added": count,
        "cities": roots,
        "renamed": [[one.code, one.row.name] for one in renamed[:1000]],
        "refused": len(batch.refused_codes),
    }
    record(batch.actor.key, "areas.import", "areas", body)
