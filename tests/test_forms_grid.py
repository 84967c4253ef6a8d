"""The table of a sheet by itself: 2,000 rows of 40 columns from made-up answers, keys, blocks, and what is sent."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from citybrain.faces.look.shapes import SHAPES

pytestmark = pytest.mark.browser
FACES = Path(__file__).resolve().parent.parent / "citybrain" / "faces"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
PARTS = (
    "wait",
    "failed",
    "work",
    "search",
    "only-missing",
    "only-marks",
    "status",
    "rows",
    "missing",
    "clashes",
)
MARKS = [
    ["人口", "2026-11-20", "known"],
    ["", "", "missing"],
    ["人口", "", "no_right"],
    ["人口", "2025-01-01", "stale"],
]


def static(path: str) -> Path | None:
    """Return a file of the faces as the site would serve it."""
    found = (FACES / face / "static" / path for face in ("desk", "look"))
    return next((one for one in found if one.is_file()), None)


def column(at: int) -> dict[str, Any]:
    """Return column `at`: a number, a name, 34 from data, a choice, a figure, a day and a remark to be filled."""
    told: dict[str, Any] = {
        "letter": f"C{at}",
        "name": f"列{at}",
        "group": "",
        "asks": "data",
        "kind": "text",
        "options": [],
        "unit": "",
    }
    told |= {
        "required": False,
        "asked": False,
        "fixed": False,
        "title": at == 1,
        "most": None,
        "source": "人口",
    }
    if at == 0:
        told |= {"asks": "serial", "fixed": True, "source": ""}
    if at >= 36:
        told |= {"asks": "answer", "source": "", "asked": at == 36, "required": at == 36}
        told |= {36: {"options": ["是", "否"]}, 37: {"kind": "number"}, 38: {"kind": "date"}}.get(at, {})
    return told


def row(at: int) -> dict[str, Any]:
    values = [str(at + 1), f"人{at:04d}", *(f"值{at}-{place}" for place in range(2, 36)), "", "", "", ""]
    marks = [-1, *[0] * 35, 1, 1, 1, 1]
    if at == 3:
        values[5], marks[5] = "", 2
    return {"k": f"p{at:032x}", "p": at, "v": values, "m": marks}


class Fake:
    """The server as the table knows it: its cells, and what was sent to it."""

    def __init__(self, page: Page, rows: int = 2000) -> None:
        self.page = page
        self.stamp = 1
        self.sent: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.rows = rows
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route("**/*", self.answer)
        page.goto("http://forms.test/")
        page.locator("[data-ready]").wait_for()

    def answer(self, route: Route) -> None:
        address = urlparse(route.request.url)
        if address.path == "/":
            policy = {"Content-Security-Policy": "default-src 'self'; img-src 'self' data:"}
            route.fulfill(body=html(), content_type="text/html", headers=policy)
        elif address.path.startswith("/static/"):
            file = static(address.path.removeprefix("/static/"))
            if file is None:
                route.fulfill(status=404)
            else:
                route.fulfill(body=file.read_bytes(), content_type=TYPES.get(file.suffix, "text/plain"))
        elif address.path == "/cells/":
            rows = [] if address.query else [row(at) for at in range(self.rows)]
            told = {
                "stamp": self.stamp,
                "state": "filling",
                "open": True,
                "rows": rows,
                "removed": [],
                "marks": MARKS,
            }
            route.fulfill(json={**told, "columns": [column(at) for at in range(40)]})
        elif address.path == "/edits/":
            self.take(route)
        else:
            route.fulfill(status=404)

    def take(self, route: Route) -> None:
        edits = json.loads(route.request.post_data or "{}")["edits"]
        self.sent += edits
        results = []
        for one in edits:
            self.stamp += 1
            results.append(
                {"client": one["client"], "outcome": "applied", "stamp": self.stamp, "value": one["value"]}
            )
        route.fulfill(json={"stamp": self.stamp, "open": True, "results": results})

    def saved(self) -> list[tuple[int, str, str]]:
        """Return (row, letter, value) of all that was sent, once nothing waits any more."""
        self.page.wait_for_function(
            "() => document.querySelector('[data-sheet]').fm.sending.queue.size === 0"
        )
        return [(int(one["row"][1:], 16), one["letter"], one["value"]) for one in self.sent]

    def at(self) -> tuple[int, str]:
        """Return the active cell: its row and its column's letter."""
        found: list[Any] = self.page.evaluate(
            """() => { const { grid, cells } = document.querySelector('[data-sheet]').fm;
            return [grid.row, cells.columns[grid.activePlace].letter]; }"""
        )
        return found[0], found[1]

    def go(self, at: int, letter: str) -> None:
        self.page.evaluate(
            """([row, letter]) => { const { cells, grid, editor } = document.querySelector("[data-sheet]").fm;
            grid.go(row, grid.order.indexOf(cells.places.get(letter))); editor.focus(); }""",
            [at, letter],
        )

    def paste(self, text: str) -> None:
        self.page.evaluate(
            """(text) => { const data = new DataTransfer(); data.setData("text/plain", text);
            const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
            document.activeElement.dispatchEvent(event); }""",
            text,
        )


