"""A data set with a serving copy, lent to an agency: what the tests of delivery stand on."""

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from citybrain.base.areas import tree
from citybrain.base.areas.models import Area
from citybrain.base.catalogue.models import DataSet, Grant, Revision
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.delivery.keys import issue_key
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Agency, AgencyKind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SHAPE = {
    "fields": [
        {"name": "id_no", "zh": "公民身份号码", "type": "char(18)", "key": True, "check": "gb11643"},
        {"name": "name", "zh": "姓名", "type": "varchar(50)", "mask": "name"},
        {"name": "sex", "zh": "性别", "type": "char(1)"},
        {"name": "birth_date", "zh": "出生日期", "type": "date"},
        {"name": "income", "zh": "收入", "type": "decimal(12,2)"},
    ]
}
CARS = {
    "fields": [
        {"name": "plate_no", "zh": "号牌号码", "type": "varchar(10)", "key": True},
        {"name": "owner_id", "zh": "所有人证件号", "type": "varchar(18)", "check": "gb11643"},
        {"name": "status", "zh": "状态", "type": "varchar(10)"},
    ]
}
PEOPLE = [
    (
        f"98010119900101{n:04d}",
        f"张小{'明红刚丽'[n % 4]}",
        str(n % 2 + 1),
        f"19{90 + n % 10}-01-01",
        n * 100 + 0.5,
    )
    for n in range(1, 41)
]


def agency(key: str) -> Agency:
    area, _made = Area.objects.get_or_create(
        code="98", defaults={"name": "津海市", "kind": "municipality", "level": 1, "path": "1.", "pinyin": ""}
    )
    kind, _made = AgencyKind.objects.get_or_create(
        key="data", defaults={"name_zh": "大数据局", "name_en": "Data"}
    )
    found, _made = Agency.objects.get_or_create(
        key=key, defaults={"name": key, "kind": kind, "area": area, "city_id": area.pk}
    )
    tree.forget()
    return found


def dataset(code: str = "ga_population", shape: dict = SHAPE) -> DataSet:
    made = DataSet.objects.create(
        code=code,
        provider=agency("police"),
        name_zh=f"数据集{code}",
        share_type=2,
        open_type=3,
        update_cycle=2,
    )
    made.current = Revision.objects.create(dataset=made, number=1, shape=shape, meta={}, state="published")
    made.state = "published"
    made.save()
    return made


def serve(code: str, shape: dict, rows: list, version: int = 7) -> str:
    """Make a serving copy as the lake does, and note it."""
    import json

    relation = f"{code}_v{version}"
    known = Shape.from_json(shape)
    columns = ", ".join(f'"{one.name}" {one.type.postgres}' for one in known.fields)
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS serving")
        cursor.execute(f"DROP TABLE IF EXISTS serving.{relation}")
        cursor.execute(f"CREATE TABLE serving.{relation} (_key text PRIMARY KEY, {columns})")
        for row in rows:
            key = "\x1f".join(str(row[known.names.index(name)]) for name in known.keys)
            marks = ", ".join(["%s"] * (len(row) + 1))
            cursor.execute(f"INSERT INTO serving.{relation} VALUES ({marks})", [key, *row])
        cursor.execute(
            "INSERT INTO lake_serving (code, relation, version, rows, shape, at) VALUES (%s, %s, %s, %s, %s, now()) "
            "ON CONFLICT (code) DO UPDATE SET relation = excluded.relation, version = excluded.version",
            [code, relation, version, len(rows), json.dumps(shape)],
        )
    return relation


def lend(data: DataSet, fields: list[str], **more: object) -> tuple[Grant, str]:
    """Grant fields to an agency and issue a key."""
    values = {
        "number": f"G{Grant.objects.count() + 1}", "modes": ["key", "filter", "batch", "changes"],
        "valid_from": timezone.now() - timedelta(days=1), "valid_until": timezone.now() + timedelta(days=30),
        "granted_by": "system", "purpose": "高龄津贴核验", "rate_per_second": 100_000, "daily_rows": 1_000_000,
        **more,
    }  # fmt: skip
    made = Grant.objects.create(dataset=data, agency=agency("civil"), fields=fields, **values)
    return made, issue_key(SYSTEM, made, "民政系统")[1]
