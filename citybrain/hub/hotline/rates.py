"""响应率, 解决率, 满意率: rates whose definitions are data, counted in one statement within the reader's rights."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from operator import add
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import get_language

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import reach_sql
from citybrain.hub.hotline.filters import Filters

PERMISSION: Final = "hotline.board"
FACTS: Final[dict[str, str]] = {
    "valid": "t.is_valid",
    "dispatched": "t.dispatches > 0",
    "replied": "t.replied_at IS NOT NULL",
    "replied_in_limit": "t.on_time",
    "due": "(t.replied_at IS NOT NULL OR t.answer_due < %(now)s)",
    "signed": "t.sign_on_time IS NOT NULL",
    "signed_in_limit": "t.sign_on_time",
    "visited": "t.visited_at IS NOT NULL",
    "contacted": "t.contacted",
    "solved": "t.solved",
    "very_satisfied": "t.rating = 5",
    "satisfied": "t.rating = 4",
    "fairly_satisfied": "t.rating = 3",
    "dissatisfied": "t.rating = 2",
    "very_dissatisfied": "t.rating = 1",
    "question": "t.kind = '1'",
    "help": "t.kind = '2'",
    "complaint": "t.kind = '3'",
    "report": "t.kind = '4'",
    "suggestion": "t.kind = '5'",
    "praise": "t.kind = '6'",
    "urgent": "t.rank < 2",
    "returned": "t.return_count > 0",
    "redone": "t.redo_count > 0",
    "extended": "t.extension_count > 0",
    "answered_directly": "(t.replied_at IS NOT NULL AND t.dispatches = 0)",
    "by_case": "t.case_id IS NOT NULL",
}
MOMENTS: Final = ("received_at", "replied_at", "visited_at", "concluded_at")
PARTS: Final = ("above", "below", "missed")
GROUPS: Final[dict[str, str]] = {
    "": "0",
    "agency": "t.agency_id",
    "district": "t.district_id",
    "street": "t.street_id",
    "kind": "t.kind",
    "class": "t.class_label",
    "item": "t.item_code",
    "channel": "t.channel",
}


class BadDefinition(ValueError):
    """A definition that can't be: the text names the file, the rate and what it doesn't know."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One rate: facts above and below the line, and the moment that puts a ticket into a span."""

    key: str
    zh: str
    en: str
    by: str
    above: tuple[str, ...]
    below: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.en if (get_language() or "").startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class Rate:
    """`above` of `below`; `value` 0..1, None where nothing is below the line."""

    above: int
    below: int

    @property
    def value(self) -> float | None:
        return self.above / self.below if self.below else None


@dataclass(frozen=True, slots=True)
class Row:
    """One group's rates by key; `group` is an id, a code or a label, None for tickets without."""

    group: Any
    rates: Mapping[str, Rate]


def definitions(on: date | None = None) -> tuple[Definition, ...]:
    """Return the rates in force on a day: the city's own where it has a file. Raises BadDefinition."""
    own = Path(settings.HOME) / "hotline" / "rates.toml"
    stamp = own.stat().st_mtime_ns if own.is_file() else 0
    tables = _tables(str(own) if stamp else "", stamp)
    day = on or timezone.localdate()
    return next((rates for since, rates in tables if since <= day), tables[-1][1])


@lru_cache(maxsize=4)
def _tables(path: str, stamp: int) -> tuple[tuple[date, tuple[Definition, ...]], ...]:
    shipped = resources.files("citybrain.hub.hotline").joinpath("data/rates.toml")
    text = Path(path).read_text(encoding="utf-8") if path else shipped.read_text(encoding="utf-8")
    name = path or "rates.toml"
    try:
        tables = tomllib.loads(text)["tables"]
        read = [(table["from"], tuple(_definition(name, one) for one in table["rates"])) for table in tables]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadDefinition(f"{name}: {error!r}; the form is as in hub/hotline/data/rates.toml") from error
    if not read:
        raise BadDefinition(f"{name}: no table of rates")
    return tuple(sorted(read, key=lambda one: one[0], reverse=True))


def _definition(name: str, row: dict[str, Any]) -> Definition:
    made = Definition(row["key"], row["zh"], row["en"], row["by"], tuple(row["above"]), tuple(row["below"]))
    if made.by not in MOMENTS:
        raise BadDefinition(f"{name}: rate {made.key}: by {made.by!r} is none of {', '.join(MOMENTS)}")
    for fact in (*made.above, *made.below):
        for one in fact.split("|"):
            if one.removeprefix("!") not in FACTS:
                raise BadDefinition(f"{name}: rate {made.key}: no fact {one!r}; known are {', '.join(FACTS)}")
    return made


