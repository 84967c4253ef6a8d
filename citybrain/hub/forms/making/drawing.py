"""What a form asks for, read from its workbook: its table, and each column's likeliest meaning."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _

from citybrain.base.areas.models import Level
from citybrain.base.catalogue.models import DataSet
from citybrain.base.identity.errors import refuse
from citybrain.hub.forms import matching
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.figures import UnknownFigure, counted
from citybrain.hub.forms.making import meanings
from citybrain.hub.forms.making.reading import Read
from citybrain.hub.forms.matching.matcher import roster_of
from citybrain.hub.forms.models import Shaped

SURE: Final = 0.8  # what is filled without a question
LIKELY: Final = 0.35  # what is offered, and must be confirmed before admission is asked for
STAR: Final = re.compile(r"^\s*[*★]|[*★]\s*$|必填|必录")
LOOKED_UP: Final = frozenset({Asks.DATA, Asks.COUNT})  # columns that data fill
FREE_WORDS: Final = "varchar(200)"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A form as read: its columns with their meaning, what its rows are about, and the live roster they seem to be."""

    columns: tuple[Column, ...]
    shaped: Shaped
    roster: str = ""


def draw(title: str, office: str, kind: str, found: Read, fillers: int) -> Drawn:
    """Return what a table asks for. `office` is the sending body's short name, `kind` the key of its kind."""
    sets = meanings.published()
    columns = [matching.Column(one.letter, one.path, one.examples) for one in found.layout.columns]
    answers, counts = answers_of(sets, title, office, kind, columns)
    drawn = [_column(sets, one, fillers) for one in answers]
    shaped = _shaped(drawn, answers, counts)
    if shaped == Shaped.FIGURES:
        drawn = [_counting(*each) for each in zip(drawn, answers, counts, strict=True)]
    drawn = [_prepared(one, found) for one in drawn]
    return Drawn(tuple(_repeated(drawn)), shaped, roster_of(title) if shaped == Shaped.ROSTER else "")


def _prepared(column: Column, found: Read) -> Column:
    """Return a column as its workbook prepares it: worked out by the sheet, or with a list of values to choose from."""
    if column.letter in found.formulas:
        return replace(column, asks=Asks.FORMULA, field="", derived="", confidence=0.0, why=(), personal="none",
                       code_table="", check="", required=False)  # fmt: skip
    if column.asks == Asks.ANSWER and column.letter in found.options:
        return replace(column, options=found.options[column.letter])
    return column


def _counting(column: Column, answer: matching.Answer, match: matching.CountMatch | None) -> Column:
    """Return a column of a table of figures as one that counts, where its names say so and nobody said otherwise."""
    if match is None or answer.unknown or column.asks == Asks.AREA or "learnt" in column.why:
        return column
    return counting(column, match.counted.key, match.confidence, match.why)


def counting(column: Column, key: str, confidence: float, why: Sequence[str]) -> Column:
    """Return a column that counts a figure. It is personal: few people could be told from it. Raises Refused."""
    try:
        figure = counted(key)
    except UnknownFigure as unknown:
        raise refuse("field", _("没有“%(key)s”这个统计项。") % {"key": key}) from unknown
    return replace(
        column, asks=Asks.COUNT, field=key, derived="", confidence=round(confidence, 3), why=tuple(why),
        type="integer", personal="personal", unit=column.unit or figure.of.unit, code_table="", check="", options=(),
        minimum=0.0, maximum=None, sums=Sums.SUM,
    )  # fmt: skip


def answers_of(
    sets: dict[str, DataSet], title: str, office: str, kind: str, columns: Sequence[matching.Column]
) -> tuple[list[matching.Answer], list[matching.CountMatch | None]]:
    """Return what columns may mean, and which figures they may count, with what was said before. One query."""
    headings = [matching.heading(one.path).joined for one in columns]
    memory = meanings.memory([one for one in headings if one], kind)
    return (
        meanings.known(sets).answers(title, office, columns, memory.own, memory.others),
        matching.counts(title, columns, memory.own, memory.others),
    )


def _column(sets: dict[str, DataSet], answer: matching.Answer, fillers: int) -> Column:
    letter, path = answer.column.letter, answer.column.path
    required = any(STAR.search(one) for one in path)
    plain = replace(
        typed(Column(letter, path, Asks.ANSWER), answer), required=required, unit=answer.heading.unit[:20]
    )
    best = answer.matches[0] if answer.matches else None
    if answer.computed is not None:
        return _computed(sets, plain, answer)
    learnt = best is not None and best.why[:1] == ("learnt",)
    area = None if learnt or answer.unknown else _area(answer, fillers)
    if area is not None:
        return replace(plain, asks=Asks.AREA, derived=area, type=FREE_WORDS, options=())
    if answer.unknown:
        return replace(plain, confidence=matching.LEARNT, why=("learnt",))
    if best is None or best.confidence < LIKELY:
        return plain
    return asking(sets, plain, best.known.key, best.confidence, best.why)


