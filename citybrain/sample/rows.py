"""The made-up city's rows, written by COPY: areas with shapes, bodies, people and what they may.

The actions of areas and identity check and record one change at a time; a city's first 100,000 rows are right
by construction, so they go into the same tables in bulk, and the ledger gets one entry for all of them.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import shapely
from django.contrib.auth.hashers import make_password
from django.db import connection, models

from citybrain.base.areas.models import Area, AreaShape
from citybrain.base.identity.models import UNUSABLE, Agency, Person, RoleGrant
from citybrain.sample.agencies import AgencyRow
from citybrain.sample.cast import PASSWORD
from citybrain.sample.city import CITY, GRID, City
from citybrain.sample.people import PersonRow
from citybrain.sample.terrain import KM_PER_LAT

Ids = list[int]


def new_ids(model: type[models.Model], count: int) -> Ids:
    """Return `count` fresh ids of a table, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s::int)",
            [model._meta.db_table, count],
        )
        return sorted(row[0] for row in cursor.fetchall())


def copy(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows into a table's columns, in one COPY. The rows are made first: none may ask the database."""
    made = list(rows)
    table, names = model._meta.db_table, ", ".join(columns)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as out:
        for row in made:
            out.write_row(row)


def write_areas(city: City, now: datetime) -> Ids:
    """Write all areas and their shapes; return the ids in the order of the city's list."""
    ids = new_ids(Area, len(city.areas))
    paths: list[str] = []
    for area in city.areas:
        above = "" if area.parent is None else paths[area.parent]
        paths.append(f"{above}{ids[area.index]}.")
    copy(
        Area,
        ("id", "code", "name", "name_en", "pinyin", "level", "kind", "parent_id", "path"),
        (
            (
                ids[area.index],
                area.code,
                area.name,
                area.name_en,
                area.pinyin,
                area.level,
                area.kind,
                None if area.parent is None else ids[area.parent],
                paths[area.index],
            )
            for area in city.areas
        ),
    )
    copy(AreaShape, SHAPE_COLUMNS, _shape_rows(city, ids, now))
    return ids


SHAPE_COLUMNS = (
    "area_id", "wkb", "west", "south", "east", "north", "label_lon", "label_lat", "km2", "derived", "changed_at",
)  # fmt: skip


def _shape_rows(city: City, ids: Ids, now: datetime) -> Iterable[Sequence[Any]]:
    shapes = city.shapes
    many = shapely.multipolygons(shapes, indices=np.arange(len(shapes)))
    bounds = shapely.bounds(shapes)
    labels = shapely.get_coordinates(shapely.point_on_surface(shapes))
    labels[city.first[GRID] :] = city.inner
    middle = (bounds[:, 1] + bounds[:, 3]) / 2
    km2 = shapely.area(shapes) * KM_PER_LAT * 111.32 * np.cos(np.radians(middle))
    for area, wkb, box, label, size in zip(
        city.areas, list(shapely.to_wkb(many)), bounds.tolist(), labels.tolist(), km2.tolist(), strict=True
    ):
        yield (ids[area.index], wkb, *box, *label, round(size, 6), area.level != GRID, now)


def write_agencies(city: City, agencies: list[AgencyRow], areas: Ids) -> Ids:
    """Write all bodies with the lineage of their areas; return the ids in the order given."""
    ids = new_ids(Agency, len(agencies))
    columns = (
        "id", "key", "name", "name_en", "pinyin", "kind_id", "area_id", "parent_id",
        "city_id", "district_id", "street_id", "community_id", "grid_id",
    )  # fmt: skip
    copy(
        Agency,
        columns,
        (
            (
                ids[agency.index],
                agency.key,
                agency.name,
                agency.name_en,
                agency.pinyin,
                agency.kind,
                areas[agency.area],
                None if agency.parent is None else ids[agency.parent],
                *_lineage(city, agency.area, areas),
            )
            for agency in agencies
        ),
    )
    return ids


def _lineage(city: City, area: int, areas: Ids) -> tuple[int | None, ...]:
    found = [areas[index] for index in city.lineage(area)]
    return (*found, *(None,) * (GRID - CITY + 1 - len(found)))


def write_people(people: list[PersonRow], areas: Ids, agencies: Ids, today: date) -> Ids:
    """Write everybody and what they may, a year old; only the cast gets a password, and it is the same one."""
    ids = new_ids(Person, len(people))
    known = make_password(PASSWORD)
    columns = ("id", "kind", "login", "phone", "name", "pinyin", "agency_id", "password", "auth_level")
    copy(
        Person,
        columns,
        (
            (
                ids[person.index],
                "officer" if person.login else "citizen",
                person.login or None,
                person.phone,
                person.name,
                person.pinyin,
                None if person.agency is None else agencies[person.agency],
                known if person.cast and person.login else UNUSABLE,
                "L2" if person.login or person.index % 2 == 0 else "L1",
            )
            for person in people
        ),
    )
    since = today - timedelta(days=365)
    copy(
        RoleGrant,
        ("person_id", "role", "area_id", "agency_id", "valid_from"),
        (
            (
                ids[person.index],
                post.role,
                areas[post.area],
                None if post.agency is None else agencies[post.agency],
                since,
            )
            for person in people
            for post in person.posts
        ),
    )
    return ids
