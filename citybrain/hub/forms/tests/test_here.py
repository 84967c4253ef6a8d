"""Rows are looked for where people live, and nobody who moved is missing, or shown where they were."""

import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.identity.actor import Actor
from citybrain.base.lake import residences, serving
from citybrain.base.lake.merge import merge
from citybrain.base.lake.models import Serving
from citybrain.base.lake.tables import Table
from citybrain.base.lake.tests import conftest as lake
from citybrain.hub.forms.knowing.here import Found, Here
from citybrain.hub.forms.knowing.homes import homes
from citybrain.hub.forms.knowing.knowing import know
from citybrain.hub.forms.knowing.people import REGION_LENGTH
from citybrain.hub.forms.knowing.people import residents as residents_of
from citybrain.hub.forms.tests.town import LI, QIAN, TUANJIE, WANG, YOUYI, Town, column, fill_rows, number

put_rows = lake.put
AMOUNT = column("D", "mz_subsistence.amount")
STAMP = {"ga_population": ["t", 7], "ga_floating": ["t", 7]}


def written(town: Town, code: str, rows: dict[str, int | None], table: str = "t") -> None:
    """Let the copy of a residence set tell which version wrote its rows: 7, or what `rows` say of a person."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE serving.{code}_v7 ADD COLUMN _written bigint")
        cursor.execute(f"UPDATE serving.{code}_v7 SET _written = 7")
        for one, version in rows.items():
            cursor.execute(f"UPDATE serving.{code}_v7 SET _written = %s WHERE _key = %s", [version, one])
    Serving.objects.filter(code=code).update(placed={"table": table, "written": True, "by": {}})


def place(code: str, where: dict[str, tuple[int, int | None]], by: dict[str, Any]) -> None:
    """Say where rows of people lie in a copy, and by which residences."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE serving.{code}_v7 ADD COLUMN _place bigint, ADD COLUMN _also bigint")
        for one, (first, other) in where.items():
            cursor.execute(
                f"UPDATE serving.{code}_v7 SET _place = %s, _also = %s WHERE id_no = %s", [first, other, one]
            )
    Serving.objects.filter(code=code).update(placed={"table": "s", "written": False, "by": by})


def amounts(town: Town, actor: Actor | None = None, code: str = YOUYI) -> set[str]:
    known = know(actor or town.leader, town.area(code), [AMOUNT])
    return set(known.columns["D"].values) - {""}


def test_the_residences_are_those_sets_that_tell_communities() -> None:
    told = residences.registered()
    assert [(one.code, one.place) for one in told] == [
        ("ga_floating", "residence_region"), ("ga_population", "hukou_region"),
    ]  # fmt: skip
    assert {one.code for one in told} == {one.dataset for one in homes() if one.region}
    assert len(YOUYI) == REGION_LENGTH


def test_rows_are_looked_for_at_the_place_and_nowhere_else(town: Town) -> None:
    written(town, "ga_population", {})
    written(town, "ga_floating", {})
    place("mz_subsistence", {WANG: (int(YOUYI), None)}, STAMP)
    with CaptureQueriesContext(connection) as seen:
        assert amounts(town) == {"910.5"}
    asked = [one["sql"] for one in seen.captured_queries if "mz_subsistence_v7" in one["sql"]]
    assert len(asked) == 1
    assert "_place = ANY" in asked[0]
    assert YOUYI in asked[0]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE serving.mz_subsistence_v7 SET _place = 1")
    assert amounts(town) == set(), "a place that is trusted is the only one that is looked at"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE serving.mz_subsistence_v7 SET _also = %s", [int(YOUYI)])
    assert amounts(town) == {"910.5"}, "somebody registered here who lives elsewhere"


@pytest.mark.parametrize(
    ("changed", "table", "by"),
    [
        ({WANG: 7}, "t", {"ga_population": ["t", 6], "ga_floating": ["t", 7]}),
        ({WANG: None}, "t", STAMP),
        ({}, "another", STAMP),
        ({}, "t", {"ga_population": ["t", 8], "ga_floating": ["t", 7]}),
        ({}, "t", {"ga_floating": ["t", 7]}),
        ({}, "t", {}),
    ],
    ids=["written since", "not told", "another table", "a later version", "not by this set", "by none"],
)
@pytest.mark.parametrize("others_stay", [True, False])
def test_a_place_that_may_be_old_is_not_trusted(
    town: Town, changed: dict[str, int | None], table: str, by: dict[str, Any], others_stay: bool
) -> None:
    others = dict.fromkeys((LI,), 6) if others_stay else {}
    written(town, "ga_population", {**others, **changed}, table)
    written(town, "ga_floating", {})
    place("mz_subsistence", {WANG: (1, None)}, by)
    assert amounts(town) == {"910.5"}, "found by number, wherever the row lies"


def test_a_row_at_an_old_place_is_not_shown_where_the_person_was_and_is_where_they_are(town: Town) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM serving.mz_key_elder_v7 WHERE id_no = %s", [WANG])
    rows = [{"id_no": WANG, "name": "王一", "hukou_region": TUANJIE, "alive": True},
            {"id_no": LI, "name": "李二", "hukou_region": YOUYI, "alive": True},
            {"id_no": number("1950-01-01", 9), "name": "陈七", "hukou_region": TUANJIE, "alive": True}]  # fmt: skip
    fill_rows("ga_population", town.sets["ga_population"].shape.to_json(), rows)
    written(town, "ga_population", {one["id_no"]: 5 for one in rows if one["id_no"] != WANG})
    written(town, "ga_floating", {})
    place("mz_subsistence", {WANG: (int(YOUYI), None)}, {"ga_population": ["t", 6], "ga_floating": ["t", 7]})
    assert amounts(town) == set()
    assert amounts(town, town.neighbour, TUANJIE) == {"910.5"}


