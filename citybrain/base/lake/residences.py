"""Where people live, for serving copies: their rows lie community by community, so that one is read at one go.

Other rooms say which data sets tell it (`register`). The copy of a set about people gets `_place`, the community where
the row's person lives as a number, and `_also`, another one they belong to; its rows are written in the order of the
first. The copy of a residence set has `_written` as well: the version that wrote a row last. What a copy was placed by
is noted with it (`Placed`): a person whose row in the residence set was written later may have moved, and is looked up
by number. So a place is a hint where to look, and nothing is wrong or missing when it is old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Sum

from citybrain.base.catalogue.shape import Shape
from citybrain.base.lake import names
from citybrain.base.lake.models import Commit, Serving
from citybrain.base.lake.names import quoted

PLACE: Final = "_place"
ALSO: Final = "_also"
WRITTEN: Final = "_written"
MOST: Final = 2  # residences of a person that a row can tell
LEAST_ROWS: Final = 20_000  # a smaller copy is read in a moment however it lies
MOVED: Final = 0.05  # of a residence set's rows written since: then copies are placed anew


@dataclass(frozen=True, slots=True)
class Residence:
    """A set that says where a person lives. `place` is its field with a community's code, in digits."""

    code: str
    place: str


_residences: list[Residence] = []


def register(*found: Residence) -> None:
    """Say which sets tell where people live, the one that knows best first; again: instead. For AppConfig.ready()."""
    if len(found) > MOST:
        raise ValueError(f"a copy tells {MOST} residences of a person, {len(found)} sets received")
    _residences[:] = found


def registered() -> tuple[Residence, ...]:
    """Return the residence sets in their order."""
    return tuple(_residences)


@dataclass(frozen=True, slots=True)
class Placed:
    """How a copy was placed. `table` is the lake's table it was made of (another one of its name has another).

    `written`: it has the column `_written`. `by`: the table and version of each residence set, by its code; none: the
    copy has no places.
    """

    table: str = ""
    written: bool = False
    by: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "written": self.written,
            "by": {code: list(told) for code, told in self.by.items()},
        }

    @staticmethod
    def from_json(data: Any) -> "Placed":
        """Return how a copy was placed; {}: it is one without places."""
        by = {code: (str(table), int(version)) for code, (table, version) in data.get("by", {}).items()}
        return Placed(str(data.get("table", "")), bool(data.get("written")), by)


@dataclass(frozen=True, slots=True)
class _Told:
    """A residence set at the version by which a copy is placed."""

    residence: Residence
    table: str
    version: int
    subject: str