def html() -> str:
    parts = "".join(
        f'<div data-fm="{name}"{" hidden" if name in {"failed"} else ""}></div>' for name in PARTS[:2]
    )
    boxes = "".join(f'<input type="checkbox" data-fm="{name}">' for name in ("only-missing", "only-marks"))
    told = "".join(f'<span data-fm="{name}"></span>' for name in ("status", "rows", "missing", "none"))
    shapes = "".join(
        f'<span data-shape="{tone}"><svg viewBox="0 0 10 10">{drawn}</svg></span>'
        for tone, drawn in SHAPES.items()
    )
    links = "".join(
        f'<link rel="stylesheet" href="/static/{one}.css">'
        for one in ("look/css/tokens", "look/css/base", "look/css/components", "desk/desk", "desk/forms/fill")
    )
    return f"""<!doctype html><html lang="zh-Hans" data-me="5" data-icons="/static/vendor/icons.svg"><head>
<meta charset="utf-8"><meta name="csrf-token" content="x"><title>t</title>{links}
<script type="module" src="/static/desk/forms/fill.js"></script></head><body><main>
<section class="fm" data-sheet="7" data-cells="/cells/" data-edits="/edits/" data-history="/history/"
 data-dispute="/dispute/">
{parts}<div data-fm="work"><input data-fm="search">{boxes}{told}<button type="button" data-fm="clashes"></button>
<button type="button" data-view="grid">t</button><button type="button" data-view="cards">c</button>
<div class="fm-grid" data-fm="grid" data-label="表"></div><div class="fm-bar" data-fm="bar"></div>
<div class="fm-cards" data-fm="cards"></div></div></section></main><div data-toasts></div>
<dialog id="fm-dispute"><p data-what></p><p data-held></p><p data-source></p><p data-error></p>
<form><input name="claimed"><input name="note"><input type="checkbox" name="use"><button type="submit">x</button>
</form></dialog>
<template id="fm-shapes">{shapes}</template></body></html>"""


@pytest.fixture
def table(browser: Browser) -> Any:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    fake = Fake(context.new_page())
    yield fake
    context.close()
    assert fake.errors == []


@pytest.fixture(autouse=True)
def fresh_pool() -> None:
    """No city, no database: in place of the one that journeys need."""


def test_only_what_shows_is_drawn_wherever_one_scrolls(table: Fake) -> None:
    count = "() => [document.querySelectorAll('.fm-body .fm-tr').length, document.querySelectorAll('.fm-td').length]"
    for key in ("Control+Home", "Control+End", "Control+Home"):
        table.page.keyboard.press(key)
        table.page.wait_for_timeout(100)
        rows, drawn = table.page.evaluate(count)
        assert 10 < rows < 60, key
        assert rows * 5 < drawn < 1000, key
    table.page.keyboard.press("Control+End")
    expect(table.page.locator(".fm-td[data-active]")).to_be_visible()
    assert table.at() == (1999, "C39")
    grid = table.page.locator('[role="grid"]')
    expect(grid).to_have_attribute("aria-rowcount", "2001")


