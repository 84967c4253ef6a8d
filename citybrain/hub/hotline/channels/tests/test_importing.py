"""Import: every row has a receipt; the same file again adds nothing."""

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.hotline.channels import importing
from citybrain.hub.hotline.models import Ticket, TicketContact
from citybrain.hub.hotline.tests.conftest import Line
from citybrain.site.cli.hotline_import import import_messages

pytestmark = pytest.mark.django_db
HEAD = ("工单编号", "来电时间", "来电人", "来电号码", "诉求内容", "诉求类型", "地址")
ROWS = (
    ("A001", "2026-11-01 08:30", "张女士", "139-1111-2222", "小区门口积水,下不去脚", "投诉", "建国道"),
    ("A002", "2026/11/1 9:05", "", "", "居住证怎么办理?", "咨询类", ""),
    ("A003", "not a time", "", "", "路灯不亮", "投诉", ""),
    ("A004", "2026-11-01 10:00", "", "", "", "投诉", ""),
    ("A001", "2026-11-01 08:30", "张女士", "139-1111-2222", "小区门口积水,下不去脚", "投诉", "建国道"),
)


def table(folder: Path, rows: Any = ROWS, head: Any = HEAD, encoding: str = "gb18030") -> Path:
    path = folder / "messages.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def test_each_row_is_a_ticket_or_has_a_reason(line: Line, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.csv"
    totals = importing.import_file(SYSTEM, table(tmp_path), source="old", receipt=receipt, now=line.now)
    assert totals.to_json() == {
        "rows": 5, "taken": 2, "already": 1, "folded": 0, "refused": 2,
        "refused_because": {"received_at": 1, "text": 1},
    }  # fmt: skip
    with receipt.open(encoding="utf-8-sig", newline="") as file:
        told = list(csv.DictReader(file))
    assert [(one["id"], one["result"], one["field"]) for one in told] == [
        ("A001", "taken", ""), ("A002", "taken", ""), ("A003", "refused", "received_at"), ("A004", "refused", "text"),
        ("A001", "already", ""),
    ]  # fmt: skip
    first, second = Ticket.objects.order_by("id")
    assert (first.channel, first.external_ref, first.kind, first.place_text) == (
        "import",
        "old:A001",
        "3",
        "建国道",
    )
    assert first.received_at.isoformat() == "2026-11-01T00:30:00+00:00"
    assert TicketContact.objects.get(ticket=first).phone.replace("-", "") == "13911112222"
    assert second.kind == "1"
    assert told[0]["number"] == first.number


def test_the_same_file_again_adds_nothing_also_without_numbers(line: Line, tmp_path: Path) -> None:
    rows = [(row[4], row[1]) for row in ROWS[:2]]
    path = table(tmp_path, rows, ("内容", "时间"))
    assert importing.import_file(SYSTEM, path, now=line.now).taken == 2
    again = importing.import_file(SYSTEM, path, now=line.now)
    assert (again.taken, again.already) == (0, 2)
    assert Ticket.objects.count() == 2


def test_a_workbook_is_read_as_well(line: Line, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["2026年11月热线来电"])
    for row in (HEAD, *ROWS[:2]):
        sheet.append(list(row))
    path = tmp_path / "messages.xlsx"
    book.save(path)
    assert importing.import_file(SYSTEM, path, now=line.now).taken == 2


def test_check_stores_nothing(line: Line, tmp_path: Path) -> None:
    totals = importing.import_file(SYSTEM, table(tmp_path), check_only=True, now=line.now)
    assert (totals.rows, sum(totals.refused.values())) == (5, 2)
    assert not Ticket.objects.exists()


def test_a_message_of_a_hundred_thousand_letters_comes_whole(line: Line, tmp_path: Path) -> None:
    path = table(tmp_path, [("路灯不亮" * 25_000,)], ("内容",), "utf-8")
    assert importing.import_file(SYSTEM, path, now=line.now).taken == 1
    assert len(Ticket.objects.get().text) == 100_000


def test_a_receipt_is_never_a_formula(line: Line, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.csv"
    path = table(tmp_path, [("=1+1", "路灯不亮")], ("编号", "内容"))
    importing.import_file(SYSTEM, path, receipt=receipt, now=line.now)
    assert "'=1+1" in receipt.read_text("utf-8-sig")


def test_nobody_but_the_hotline_imports(line: Line, tmp_path: Path) -> None:
    for login in ("handler", "citizen", "audit"):
        with pytest.raises(Forbidden):
            importing.import_file(line.actor(login), table(tmp_path))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "空"),
        (b"a,b\n1,2\n", "内容列"),
        (b"%PDF-1.4 x", "文件"),
        (b"PK\x03\x04 broken", "文件"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(
    line: Line, tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(importing.BadFile, match=told):
        importing.import_file(SYSTEM, path)


def test_the_command_tells_what_became_of_a_file(line: Line, tmp_path: Path) -> None:
    path = table(tmp_path, [("1", "路灯不亮", "甲路")], ("号", "说了什么", "哪里"))
    run = CliRunner().invoke(import_messages, [str(path), "--json"])
    assert run.exit_code == 1
    assert "内容列" in run.output
    run = CliRunner().invoke(
        import_messages, [str(path), "--map", "text=说了什么", "--map", "place_text=哪里", "--json"]
    )
    assert run.exit_code == 0, run.output
    assert '"taken": 1' in run.output
    assert CliRunner().invoke(import_messages, [str(path), "--map", "text"]).exit_code == 2
    assert CliRunner().invoke(import_messages, [str(path), "--map", "words=号"]).exit_code == 1