def condition(facts: tuple[str, ...]) -> str:
    """Return the SQL over `t` for a list of facts; a fact that is unknown of a ticket does not hold."""
    return " AND ".join(f"({' OR '.join(_fact(one) for one in fact.split('|'))})" for fact in facts) or "true"


def side(key: str, part: str, on: date | None = None) -> tuple[str, str] | None:
    """Return the moment and the SQL over `t` of what a rate counts, None for no such rate or part.

    `part`: above the line, below it, or missed (below and not above).
    """
    found = next((one for one in definitions(on) if one.key == key), None)
    if found is None or part not in PARTS:
        return None
    above, below = condition(found.above), condition(found.below)
    sql = {"above": above, "below": below, "missed": f"{below} AND NOT ({above})"}[part]
    return found.by, sql.replace("%(now)s", "now()")


def _fact(name: str) -> str:
    sql = f"coalesce({FACTS[name.removeprefix('!')]}, false)"
    return f"NOT {sql}" if name.startswith("!") else sql


def rates(
    actor: Actor,
    since: datetime,
    until: datetime,
    *,
    group: str = "",
    filters: Filters | None = None,
    permission: str = PERMISSION,
    now: datetime | None = None,
) -> list[Row]:
    """Return the rates of a span (until excluded), in all or per group, those with most tickets first.

    One statement. `group` is a key of GROUPS. Without the permission: no rows at all.
    """
    return several(actor, since, until, (group,), filters=filters, permission=permission, now=now)[group]


def several(
    actor: Actor,
    since: datetime,
    until: datetime,
    groups: Sequence[str],
    *,
    filters: Filters | None = None,
    permission: str = PERMISSION,
    now: datetime | None = None,
) -> dict[str, list[Row]]:
    """Return `rates` for each of several groups, all in one statement.

    Each moment is counted by itself, so that an index that holds what the rates ask of it answers alone.
    """
    chosen = definitions(timezone.localdate(since))
    named: dict[str, Any] = {"since": since, "until": until, "now": now or timezone.now()}
    scope = _named(*reach_sql(actor, permission), named)
    asked = _named(*filters.sql(), named) if filters is not None else "true"
    moments = sorted({one.by for one in chosen})
    sql = " UNION ALL ".join(
        _counted(moment, chosen, groups, f"({scope}) AND ({asked})") for moment in moments
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return _told(cursor.fetchall(), groups, chosen)


def _counted(moment: str, chosen: Sequence[Definition], groups: Sequence[str], within: str) -> str:
    """Return the SQL that counts the rates of one moment: the keys of the groups, tickets, then each side's count."""
    sides = (f"count(*) FILTER (WHERE {condition(side)})" if one.by == moment else "0"
             for one in chosen for side in (one.above, one.below))  # fmt: skip
    keys = [GROUPS[group] for group in groups if group]
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    return (
        f"SELECT {', '.join([*keys, 'count(*)', *sides])} FROM hotline_ticket t"
        f" WHERE t.{moment} >= %(since)s AND t.{moment} < %(until)s AND {within}{by}"
    )


def _told(
    found: Sequence[Sequence[Any]], groups: Sequence[str], chosen: Sequence[Definition]
) -> dict[str, list[Row]]:
    """Return the rows of each group from counts by all the groups' keys, those with most tickets first."""
    keys = [group for group in groups if group]
    sums: dict[str, dict[Any, list[int]]] = {group: {} for group in groups}
    for one in found:
        counted = one[len(keys) :]
        for group, kept in sums.items() if counted[0] else ():
            key = one[keys.index(group)] if group else 0
            before = kept.get(key)
            kept[key] = list(counted if before is None else map(add, before, counted))
    return {
        group: [_row(key, counted, chosen) for key, counted in _most_first(rows)]
        for group, rows in sums.items()
    }


def _most_first(rows: Mapping[Any, list[int]]) -> list[tuple[Any, list[int]]]:
    return sorted(
        rows.items(), key=lambda one: (-one[1][0], one[0] is None, one[0] if one[0] is not None else 0)
    )


def _row(key: Any, counted: Sequence[int], chosen: Sequence[Definition]) -> Row:
    """Return a row; `counted` are its tickets, then above and below the line of each rate."""
    return Row(
        key, {one.key: Rate(*counted[1 + 2 * at : 3 + 2 * at]) for at, one in enumerate(chosen)}
    )  # fmt: skip


def _named(sql: str, params: list[Any], named: dict[str, Any]) -> str:
    """Return SQL with its places given names, and put the values under them."""
    parts = sql.split("%s")
    out = parts[0]
    for value, rest in zip(params, parts[1:], strict=True):
        name = f"p{len(named)}"
        named[name] = value
        out += f"%({name})s{rest}"
    return out
