"""A small city with data sets that are lent for forms: what the tests of knowing and rosters stand on.

In 友谊社区 live 王一 (67, alone, on aid), 李二 (40, two insurances), 赵三 (9) and the tenant 钱四; in 团结社区 lives
孙五 (72), in 新华社区, another street, 周六 (80).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from citybrain.base.catalogue.digits import id_digit
from citybrain.base.catalogue.models import DataSet, Grant, Request, Revision
from citybrain.base.catalogue.shape import Shape
from citybrain.base.catalogue.shipped import shipped
from citybrain.base.exchange.tests.lending import serve
from citybrain.base.identity import agencies
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency
from citybrain.base.identity.tests.conftest import City, _agency, city  # noqa: F401  (a fixture)
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing.people import tokens_of

YOUYI, TUANJIE, XINHUA = "980101001001", "980101001002", "980101002001"
TODAY = date(2026, 11, 21)
AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def number(born: str, order: int) -> str:
    """Return an identity number with its check digit."""
    first = f"980101{born.replace('-', '')}{order:03d}"
    return first + id_digit(first)


WANG, LI, ZHAO = number("1959-03-05", 1), number("1986-01-02", 2), number("2017-06-01", 3)
QIAN, SUN, ZHOU = number("1990-05-05", 4), number("1954-07-07", 5), number("1946-08-08", 6)
ROWS: Mapping[str, list[dict[str, Any]]] = {
    "ga_population": [
        {"id_no": who, "name": name, "sex": "2", "birth_date": born, "hukou_region": place, "alive": True,
         "hukou_address": f"津海市和平区友谊路{at}号", "household_no": "000000001", "relation": "02",
         "updated_at": "2026-11-20"}
        for at, (who, name, born, place) in enumerate((
            (WANG, "王一", "1959-03-05", YOUYI), (LI, "李二", "1986-01-02", YOUYI), (ZHAO, "赵三", "2017-06-01", YOUYI),
            (SUN, "孙五", "1954-07-07", TUANJIE), (ZHOU, "周六", "1946-08-08", XINHUA),
        ))
    ],
    "ga_floating": [
        {"id_no": QIAN, "name": "钱四", "residence_region": YOUYI, "residence_address": "友谊路9号", "permit_no": "JZ1",
         "from_date": "2024-01-01", "reason": "01", "grid_code": f"{YOUYI}001"},
    ],
    "mz_key_elder": [
        {"elder_id": "L1", "id_no": WANG, "name": "王一", "birth_date": "1959-03-05", "live_alone": True,
         "care_level": "1", "disability_level": "0", "address": "友谊路0号", "grid_code": f"{YOUYI}001",
         "contact1_name": "王大", "contact1_phone": "13800138000", "consent": True},
        {"elder_id": "L2", "id_no": SUN, "name": "孙五", "birth_date": "1954-07-07", "live_alone": True,
         "care_level": "2", "disability_level": "0", "address": "友谊路3号", "grid_code": f"{TUANJIE}001",
         "contact1_name": "孙大", "contact1_phone": "13900139000", "consent": True},
    ],
    "mz_subsistence": [
        {"case_no": f"C{at}", "id_no": who, "name": name, "type": "01", "household_size": 1, "amount": amount,
         "start_date": "2025-01-01", "status": "在保", "region": place}
        for at, (who, name, amount, place) in enumerate(((WANG, "王一", 910.5, YOUYI), (ZHOU, "周六", 800, XINHUA)))
    ],
    "rs_insurance": [
        {"id_no": LI, "name": "李二", "insurance_type": kind, "month": month, "base": 5000, "status": "1"}
        for kind, month in (("110", "202609"), ("310", "202610"))
    ],
    "cl_disabled": [],
}  # fmt: skip
MASKS: Mapping[str, Mapping[str, str]] = {
    "ga_population": {"id_no": "idcard"},
    "ga_floating": {"id_no": "idcard"},
    "mz_key_elder": {"contact1_phone": "phone"},
}  # fmt: skip


@dataclass
class Town:
    """The city, its data sets and who works where."""

    city: City
    sets: dict[str, DataSet]
    grants: dict[str, Grant]
    leader: Actor
    neighbour: Actor
    reviewer: Actor
    worker: Actor
    keeper: Actor
    other_keeper: Actor
    tokens: dict[str, str] = field(default_factory=dict)

    def area(self, code: str = YOUYI) -> int:
        return int(self.city.areas[code].pk)


def column(letter: str, key: str = "", *path: str, asks: Asks = Asks.DATA, **more: Any) -> Column:
    """Return a column that asks for a field, or of another kind where no field is given."""
    return Column(letter, path or (key or letter,), asks, field=key, **more)


def fill_rows(code: str, shape: dict[str, Any], rows: list[dict[str, Any]], version: int = 7) -> None:
    """Make the serving copy of a set."""
    names = Shape.from_json(shape).names
    serve(code, shape, [[row.get(name) for name in names] for row in rows], version)


def publish(code: str, provider: Agency) -> DataSet:
    """Publish a set of the shipped catalogue, with data that came yesterday."""
    one = next(each for each in shipped() if each.meta.code == code)
    made = DataSet.objects.create(
        code=code, provider=provider, name_zh=one.meta.name_zh, share_type=2, open_type=3, update_cycle=2,
        data_version=7, data_at=AT - timedelta(hours=12),
    )  # fmt: skip
    shape = one.shape.to_json()
    made.current = Revision.objects.create(dataset=made, number=1, shape=shape, meta={}, state="published")
    made.state = "published"
    made.save()
    fill_rows(code, shape, ROWS.get(code, []))
    return made


def lend(data: DataSet, holder: Agency, fields: list[str] | None = None, **more: Any) -> Grant:
    """Lend a set to an office for its forms."""
    names = fields or list(data.shape.names)
    scene = more.pop("scene", "forms")
    request = Request.objects.create(
        dataset=data, agency=holder, purpose="填表", scene=scene, fields=names, modes=["filter"], state="granted",
        asked_at=AT - timedelta(days=9),
    )  # fmt: skip
    values = {
        "masks": dict(MASKS.get(data.code, {})),
        "modes": ["filter"],
        "valid_from": AT - timedelta(days=9),
        **more,
    }
    return Grant.objects.create(
        number=f"F{request.pk}", request=request, dataset=data, agency=holder, fields=names,
        granted_by="system", purpose="填表", **values,
    )  # fmt: skip


@pytest.fixture
def town(city: City, monkeypatch: pytest.MonkeyPatch) -> Town:  # noqa: F811
    monkeypatch.setattr(timezone, "now", lambda: AT)
    for kind, name in (("police", "津海市公安局"), ("civil_affairs", "津海市民政局")):
        body = _agency(kind, city.areas["98"], name)
        city.agencies[body.key] = body
    agencies.forget()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS serving")
    police, civil = city.agencies["police-98"], city.agencies["civil_affairs-98"]
    sets = {code: publish(code, police if code.startswith("ga_") else civil) for code in ROWS}
    grants = {code: lend(one, civil) for code, one in sets.items()}
    made = Town(
        city, sets, grants,
        city.officer("zhang", "grid_leader", YOUYI, f"community-{YOUYI}"),
        city.officer("lin", "grid_leader", TUANJIE, f"community-{YOUYI}"),
        city.officer("he", "form_reviewer", "980101001", "subdistrict-980101001"),
        city.officer("yuan", "grid_worker", f"{YOUYI}001", f"community-{YOUYI}"),
        city.officer("jing", "data_manager", "98", "police-98", with_agency=True),
        city.officer("min", "data_manager", "98", "civil_affairs-98", with_agency=True),
    )  # fmt: skip
    numbers = {"wang": WANG, "li": LI, "zhao": ZHAO, "qian": QIAN, "sun": SUN, "zhou": ZHOU}
    made.tokens = dict(zip(numbers, tokens_of(list(numbers.values())), strict=True))
    return made
