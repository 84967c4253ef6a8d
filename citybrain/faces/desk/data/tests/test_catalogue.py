"""The catalogue on the desk: who sees which entries, what a page says, and what it costs."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import load_workbook

from citybrain.base.catalogue import actions
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.models import DataSet
from citybrain.base.catalogue.shape import Shape
from citybrain.faces.desk.data import lineage
from citybrain.faces.desk.data.tests.conftest import Exchange

LINK = re.compile(r'href="/desk/data/sets/([a-z0-9_]+)/"')
SHAPE = Shape.from_json(
    {"fields": [{"name": "no", "zh": "编号", "type": "char(8)", "key": True, "grade": 1}]}
)


@pytest.fixture
def draft(exchange: Exchange) -> DataSet:
    meta = Meta("own_draft", "本单位草稿", share_type=2, share_condition="依法履职需要", open_type=3)
    return actions.draft_dataset(exchange.actor("supplier"), exchange.people.provider, meta, SHAPE)


def shown(exchange: Exchange, key: str, address: str = "/desk/data/sets/") -> set[str]:
    answer = exchange.client(key).get(address)
    assert answer.status_code == 200
    return set(LINK.findall(answer.content.decode()))


def test_every_officer_lists_what_is_published_and_only_its_keepers_a_draft(
    exchange: Exchange, draft: DataSet
) -> None:
    published = set(DataSet.objects.filter(state="published").values_list("code", flat=True))
    assert len(published) == 5
    for key in ("asker", "stranger", "worker"):
        assert shown(exchange, key) == published, key
    for key in ("supplier", "supplier2"):
        assert shown(exchange, key) == published | {"own_draft"}, key
    assert shown(exchange, "chief", "/desk/data/sets/?list=mine") == published | {"own_draft"}


def test_mine_holds_exactly_what_my_agency_keeps(exchange: Exchange, draft: DataSet) -> None:
    mine = set(DataSet.objects.filter(provider=exchange.people.provider).values_list("code", flat=True))
    assert "own_draft" in mine
    assert shown(exchange, "supplier", "/desk/data/sets/?list=mine") == mine
    assert shown(exchange, "asker", "/desk/data/sets/?list=mine") == set()


def test_a_draft_of_another_agency_is_not_there_at_its_address(exchange: Exchange, draft: DataSet) -> None:
    for key, status in {"asker": 404, "stranger": 404, "worker": 404, "supplier": 200, "chief": 200}.items():
        assert exchange.client(key).get("/desk/data/sets/own_draft/").status_code == status, key
    assert exchange.client("asker").post("/desk/data/sets/own_draft/steps/submit/").status_code == 404


def test_search_finds_a_set_by_name_initials_and_field(exchange: Exchange) -> None:
    for words in ("户籍人口", "hjrk", "ga_population", "户籍地址"):
        assert "ga_population" in shown(exchange, "asker", f"/desk/data/sets/?q={words}"), words
    assert shown(exchange, "asker", "/desk/data/sets/?q=没有这样的东西") == set()
    assert shown(exchange, "asker", "/desk/data/sets/?share=1") == {"jt_bridge"}


def test_a_page_says_why_a_field_is_not_given_freely(exchange: Exchange) -> None:
    text = exchange.client("asker").get("/desk/data/sets/ga_population/").content.decode()
    assert "敏感个人信息，须经提供单位审核" in text
    assert "为什么不能无条件共享" in text
    assert "公民身份号码" in text
    free = exchange.client("asker").get("/desk/data/sets/jt_bridge/").content.decode()
    assert "直接授权" in free
    assert "须经提供单位审核" not in free


def test_a_version_is_submitted_by_its_keeper_and_approved_by_the_chief(
    exchange: Exchange, draft: DataSet
) -> None:
    supplier, chief = exchange.client("supplier"), exchange.client("chief")
    assert "提交审批" in supplier.get("/desk/data/sets/own_draft/").content.decode()
    supplier.post("/desk/data/sets/own_draft/steps/submit/")
    assert shown(exchange, "chief", "/desk/data/sets/?list=approve") == set()
    assert (
        "/desk/data/sets/own_draft/?version=1" in chief.get("/desk/data/sets/?list=approve").content.decode()
    )
    assert "批准发布" not in supplier.get("/desk/data/sets/own_draft/").content.decode()
    assert supplier.post("/desk/data/sets/own_draft/steps/approve/").status_code == 403
    chief.post("/desk/data/sets/own_draft/steps/reject/", {"why": "缺少来源说明"})
    assert "缺少来源说明" in supplier.get("/desk/data/sets/own_draft/").content.decode()
    supplier.post("/desk/data/sets/own_draft/steps/submit/")
    chief.post("/desk/data/sets/own_draft/steps/approve/")
    draft.refresh_from_db()
    assert draft.state == "published"


def test_pages_take_their_number_of_queries(
    exchange: Exchange, quiet: Callable[[], None], django_assert_num_queries: Any
) -> None:
    for key, address, queries in (
        ("asker", "/desk/data/sets/", 6),
        ("chief", "/desk/data/sets/", 7),
        ("supplier", "/desk/data/sets/ga_population/", 12),
    ):
        client = exchange.client(key)
        client.get(address)
        with django_assert_num_queries(queries, info=f"{key} {address}"):
            assert client.get(address).status_code == 200


def test_pages_open_in_english_without_inline_script(exchange: Exchange) -> None:
    for address in ("/desk/data/sets/", "/desk/data/sets/ga_population/", "/desk/data/sets/?list=approve"):
        answer = exchange.client("chief").get(address, headers={"Accept-Language": "en"})
        text = answer.content.decode()
        assert answer.status_code == 200, address
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in text, (address, forbidden)


def test_a_citizen_and_a_stranger_find_no_catalogue(exchange: Exchange, client: Any) -> None:
    assert client.get("/desk/data/sets/").status_code == 302


def test_the_drawing_has_a_box_for_each_end_and_cuts_long_words() -> None:
    far = lineage.Node("system", "s1", "一个名字非常非常非常非常非常长的信息系统")
    here = lineage.Node("dataset", "a", "甲")
    drawing = lineage.draw([lineage.Edge(far, here, "supplies", "库表")], "a", "甲")
    assert [box.kind for box in drawing.boxes] == ["dataset", "system"]
    assert len(drawing.lines) == 1
    assert drawing.boxes[1].label.endswith("…")
    assert drawing.boxes[1].title.startswith(far.label)
    many = [lineage.Edge(lineage.Node("system", str(n), str(n)), here, "supplies") for n in range(14)]
    assert lineage.draw(many, "a", "甲").more == 4


def test_the_catalogue_goes_out_as_excel_and_comes_back(exchange: Exchange, draft: DataSet) -> None:
    supplier = exchange.client("supplier")
    answer = supplier.get("/desk/data/export.xlsx?list=mine")
    book = load_workbook(io.BytesIO(answer.content))
    told = [[cell.value for cell in row] for row in book["信息资源"].iter_rows()]
    assert any("own_draft" in row for row in told)
    sheet = book["信息资源"]
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value == "本单位草稿":
                cell.value = "改过的草稿"
    out = io.BytesIO()
    book.save(out)

    def bring(key: str, **more: str) -> Any:
        file = SimpleUploadedFile("目录.xlsx", out.getvalue())
        return exchange.client(key).post("/desk/data/import/", {"file": file, **more})

    assert bring("supplier", trial="on").status_code == 200
    draft.refresh_from_db()
    assert draft.name_zh == "本单位草稿"
    assert bring("worker").status_code == 403
    assert "未导入" in bring("stranger").content.decode()
    draft.refresh_from_db()
    assert draft.name_zh == "本单位草稿"
    assert "变更" in bring("supplier").content.decode()
    draft.refresh_from_db()
    assert draft.name_zh == "改过的草稿"
    assert (
        supplier.post("/desk/data/import/", {"file": SimpleUploadedFile("a.xlsx", b"x")}).status_code == 422
    )


def test_an_export_holds_no_draft_of_another_agency(exchange: Exchange, draft: DataSet) -> None:
    answer = exchange.client("stranger").get("/desk/data/export.xlsx")
    rows = load_workbook(io.BytesIO(answer.content))["信息资源"].iter_rows(values_only=True)
    told = {value for row in rows for value in row}
    assert "ga_population" in told
    assert "own_draft" not in told
