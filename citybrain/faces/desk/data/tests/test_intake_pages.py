"""Data brought in at the desk: a messy Excel uploaded, its bad row mended in place and stored; who may see that."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from openpyxl import Workbook

from citybrain.base.areas.models import Area
from citybrain.base.catalogue.models import DataSet
from citybrain.base.exchange import runs
from citybrain.base.exchange.models import Quarantined, Run
from citybrain.base.lake import engine
from citybrain.faces.desk.data.tests.conftest import Exchange

UPLOAD = "/desk/data/sets/ga_population/upload/"
HEAD = [
    "公民身份号码",
    "姓名",
    "性别",
    "出生日期",
    "民族",
    "户籍区划",
    "户籍地址",
    "户号",
    "与户主关系",
    "是否在册",
    "更新时间",
    "备注",
]


def id_number(first: str) -> str:
    """Return 17 digits with their check digit (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return (
        first + "10X98765432"[sum(int(one) * weight for one, weight in zip(first, weights, strict=True)) % 11]
    )


def sheet(region: str, wrong: str) -> bytes:
    """Return a workbook with a title above its header, and one number whose check digit is wrong."""
    book = Workbook()
    page = book.active
    page.append(["安澜市户籍人口导出表（测试）"])
    page.append([])
    page.append(HEAD)
    people = [
        (id_number("12980119900307231"), "张三"),
        (id_number("12980119910508233"), "李四"),
        (wrong, "王五"),
    ]
    for number, name in people:
        born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
        home = ["01", region, "友谊路", "000000001", "01", "是", "2026-11-01 08:00:00", "x"]
        page.append([number, name, "1", born, *home])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


RIGHT = id_number("12980119920203235")
WRONG = RIGHT[:17] + ("1" if RIGHT[17] != "1" else "2")


def work() -> None:
    while runs.work_one(timezone.now() + timedelta(hours=2)):
        pass


@pytest.fixture
def taken(exchange: Exchange, lake_home: Path) -> Run:
    region = Area.objects.filter(level=4).order_by("id")[0].code
    file = SimpleUploadedFile("户籍.csv", sheet(region, WRONG))
    answer = exchange.client("supplier").post(UPLOAD, {"file": file})
    assert answer.status_code == 302, answer.content.decode()
    work()
    return Run.objects.get()


def test_what_was_made_of_a_messy_file_is_told_with_its_figures(exchange: Exchange, taken: Run) -> None:
    assert (taken.state, taken.figures["rows"], taken.figures["rows_bad"]) == ("done", 3, 1), taken.error
    text = exchange.client("supplier").get(f"/desk/data/intake/runs/{taken.pk}/").content.decode()
    for said in ("户籍.csv", "xlsx", "修正 1 个问题行", "备注", "安澜市户籍人口导出表"):
        assert said in text, said
    people = DataSet.objects.get(code="ga_population")
    assert (people.data_rows, people.data_version) == (2, 1)


def test_a_bad_row_is_mended_in_place_and_stored(exchange: Exchange, taken: Run) -> None:
    client, bad = exchange.client("supplier"), Quarantined.objects.get()
    address = f"/desk/data/intake/runs/{taken.pk}/bad/"
    text = client.get(address).content.decode()
    assert WRONG in text
    assert "GB 11643" in text
    client.post(f"/desk/data/intake/bad/{bad.pk}/", {"id_no": WRONG})
    assert "还有问题" in client.get(address).content.decode()
    client.post(f"/desk/data/intake/bad/{bad.pk}/", {"id_no": RIGHT})
    assert "重新入库已修正的 1 行" in client.get(address).content.decode()
    answer = client.post(f"/desk/data/intake/runs/{taken.pk}/replay/")
    assert answer.status_code == 302
    work()
    bad.refresh_from_db()
    assert bad.state == "replayed"
    with engine.session() as link:
        found = link.execute(f"SELECT id_no FROM {engine.relation_sql('ga_population')}").fetchall()
    assert {row[0] for row in found} >= {RIGHT}
    assert len(found) == 3


def test_a_row_is_settled_without_storing_it_only_with_a_reason(exchange: Exchange, taken: Run) -> None:
    client, bad = exchange.client("supplier"), Quarantined.objects.get()
    client.post(f"/desk/data/intake/bad/{bad.pk}/", {"dismiss": "1", "note": ""})
    bad.refresh_from_db()
    assert bad.state == "open"
    client.post(f"/desk/data/intake/bad/{bad.pk}/", {"dismiss": "1", "note": "查无此人"})
    bad.refresh_from_db()
    assert (bad.state, bad.note) == ("dismissed", "查无此人")


def test_only_who_supplies_a_set_uploads_and_sees_its_rows(exchange: Exchange, taken: Run) -> None:
    bad = Quarantined.objects.get()
    pages = (f"/desk/data/intake/runs/{taken.pk}/", f"/desk/data/intake/runs/{taken.pk}/bad/")
    for key in ("asker", "stranger"):
        client = exchange.client(key)
        for address in pages:
            assert client.get(address).status_code == 404, (key, address)
        assert client.get(UPLOAD).status_code == 404, key
        assert client.post(f"/desk/data/intake/bad/{bad.pk}/", {"id_no": RIGHT}).status_code == 404, key
        assert client.post(f"/desk/data/intake/runs/{taken.pk}/replay/").status_code == 404, key
        text = client.get("/desk/data/intake/").content.decode()
        assert f"/desk/data/intake/runs/{taken.pk}/" not in text, key
        assert "户籍" not in text, key
    for address in (*pages, UPLOAD, "/desk/data/intake/"):
        assert exchange.client("worker").get(address).status_code == 403, address
    assert exchange.client("supplier2").get(pages[1]).status_code == 200
    bad.refresh_from_db()
    assert (bad.state, bad.mended) == ("open", None)


def test_lacking_columns_are_mapped_by_hand_and_the_run_goes_on(exchange: Exchange, lake_home: Path) -> None:
    client = exchange.client("supplier")
    region = Area.objects.filter(level=4).order_by("id")[0].code
    number = id_number("12980119900307231")
    head = "证件号,姓名,性别,出生日期,户籍区划,是否在册,更新时间"
    rows = f"{head}\n{number},张三,1,1990-03-07,{region},是,2026-11-01 08:00:00\n"
    client.post(UPLOAD, {"file": SimpleUploadedFile("a.csv", rows.encode("gb18030"))})
    work()
    run = Run.objects.get()
    assert run.state == "waiting"
    text = client.get(f"/desk/data/intake/runs/{run.pk}/").content.decode()
    columns = re.findall(r'name="column" value="([^"]+)"', text)
    assert columns == head.split(",")
    names = ["id_no", "name", "sex", "birth_date", "hukou_region", "alive", "updated_at"]
    client.post(f"/desk/data/intake/runs/{run.pk}/accept/", {"column": columns, "field": names})
    work()
    run.refresh_from_db()
    assert (run.state, run.figures["rows_good"]) == ("done", 1)


def test_the_first_page_counts_what_waits_for_data_officers_only(exchange: Exchange, taken: Run) -> None:
    DataSet.objects.filter(code="ga_population").update(data_at=timezone.now() - timedelta(days=9))
    text = exchange.client("supplier").get("/desk/").content.decode()
    counts = dict(re.findall(r"<span>([^<]+)</span><b>([^<]+)</b>", text))
    assert counts == {
        "数据申请待审核": "0", "数据异议待核实": "0", "问题行待修正": "1", "供数不一致待处理": "0", "数据迟到": "1",
    }  # fmt: skip
    assert "迟到 7 天" in exchange.client("supplier").get("/desk/data/intake/").content.decode()
    other = exchange.client("stranger").get("/desk/").content.decode()
    assert dict(re.findall(r"<span>([^<]+)</span><b>([^<]+)</b>", other))["问题行待修正"] == "0"
    assert "问题行待修正" not in exchange.client("worker").get("/desk/").content.decode()


def test_pages_take_their_number_of_queries(
    exchange: Exchange, taken: Run, quiet: Callable[[], None], django_assert_num_queries: Any
) -> None:
    for address, queries in (
        ("/desk/data/intake/", 7),
        (f"/desk/data/intake/runs/{taken.pk}/", 5),
        (f"/desk/data/intake/runs/{taken.pk}/bad/", 7),
    ):
        client = exchange.client("supplier")
        client.get(address)
        with django_assert_num_queries(queries, info=address):
            answer = client.get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in answer.content.decode(), (address, forbidden)


def test_all_rows_put_aside_are_taken_out_as_a_table(exchange: Exchange, taken: Run) -> None:
    address = f"/desk/data/intake/runs/{taken.pk}/bad.csv"
    page = exchange.client("supplier").get(f"/desk/data/intake/runs/{taken.pk}/bad/").content.decode()
    assert address in page
    answer = exchange.client("supplier").get(address)
    head, line = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert head.startswith("row,problems,id_no,name")
    assert (WRONG in line, "GB 11643" in line, "王五" in line) == (True, True, True)
    assert exchange.client("stranger").get(address).status_code == 404
