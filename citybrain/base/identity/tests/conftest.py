"""A small city and its people, for every test of who may do what."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from citybrain.base.areas import tree as areas
from citybrain.base.areas.models import Area
from citybrain.base.identity import agencies
from citybrain.base.identity.actions import install_agency_kinds
from citybrain.base.identity.actor import SYSTEM, Actor, actor_for
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.identity.names import pinyin_key

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # 10:00 in the city
SINCE = date(2026, 1, 1)

PLACES = (
    # code, name, kind
    ("98", "津海市", "municipality"),
    ("980101", "和平区", "district"),
    ("980102", "河东区", "district"),
    ("980101001", "建国街道", "subdistrict"),
    ("980101002", "南门街道", "subdistrict"),
    ("980102001", "大王庄街道", "subdistrict"),
    ("980101001001", "友谊社区", "community"),
    ("980101001002", "团结社区", "community"),
    ("980101002001", "新华社区", "community"),
    ("980101001001001", "友谊第一网格", "grid"),
    ("980101001001002", "友谊第二网格", "grid"),
    ("980101002001001", "新华第一网格", "grid"),
)
LENGTHS = {2: 1, 6: 2, 9: 3, 12: 4, 15: 5}
COLUMNS = ("city_id", "district_id", "street_id", "community_id", "grid_id")


@dataclass
class City:
    """Areas by code, agencies by key; people are made as a test needs them."""

    areas: dict[str, Area]
    agencies: dict[str, Agency]

    def person(self, login: str, name: str, agency: str, **more: object) -> Person:
        return Person.objects.create(
            login=login, name=name, pinyin=pinyin_key(name), agency=self.agencies[agency], **more
        )

    def give(
        self, person: Person, role: str, code: str, agency: str | None = None, **more: object
    ) -> RoleGrant:
        fields = {"valid_from": SINCE, **more}
        return RoleGrant.objects.create(
            person=person,
            role=role,
            area=self.areas[code],
            agency=self.agencies[agency] if agency else None,
            **fields,
        )

    def officer(self, login: str, role: str, code: str, agency: str, *, with_agency: bool = False) -> Actor:
        """A person of one role, as they act at NOW."""
        person = self.person(login, login, agency)
        self.give(person, role, code, agency if with_agency else None)
        return actor_for(person, NOW)


def _areas() -> dict[str, Area]:
    made: dict[str, Area] = {}
    for code, name, kind in PLACES:
        cut = {6: 2, 9: 6, 12: 9, 15: 12}.get(len(code), 0)
        parent = made.get(code[:cut])
        area = Area.objects.create(
            code=code, name=name, kind=kind, level=LENGTHS[len(code)], parent=parent, path="", pinyin=""
        )
        area.path = f"{parent.path if parent else ''}{area.pk}."
        area.save()
        made[code] = area
    areas.forget()
    return made


def _agency(kind: str, area: Area, name: str) -> Agency:
    lineage = areas.tree().get(area.pk).lineage
    return Agency.objects.create(
        key=f"{kind}-{area.code}",
        name=name,
        pinyin=pinyin_key(name),
        kind_id=kind,
        area=area,
        valid_from=SINCE,
        **dict(zip(COLUMNS, lineage, strict=True)),
    )


@pytest.fixture(autouse=True)
def _hashers(settings: object) -> None:
    """Quick for chosen passwords; one-time ones bring their own hasher."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]


@pytest.fixture
def city(db: None, once: Callable[..., City]) -> Iterator[City]:
    areas.forget()
    agencies.forget()
    yield once("the city of identities", _city)
    areas.forget()
    agencies.forget()


def _city() -> City:
    made = _areas()
    install_agency_kinds(SYSTEM)
    bodies = (
        ("data_bureau", "98", "津海市大数据管理局"),
        ("city_mgmt", "98", "津海市城市管理委员会"),
        ("city_mgmt", "980101", "和平区城市管理局"),
        ("city_mgmt", "980102", "河东区城市管理局"),
        ("subdistrict", "980101001", "建国街道办事处"),
        ("subdistrict", "980101002", "南门街道办事处"),
        ("subdistrict", "980102001", "大王庄街道办事处"),
        ("community", "980101001001", "友谊社区居委会"),
        ("water_co", "98", "津海市自来水公司"),
    )
    kept = [_agency(kind, made[code], name) for kind, code, name in bodies]
    return City(made, {agency.key: agency for agency in kept})