def test_a_sheet_opens_at_the_first_cell_that_is_asked_for(table: Fake) -> None:
    assert table.at() == (0, "C36")
    expect(table.page.locator(".fm-td[data-active]")).to_be_visible()


def test_keys_move_write_and_undo_as_in_a_workbook(table: Fake) -> None:
    table.go(5, "C37")
    table.page.keyboard.type("12")
    table.page.keyboard.press("Enter")
    assert table.at() == (6, "C37")
    table.page.keyboard.type("1,300 ")
    table.page.keyboard.press("Tab")
    assert table.at() == (6, "C38")
    table.page.keyboard.type("2026年3月5日")
    table.page.keyboard.press("ArrowUp")
    assert table.at() == (5, "C38")
    table.page.keyboard.press("ArrowLeft")
    table.page.keyboard.press("Delete")
    table.page.keyboard.press("Control+z")
    table.page.keyboard.press("Home")
    assert table.at() == (5, "C1")
    final = {(at, letter): value for at, letter, value in table.saved()}
    assert final == {(5, "C37"): "12", (6, "C37"): "1300", (6, "C38"): "2026-03-05"}


def test_a_block_from_excel_fills_what_may_be_filled_and_leaves_data_alone(table: Fake) -> None:
    table.go(0, "C35")
    table.paste('别的\t是\t7\r\n值1-35\t否\t"8"\r\n')
    expect(table.page.locator(".cb-toast")).to_contain_text("1 格由数据填充或自动生成，没有改动")
    assert sorted(table.saved()) == [(0, "C36", "是"), (0, "C37", "7"), (1, "C36", "否"), (1, "C37", "8")]


def test_one_value_fills_all_that_is_chosen_and_hidden_cells_are_not_copied(table: Fake) -> None:
    table.go(2, "C36")
    for _step in range(3):
        table.page.keyboard.press("Shift+ArrowDown")
    table.paste("否")
    assert [(at, value) for at, _letter, value in table.saved()] == [
        (2, "否"),
        (3, "否"),
        (4, "否"),
        (5, "否"),
    ]
    table.go(3, "C5")
    table.page.keyboard.press("Shift+ArrowRight")
    copied = table.page.evaluate(
        """() => { const data = new DataTransfer();
        const event = new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true });
        document.activeElement.dispatchEvent(event);
        return data.getData("text/plain"); }"""
    )
    assert copied == "\t值3-6"


def test_a_cell_that_data_filled_is_disputed_not_overwritten(table: Fake) -> None:
    table.go(4, "C6")
    table.page.keyboard.type("别")
    expect(table.page.locator("dialog#fm-dispute[open]")).to_be_visible()
    expect(table.page.locator("[data-held]")).to_have_text("值4-6")
    assert table.page.locator("[name=claimed]").input_value() == "别"
    assert table.saved() == []


def test_the_keyboard_gets_out_of_the_table(table: Fake) -> None:
    table.go(0, "C6")
    table.page.keyboard.press("Escape")
    table.page.keyboard.press("Tab")
    assert not table.page.evaluate("() => document.activeElement.matches('.fm-input')")


def test_only_what_is_missing_is_shown_and_stays_while_it_is_filled(table: Fake) -> None:
    table.page.locator('[data-fm="search"]').fill("人0007")
    expect(table.page.locator('[data-fm="rows"]')).to_have_text("1 / 2000 行")
    table.page.locator('[data-fm="search"]').fill("")
    table.page.locator('[data-fm="only-missing"]').check()
    heads = table.page.locator('[role="columnheader"] .fm-head-name')
    expect(heads).to_have_text([re.compile(one) for one in ("列1", "列36", "列37", "列38", "列39")])


def test_both_languages_say_the_same(table: Fake) -> None:
    keys = table.page.evaluate(
        """async () => { const text = await (await fetch("/static/desk/forms/words.js")).text();
        const [zh, en] = text.split("  en: {");
        const found = (part) => [...part.matchAll(/^ {4}(\\w+):/gm)].map((one) => one[1]).sort();
        return [found(zh), found(en)]; }"""
    )
    assert keys[0] == keys[1]
    assert len(keys[0]) == len(set(keys[0]))
