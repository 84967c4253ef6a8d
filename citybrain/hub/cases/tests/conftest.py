"""A village of its own for the rules of cases: two districts, a few grids, the bodies and people they need.

Tests of the whole house use the sample city; here every name and number is chosen by hand.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pytest

from citybrain.base.areas import tree as area_tree
from citybrain.base.areas.models import Area, AreaVersion
from citybrain.base.identity import agencies as directory
from citybrain.base.identity.actor import SYSTEM, Actor, actor_for
from citybrain.base.identity.models import Agency, AgencyKind, Person, RoleGrant
from citybrain.hub.cases import items, registry, routing
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.states import Source

# A Thursday morning in working time: 2026-11-19 09:00 in the city.
MORNING = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)
GRIDS = {
    "east1": ("129801001001001", 0),
    "east2": ("129801001001002", 1),
    "east3": ("129801002001001", 2),
    "west1": ("129802001001001", 3),
}
LEVELS = ("city_id", "district_id", "street_id", "community_id", "grid_id")
NAMES = {
    "1298": ("海宁津", 1, "prefecture"),
    "129801": ("东区", 2, "district"),
    "129802": ("西区", 2, "district"),
    "129801001": ("建国街道", 3, "subdistrict"),
    "129801002": ("和平街道", 3, "subdistrict"),
    "129802001": ("西关街道", 3, "subdistrict"),
    "129801001001": ("花园社区", 4, "community"),
    "129801002001": ("滨河社区", 4, "community"),
    "129802001001": ("西关社区", 4, "community"),
}


@dataclass
class Village:
    areas: dict[str, Area] = field(default_factory=dict)
    agencies: dict[str, Agency] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def actor(self, login: str) -> Actor:
        return actor_for(self.people[login], MORNING)

    def report(self, text: str = "建国道路灯不亮", grid: str = "east1", **more: object) -> Report:
        values = {"source": Source.CITIZEN, "description": text, "area_id": self.areas[GRIDS[grid][0]].pk}
        return Report(**{**values, **more})  # type: ignore[arg-type]


def _area(village: Village, code: str, name: str, level: int, kind: str, parent: Area | None) -> None:
    area = Area.objects.create(code=code, name=name, level=level, kind=kind, parent=parent, path="")
    area.path = f"{parent.path if parent else ''}{area.pk}."
    area.save(update_fields=["path"])
    village.areas[code] = area


def _areas(village: Village) -> None:
    cuts = (4, 6, 9, 12, 15)
    for code, (name, level, kind) in NAMES.items():
        parent = village.areas.get(code[: cuts[level - 2]]) if level > 1 else None
        _area(village, code, name, level, kind, parent)
    for name, (code, _place) in GRIDS.items():
        _area(village, code, f"{name}网格", 5, "grid", village.areas[code[:12]])
    AreaVersion.objects.update_or_create(pk=1, defaults={"version": 77_000})
    area_tree.forget()


def _agencies(village: Village) -> None:
    for row in directory.kind_rows():
        AgencyKind.objects.get_or_create(
            key=row["agency_key"], defaults={"name_zh": row["name_zh"], "name_en": row["name_en"]}
        )
    for key, name, kind, area in (
        ("east_cm", "东区城市管理局", "city_mgmt", "129801"),
        ("west_cm", "西区城市管理局", "city_mgmt", "129802"),
        ("east_housing", "东区住建委", "housing", "129801"),
        ("jianguo", "建国街道办事处", "subdistrict", "129801001"),
        ("heping", "和平街道办事处", "subdistrict", "129801002"),
        ("xiguan", "西关街道办事处", "subdistrict", "129802001"),
        ("centre", "城市运行管理中心", "data_bureau", "1298"),
        ("power", "电力公司", "power_co", "1298"),
    ):
        place = village.areas[area]
        lineage = dict(
            zip(("city_id", "district_id", "street_id", "community_id", "grid_id"), _ids(place), strict=True)
        )
        village.agencies[key] = Agency.objects.create(key=key, name=name, kind_id=kind, area=place, **lineage)
    directory.forget()


def _ids(area: Area) -> list[int | None]:
    return list(area_tree.tree().get(area.pk).lineage)


CAST = (
    # login, name, role, area, agency
    ("chief", "值班长甲", "duty_chief", "1298", "centre"),
    ("mayor", "指挥长甲", "commander", "1298", "centre"),
    ("acceptor", "受理员甲", "acceptor", "129801001", "jianguo"),
    ("acceptor_west", "受理员乙", "acceptor", "129802001", "xiguan"),
    ("dispatcher", "派遣员甲", "dispatcher", "129801", "east_cm"),
    ("supervisor", "督办员甲", "supervisor", "129801", "east_cm"),
    ("handler", "处置员甲", "handler", "129801", "east_cm"),
    ("handler2", "处置员丙", "handler", "129801", "east_housing"),
    ("handler_west", "处置员乙", "handler", "129802", "west_cm"),
    ("street_handler", "街道处置员", "handler", "129801001", "jianguo"),
    ("worker", "网格员甲", "grid_worker", "129801001001001", "jianguo"),
    ("worker2", "网格员乙", "grid_worker", "129801002001001", "heping"),
    ("audit", "审计管理员", "audit_admin", "1298", None),
    ("system", "系统管理员", "system_admin", "1298", None),
    ("security", "安全管理员", "security_admin", "1298", None),
)


@pytest.fixture
def village(db: None, once: Callable[..., Village]) -> Iterator[Village]:
    _forget()
    yield once("village", _village)
    _forget()


def _forget() -> None:
    """Drop what this process keeps in memory: rows that are laid again tell nobody."""
    for cache in (items, routing, area_tree, directory):
        cache.forget()


def _village() -> Village:
    made = Village()
    _areas(made)
    _agencies(made)
    for login, name, role, area, agency in CAST:
        body = made.agencies[agency] if agency else None
        person = Person.objects.create(login=login, name=name, kind="officer", agency=body)
        made.people[login] = person
        RoleGrant.objects.create(
            person=person, role=role, area=made.areas[area], agency=body, valid_from=date(2020, 1, 1)
        )
    for login, phone in (("citizen", "19800000001"), ("neighbour", "19800000002")):
        made.people[login] = Person.objects.create(name="市民", kind="citizen", phone=phone)
    registry.load(SYSTEM, items.shipped_rows())
    return made
