"""What holds for every template of every face: nothing inline, every icon listed, one language of colour."""

import re
from pathlib import Path

import pytest

import citybrain

FACES = Path(citybrain.__file__).parent / "faces"
TEMPLATES = sorted(FACES.glob("*/templates/**/*.html"))
SHEETS = [path for path in sorted(FACES.glob("*/static/**/*.css")) if "vendor" not in path.parts]
SCRIPTS = [path for path in sorted(FACES.glob("*/static/**/*.js")) if "vendor" not in path.parts]

INLINE = {
    "a style attribute": re.compile(r"""<[^>]*\sstyle\s*=""", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "a handler attribute": re.compile(r"""<[^>]*\son[a-z]+\s*=""", re.I),
    "hx-on": re.compile(r"\shx-on[:-]", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
    "js: in an htmx attribute": re.compile(r"""hx-[a-z:]+\s*=\s*["']js:""", re.I),
    "a script without src": re.compile(r"<script(?![^>]*\ssrc=)", re.I),
    "another host": re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", re.I),
}
ICON = re.compile(r"""{%\s*icon\s+"([a-z0-9-]+)\"""")
ICON_NAME = re.compile(r"""\sicon_name="([a-z0-9-]+)\"""")


def name(path: Path) -> str:
    return str(path.relative_to(FACES))


def inline_code(text: str) -> list[str]:
    """Return which kinds of inline code a template holds."""
    return [kind for kind, pattern in INLINE.items() if pattern.search(text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_no_template_holds_inline_code_or_another_host(path: Path) -> None:
    assert inline_code(path.read_text()) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('<p style="color:red">', "a style attribute"),
        ("<style>p{}</style>", "a style element"),
        ('<button onclick="go()">', "a handler attribute"),
        ('<a hx-on:click="go()">', "hx-on"),
        ('<a href="javascript:go()">', "a javascript: address"),
        ('<form hx-vals="js:{a: b}">', "js: in an htmx attribute"),
        ("<script>go()</script>", "a script without src"),
        ('<script src="https://cdn.example/x.js"></script>', "another host"),
    ],
)
def test_inline_code_would_be_noticed(text: str, kind: str) -> None:
    assert kind in inline_code(text)


def test_every_icon_that_a_template_draws_is_in_the_sprite() -> None:
    listed = {line.strip() for page in FACES.glob("*/icons.txt") for line in page.read_text().splitlines()}
    drawn = {
        icon: name(path)
        for path in TEMPLATES
        for icon in ICON.findall(path.read_text()) + ICON_NAME.findall(path.read_text())
    }
    assert {icon: where for icon, where in drawn.items() if icon not in listed} == {}


@pytest.mark.parametrize(
    "path", [path for path in SHEETS if path.name not in {"tokens.css", "print.css"}], ids=name
)
def test_colours_come_from_the_tokens_alone(path: Path) -> None:
    found = re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*{)", path.read_text())
    assert [colour for colour in found if colour.lower() not in {"#ffffff", "#000000", "#0b1119"}] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_no_script_makes_code_or_markup_from_text(path: Path) -> None:
    text = path.read_text()
    assert (
        re.findall(r"\beval\(|new Function\(|\.innerHTML\s*=|insertAdjacentHTML|document\.write", text) == []
    )


def test_scripts_say_the_same_words_in_both_languages() -> None:
    text = (FACES / "look/static/look/js/words.js").read_text()
    chinese, english = (re.search(rf"\n  {code}: {{\n(.*?)\n  }},", text, re.S) for code in ("zh", "en"))
    assert chinese
    assert english
    keys = [re.findall(r"^    (\w+):", part[1], re.M) for part in (chinese, english)]
    assert keys[0] == keys[1]
    assert len(keys[0]) > 30
