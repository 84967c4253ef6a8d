"""What is asked of a roster, and the page that answers it. Filters, sorts and searches see what is shown, no more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, get_args

from django.utils.translation import gettext as _

from citybrain.base.identity.errors import refuse
from citybrain.hub.forms.knowing.cells import Cell, Filled
from citybrain.hub.forms.rosters.kinds import Roster

Op = Literal["eq", "ne", "contains", "prefix", "lt", "le", "gt", "ge", "empty", "filled"]
OPS: Final[tuple[Op, ...]] = get_args(Op)
_OP: Final[Mapping[str, Op]] = {one: one for one in OPS}
VISITED: Final = ("", "never", "month", "due")
CHANGED: Final = ("", "new", "changed")
MOST_FILTERS: Final = 20
SIZES: Final = (20, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a column (by its field, "dataset.field")."""

    field: str
    op: Op
    value: str = ""

    def holds(self, shown: str) -> bool:
        """Return whether a shown value fulfils it; an empty one fulfils `empty` and `ne` only."""
        if self.op in {"empty", "filled"}:
            return (not shown) == (self.op == "empty")
        if not shown:
            return self.op == "ne"
        if self.op in {"contains", "prefix"}:
            return self.value in shown if self.op == "contains" else shown.startswith(self.value)
        left, right = order_key(shown), order_key(self.value)
        return _COMPARES[self.op](left, right)


_COMPARES: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. `sort` is a column's field, `down` downwards; `page` counts from 1.

    `visited`: "never", "month" (not for a month), "due" (a visit is due). `changed`: "new" or "changed" since the
    last look. `changes` False leaves out the comparison with the last look.
    """

    where: tuple[Filter, ...] = ()
    search: str = ""
    sort: str = ""
    down: bool = False
    page: int = 1
    size: int = 50
    visited: str = ""
    changed: str = ""
    changes: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return it as a saved view keeps it, without the page."""
        return {
            "where": [[one.field, one.op, one.value] for one in self.where],
            "search": self.search, "sort": self.sort, "down": self.down, "size": self.size,
            "visited": self.visited, "changed": self.changed,
        }  # fmt: skip

    @staticmethod
    def from_json(data: Any) -> "Asked":
        """Return what was asked. Raises Refused for anything of another form."""
        try:
            where = tuple(
                Filter(str(key), _OP[op], str(value)[:200]) for key, op, value in data.get("where") or ()
            )
            asked = Asked(
                where, str(data.get("search") or "").strip()[:100], str(data.get("sort") or ""), bool(data.get("down")),
                max(1, int(data.get("page") or 1)), int(data.get("size") or 50), str(data.get("visited") or ""),
                str(data.get("changed") or ""), bool(data.get("changes", True)),
            )  # fmt: skip
        except (AttributeError, KeyError, TypeError, ValueError) as bad:
            raise refuse("asked", _("查询条件的格式不对。")) from bad
        if len(where) > MOST_FILTERS or asked.visited not in VISITED or asked.changed not in CHANGED:
            raise refuse("asked", _("查询条件的格式不对。"))
        return asked


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person. `token` names them to visits and disputes; `change` is "", "new" or "changed" since the last look.

    `changed` are the letters of the columns that changed.
    """

    token: str
    cells: tuple[Cell, ...]
    change: str = ""
    changed: tuple[str, ...] = ()
    visits: int = 0
    last_visit: datetime | None = None
    next_on: date | None = None


@dataclass
class Page:
    """A page of a roster. `total` rows fulfil what was asked, `members` stand on the roster.

    `counts`: new, changed, left (since `looked_at`), due and never (visits); None where it wasn't counted.
    `not_asked` are the data sets that tell who lives here or who stands on it, and couldn't be read: the list may lack
    people. Columns in state "no_right" or "down" say so with `why`.
    """

    roster: Roster
    area_id: int
    columns: tuple[Filled, ...]
    rows: list[RosterRow] = field(default_factory=list)
    total: int = 0
    members: int = 0
    page: int = 1
    pages: int = 1
    counts: dict[str, int] = field(default_factory=dict)
    looked_at: datetime | None = None
    not_asked: Mapping[str, str] = field(default_factory=dict)


def order_key(text: str) -> tuple[int, Any]:
    """Return what texts are ordered by: numbers as numbers, then Chinese by its sound (GB 18030's first level)."""
    try:
        number = Decimal(text) if len(text) < 18 else None
    except InvalidOperation:
        number = None
    if number is not None and number.is_finite():
        return (0, number)
    return (1, text.encode("gb18030", "replace"))


def ranked(places: Sequence[int], values: Sequence[str], *, down: bool) -> list[int]:
    """Return places ordered by their values, empty ones last whichever way."""
    filled = sorted((at for at in places if values[at]), key=lambda at: order_key(values[at]), reverse=down)
    return [*filled, *(at for at in places if not values[at])]
