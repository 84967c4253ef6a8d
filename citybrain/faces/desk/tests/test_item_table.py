"""The item table on the desk: kept by who may, read by every officer, and out again as it came in."""

import io
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from openpyxl import load_workbook

from citybrain.hub.cases.item_files import COLUMNS
from citybrain.hub.cases.models import Item

LAMP = "020301"
KEPT = ("/desk/items/import/", "/desk/items/export.xlsx", f"/desk/items/{LAMP}/edit/")


def form_of(item: Item, **changed: object) -> dict[str, object]:
    given = {
        "known": item.pk,
        "name_zh": item.name_zh,
        "name_en": item.name_en,
        "keywords": item.keywords,
        "lead_kind": item.lead_kind,
        "assist_kind": item.assist_kind,
        "accept_hours": f"{item.accept_minutes / 60:g}",
        "disposal_hours": f"{item.disposal_minutes / 60:g}",
        "working": "1" if item.working else "0",
        "first_level": item.first_level,
        "filing_condition": item.filing_condition,
        "close_condition": item.close_condition,
        "valid_from": (timezone.localdate() + timedelta(days=1)).isoformat(),
        **{name: "on" for name in ("urgent", "grid_self_handle", "whistle_allowed") if getattr(item, name)},
    }
    return {**given, **changed}


def test_only_who_keeps_the_items_gets_to_change_them(city, cast, client_for) -> None:
    officers = [key for key in cast.keys() if key not in {"citizen", "system_admin"}]  # noqa: SIM118  a method
    before = set(Item.objects.values_list("pk", flat=True))
    for key in officers:
        client = client_for(key)
        assert [client.get(address).status_code for address in KEPT] == [403, 403, 403], key
        assert client.post(KEPT[2], form_of(Item.objects.get(code=LAMP), keywords="x")).status_code == 403
        assert client.post(f"/desk/items/{LAMP}/withdraw/", {"known": "1"}).status_code == 403
        shown = client.get("/desk/items/").content.decode()
        assert "/desk/items/import/" not in shown
        assert "/edit/" not in client.get(f"/desk/items/{LAMP}/").content.decode()
    assert set(Item.objects.values_list("pk", flat=True)) == before
    assert [client_for("system_admin").get(address).status_code for address in KEPT] == [200, 200, 200]


def test_an_item_gets_new_words_a_shorter_limit_and_another_lead_from_tomorrow(city, client_for) -> None:
    client, item = client_for("system_admin"), Item.objects.get(code=LAMP)
    given = form_of(
        item, keywords="路灯不亮\n黑咕隆咚", disposal_hours="1.5", working="0", lead_kind="housing"
    )
    saved = client.post(KEPT[2], given, follow=True)
    fresh = Item.objects.get(code=LAMP, valid_until=None)
    assert (fresh.keywords, fresh.disposal_minutes, fresh.disposal_limit) == (
        "路灯不亮 黑咕隆咚",
        90,
        "1.5小时",
    )
    assert fresh.lead_kind == "housing"
    page = saved.content.decode()
    for said in (
        "尚未生效",
        "黑咕隆咚",
        f'<del class="cb-faint">{item.disposal_limit}</del> <span class="visually-hidden">改为</span>'
        '<span aria-hidden="true">→</span> 1.5小时',
        "撤回这个版本",
    ):
        assert said in page, said
    slower = client.post(KEPT[2], form_of(item, keywords="另一人"))
    assert (slower.status_code, "他人修改" in slower.content.decode()) == (422, True)
    client.post(f"/desk/items/{LAMP}/withdraw/", {"known": fresh.pk})
    assert Item.objects.get(code=LAMP).pk == item.pk


def test_a_refused_value_is_told_beside_its_field_and_typed_words_are_kept(city, client_for) -> None:
    client, item = client_for("system_admin"), Item.objects.get(code=LAMP)
    answer = client.post(KEPT[2], form_of(item, keywords="保留的话", valid_from="2020-01-01"))
    assert answer.status_code == 422
    assert "生效日期不能早于今天" in answer.content.decode()
    assert "保留的话" in answer.content.decode()
    assert client.post(KEPT[2], form_of(item, disposal_hours="-1")).status_code == 422


def test_the_export_comes_in_again_without_a_change_and_with_one_as_one_version(city, client_for) -> None:
    client = client_for("system_admin")
    content = client.get("/desk/items/export.xlsx").content
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    assert [cell.value for cell in sheet[1]] == list(COLUMNS.values())
    assert sheet.max_row == 240
    assert bring(client, content)["receipt"].unchanged == 239
    book = load_workbook(io.BytesIO(content))
    rows = book.worksheets[0]
    rows.cell(2, len(COLUMNS)).value = "垃圾满地"
    rows.cell(3, 1).value = "12"
    out = io.BytesIO()
    book.save(out)
    tried = bring(client, out.getvalue(), trial="on")["receipt"]
    assert (tried.changed, tried.unchanged, tried.errors) == (1, 237, ((3, "事项编码“12”应为六位数字。"),))
    assert Item.objects.count() == 239
    assert bring(client, out.getvalue())["receipt"].changed == 1
    assert Item.objects.get(code="010101", valid_until=None).keywords == "垃圾满地"
    assert load_workbook(io.BytesIO(content)).worksheets[0].cell(2, 1).value == "010101"


def test_a_file_that_is_no_item_table_is_refused(city, client_for) -> None:
    client = client_for("system_admin")
    for name, content, said in (
        ("x.xlsx", b"PK\x03\x04rubbish", "无法读取该文件"),
        ("x.csv", "名称,说明\n路灯,坏\n".encode(), "文件里没有表头"),
        ("x.csv", "code,名称\n020301,路灯\n".encode(), "缺少列"),
    ):
        answer = post_file(client, content, name)
        assert (answer.status_code, said in answer.content.decode()) == (422, True), said


def test_the_list_is_narrowed_by_class_subclass_and_words(city, client_for) -> None:
    client = client_for("acceptor")
    counts = [
        client.get("/desk/items/", asked).context["total"]
        for asked in (
            {},
            {"class": "02"},
            {"class": "0203"},
            {"class": "0203", "q": "黑灯瞎火"},
            {"class": "x"},
        )
    ]
    assert counts == [239, 35, 6, 1, 0]


def post_file(client, content: bytes, name: str = "items.xlsx", **more: str):
    day = (timezone.localdate() + timedelta(days=1)).isoformat()
    return client.post(KEPT[0], {"file": SimpleUploadedFile(name, content), "valid_from": day, **more})


def bring(client, content: bytes, **more: str):
    answer = post_file(client, content, **more)
    assert answer.status_code == 200, answer.content.decode()[-3000:]
    return answer.context
