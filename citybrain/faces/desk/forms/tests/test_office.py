"""The office's, decider's and street's pages: who may what, what is said to what was typed, what it costs."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from citybrain.base.catalogue.load import load
from citybrain.base.identity.actor import SYSTEM, Actor, actor_for
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.ledger.models import Entry
from citybrain.hub.forms import collecting
from citybrain.hub.forms.collecting import CellEdit
from citybrain.hub.forms.models import Form, Round, Sheet
from citybrain.sample.fixtures import TinyCity

HEAD = ("社区", "养老床位数（张）", "助餐点（个）", "运营单位名称", "备注")
TITLE = "社区养老服务设施统计表"


def excel(*sheets: str, head: tuple[str, ...] = HEAD, title: str = TITLE) -> SimpleUploadedFile:
    """Return a workbook with the same small table on each of the sheets named."""
    book = openpyxl.Workbook()
    for name in sheets or ("Sheet1",):
        sheet = book.create_sheet(name)
        sheet["A1"] = title
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(head) or 1)
        for at, text in enumerate(head, 1):
            sheet.cell(2, at, text)
        sheet.cell(4, 1, "填表人：" if head else None)
    book.remove(book.worksheets[0])
    kept = io.BytesIO()
    book.save(kept)
    return SimpleUploadedFile("设施.xlsx", kept.getvalue())


def officer(login: str, role: str, agency: Agency, body: Agency | None = None) -> Person:
    person = Person.objects.create(login=login, name=login, agency=agency, kind="officer", auth_level="L2")
    RoleGrant.objects.create(
        person=person, role=role, area_id=agency.area_id, agency=body, valid_from=date(2026, 1, 1)
    )
    return person


@dataclass
class Town:
    """`office` asks, `chief` decides, `reviewer` is of the street in which `leader` fills; others are outside."""

    city: TinyCity
    persons: dict[str, Person]
    said: dict[str, Any] = field(default_factory=dict)

    def actor(self, key: str) -> Actor:
        return actor_for(self.persons[key])

    def client(self, key: str) -> Client:
        client = Client()
        client.force_login(self.persons[key])
        return client

    def drafted(self, **given: Any) -> Form:
        """Make a form as the page does."""
        sent = {
            "file": excel(),
            "office": str(self.persons["office"].agency_id),
            "fillers": "4",
            "cycle": "month",
        }
        answer = self.client("office").post("/desk/forms/add/", {**sent, **given})
        assert answer.status_code == 302, answer.content.decode()
        return Form.objects.select_related("current").latest("id")

    def admitted(self) -> Form:
        """Make a form, confirm its columns, ask for admission and admit it."""
        one = self.drafted()
        self.client("office").post(
            f"/desk/forms/{one.pk}/columns/", {"do": "confirm", "rows": "figures:", "c-B-sums": "sum"}
        )
        asked = {"purpose": "摸清设施", "basis": "民发2026第3号"}
        answer = self.client("office").post(f"/desk/forms/{one.pk}/admission/", asked)
        assert answer.status_code == 302, answer.content.decode()
        self.client("chief").post(f"/desk/forms/{one.pk}/admission/", {"word": "admit", "reason": "准"})
        one.refresh_from_db()
        assert one.state == "admitted"
        return one

    def issued(self) -> Round:
        """Send a form to all communities."""
        one = self.admitted()
        day = (timezone.localdate() + timedelta(days=5)).isoformat()
        sent = {"root": str(self.city.area("city").pk), "level": "4", "due_day": day, "due_time": "17:30"}
        answer = self.client("office").post(f"/desk/forms/{one.pk}/issue/", sent)
        assert answer.status_code == 302, answer.content.decode()
        return Round.objects.get()

    def handed_in(self, one: Round, beds: str = "12") -> Sheet:
        """Fill and hand in the leader's sheet."""
        actor = self.actor("leader")
        sheet = Sheet.objects.get(round=one, area=self.city.area("community"))
        sheet = collecting.open_sheet(actor, sheet)
        seen = collecting.look(actor, sheet)
        edits = [CellEdit(seen.rows[0].key, "B", beds, seen.stamp, uuid4())]
        assert [done.did for done in collecting.edit(actor, sheet, edits).results] == ["saved"]
        collecting.submit(actor, sheet)
        sheet.refresh_from_db()
        return sheet


