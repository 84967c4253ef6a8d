"""A small city with bodies that provide and use data, and two data sets."""

from dataclasses import dataclass

import pytest

from citybrain.base.catalogue.actions import publish_at_once
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.models import DataSet
from citybrain.base.catalogue.shape import Shape
from citybrain.base.identity import agencies
from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.base.identity.tests.conftest import City, _agency, city  # noqa: F401  (a fixture)

PEOPLE = {
    "fields": [
        {"name": "id_no", "zh": "公民身份号码", "type": "char(18)", "grade": 4, "personal": "sensitive", "key": True,
         "mask": "idcard", "check": "gb11643"},
        {"name": "name", "zh": "姓名", "type": "varchar(50)", "grade": 3, "personal": "personal", "mask": "name"},
        {"name": "sex", "zh": "性别", "type": "char(1)", "grade": 2, "personal": "personal", "code_table": "sex"},
        {"name": "region", "zh": "区划", "type": "char(12)", "grade": 1, "code_table": "region12"},
    ],
    "rules": [{"key": "sex", "zh": "性别应与号码一致", "en": "", "left": "sex", "op": "sex_of", "right": "id_no"}],
}  # fmt: skip
FIRMS = {
    "fields": [
        {"name": "uscc", "zh": "统一社会信用代码", "type": "char(18)", "key": True, "check": "gb32100"},
        {"name": "name", "zh": "名称", "type": "varchar(200)", "required": True},
        {"name": "boss", "zh": "法定代表人", "type": "varchar(50)", "grade": 2, "personal": "personal", "mask": "name"},
    ]
}  # fmt: skip
PEOPLE_META = {
    "code": "people", "name_zh": "人口基本信息", "name_en": "People", "category": "基础-人口", "share_type": 2,
    "share_condition": "按业务场景授权", "open_type": 3, "update_cycle": 2, "resource_code": "100000/000001",
}  # fmt: skip
FIRMS_META = {
    "code": "firms", "name_zh": "市场主体登记信息", "category": "基础-法人", "share_type": 1, "open_type": 1,
    "share_fields": ["uscc", "name"], "open_fields": ["uscc", "name"], "update_cycle": 2,
}  # fmt: skip


def people_shape() -> Shape:
    return Shape.from_json(PEOPLE)


def firms_shape() -> Shape:
    return Shape.from_json(FIRMS)


@dataclass
class Office:
    """The city and who keeps data in it: police and market give, the street and health use."""

    city: City
    police: Actor
    market: Actor
    health: Actor
    street: Actor
    chief: Actor
    second_chief: Actor
    auditor: Actor
    worker: Actor

    def body(self, key: str):
        return self.city.agencies[key]

    def sets(self) -> tuple[DataSet, DataSet]:
        people, _ = publish_at_once(
            SYSTEM, self.body("police-98"), Meta.from_json(PEOPLE_META), people_shape()
        )
        firms, _ = publish_at_once(SYSTEM, self.body("market-98"), Meta.from_json(FIRMS_META), firms_shape())
        return people, firms


@pytest.fixture
def office(city: City) -> Office:  # noqa: F811
    for kind, name in (
        ("police", "津海市公安局"),
        ("market", "津海市市场监管委"),
        ("health", "津海市卫健委"),
    ):
        body = _agency(kind, city.areas["98"], name)
        city.agencies[body.key] = body
    agencies.forget()

    def keeper(login: str, code: str, key: str) -> Actor:
        return city.officer(login, "data_manager", code, key, with_agency=True)

    return Office(
        city,
        keeper("jing", "98", "police-98"),
        keeper("shi", "98", "market-98"),
        keeper("wei", "98", "health-98"),
        keeper("jie", "980101001", "subdistrict-980101001"),
        city.officer("shou", "chief_data_officer", "98", "data_bureau-98"),
        city.officer("fu", "chief_data_officer", "98", "data_bureau-98"),
        city.officer("shen", "auditor", "98", "data_bureau-98"),
        city.officer("yuan", "grid_worker", "980101001001001", "community-980101001001"),
    )
