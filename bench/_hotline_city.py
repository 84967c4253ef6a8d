"""A hotline's history, made up: tickets of many days with all that hangs on them, callers, knowledge and topics.

`fill(Volume(...))` writes it into the city that the environment names, by SQL over numbers: the same again for the
same volume. Sentences are put together from our own words; an open ticket is as old as such tickets are, and the
further back, the fewer are open. Indexes are made after the rows, as after an import.
"""

import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import lists
from _hotline_sql import STATEMENTS, TABLES
from django.db import connection
from django.utils import timezone

PLACES = (
    "东风",
    "建国",
    "和安",
    "清河",
    "南桥",
    "北湖",
    "文昌",
    "长宁",
    "金山",
    "向阳",
    "兴隆",
    "平安",
    "花溪",
    "石桥",
)
KINDS_OF_PLACE = ("里小区", "道", "路口", "花园", "新村", "大街", "公寓", "市场", "家园", "街")
MATTERS = (
    "暖气不热", "家里没有热水", "下水道堵了污水外溢", "路灯整夜不亮", "井盖松动有响声", "楼上漏水泡了墙", "停电好几次",
    "垃圾堆了没人清", "烧烤油烟呛人", "夜里施工噪声太大", "电动车在楼道里充电", "小广告贴满楼道", "人行道被车占满",
    "树枝压着电线", "公交车半小时没有一趟", "物业乱收停车费", "消防通道被堵死", "自来水发黄有味道", "煤气味很重",
    "电梯三天两头坏", "预付卡退不了款", "工资拖了三个月没发", "学校门口堵车", "路面塌了一个坑", "违章建筑挡光",
    "流浪狗追人", "养老金没有到账", "医保报销不知找谁", "居住证办理慢", "宽带装不上", "快递柜收费", "健身器材坏了",
)  # fmt: skip
SINCE = (
    "从上周起",
    "已经三天",
    "一个多月了",
    "昨天晚上开始",
    "每到下雨就",
    "天天如此",
    "今年以来",
    "前后报修了四次",
)
WHO = (
    "老人和孩子受不了",
    "全楼的邻居都这样说",
    "我腿脚不便",
    "孩子要考试",
    "影响做生意",
    "怕出危险",
    "没有人管",
)
WISH = ("请尽快派人看看", "希望给个说法", "请问归哪里管", "要求退钱", "请帮忙协调", "请查一查", "盼回复")
RARE = "岭泉舟枫棠菱渡桐澄霁岚芷蕙榆槿汀沅湄翎钧铎珩璟瑜晟熠煦昱昶旻怡恺恒惟愫慕懿承拓挚振捷敏斐斓斌旭昂昊明"


@dataclass(frozen=True, slots=True)
class Volume:
    """How much: tickets at so many a day, callers, entries of knowledge, and cases behind the hotline."""

    tickets: int = 2_000_000
    a_day: int = 10_000
    callers: int = 500_000
    entries: int = 50_000
    cases: int = 200_000
    texts: int = 100_000
    days: int = 60
    """As far back go history rows, clocks, readings, units, calls and checks of answers."""


def message(rng: random.Random) -> str:
    """Return a message as an operator writes one down, some 90 to 130 characters."""
    name = "".join(rng.choices(RARE, k=2))
    place = f"{rng.choice(PLACES)}{name}{rng.choice(KINDS_OF_PLACE)}{rng.randrange(1, 320)}号"
    first, second = rng.sample(MATTERS, 2)
    parts = [f"{place}{first}", f"{rng.choice(SINCE)}{rng.choice(WHO)}"]
    parts += [f"另外{second}" for _ in range(rng.randrange(2))]
    parts += [
        f"住在{rng.choice(PLACES)}{''.join(rng.choices(RARE, k=2))}{rng.randrange(1, 40)}栋的人也来问过"
    ]
    parts += [
        f"{rng.choice(WHO)}，{rng.choice(WISH)}。找过{''.join(rng.choices(RARE, k=2))}物业的{rng.choice(RARE)}经理"
    ]
    parts += [f"说要等{rng.choice(MATTERS)}的事一起弄，{rng.choice(SINCE)}{rng.choice(WHO)}"]
    return "，".join([*parts, rng.choice(WISH)]) + "。"


def entry(rng: random.Random, number: int) -> tuple[str, str, str]:
    """Return title, question and body of an entry of knowledge, some 250 characters."""
    name, matter = "".join(rng.choices(RARE, k=3)), rng.choice(MATTERS)
    title = f"{name}{rng.choice(PLACES)}{matter}的办理规定 {number}"
    steps = [
        f"第{at}条 {rng.choice(PLACES)}{''.join(rng.choices(RARE, k=3))}遇到{rng.choice(MATTERS)}的，"
        f"由{rng.choice(KINDS_OF_PLACE)}所在单位在{rng.randrange(1, 30)}日内处理，费用{rng.randrange(10, 900)}元"
        for at in range(1, 6)
    ]
    return title, f"{matter}怎么办？{rng.choice(WISH)}", "。".join(steps) + "。"


