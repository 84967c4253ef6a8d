from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.areas.tree import tree
from citybrain.base.identity import agencies
from citybrain.base.identity.actions import close_agency, create_agency, install_agency_kinds
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.agencies import agencies_covering, kind_named, resolve_agency
from citybrain.base.identity.models import AgencyKind

from .conftest import City


def _lineage(city: City, code: str):
    return tree().get(city.areas[code].pk).lineage


def test_the_body_of_the_nearest_area_up_the_lineage_is_found(city: City) -> None:
    grid, other = _lineage(city, "980101001001001"), _lineage(city, "980102001")

    assert resolve_agency("community", grid).key == "community-980101001001"
    assert resolve_agency("subdistrict", grid).key == "subdistrict-980101001"
    assert resolve_agency("city_mgmt", grid).key == "city_mgmt-980101"
    assert resolve_agency("water_co", grid).key == "water_co-98"
    assert resolve_agency("community", other) is None
    assert resolve_agency("castle", grid) is None
    assert resolve_agency("city_mgmt", (None,) * 5) is None


def test_bodies_covering_a_place_come_nearest_first(city: City) -> None:
    found = agencies_covering(_lineage(city, "980101001001001"))

    assert [agency.key for agency in found] == [
        "community-980101001001", "subdistrict-980101001", "city_mgmt-980101",
        "city_mgmt-98", "data_bureau-98", "water_co-98",
    ]  # fmt: skip
    assert [agency.key for agency in agencies_covering(_lineage(city, "980101001"), "city_mgmt")] == [
        "city_mgmt-980101", "city_mgmt-98",
    ]  # fmt: skip


def test_resolving_costs_no_query_once_the_directory_is_read(city: City) -> None:
    lineage = _lineage(city, "980101001001001")
    resolve_agency("community", lineage)

    with CaptureQueriesContext(connection) as asked:
        for _time in range(1000):
            resolve_agency("water_co", lineage)
    assert len(asked) <= 1  # the look at the version, when two seconds have passed


def test_a_body_opened_or_closed_shows_at_once(city: City) -> None:
    lineage = _lineage(city, "980102001")
    assert resolve_agency("fire", lineage) is None
    made = create_agency(SYSTEM, kind="fire", area_id=city.areas["980102"].pk, name="河东区消防救援大队")
    assert resolve_agency("fire", lineage).pk == made.pk
    close_agency(SYSTEM, made)
    assert resolve_agency("fire", lineage) is None


def test_kinds_come_from_our_table_and_may_be_written_again(city: City) -> None:
    assert install_agency_kinds(SYSTEM) == len(agencies.kind_rows()) == AgencyKind.objects.count()
    assert AgencyKind.objects.get(key="city_mgmt").levels == [2, 1]
    assert (kind_named("城管"), kind_named("街镇"), kind_named("无此")) == ("city_mgmt", "subdistrict", None)