@pytest.fixture
def town(city: TinyCity, settings: Any, tmp_path: Any) -> Town:
    settings.HOME = tmp_path
    load(SYSTEM, ["ga_population", "mz_key_elder"])
    people = {key: Person.objects.select_related("agency").get(login=key) for key in ("leader", "handler")}
    civil = city.agency("civil_affairs", "city")
    other = city.agency("police", "city")
    far = Agency.objects.get(kind_id="subdistrict", area=city.area("far_community").parent)
    people |= {
        "office": officer("office1", "form_manager", civil, civil),
        "stranger": officer("stranger1", "form_manager", other, other),
        "chief": officer("chief1", "chief_data_officer", other),
        "reviewer": officer("reviewer1", "form_reviewer", city.agency("subdistrict", "street")),
        "far": officer("far1", "form_reviewer", far),
    }
    return Town(city, people)


def test_a_workbook_is_read_and_only_it_is_needed(town: Town) -> None:
    one = town.drafted()
    assert (one.title, one.cycle, one.fillers, one.state) == (TITLE, "month", 4, "draft")
    assert [column.letter for column in one.current.shape] == ["A", "B", "C", "D", "E"]  # type: ignore[union-attr]
    text = town.client("office").get(f"/desk/forms/{one.pk}/columns/").content.decode()
    assert "养老床位数（张）" in text
    assert "“养老床位数（张）”对应什么" in text


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (None, "请选择要下发的 Excel 文件。"),
        (SimpleUploadedFile("空.xlsx", b""), "文件是空的。"),
        (SimpleUploadedFile("名单.csv", "姓名,性别\n甲,男\n".encode()), "CSV"),
        (SimpleUploadedFile("坏.xlsx", b"PK\x03\x04 not a workbook"), "id_file_error"),
        (SimpleUploadedFile("扫描.pdf", b"%PDF-1.4"), "这是 PDF 文件；请报送 Excel 表"),
        (excel(head=(), title=""), "没有找到表头"),
    ],
)
def test_what_is_no_form_is_said_beside_the_file(town: Town, file: Any, said: str) -> None:
    sent = {"office": str(town.persons["office"].agency_id), "fillers": "4", "cycle": "once"}
    answer = town.client("office").post("/desk/forms/add/", {**sent, **({"file": file} if file else {})})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert 'name="kept"' not in answer.content.decode(), "another file is needed"
    assert Form.objects.count() == 0