def fill(volume: Volume) -> None:
    """Write the history, if the city doesn't hold it yet."""
    from citybrain.hub.hotline.answers import keeping
    from citybrain.hub.hotline.callers.numbers import number_hash
    from citybrain.hub.hotline.models import Caller, ReaderLook
    from citybrain.hub.hotline.readers.corrections import LOOK

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM hotline_ticket")
        if cursor.fetchone()[0] >= volume.tickets:
            return
        cursor.execute("SELECT count(*) FROM cases_case")
        if cursor.fetchone()[0] < volume.cases:
            lists.multiply(volume.cases)
    _lay_out(volume)
    numbers = _numbers(volume)
    with _without_indexes(TABLES):
        for sql in STATEMENTS:
            began = time.monotonic()
            with connection.cursor() as cursor:
                cursor.execute(sql.format(**numbers))
            said = sql.strip().split("\n")[0][:60]
            print(f"{time.monotonic() - began:6.1f} s  {said}", file=sys.stderr, flush=True)
    numbered = Caller.objects.filter(pk__gt=numbers["caller"], pk__lte=numbers["caller"] + 1000)
    for one in numbered:  # so many can be looked up by number
        one.number_hash = number_hash(phone_of(one.pk))
    Caller.objects.bulk_update(numbered, ["number_hash"])
    keeping._count_pairs()
    ReaderLook.objects.update_or_create(name=LOOK, defaults={"at": timezone.now()})
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")


def phone_of(caller_id: int) -> str:
    """Return the made-up number of a caller."""
    return f"199{caller_id:08d}"


def _numbers(volume: Volume) -> dict[str, int]:
    """Return what stands in the statements: sizes, and the first free number of each table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT " + ", ".join(f"(SELECT coalesce(max(id), 0) FROM {one})" for one in TABLES[:4])
        )
        ticket, caller, item, topic = cursor.fetchone()  # numbers of tickets go by their last six digits
        cursor.execute("SELECT count(*) FROM bench_grid")
        grids = cursor.fetchone()[0]
    return {
        "tickets": volume.tickets, "a_day": volume.a_day, "callers": volume.callers, "entries": volume.entries,
        "grids": grids, "caller": caller, "entry": item, "topic": topic, "ticket": ticket + 500_000,
        "since": max(0, volume.tickets - volume.days * volume.a_day), "texts": volume.texts,
    }  # fmt: skip


def _lay_out(volume: Volume) -> None:
    """Write what the rows are put together from: places, units, texts with their bands, entries."""
    from citybrain.base.areas.models import AreaShape
    from citybrain.base.areas.tree import tree
    from citybrain.base.identity.models import Agency
    from citybrain.hub.hotline.models import Partner
    from citybrain.hub.hotline.reading.likeness import bands, signatures, to_text

    known, rng = tree(), random.Random(7)
    shapes = AreaShape.objects.filter(area__level=5).values_list("area_id", "label_lon", "label_lat")
    grids = [(at, *known.get(area).lineage, lon, lat) for at, (area, lon, lat) in enumerate(shapes, 1)]
    _copy("bench_grid", "no int PRIMARY KEY, city bigint, district bigint, street bigint, community bigint,"
          " grid bigint, lon float8, lat float8", grids)  # fmt: skip
    units: dict[int, list[int]] = {}
    for agency_id, area_id in Agency.objects.values_list("id", "area_id"):
        node = known.find(area_id)
        units.setdefault((node.lineage[1] if node else None) or 0, []).append(agency_id)
    rows = [(district, ids, units.get(0, ids)) for district, ids in units.items() if district]
    _copy("bench_unit", "district bigint PRIMARY KEY, ids bigint[], city bigint[]", rows)
    Partner.objects.get_or_create(
        key="bench-cti", defaults={"kind": "phone", "name": "呼叫中心", "created_at": timezone.now()}
    )
    texts = [message(rng) for _ in range(volume.texts)]

    def told() -> Iterator[tuple[object, ...]]:
        for start in range(0, len(texts), 2000):
            part = texts[start : start + 2000]
            for at, (text, minima) in enumerate(zip(part, signatures(part), strict=True), start + 1):
                yield at, text, bands(to_text(minima))

    _copy(
        "bench_text",
        "no int PRIMARY KEY, text text, bands bigint[], words tsvector",
        told(),
        "no, text, bands",
    )
    _copy("bench_entry", "no int PRIMARY KEY, title text, question text, body text",
          [(at, *entry(rng, at)) for at in range(1, volume.entries + 1)])  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bench_text SET words = cases_bigrams(text)")
        cursor.execute("ANALYZE bench_text")


def _copy(table: str, columns: str, rows: Sequence[tuple[object, ...]] | Iterator[tuple[object, ...]],
          given: str = "") -> None:  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE UNLOGGED TABLE {table} ({columns})")
        with cursor.copy(f"COPY {table} {f'({given})' if given else ''} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


@contextmanager
def _without_indexes(tables: Sequence[str]) -> Iterator[None]:
    """Take indexes and foreign keys away for the while, and make them again just as they were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY 1, 2",
            [list(tables)],
        )
        keys = cursor.fetchall()
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND NOT EXISTS"
            " (SELECT 1 FROM pg_constraint c WHERE c.conindid = indexname::regclass) ORDER BY 1",
            [list(tables)],
        )
        indexes = cursor.fetchall()
        for table, name, _definition in keys:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET maintenance_work_mem = '1GB'")
            for _name, definition in indexes:
                cursor.execute(definition)
            for table, name, definition in keys:
                cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
            cursor.execute("RESET maintenance_work_mem")