class Places:
    """Where the rows of one copy belong."""

    def __init__(self, code: str, shape: Shape, version: int, rows: int) -> None:
        self.code, self.shape, self.version = code, shape, version
        from citybrain.base.lake.tables import Table  # with all of Iceberg: not at the applications' start

        self.table = str(Table(code).metadata().table_uuid)
        own = [one for one in registered() if one.code == code and _fits(one, shape)]
        self.written = bool(own)
        wanted = shape.subject is not None and (rows >= LEAST_ROWS or self.written)
        self.told = [one for one in map(self._told, registered()) if one is not None] if wanted else []

    def _told(self, residence: Residence) -> _Told | None:
        """Return the version that places this copy: its own, or the one whose copy serves; None where there is none."""
        if residence.code != self.code:
            copy = Serving.objects.filter(code=residence.code).exclude(relation="").first()
            return _told_by(residence, copy) if copy else None
        return _Told(residence, self.table, self.version, self.shape.subject or "") if self.written else None

    @property
    def placed(self) -> Placed:
        """Return what is noted with the copy."""
        return Placed(
            self.table, self.written, {one.residence.code: (one.table, one.version) for one in self.told}
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that the copy gets, all of type bigint."""
        return (*((PLACE, ALSO) if self.told else ()), *((WRITTEN,) if self.written else ()))

    def select(self, parts: str, source: str, limit: str) -> str:
        """Return the query of the copy's rows: `parts` over `source` AS r, then `columns`, in the order of places."""
        written = f", r.{quoted(names.VERSION)} AS {WRITTEN}" if self.written else ""
        if not self.told:
            return f"SELECT {parts}{written} FROM {source} AS r{limit}"
        tells = [self._place_of(at, one) for at, one in enumerate(self.told)]
        first = tells[0][0] if len(tells) == 1 else f"coalesce({tells[0][0]}, {tells[1][0]})"
        other = (
            "NULL" if len(tells) == 1 else f"CASE WHEN {tells[1][0]} <> {tells[0][0]} THEN {tells[1][0]} END"
        )
        return (
            f"SELECT {parts}, {first} AS {PLACE}, CAST({other} AS BIGINT) AS {ALSO}{written} "
            f"FROM {source} AS r{''.join(join for _place, join in tells)}{limit} ORDER BY {PLACE}"
        )

    def _place_of(self, at: int, one: _Told) -> tuple[str, str]:
        """Return what tells the place of a row of the copy, and the join it needs."""
        place = f"TRY_CAST({quoted(one.residence.place)} AS BIGINT)"
        if one.residence.code == self.code:
            return f"TRY_CAST(r.{quoted(one.residence.place)} AS BIGINT)", ""
        from citybrain.base.lake import engine
        from citybrain.base.lake.tables import Table

        table = Table(one.residence.code)
        source = engine.files_sql(table.files(one.version), table.schema(one.version or None))
        homes = f"(SELECT {quoted(one.subject)} AS who, {place} AS place FROM {source})"
        return (
            f"h{at}.place",
            f" LEFT JOIN {homes} AS h{at} ON h{at}.who = r.{quoted(self.shape.subject or '')}",
        )


def _fits(residence: Residence, shape: Shape) -> bool:
    """Tell whether a set has one row for each person that says where they live."""
    return shape.keys == (shape.subject,) and shape.has(residence.place)


def _told_by(residence: Residence, copy: Serving) -> _Told | None:
    """Return the version of a residence set whose copy serves; None while that doesn't tell when rows were written."""
    from citybrain.base.lake.tables import Table

    table = Table(residence.code)
    shape, placed = Shape.from_json(copy.shape), Placed.from_json(copy.placed)
    if not (copy.relation and placed.written and _fits(residence, shape) and table.exists()):
        return None
    if placed.table != str(table.metadata().table_uuid):
        return None
    version = copy.version if copy.version in table.kept() else table.version()
    return _Told(residence, placed.table, version, shape.subject or "")


def behind(copies: Sequence[Serving]) -> list[Serving]:
    """Return those of the copies that should be placed anew, in the order in which it helps most.

    Such are copies made before places were known, before a residence set was served, or so long ago that many of its
    people may have moved since.
    """
    order = {one.code: at for at, one in enumerate(registered())}
    own = [one for one in copies if one.relation and one.code in order]
    own.sort(key=lambda one: order[one.code])
    unwritten = [one for one in own if not Placed.from_json(one.placed).written and _tells(one)]
    told = [(one, _told_by(registered()[order[one.code]], one)) for one in own]
    known = _Moves([(one, by) for one, by in told if by is not None])
    return unwritten or [one for one in copies if one.relation and known.concern(one)]


def _tells(copy: Serving) -> bool:
    shape = Shape.from_json(copy.shape)
    return any(one.code == copy.code and _fits(one, shape) for one in registered())


class _Moves:
    """How much the residence sets that serve have changed since copies were placed by them."""

    def __init__(self, told: Sequence[tuple[Serving, _Told]]) -> None:
        self.told = told
        self.many: dict[tuple[str, int, int], int] = {}

    def concern(self, copy: Serving) -> bool:
        """Tell whether a copy lacks the places of one of them, or has old ones."""
        placed = Placed.from_json(copy.placed)
        if not placed.written and (copy.rows < LEAST_ROWS or Shape.from_json(copy.shape).subject is None):
            return False
        for residence, told in self.told:
            table, version = placed.by.get(residence.code, ("", 0))
            if residence.code == copy.code:
                continue
            if (
                table != told.table
                or self._written(residence.code, version, told.version) > MOVED * residence.rows
            ):
                return True
        return False

    def _written(self, code: str, since: int, until: int) -> int:
        """Return how many rows of a set were written after one version, up to another."""
        asked = (code, since, until)
        if asked not in self.many:
            later = Commit.objects.filter(code=code, number__gt=since, number__lte=until)
            found = later.aggregate(new=Sum("inserted", default=0), changed=Sum("updated", default=0))
            self.many[asked] = int(found["new"] + found["changed"])
        return self.many[asked]