def test_a_workbook_that_came_once_need_not_be_chosen_again(town: Town) -> None:
    client = town.client("office")
    sent = {"office": str(town.persons["office"].agency_id), "fillers": "4", "cycle": "once"}
    answer = client.post("/desk/forms/add/", {**sent, "file": excel("一季度", "二季度"), "title": "设施表"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="一季度"' in text
    assert 'value="二季度"' in text
    assert 'value="设施表"' in text, "what was typed stays"
    kept = re.search(r'name="kept" value="([^"]+)"', text)
    assert kept is not None
    answer = client.post("/desk/forms/add/", {**sent, "kept": kept[1], "sheet": "二季度", "title": "设施表"})
    assert answer.status_code == 302
    assert Form.objects.get().current.sheet == "二季度"  # type: ignore[union-attr]
    forged = client.post("/desk/forms/add/", {**sent, "kept": kept[1] + "x", "sheet": "二季度"})
    assert forged.status_code == 422


def test_a_correction_is_remembered_for_the_next_form(town: Town) -> None:
    one = town.drafted()
    client = town.client("office")
    client.post(
        f"/desk/forms/{one.pk}/columns/", {"c-D-means": "answer||", "c-D-field": "mz_key_elder.address"}
    )
    one.current.refresh_from_db()  # type: ignore[union-attr]
    assert one.current.shape[3].field == "mz_key_elder.address"  # type: ignore[union-attr]
    again = town.drafted()
    assert again.current.shape[3].field == "mz_key_elder.address"  # type: ignore[union-attr]
    assert "有人确认过" in client.get(f"/desk/forms/{again.pk}/columns/").content.decode()


def test_what_a_column_cannot_be_is_said_at_its_line_and_stays_typed(town: Town) -> None:
    one = town.drafted()
    meant = {"c-D-field": "mz_key_elder.address", "c-D-sums": "sum", "c-D-options": "公办、民办"}
    sent = {**meant, "c-B-sums": "mean"}
    answer = town.client("office").post(f"/desk/forms/{one.pk}/columns/", sent)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "不能求和或平均" in text
    assert "公办、民办" in text
    one.current.refresh_from_db()  # type: ignore[union-attr]
    assert str(one.current.shape[1].sums) == "mean", "the other line is saved"  # type: ignore[union-attr]


def test_fields_are_found_by_pinyin(town: Town) -> None:
    found = town.client("office").get("/desk/forms/choose/fields/?q=chushengriqi").json()["choices"]
    assert {one["value"] for one in found} >= {"ga_population.birth_date"}
    assert town.client("leader").get("/desk/forms/choose/fields/?q=x").status_code == 403


def test_admission_is_asked_with_purpose_and_basis_and_decided_by_another(town: Town) -> None:
    one = town.drafted()
    office, chief = town.client("office"), town.client("chief")
    office.post(f"/desk/forms/{one.pk}/columns/", {"do": "confirm", "rows": "figures:", "c-B-sums": "sum"})
    address = f"/desk/forms/{one.pk}/admission/"
    lacking = office.post(address, {"purpose": "摸清设施", "basis": ""})
    assert lacking.status_code == 422
    assert "摸清设施" in lacking.content.decode()
    assert office.post(address, {"purpose": "摸清设施", "basis": "民发2026第3号"}).status_code == 302
    assert office.post(address, {"word": "admit", "reason": "x"}).status_code == 403
    assert 'value="admit"' in chief.get(address).content.decode()
    without_reason = chief.post(address, {"word": "refuse", "reason": ""})
    assert without_reason.status_code == 422
    assert "请写明不予准入的理由" in without_reason.content.decode()
    assert chief.post(address, {"word": "refuse", "reason": "已有设施台账"}).status_code == 302
    assert "已有设施台账" in office.get(f"/desk/forms/{one.pk}/").content.decode()
    assert office.get(f"/desk/forms/{one.pk}/issue/").status_code == 302, "a refused form isn't sent down"


def test_a_form_is_sent_to_every_community_and_a_past_deadline_is_refused(town: Town) -> None:
    one = town.admitted()
    client = town.client("office")
    text = client.get(f"/desk/forms/{one.pk}/issue/").content.decode()
    assert "<b>10 份</b>" in text
    street = town.city.area("street").pk
    fewer = client.get(f"/desk/forms/{one.pk}/issue/?root={street}&level=4").content.decode()
    assert "<b>10 份</b>" not in fewer
    sent = {"root": str(street), "level": "4", "due_day": "2026-01-05", "due_time": "17:30", "note": "请核实"}
    late = client.post(f"/desk/forms/{one.pk}/issue/", sent)
    assert late.status_code == 422
    assert "截止时间已经过去" in late.content.decode()
    assert "请核实" in late.content.decode()
    assert Round.objects.count() == 0


def test_a_sheet_goes_from_the_street_to_the_office_and_into_the_totals(town: Town) -> None:
    one = town.issued()
    sheet = town.handed_in(one)
    reviewer, office = town.client("reviewer"), town.client("office")
    assert str(sheet.pk) in reviewer.get("/desk/forms/review/").content.decode()
    assert office.get(f"/desk/forms/sheets/{sheet.pk}/").status_code == 404, (
        "not before the street has reviewed it"
    )
    assert reviewer.post(f"/desk/forms/sheets/{sheet.pk}/review/").status_code == 302
    assert office.get(f"/desk/forms/sheets/{sheet.pk}/").status_code == 200
    office.post(f"/desk/forms/sheets/{sheet.pk}/accept/")
    sheet.refresh_from_db()
    assert sheet.state == "accepted"
    text = office.get(f"/desk/forms/rounds/{one.pk}/rollup/?level=2").content.decode()
    assert re.search(r'<td class="cb-num">12</td>', text)


def test_a_sheet_is_sent_back_with_a_reason(town: Town) -> None:
    sheet = town.handed_in(town.issued())
    client = town.client("reviewer")
    client.post(f"/desk/forms/sheets/{sheet.pk}/send-back/", {"why": " "})
    sheet.refresh_from_db()
    assert sheet.state == "submitted"
    client.post(f"/desk/forms/sheets/{sheet.pk}/send-back/", {"why": "床位数不对"})
    sheet.refresh_from_db()
    assert (sheet.state, sheet.returned_why) == ("returned", "床位数不对")


def test_the_office_gets_its_own_workbook_filled_and_it_is_written_down(town: Town) -> None:
    one = town.issued()
    sheet = town.handed_in(one)
    town.client("reviewer").post(f"/desk/forms/sheets/{sheet.pk}/review/")
    client = town.client("office")
    for address in (
        f"sheets/{sheet.pk}/excel/",
        f"rounds/{one.pk}/rollup/excel/?level=4",
        f"rounds/{one.pk}/detail/excel/",
    ):
        answer = client.get(f"/desk/forms/{address}")
        assert answer.status_code == 200, address
        book = openpyxl.load_workbook(io.BytesIO(b"".join(answer) if answer.streaming else answer.content))
        assert book.active["A1"].value == TITLE
        assert book.active["B3"].value in {12, "12"} or any(
            cell.value in {12, "12"} for row in book.active.iter_rows() for cell in row
        ), address
    paper = client.get(f"/desk/forms/sheets/{sheet.pk}/pdf/")
    assert paper.content.startswith(b"%PDF")
    exports = Entry.objects.filter(action="forms.export", subject=f"sheet:{sheet.pk}")
    assert exports.count() == 2


def test_reminders_and_the_end_of_a_round(town: Town) -> None:
    one = town.issued()
    office = town.client("office")
    office.post(f"/desk/forms/rounds/{one.pk}/remind/", {"text": "请今天交"})
    assert Sheet.objects.filter(round=one, reminders=1).count() == 10
    street = town.city.area("street").pk
    town.client("reviewer").post(f"/desk/forms/rounds/{one.pk}/remind/", {"below": str(street)})
    assert (
        Sheet.objects.filter(round=one, reminders=2).count()
        == Sheet.objects.filter(round=one, street=street).count()
    )
    office.post(f"/desk/forms/rounds/{one.pk}/call-off/", {"why": ""})
    one.refresh_from_db()
    assert one.state == "open"
    office.post(f"/desk/forms/rounds/{one.pk}/close/", {"why": "已够用"})
    one.refresh_from_db()
    assert one.state == "closed"


def test_nobody_outside_sees_a_form_its_round_or_a_sheet(town: Town) -> None:
    one = town.issued()
    sheet = town.handed_in(one)
    pages = (
        f"/desk/forms/{one.form_id}/", f"/desk/forms/{one.form_id}/columns/", f"/desk/forms/{one.form_id}/admission/",
        f"/desk/forms/{one.form_id}/file/", f"/desk/forms/{one.form_id}/issue/", f"/desk/forms/rounds/{one.pk}/",
        f"/desk/forms/rounds/{one.pk}/map/", f"/desk/forms/rounds/{one.pk}/sheets/",
        f"/desk/forms/rounds/{one.pk}/rollup/", f"/desk/forms/rounds/{one.pk}/rollup/excel/",
        f"/desk/forms/rounds/{one.pk}/detail/excel/", f"/desk/forms/sheets/{sheet.pk}/",
        f"/desk/forms/sheets/{sheet.pk}/excel/", f"/desk/forms/sheets/{sheet.pk}/pdf/",
    )  # fmt: skip
    for address in pages:
        assert town.client("stranger").get(address).status_code == 404, address
        assert town.client("handler").get(address).status_code == 403, address
    for address in pages[-3:]:
        assert town.client("far").get(address).status_code == 404, address
    for address in ("/desk/forms/", "/desk/forms/rounds/", "/desk/forms/saved/"):
        assert TITLE not in town.client("stranger").get(address).content.decode(), address
        assert town.client("handler").get(address).status_code == 403, address
    far = town.client("far").get(f"/desk/forms/rounds/{one.pk}/sheets/?state=all").content.decode()
    assert town.city.area("community").name not in far
    features = town.client("far").get(f"/desk/forms/rounds/{one.pk}/map/").json()["features"]
    assert town.city.area("community").pk not in {feature["id"] for feature in features}
    assert town.client("far").post(f"/desk/forms/sheets/{sheet.pk}/review/").status_code == 404
    assert town.client("leader").post(f"/desk/forms/sheets/{sheet.pk}/review/").status_code == 403


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What is kept in memory is not looked at again meanwhile, so that queries can be counted."""
    from citybrain.base.areas import tree
    from citybrain.base.identity import agencies

    for module in (tree, agencies):
        monkeypatch.setattr(module, "CHECK_SECONDS", 1e9)
    return lambda: None


QUERIES = {
    ("office", "/desk/forms/?list=mine"): 5,
    ("office", "/desk/forms/{form}/"): 6,
    ("office", "/desk/forms/rounds/"): 6,
    ("office", "/desk/forms/rounds/{round}/"): 6,
    ("office", "/desk/forms/rounds/{round}/sheets/?state=all"): 7,
    ("reviewer", "/desk/forms/review/"): 5,
}


def test_pages_take_their_number_of_queries(
    town: Town, quiet: Callable[[], None], django_assert_num_queries: Any
) -> None:
    one = town.issued()
    town.handed_in(one)
    for (key, template), queries in QUERIES.items():
        address = template.format(form=one.form_id, round=one.pk)
        client = town.client(key)
        client.get(address)
        with django_assert_num_queries(queries, info=f"{key} {address}"):
            assert client.get(address).status_code == 200


def test_pages_open_in_english_without_inline_script(town: Town) -> None:
    one = town.issued()
    sheet = town.handed_in(one)
    for key, address in (
        ("office", "/desk/forms/"), ("office", "/desk/forms/add/"), ("office", f"/desk/forms/{one.form_id}/"),
        ("office", f"/desk/forms/{one.form_id}/columns/"), ("chief", f"/desk/forms/{one.form_id}/admission/"),
        ("office", f"/desk/forms/{one.form_id}/issue/"), ("office", f"/desk/forms/rounds/{one.pk}/"),
        ("office", f"/desk/forms/rounds/{one.pk}/sheets/"), ("office", f"/desk/forms/rounds/{one.pk}/rollup/"),
        ("reviewer", "/desk/forms/review/"), ("reviewer", f"/desk/forms/sheets/{sheet.pk}/"),
        ("chief", "/desk/forms/saved/"),
    ):  # fmt: skip
        answer = town.client(key).get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200, address
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in answer.content.decode(), (address, forbidden)
