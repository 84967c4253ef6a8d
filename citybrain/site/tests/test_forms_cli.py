"""`citybrain forms` reads, drafts, lists and assesses forms from the command line."""

import json
from pathlib import Path

from click.testing import CliRunner

from citybrain.base.identity.tests.conftest import city
from citybrain.hub.forms.making.tests.conftest import Hall, elders, hall, workbook
from citybrain.hub.forms.models import Form, Workbook
from citybrain.site.cli.forms import forms

__all__ = ["city", "hall"]


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(forms, [str(word) for word in words])
    return done.exit_code, done.output


def file(hall: Hall) -> Path:
    return workbook(hall.files / "form.xlsx", {"表": elders(("序号", "姓名", "姓名", "失能等级", "心愿"))})


def test_a_workbook_is_read_without_being_stored(hall: Hall) -> None:
    hall.sets()
    code, out = run("read", file(hall), "--office", "民政")
    assert code == 0
    assert out.splitlines()[0] == "独居老年人巡访登记表 (表, rows 2-2)"
    assert out.splitlines()[1] == "  A   序号  →  number"
    assert "D   失能等级  →  mz_key_elder.disability_level" in out
    told = json.loads(run("read", file(hall), "--json")[1])
    assert (told["begins"], told["columns"][3]["matches"][0]["field"]) == (3, "mz_key_elder.disability_level")
    assert Workbook.objects.count() == 0


def test_a_form_is_drafted_with_what_must_be_confirmed_and_asked_for(hall: Hall) -> None:
    hall.sets()
    code, out = run("draft", file(hall), "civil_affairs-98", "--title", "老人表", "--cycle", "month")
    form = Form.objects.get()
    assert (code, form.title, form.cycle, form.fillers, form.office.key) == (
        0, "老人表", "month", 4, "civil_affairs-98",
    )  # fmt: skip
    assert out.startswith(f"{form.number}  老人表  draft  5 columns\n  to be confirmed: B 姓名")
    words = ("draft", file(hall), "civil_affairs-98", "--ask", "--purpose", "巡访", "--basis", "文件")
    assert run(*words) == (1, "Error: 请确认“姓名”列（B）对应的信息项。 请确认“姓名”列（C）对应的信息项。\n")
    code, out = run(*words, "--confirm", "--json")
    assert (code, json.loads(out)["state"], json.loads(out)["unsettled"]) == (0, "asking", [])
    assert run("draft", file(hall), "nobody")[0] == 2


def test_what_is_no_form_is_one_line(hall: Hall) -> None:
    text = hall.files / "x.txt"
    text.write_text("a,b\n")
    assert run("read", text) == (1, "Error: 这是 CSV 文件；请报送 Excel 表（.xlsx、.xlsm 或 .xls）。\n")


def test_forms_are_listed_and_those_that_could_go_with_the_reason(hall: Hall) -> None:
    hall.sets()
    form = hall.admitted(("姓名", "身份证号"), "居民花名册")
    hall.form(("姓名", "心愿"), "草稿表")
    rows = json.loads(run("list", "--json")[1])
    assert [(row["number"], row["title"], row["state"]) for row in rows][1] == (
        form.number,
        "居民花名册",
        "admitted",
    )
    assert [row["title"] for row in json.loads(run("list", "--state", "draft", "--json")[1])] == ["草稿表"]
    assert [row["title"] for row in json.loads(run("list", "--text", "花名册", "--json")[1])] == [
        "居民花名册"
    ]
    code, out = run("list", "--abolish")
    assert (code, out) == (0, f"{form.number}  admitted    2 columns  civil_affairs-98  居民花名册  known \n")


def test_a_form_or_a_workbook_is_assessed(hall: Hall) -> None:
    hall.sets()
    form = hall.admitted(("姓名", "身份证号"), "居民花名册")
    code, out = run("assess", form.number)
    assert (code, out.splitlines()) == (
        0,
        [
            "  A   姓名  held  100% ga_population.name (津海市公安局)  ask 津海市公安局",
            "  B   身份证号  held  100% ga_population.id_no (津海市公安局)  ask 津海市公安局",
            "共需填报 2 列，其中 2 列全市已有数据，可填 100% 的单元格。",
            "建议不予准入：内容全部已知，请直接申请使用这些数据。",
        ],
    )
    other = workbook(hall.files / "other.xlsx", {"表": elders(("姓名", "心愿"), "居民心愿表")})
    found = json.loads(run("assess", other, "--office", "civil_affairs-98", "--json")[1])
    assert (found["share"], found["same"][0]["number"], found["same"][0]["share"]) == (0.5, form.number, 0.5)
    assert (Form.objects.count(), Workbook.objects.count()) == (1, 1)
    assert run("assess", "BB0")[0] == 2
