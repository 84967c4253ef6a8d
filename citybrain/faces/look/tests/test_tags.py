"""The component tags: the right words, shapes and links, and nothing unescaped."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from citybrain.faces.look import words
from citybrain.faces.look.charts import Chart, Series
from citybrain.faces.look.gallery_data import sample
from citybrain.faces.look.shapes import spark
from citybrain.faces.look.tables import Cell, Column, Row, Table
from citybrain.faces.look.toasts import toast


def draw(source: str, **context: Any) -> str:
    """Return a template's text with white space made single."""
    given = Context({"request": RequestFactory().get("/list/?late=1&page=2"), **context})
    return " ".join(Template("{% load look %}" + source).render(given).split())


@pytest.mark.parametrize(("code", "said"), [("zh-hans", "已超时"), ("en", "Late")])
def test_a_state_is_word_shape_and_colour(code: str, said: str) -> None:
    with translation.override(code):
        drawn = draw('{% state "late" %}')
    assert f"</svg>{said}</span>" in drawn
    assert 'data-tone="late"' in drawn
    assert '<path d="M5 .6l4.8 8.8h-9.6z"/>' in drawn


def test_each_of_the_four_states_has_its_own_shape() -> None:
    shapes = {tone: draw(f'{{% shape "{tone}" %}}') for tone in ("normal", "due_soon", "late", "urgent")}
    assert len(set(shapes.values())) == 4


def test_a_deadline_draws_its_words_stamp_and_bar() -> None:
    drawn = draw("{% deadline left %}", left=words.Left("due_soon", "还剩 1 小时", 80, "应于 …"))
    assert 'title="应于 …"' in drawn
    assert "还剩 1 小时" in drawn
    assert '<rect width="80%"' in drawn


def test_a_paused_deadline_has_no_bar() -> None:
    assert "<rect" not in draw("{% deadline left %}", left=words.Left("paused", "计时已暂停", 0, ""))


def test_a_time_keeps_its_full_stamp() -> None:
    at = timezone.now() - timedelta(minutes=10)
    drawn = draw("{% when at %}", at=at)
    assert "data-when>10 分钟前</time>" in drawn
    assert f'title="{words.stamp(at)}"' in drawn
    assert draw("{% when none %}", none=None) == "–"


@pytest.mark.parametrize(
    "source",
    [
        '{% state "late" bad title=bad %}',
        "{% person bad bad %}",
        "{% area_path parts %}",
        "{% item_chip bad bad bad %}",
        '{% note "empty" bad bad url="/" label=bad %}',
        '{% banner "failed" bad %}',
        "{% crumbs bad bad bad %}",
        "{% stat bad bad bad foot=bad change=bad %}",
        '{% icon "x" title=bad %}',
        "{% photos photos bad %}",
        "{% case_row row %}",
        "{% chart chart %}",
    ],
)
def test_nothing_that_people_wrote_becomes_markup(source: str) -> None:
    bad = '"><script>alert(1)</script>'
    row = dict.fromkeys(("id", "number", "url", "title", "excerpt", "where", "holder", "state"), bad)
    chart = Chart("c", bad, "bar", [bad], [Series(bad, [1])], unit=bad)
    photos = [{"thumb": bad, "url": bad, "alt": bad, "caption": bad}]
    assert "<script>" not in draw(source, bad=bad, parts=[(bad, bad)], photos=photos, row=row, chart=chart)


def test_a_row_of_a_list_says_what_where_when_who_and_how_long() -> None:
    drawn = draw("{% case_row row %}", row={**sample()["rows"][0], "urgent": True})
    for said in (
        "紧急",
        "井盖缺失",
        "鲤浦街道 · 柳浪台社区",
        "20261121000001",
        "10 分钟前",
        "还剩 13 小时",
        "退回 1 次",
    ):
        assert said in drawn


def test_the_expected_step_alone_is_filled_and_a_blocked_one_says_why() -> None:
    drawn = draw("{% steps steps %}", steps=sample()["steps"])
    assert drawn.count("btn-primary") == 1
    assert drawn.index("btn-primary") < drawn.index("核实")
    assert 'disabled title="已申请过一次延期"' in drawn
    assert 'data-key="a"' in drawn


def test_a_tab_tells_its_true_count_grouped_and_nought_too() -> None:
    drawn = draw(
        "{% tabs tabs %}",
        tabs=[{"label": "全部", "url": "/", "count": 12034}, {"label": "超时", "url": "/", "count": 0}],
    )
    assert ">12,034</span>" in drawn
    assert ">0</span>" in drawn


def test_a_pager_keeps_the_filters_of_the_address() -> None:
    from django.core.paginator import Paginator

    page = Paginator(range(120), 50).page(2)
    drawn = draw("{% pager page %}", page=page)
    assert 'href="?late=1&amp;page=1"' in drawn
    assert 'href="?late=1&amp;page=3"' in drawn
    assert "第 51–100 条，共 120 条" in drawn


def test_a_table_has_units_in_its_header_and_numbers_to_the_right() -> None:
    table = Table(
        "t",
        "表",
        [Column("a", "区划"), Column("n", "在办", "件", "number")],
        [Row([Cell("和平区"), Cell("1,204")])],
    )
    drawn = draw("{% data_table table %}", table=table)
    assert '<th scope="col" class="cb-num">在办 <small>(件)</small></th>' in drawn
    assert '<td class="cb-num">1,204 </td>' in drawn
    assert "没有符合条件的记录" in draw("{% data_table table %}", table=Table("t", "表", table.columns, []))


def test_a_row_that_does_not_fit_its_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        _ = Table("t", "表", [Column("a", "区划")], [Row([Cell(1), Cell(2)])]).lines


def test_a_chart_carries_its_table_and_says_when_it_has_nothing() -> None:
    full = draw(
        "{% chart chart %}", chart=Chart("c", "在办", "bar", ["和平"], [Series("件数", [1204])], unit="件")
    )
    assert "1,204" in full
    assert "data-chart=" in full
    empty = draw("{% chart chart %}", chart=Chart("c", "在办", "bar", ["和平"], [Series("件数", [None])]))
    assert "暂无数据" in empty
    assert "data-chart=" not in empty


def test_a_spark_line_lies_within_its_box() -> None:
    drawn = spark([1, 3, 2], threshold=4)
    assert drawn
    assert drawn.points == "0.0,26.0 50.0,10.0 100.0,18.0"
    assert drawn.threshold == 2
    assert spark([5]) is None
    flat = spark([7, 7])
    assert flat
    assert flat.points == "0.0,14.0 100.0,14.0"


def test_a_toast_travels_as_ascii_and_keeps_other_triggers() -> None:
    answer = HttpResponse(headers={"HX-Trigger": '{"case:changed": {"id": 3}}'})
    toast(answer, "已派遣", undo_url="/undo/")
    assert answer["HX-Trigger"] == (
        '{"case:changed": {"id": 3}, "look:toast": {"text": "\\u5df2\\u6d3e\\u9063", "tone": "done",'
        ' "undo": "/undo/", "target": "body"}}'
    )
    with pytest.raises(ValueError, match="loud"):
        toast(HttpResponse(), "x", tone="loud")


def test_a_field_ties_label_help_and_error_to_its_input() -> None:
    drawn = draw("{% field form.place %}", form=sample()["form"])
    assert '<label class="cb-field-label form-label" for="id_place">地点</label>' in drawn
    assert 'aria-describedby="id_place_help id_place_error"' in drawn
    assert 'aria-invalid="true"' in drawn
    assert 'id="id_place_error"' in drawn