def asking(
    sets: dict[str, DataSet], column: Column, key: str, confidence: float, why: Sequence[str]
) -> Column:
    """Return a column that asks for a field of the catalogue, with the field's type, codes and grade."""
    found = meanings.field_of(sets, key)
    if found is None:
        raise refuse("field", _("目录里没有“%(key)s”这个信息项。") % {"key": key})
    _dataset, field = found
    return replace(
        column, asks=Asks.DATA, field=key, derived="", confidence=round(confidence, 3), why=tuple(why),
        type=field.type.text, personal=field.personal, code_table=field.code_table or "", check=field.check or "",
        options=(), minimum=_number(field.minimum), maximum=_number(field.maximum),
        sums=Sums.NONE if not field.type.is_number else column.sums,
    )  # fmt: skip


def _number(limit: object) -> float | None:
    return float(limit) if isinstance(limit, int | float) else None


def typed(column: Column, answer: matching.Answer) -> Column:
    """Return a column with the type that heading and cells tell, and how it is summed."""
    kind = matching.sign(answer.heading, answer.column.examples)
    if kind == "number":
        share = answer.heading.unit == "%"
        return replace(column, type="decimal(18,2)", sums=Sums.MEAN if share else Sums.SUM)
    if kind == "date":
        return replace(column, type="date")
    if kind == "truth":
        return replace(column, type="varchar(10)", options=(_("是"), _("否")), sums=Sums.COUNT)
    return replace(column, type=FREE_WORDS)


def _computed(sets: dict[str, DataSet], column: Column, answer: matching.Answer) -> Column:
    """Return a column that no field is looked up for: a number, an age, a sum, a remark, a signature, a day."""
    kind = answer.computed
    if kind == "number":
        return replace(column, asks=Asks.SERIAL, type="integer", sums=Sums.NONE)
    if kind == "age" and meanings.field_of(sets, BIRTH) is not None:
        drawn = asking(sets, column, BIRTH, 0.95, ("computed",))
        return replace(drawn, derived="age", type="integer", sums=Sums.NONE)
    if kind == "filled_on":
        return replace(column, asks=Asks.DATE, type="date", sums=Sums.NONE)
    if kind == "signature" and answer.heading.leaf in FILLERS:
        return replace(column, asks=Asks.FILLER, type=FREE_WORDS, sums=Sums.NONE, options=())
    if kind == "total":
        return replace(column, type="decimal(18,2)", sums=Sums.SUM)
    return column


BIRTH: Final = "ga_population.birth_date"
FILLERS: Final = frozenset({"填表人", "填报人", "制表人", "经办人", "填表人签字", "经办人签字"})
AREAS: Final = {
    "区": "district", "区县": "district", "所属区": "district", "所在区": "district", "县区": "district",
    "街道": "street", "街镇": "street", "乡镇": "street", "镇街": "street", "街道乡镇": "street", "所属街道": "street",
    "所在街道": "street", "乡镇街道": "street", "街道名称": "street",
    "社区": "community", "村居": "community", "居委会": "community", "社区村": "community", "所属社区": "community",
    "所在社区": "community", "社区名称": "community", "村社区": "community", "社区居委会": "community",
    "网格": "grid", "所属网格": "grid", "所在网格": "grid", "网格名称": "grid",
}  # fmt: skip
LEVELS: Final = {
    "district": Level.DISTRICT,
    "street": Level.STREET,
    "community": Level.COMMUNITY,
    "grid": Level.GRID,
}
OWN: Final = frozenset({"填报单位", "单位名称", "填报社区", "填报街道", "上报单位", "报送单位"})


def _area(answer: matching.Answer, fillers: int) -> str | None:
    """Return the level whose name a column shows where that follows from who fills it; None for any other column.

    "" is the filler's own area. A column below the filler's level (its grids) doesn't follow.
    """
    if answer.heading.parents:
        return None
    if answer.heading.leaf in OWN:
        return ""
    level = AREAS.get(answer.heading.leaf)
    if level is None or LEVELS[level] > fillers:
        return None
    return "" if LEVELS[level] == fillers else level


def _repeated(columns: Sequence[Column]) -> list[Column]:
    """Return the columns; those that are called alike must be confirmed, for they can't mean the same twice."""
    numbers = Counter(one.path for one in columns if one.path)
    return [
        replace(one, confidence=min(one.confidence, 0.5), why=(*one.why, "twice"))
        if numbers[one.path] > 1 and one.asks in LOOKED_UP
        else one
        for one in columns
    ]


def _shaped(
    columns: Sequence[Column],
    answers: Sequence[matching.Answer],
    counts: Sequence[matching.CountMatch | None],
) -> Shaped:
    """Return what the rows seem to be about: people where a name or number of a person is asked."""
    about = {one.heading.concept for one in answers if not one.heading.role}
    if about & {"id_no", "name"}:
        return Shaped.ROSTER
    numbers = sum(
        one.sums != Sums.NONE or count is not None for one, count in zip(columns, counts, strict=True)
    )
    return Shaped.FIGURES if numbers * 2 >= len(columns) and numbers >= 2 else Shaped.FREE


def unsettled(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns whose match is not certain and that nobody has confirmed."""
    return tuple(one for one in columns if one.asks in LOOKED_UP and not one.sure and one.confidence < SURE)
