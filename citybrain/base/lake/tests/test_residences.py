"""Copies about people lie where these live, as the residence sets say."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection

from citybrain.base.catalogue.shape import Shape
from citybrain.base.lake import residences, serving
from citybrain.base.lake.merge import merge
from citybrain.base.lake.models import Serving
from citybrain.base.lake.residences import Placed, Residence
from citybrain.base.lake.tables import Table
from citybrain.base.lake.tests.conftest import shape

REGISTER = shape("id_no varchar(18)", "region varchar(12)", keys=("id_no",))
PERMITS = shape("id_no varchar(18)", "lives varchar(12)", keys=("id_no",))
AID = shape("case_no varchar(9)", "id_no varchar(18)", keys=("case_no",))
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def people(lake_home, put, monkeypatch):
    """The register has a at 11, b at 22 and c nowhere; b has a permit for 11 and d one for 33; all but c get aid."""
    monkeypatch.setattr(
        residences, "_residences", [Residence("permits", "lives"), Residence("register", "region")]
    )
    monkeypatch.setattr(residences, "LEAST_ROWS", 4)
    load(put, "register", REGISTER, "id_no, region", "('a', '11'), ('b', '22'), ('c', 'x')")
    load(put, "permits", PERMITS, "id_no, lives", "('b', '11'), ('d', '33')")
    load(
        put,
        "aid",
        AID,
        "case_no, id_no",
        "('1', 'd'), ('2', 'b'), ('3', 'a'), ('4', 'e'), ('5', NULL), ('6', 'b')",
    )
    return put


def load(put, code: str, told: Shape, names: str, rows: str, mode: str = "upsert") -> None:
    table = Table(code)
    table.create(told)
    merge(table, put(f"SELECT * FROM (VALUES {rows}) v({names})"), mode, f"{code}-{table.version()}")


def lies(code: str, columns: str) -> list[tuple]:
    """Return a copy's rows as they lie on disk."""
    relation = serving.current(code)[0]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {relation} ORDER BY ctid")
        return cursor.fetchall()


def table_of(code: str) -> str:
    return str(Table(code).metadata().table_uuid)


def test_rows_lie_by_the_place_where_their_person_lives_and_those_without_one_last(people):
    for code, told in (("permits", PERMITS), ("register", REGISTER), ("aid", AID)):
        serving.publish(code, told)
    rows = lies("aid", "_place, _also, case_no")
    assert [place for place, _also, _case in rows] == [11, 11, 11, 33, None, None]
    assert sorted(rows, key=lambda one: one[2]) == [
        (33, None, "1"), (11, 22, "2"), (11, None, "3"), (None, None, "4"), (None, None, "5"), (11, 22, "6"),
    ]  # fmt: skip
    placed = Placed.from_json(Serving.objects.get(code="aid").placed)
    assert placed == Placed(
        table_of("aid"), False, {"permits": (table_of("permits"), 1), "register": (table_of("register"), 1)}
    )


def test_a_residence_set_says_which_version_wrote_a_row_last(people):
    load(people, "register", REGISTER, "id_no, region", "('a', '11'), ('b', '33')")
    serving.publish("register", REGISTER)
    assert sorted(lies("register", "id_no, _place, _written")) == [("a", 11, 1), ("b", 33, 2), ("c", None, 1)]
    assert Placed.from_json(Serving.objects.get(code="register").placed).written


def test_a_copy_is_placed_by_the_version_that_serves_not_by_a_later_one(people):
    serving.publish("register", REGISTER)
    load(people, "register", REGISTER, "id_no, region", "('a', '99')")
    serving.publish("aid", AID)
    assert Placed.from_json(Serving.objects.get(code="aid").placed).by == {
        "register": (table_of("register"), 1)
    }
    assert (11, "3") in lies("aid", "_place, case_no")


@pytest.mark.parametrize("why", ["few rows", "nobody's", "none serves", "served as before", "another table"])
def test_a_copy_has_no_places_where_they_help_nobody_or_none_are_known(people, monkeypatch, why):
    told = AID
    if why == "few rows":
        monkeypatch.setattr(residences, "LEAST_ROWS", 7)
    if why != "none serves":
        serving.publish("register", REGISTER)
    if why == "nobody's":
        told = replace(AID, subject_name="")
    elif why == "served as before":
        Serving.objects.filter(code="register").update(placed={})
    elif why == "another table":
        Table("register").drop()
        load(people, "register", REGISTER, "id_no, region", "('a', '11')")
    serving.publish("aid", told)
    assert Placed.from_json(Serving.objects.get(code="aid").placed) == Placed(table_of("aid"))
    assert len(lies("aid", "case_no")) == 6
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {serving.current('aid')[0]} LIMIT 0")
        assert [one.name for one in cursor.description] == ["_key", "case_no", "id_no"]


def test_a_set_with_several_rows_of_a_person_tells_no_residence(people, monkeypatch):
    monkeypatch.setattr(residences, "_residences", [Residence("aid", "case_no")])
    serving.publish("aid", AID)
    assert Placed.from_json(Serving.objects.get(code="aid").placed) == Placed(table_of("aid"))


def test_copies_of_before_are_placed_one_a_round_residences_first_and_then_rest(people, monkeypatch):
    known = residences.registered()
    residences.register()
    for code, told in (("aid", AID), ("register", REGISTER), ("permits", PERMITS)):
        serving.publish(code, told)
    assert not residences.behind(list(Serving.objects.all()))
    residences.register(*known)
    made = []
    monkeypatch.setattr(serving, "sweep", lambda _now: 0)
    publish = serving.publish
    monkeypatch.setattr(
        serving, "publish", lambda code, *more, **told: (made.append(code), publish(code, *more, **told))
    )
    for _round in range(6):
        serving.tick(NOW)
    assert made[:2] == ["permits", "register"]
    assert sorted(made[2:]) == ["aid", "permits"], "the permits' own rows get the register's places, too"
    assert serving.tick(NOW) == 0


def test_copies_are_placed_anew_when_many_people_moved(people, monkeypatch):
    monkeypatch.setattr(residences, "MOVED", 0.4)
    monkeypatch.setattr(serving, "sweep", lambda _now: 0)
    for code, told in (("permits", PERMITS), ("register", REGISTER), ("aid", AID), ("permits", PERMITS)):
        serving.publish(code, told, anew=True)
    assert serving.tick(NOW) == 0
    load(people, "register", REGISTER, "id_no, region", "('a', '33')")
    assert [serving.tick(NOW), serving.tick(NOW)] == [1, 0], (
        "the register's own copy alone: one of three moved"
    )
    load(people, "register", REGISTER, "id_no, region", "('b', '33')")
    assert serving.tick(NOW) == 1
    assert sorted(one.code for one in residences.behind(list(Serving.objects.all()))) == ["aid", "permits"]
    assert [serving.tick(NOW), serving.tick(NOW), serving.tick(NOW)] == [1, 1, 0]
    assert Placed.from_json(Serving.objects.get(code="aid").placed).by["register"] == (
        table_of("register"),
        3,
    )


def test_more_residences_than_a_copy_can_tell_are_refused():
    with pytest.raises(ValueError, match="3 sets received"):
        residences.register(*(Residence(code, "region") for code in "abc"))
