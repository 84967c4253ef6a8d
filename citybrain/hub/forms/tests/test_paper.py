"""A filled form on paper can be read in Chinese, page by page, with its header, signatures and sources."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
import reportlab

from citybrain.hub.forms.book import Paper, Source, pdf
from citybrain.hub.forms.book.bands import bands, merged_heads, wrapped
from citybrain.hub.forms.book.paper import face
from citybrain.hub.forms.columns import Asks, Column

COLUMNS = (
    Column("A", ("序号",), Asks.SERIAL),
    Column("B", ("姓名",), Asks.DATA),
    Column("C", ("家庭住址", "小区"), Asks.DATA),
    Column("D", ("家庭住址", "门牌号"), Asks.DATA),
    Column("E", ("补贴金额（元）",), Asks.ANSWER),
)
FONT = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"


def paper(rows: int = 60, columns: Sequence[Column] = COLUMNS) -> Paper:
    return Paper(
        "独居老年人巡访登记表", columns,
        [{"A": str(i + 1), "B": f"王小{i}", "C": "幸福里", "D": f"{i}-101", "E": "120.50"} for i in range(rows)],
        area="和平区建国街道幸福里社区", office="市民政局", number="2026-MZ-001", period="2026 年 11 月",
        marks=[{"B": "①", "E": "②"}] * rows,
        sources=(Source("①", "全员人口信息", "2026-10-31"), Source("②", "社区填报", note="未经核实")),
        made_at=datetime(2026, 11, 21, 9, 30),  # noqa: DTZ001
    )  # fmt: skip


def pages(content: bytes) -> list[str]:
    with pypdfium2.PdfDocument(content) as file:
        told = []
        for number in range(len(file)):
            page = file[number]
            assert tuple(round(one) for one in page.get_size()) == (842, 595)
            told.append(page.get_textpage().get_text_range())
    return told


def test_each_page_has_the_header_and_its_number_and_the_last_one_signatures_and_sources() -> None:
    told = pages(pdf(paper()))
    assert len(told) == 3
    for number, text in enumerate(told, start=1):
        assert f"第 {number} 页 共 3 页" in text
        assert text.count("家庭住址") == 1
        for name in (
            "独居老年人巡访登记表",
            "序号",
            "姓名",
            "小区",
            "门牌号",
            "补贴金额",
            "打印于 2026-11-21 09:30",
        ):
            assert name in text
    assert "填报单位：和平区建国街道幸福里社区" in told[0]
    assert "填报期：2026 年 11 月" in told[0]
    assert "制表机关：市民政局" in told[0]
    assert "表号：2026-MZ-001" in told[0]
    assert "单位负责人：____" in told[-1]
    assert "数据来源：① 全员人口信息（截至 2026-10-31）；② 社区填报（未经核实）" in told[-1]
    whole = "".join(told)
    assert [f"王小{i}" in whole for i in range(60)] == [True] * 60
    assert whole.count("120.50") == 60
    assert whole.count("①") == 61


def test_the_same_paper_is_the_same_to_the_byte() -> None:
    assert pdf(paper(5)) == pdf(paper(5))


def test_signatures_and_the_note_stand_below_the_table() -> None:
    one = paper(2)
    signed = Paper(**{**{name: getattr(one, name) for name in one.__slots__}, "signatures": ("填表人：张三", "电子签名 2026-11-21"), "note": "本表一式两份"})  # fmt: skip  # noqa: E501
    told = pages(pdf(signed))
    assert len(told) == 1
    assert "填表人：张三" in told[0]
    assert "电子签名 2026-11-21" in told[0]
    assert "本表一式两份" in told[0]
    assert "单位负责人" not in told[0]


def test_more_columns_than_fit_go_on_with_the_first_ones_again() -> None:
    wide = [*COLUMNS[:2], *(Column(f"A{chr(65 + i)}", (f"第{i}项内容名称",), Asks.ANSWER) for i in range(38))]
    rows = [{"A": "1", "B": "王小明", **{one.letter: "1234567890123456" for one in wide[2:]}}]
    told = pages(pdf(Paper("宽表", wide, rows)))
    assert len(told) > 2
    for text in told[:-1]:
        assert "王小明" in text
    whole = "".join(told).replace("\r\n", "")
    assert all(f"第{i}项" in whole for i in range(38))


def test_a_row_taller_than_a_page_and_an_empty_form_are_printed() -> None:
    told = pages(pdf(Paper("长文", COLUMNS, [{"C": "很长的住址" * 3_000}])))
    assert "很长的住址" in told[0]
    assert len(pages(pdf(Paper("空表", COLUMNS, [])))) == 1
    assert len(pages(pdf(Paper("无列", (), [])))) == 1


def test_a_rare_character_is_told_where_the_font_has_none() -> None:
    told = pages(pdf(Paper("名册", COLUMNS, [{"B": "王\U00020bb7"}])))
    assert "王〓" in told[0]
    assert "“〓”处的字未收入打印字体，以电子表为准。" in told[0]


def test_a_font_of_ones_own_is_embedded() -> None:
    content = pdf(Paper("Form", COLUMNS, [{"B": "Wang"}]), FONT)
    assert b"FontFile2" in content
    assert "Wang" in pages(content)[0]


def test_the_hour_of_printing_is_the_citys() -> None:
    made = Paper("名册", COLUMNS, [], made_at=datetime(2026, 11, 21, 22, 53, tzinfo=UTC))
    assert "打印于 2026-11-22 06:53" in pages(pdf(made))[0]


def test_what_a_font_of_ones_own_lacks_is_told_too() -> None:
    told = pages(pdf(Paper("Form", COLUMNS, [{"B": "Wang 王"}]), FONT))
    assert "Wang ?" in told[0]
    assert face(FONT).shown("王a") == "?a"


@pytest.mark.parametrize("content", [None, b"", b"no font"])
def test_without_the_font_the_operator_named_paper_is_still_made_and_the_log_says_why(
    content: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    font = tmp_path / "lost.ttf"
    if content is not None:
        font.write_bytes(content)
    assert "王小明" in pages(pdf(Paper("名册", COLUMNS, [{"B": "王小明"}]), font))[0]
    assert str(font) in caplog.text


def test_headers_are_merged_as_in_the_form() -> None:
    assert merged_heads(COLUMNS) == [
        (0, 0, 0, 1, "序号"), (1, 1, 0, 1, "姓名"), (2, 3, 0, 0, "家庭住址"), (4, 4, 0, 1, "补贴金额（元）"),
        (2, 2, 1, 1, "小区"), (3, 3, 1, 1, "门牌号"),
    ]  # fmt: skip


def test_lines_break_where_they_are_full() -> None:
    def width(text: str, size: float) -> float:
        return len(text) * size

    assert wrapped("一二三四五", 30, 10, width) == ("一二三", "四五")
    assert wrapped("一\n二", 30, 10, width) == ("一", "二")
    assert wrapped("一", 3, 10, width) == ("一",)
    assert wrapped("", 30, 10, width) == ("",)
    assert len(bands(COLUMNS, [], 700, width)) == 1
