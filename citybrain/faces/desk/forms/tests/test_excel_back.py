"""A filled Excel dropped on a sheet's page: what it changes is shown, nothing is saved before it is confirmed."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Person
from citybrain.faces.desk.forms.taking_out import mark_of, sources_and_marks
from citybrain.hub.forms import collecting
from citybrain.hub.forms.models import Edit, Row
from citybrain.hub.forms.tests.rounds import Gathering, gathering  # noqa: F401  (a fixture)
from citybrain.hub.forms.tests.taking import gathered, put, taken_out  # noqa: F401  (a fixture)
from citybrain.hub.forms.tests.town import WANG, city, town  # noqa: F401  (fixtures)


def enter(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def send(client: Client, sheet_id: int, file: Path, name: str = "表.xlsx", **more: Any) -> Any:
    given = SimpleUploadedFile(name, file.read_bytes())
    address = f"/desk/forms/fill/{sheet_id}/excel/"
    return client.post(address, {"file": given, **more}, headers={"HX-Request": "true"})


def test_a_workbook_is_shown_first_and_saved_when_confirmed(gathered: Gathering, tmp_path: Path) -> None:  # noqa: F811
    client, sheet = enter(gathered.town.leader), gathered.sheet()
    page = client.get(f"/desk/forms/fill/{sheet.pk}/").content.decode()
    assert f'hx-post="/desk/forms/fill/{sheet.pk}/excel/"' in page
    file = taken_out(
        gathered, tmp_path / "a.xlsx", put(("王一", "E", "是"), ("王一", "D", 77), ("李二", "F", "三"))
    )
    told = send(client, sheet.pk, file)
    text = told.content.decode()
    assert told.status_code == 200
    assert "采用 1 处" in text
    assert f'data-claim="77" data-row="{gathered.key("wang")}" data-letter="D"' in text
    assert "“三”不是数字。" in text
    assert WANG not in text
    assert Edit.objects.count() == 0
    done = send(client, sheet.pk, file, go="1", seen=str(sheet.stamp)).content.decode()
    assert "已采用：1 格，新增 0 行。" in done
    assert "data-brought" in done
    assert Row.objects.get(sheet=sheet, key=gathered.key("wang")).values["E"] == "是"
    again = send(client, sheet.pk, file, go="1", seen=str(sheet.stamp)).content.decode()
    assert "已采用：0 格，新增 0 行。" in again
    assert Edit.objects.count() == 1


def test_the_name_of_what_was_taken_out_tells_sheet_and_stamp(gathered: Gathering, tmp_path: Path) -> None:  # noqa: F811
    client, sheet = enter(gathered.town.leader), gathered.sheet()
    taken = client.get(f"/desk/forms/sheets/{sheet.pk}/excel/")
    assert f"稿{sheet.pk}-{sheet.stamp}.xlsx" in unquote(taken["Content-Disposition"])
    other = gathered.town.city.officer("bao", "grid_leader", sheet.area.code, "data_bureau-98")
    gathered.type_in(gathered.key("wang"), "E", "否", base=sheet.stamp, actor=other)
    file = taken_out(gathered, tmp_path / "a.xlsx", put(("王一", "E", "是")))
    clash = send(client, sheet.pk, file, name=f"表_稿{sheet.pk}-{sheet.stamp} (1).xlsx").content.decode()
    assert f'name="over" value="{gathered.key("wang")}:E"' in clash
    assert "bao 已填“否”" in clash
    chosen = send(
        client, sheet.pk, file, name=f"表_稿{sheet.pk}-{sheet.stamp}.xlsx", go="1",
        seen=str(gathered.sheet().stamp), over=f"{gathered.key('wang')}:E",
    )  # fmt: skip
    assert "已采用：1 格" in chosen.content.decode()
    wrong = send(client, sheet.pk, file, name="表_稿999999-3.xlsx")
    assert wrong.status_code == 422
    assert "这是另一张表的 Excel" in wrong.content.decode()


@pytest.mark.parametrize("name", ["neighbour", "worker", "reviewer_elsewhere"])
def test_nobody_else_brings_a_workbook_in(gathered: Gathering, tmp_path: Path, name: str) -> None:  # noqa: F811
    file = taken_out(gathered, tmp_path / "a.xlsx", put(("王一", "E", "是")))
    town_ = gathered.town
    actor = (
        town_.city.officer("wai", "form_reviewer", "980101002", "data_bureau-98")
        if name == "reviewer_elsewhere"
        else getattr(town_, name)
    )
    answer = send(enter(actor), gathered.sheet().pk, file, go="1")
    assert answer.status_code in {403, 404}
    assert Edit.objects.count() == 0


def test_what_is_no_workbook_is_said(gathered: Gathering, tmp_path: Path) -> None:  # noqa: F811
    client, sheet = enter(gathered.town.leader), gathered.sheet()
    broken = tmp_path / "b.xlsx"
    for content in (b"PK\x03\x04 nothing", b"plain words", b""):
        broken.write_bytes(content)
        answer = send(client, sheet.pk, broken)
        assert answer.status_code == 422
        assert "cb-banner" in answer.content.decode()


def test_each_value_on_paper_bears_the_mark_of_its_source(gathered: Gathering) -> None:  # noqa: F811
    gathered.type_in(gathered.key("wang"), "E", "是", base=gathered.sheet().stamp)
    sheet = gathered.sheet()
    seen = collecting.look(gathered.town.leader, sheet)
    sources, marks = sources_and_marks(seen)
    assert [(one.mark, one.name) for one in sources][:2] == [
        ("①", "流动人口居住登记"),
        ("②", "户籍人口基本信息"),
    ]
    at = next(i for i, row in enumerate(seen.rows) if row.cells["B"].value == "王一")
    assert marks[at] == {"B": "②", "C": "②", "D": "③"}
    assert [mark_of(0), mark_of(19), mark_of(20)] == ["①", "⑳", "(21)"]
    assert enter(gathered.town.leader).get(f"/desk/forms/sheets/{sheet.pk}/pdf/").content.startswith(b"%PDF")
