"""Reading a roster: who stands on it, filtered and ordered by what is shown, with visits and what changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import Node
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.ledger import record
from citybrain.hub.forms.access import ROSTERS
from citybrain.hub.forms.columns import Column
from citybrain.hub.forms.knowing.cells import State
from citybrain.hub.forms.knowing.knowing import Known, know
from citybrain.hub.forms.knowing.people import People
from citybrain.hub.forms.knowing.rights import HasId, require_work
from citybrain.hub.forms.rosters import changes, visits
from citybrain.hub.forms.rosters.kinds import Roster, columns_of, roster
from citybrain.hub.forms.rosters.pages import Asked, Page, RosterRow, ranked
from citybrain.hub.forms.rosters.standing import members

FULL: Final = 5_000  # people up to whom every column is read, to tell what changed
MOST: Final = 60_000  # people of a roster that is listed at all
TABLE_MOST: Final = 20_000


def rows(
    actor: Actor, key: str, area: HasId | int, asked: Asked | None = None, now: datetime | None = None
) -> Page:
    """Return a page of a roster of an area of a street at most. Leaves receipts of what was read.

    Raises Forbidden; KeyError for an unknown roster; Refused for columns that aren't there or may not be read.
    """
    wish, moment = asked or Asked(), now or timezone.now()
    node = require_work(actor, area, (ROSTERS,))
    with transaction.atomic():
        return _Look(actor, roster(key), node, wish, moment).page()


@dataclass(frozen=True, slots=True)
class Table:
    """A roster as a table to be taken along: headings, rows, and what was left out."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    without: tuple[str, ...]


def table(
    actor: Actor, key: str, area: HasId | int, asked: Asked | None = None, now: datetime | None = None
) -> Table:
    """Return all rows that fulfil what was asked, as shown: no column and no row more than on the page.

    Raises Forbidden, Refused as `rows` does, and for more rows than a table may have.
    """
    wish, moment = (
        replace(asked or Asked(), page=1, changes=bool(asked and asked.changed)),
        now or timezone.now(),
    )
    node = require_work(actor, area, (ROSTERS,))
    with transaction.atomic():
        look = _Look(actor, roster(key), node, wish, moment)
        page = look.page(everything=True)
        shown = [at for at, one in enumerate(page.columns) if one.state not in {State.NO_RIGHT, State.DOWN}]
        lines = [tuple(row.cells[at].value for at in shown) for row in page.rows]
        body = {
            "area": node.code,
            "rows": len(lines),
            "columns": [page.columns[at].column.field for at in shown],
        }
        record(actor.key, "forms.take_roster", f"roster:{key}", body)
    names = tuple(one.column.name for one in page.columns)
    without = tuple(name for at, name in enumerate(names) if at not in shown)
    return Table(f"{node.name}{look.kind.name}", tuple(names[at] for at in shown), lines, without)


class _Look:
    """One look at a roster."""

    def __init__(self, actor: Actor, kind: Roster, node: Node, asked: Asked, now: datetime) -> None:
        self.actor, self.kind, self.node, self.asked, self.now = actor, kind, node, asked, now
        self.columns = columns_of(kind)
        self.purpose = f"forms.roster.{kind.key}"

    def page(self, *, everything: bool = False) -> Page:
        """Return the page asked for, or all of it."""
        people = members(
            self.actor, self.kind.key, self.node, permissions=(ROSTERS,), now=self.now, purpose=self.purpose
        )
        if len(people) > MOST:
            raise refuse("area", _("人员过多，请选择下级社区。"))
        compared = self.asked.changes and len(people) <= FULL
        if self.asked.changed and not compared:
            raise refuse("changed", _("人员过多，不能比较变化，请选择下级社区。"))
        whole = compared or everything
        first = self._know(self.columns if whole else self._needed(), people)
        seen = changes.compare(self.actor, self.kind.key, self.node, first) if compared else changes.Seen()
        noted = visits.by_person(self.actor, self.node, people.tokens)
        chosen = self._chosen(first, seen, noted)
        size = len(chosen) if everything else self.asked.size
        if everything and size > TABLE_MOST:
            raise refuse("area", _("最多导出 %(most)d 行，请缩小范围。") % {"most": TABLE_MOST})
        pages = max(1, -(-len(chosen) // max(1, size)))
        page = min(self.asked.page, pages)
        here = chosen[(page - 1) * size : page * size]
        tokens = [people.tokens[at] for at in here]
        shown = first if whole else self._know(self.columns, people.only(tokens))
        places = here if whole else range(len(tokens))
        return Page(
            self.kind, self.node.id, tuple(shown.columns.values()),
            [self._row(shown, at, token, seen, noted) for at, token in zip(places, tokens, strict=True)],
            len(chosen), len(people), page, pages,
            self._counts(people, seen, noted), seen.at, people.not_asked,
        )  # fmt: skip

    def _know(self, columns: Sequence[Column], people: People) -> Known:
        return know(self.actor, self.node, columns, people, now=self.now, purpose=self.purpose)

    def _needed(self) -> list[Column]:
        """Return the columns that decide which rows are shown, and in which order."""
        asked = self.asked
        wanted = {one.field for one in asked.where} | {asked.sort or self.columns[0].field}
        wanted |= set(self.kind.search) if asked.search else set()
        return [one for one in self.columns if one.field in wanted]

    def _values(self, known: Known, field: str) -> list[str]:
        """Return the shown values of a column. Raises Refused for one that isn't there or may not be read."""
        found = next((one for one in known.columns.values() if one.column.field == field), None)
        if found is None or found.state == State.NO_RIGHT:
            raise refuse("field", _("没有此列，或您无权查看：%(field)s。") % {"field": field[:60]})
        return found.values

    def _chosen(self, known: Known, seen: changes.Seen, noted: visits.Noted) -> list[int]:
        """Return the places of the rows asked for, in their order."""
        asked, places = self.asked, list(range(len(known)))
        for one in asked.where:
            values = self._values(known, one.field)
            places = [at for at in places if one.holds(values[at])]
        if asked.search:
            places = self._searched(known, places)
        if asked.visited:
            places = [at for at in places if noted.fits(known.keys[at], asked.visited, self.now)]
        if asked.changed:
            places = [at for at in places if seen.of(known.keys[at]) == asked.changed]
        if asked.sort:
            return ranked(places, self._values(known, asked.sort), down=asked.down)
        first = known.columns[self.columns[0].letter]
        return ranked(places, first.values, down=asked.down) if first.state != State.NO_RIGHT else places

    def _searched(self, known: Known, places: list[int]) -> list[int]:
        columns = [one for one in known.columns.values() if one.column.field in self.kind.search]
        return [at for at in places if any(self.asked.search in one.values[at] for one in columns)]

    def _row(self, known: Known, at: int, token: str, seen: changes.Seen, noted: visits.Noted) -> RosterRow:
        cells = tuple(one.cell(at) for one in known.columns.values())
        last = noted.last(token)
        return RosterRow(
            token, cells, seen.of(token), seen.letters.get(token, ()), noted.count(token),
            last.at if last else None, last.next_on if last else None,
        )  # fmt: skip

    def _counts(self, people: People, seen: changes.Seen, noted: visits.Noted) -> dict[str, int]:
        never = sum(not noted.count(one) for one in people.tokens)
        due = sum(noted.fits(one, "due", self.now) for one in people.tokens)
        found = {"due": due, "never": never}
        if seen.compared:
            found |= {"new": len(seen.new), "changed": len(seen.letters), "left": seen.left}
        return found