def test_who_is_told_by_no_residence_set_is_looked_up_by_number(town: Town) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM serving.ga_population_v7 WHERE _key = %s", [WANG])
    written(town, "ga_population", {})
    written(town, "ga_floating", {})
    place("mz_subsistence", {WANG: (1, None)}, STAMP)
    assert town.tokens["wang"] in residents_of(town.leader, town.area()).tokens, "the care list has her"
    assert amounts(town) == {"910.5"}


def test_a_grid_is_read_by_number(town: Town) -> None:
    written(town, "ga_population", {})
    written(town, "ga_floating", {})
    place("mz_subsistence", {WANG: (1, None)}, STAMP)
    assert amounts(town, town.worker, f"{YOUYI}001") == {"910.5"}


def test_numbers_and_places_that_are_kept_in_another_way_tell_nothing() -> None:
    placed = residences.Placed("t", True, {})
    told = [("11", "1X", 1), ("11", "2x", 1), ("11", " 3", 1), ("A1", "4", 1), ("\uff11\uff11", "5", 1), (None, "6", 1),
            ("1" * 19, "7", 1), ("22", "8", None), ("11", None, 1), ("033", "9", 2)]  # fmt: skip
    found = Found.by(placed, 3, told)  # type: ignore[arg-type]
    assert found == Found("t", 3, {"1X": 1, "9": 2}, frozenset({11, 33}))


def test_few_of_many_people_are_looked_up_by_number() -> None:
    here = Here({"r": Found("t", 1, {str(one): 1 for one in range(400)}, frozenset({11}))})
    placed = residences.Placed("s", False, {"r": ("t", 1)})
    assert here.look(placed, tuple(map(str, range(9)))) is None
    assert here.look(placed, tuple(map(str, range(10)))).strays == ()  # type: ignore[union-attr]
    assert here.look(placed, ("1", "2", "x", *map(str, range(10, 18)))).strays == ("x",)  # type: ignore[union-attr]
    assert here.look(placed, (*"xyz", *(f"q{one}" for one in range(9)))) is None, "mostly strangers"


# --- the lake's own copies, while people move -------------------------------------------------------------------------

SETS = ("ga_population", "ga_floating", "mz_subsistence")


class Moving:
    """A city of a hundred people who move, rent, get aid and die; its copies are renewed now and then."""

    def __init__(self, town: Town, write: Any, seed: int) -> None:
        self.town, self.write, self.dice, self.count = town, write, random.Random(seed), 0
        self.people = [number("1950-01-01", one) for one in range(100)]
        self.areas = [YOUYI, TUANJIE, "980101002001", "", "别处"]
        for code in SETS:
            Table(code).create(town.sets[code].shape)

    def load(self, code: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
        self.count += 1
        listed = ", ".join("(" + ", ".join(f"'{one}'" for one in row) + ")" for row in rows)
        merge(
            Table(code),
            self.write(f"SELECT * FROM (VALUES {listed}) v({columns})"),
            "upsert",
            f"r{self.count}",
        )

    def live(self, many: int) -> None:
        """Let some people move, rent and get aid."""
        some = self.dice.sample(self.people, many)
        homes_of = [(one, self.dice.choice(self.areas), self.dice.random() < 0.9) for one in some]
        self.load("ga_population", "id_no, hukou_region, alive", homes_of)
        renting = self.dice.sample(self.people, many // 3)
        self.load(
            "ga_floating", "id_no, residence_region", [(one, self.dice.choice(self.areas)) for one in renting]
        )
        aided = [(f"C{self.dice.randrange(90)}", self.dice.choice(self.people)) for _one in range(many // 3)]
        aid = [(case, one, self.dice.randrange(1, 900)) for case, one in dict(aided).items()]
        self.load("mz_subsistence", "case_no, id_no, amount", aid)

    def copy(self, codes: tuple[str, ...]) -> None:
        for code in codes:
            serving.publish(code, self.town.sets[code].shape)

    def known(self) -> list[Any]:
        columns = [
            AMOUNT,
            column("B", "ga_population.hukou_region"),
            column("C", "ga_floating.residence_region"),
        ]
        told = ((self.town.leader, YOUYI), (self.town.neighbour, TUANJIE))
        return [
            sorted(
                (key, *values.items())
                for key, values, _marks in know(actor, self.town.area(area), columns).rows()
            )
            for actor, area in told
        ]

    def known_by_number(self) -> list[Any]:
        placed = dict(Serving.objects.values_list("code", "placed"))
        Serving.objects.update(placed={})
        found = self.known()
        for code, told in placed.items():
            Serving.objects.filter(code=code).update(placed=told)
        return found


@pytest.mark.parametrize("seed", range(4))
def test_while_people_move_and_copies_are_renewed_in_any_order_nothing_is_missing_or_too_much(
    lake_home: Any,
    town: Town,
    put_rows: Any,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(residences, "LEAST_ROWS", 0)
    city = Moving(town, put_rows, seed)
    city.live(100)
    city.copy(SETS)
    looked = 0
    for _day in range(6):
        city.live(12)
        city.copy(tuple(city.dice.sample(SETS, city.dice.randrange(3))))
        with CaptureQueriesContext(connection) as seen:
            found = city.known()
        looked += sum("_place = ANY" in one["sql"] for one in seen.captured_queries)
        assert found == city.known_by_number()
        assert any(len(one) > 10 for one in found)
    assert looked > 6, "places were looked at"
    assert QIAN not in city.people
