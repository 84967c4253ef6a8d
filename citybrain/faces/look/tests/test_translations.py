"""Every marked string of every app has an English translation: templates, Python, placeholders."""

import io
import re
from pathlib import Path

import pytest
from babel.messages import pofile
from babel.messages.extract import DEFAULT_KEYWORDS, extract_python
from django.utils.translation.template import templatize

import citybrain

PACKAGE = Path(citybrain.__file__).parent
CHINESE = re.compile(r"[\u3400-\u9fff\uff01-\uff5e]")
KEYWORDS = {**DEFAULT_KEYWORDS, "gettext_noop": None, "ngettext_lazy": (1, 2), "gettext_lazy": None}
PYTHON = [path for path in sorted(PACKAGE.rglob("*.py")) if not {"migrations", "tests"} & set(path.parts)]
TEMPLATES = sorted(PACKAGE.glob("faces/*/templates/**/*.html"))
CATALOGUES = sorted(PACKAGE.glob("**/locale/en/LC_MESSAGES/django.po"))
VARIABLE = re.compile(r"""\b_\(\s*(?:"([^"]+)"|'([^']+)')\s*\)""")


def marked(source: str) -> set[str]:
    """Return the originals marked in Python source; of a plural, the singular."""
    found = extract_python(io.BytesIO(source.encode()), list(KEYWORDS), [], {"encoding": "utf-8"})
    return {said[0] if isinstance(said, tuple) else said for _line, _call, said, _notes in found if said}


def marked_in_template(path: Path) -> set[str]:
    """Return the originals marked in a template, also in arguments of tags: `{% state tone _("…") %}`."""
    text = path.read_text()
    tags = " ".join(re.findall(r"{[%{].*?[%}]}", text))
    flat = "\n".join(line.strip() for line in templatize(text).splitlines())
    return marked(flat) | {first or second for first, second in VARIABLE.findall(tags)}


def translated() -> dict[str, str]:
    """Return original → English over all apps (Django merges them too); of a plural, its singular."""
    known: dict[str, str] = {}
    for path in CATALOGUES:
        with path.open("rb") as stream:
            for message in pofile.read_po(stream, abort_invalid=True):
                if not message.id or message.fuzzy:
                    continue
                original = message.id[0] if isinstance(message.id, tuple) else message.id
                english = message.string if isinstance(message.string, str) else message.string[0]
                if english:
                    known[original] = english
    return known


@pytest.fixture(scope="module")
def english() -> dict[str, str]:
    return translated()


def app_of(path: Path) -> str:
    return "/".join(path.relative_to(PACKAGE).parts[:2])


def by_app(paths: list[Path]) -> dict[str, list[Path]]:
    apps: dict[str, list[Path]] = {}
    for path in paths:
        apps.setdefault(app_of(path), []).append(path)
    return apps


def missing(paths: list[Path], english: dict[str, str]) -> list[str]:
    """Return "file: original" for each marked Chinese string without English."""
    lost = []
    for path in paths:
        said = marked_in_template(path) if path.suffix == ".html" else marked(path.read_text())
        here = path.relative_to(PACKAGE)
        lost += [f"{here}: {text}" for text in sorted(said) if CHINESE.search(text) and text not in english]
    return lost


@pytest.mark.parametrize("app", sorted(by_app(PYTHON + TEMPLATES)))
def test_every_marked_string_of_an_app_has_its_english(app: str, english: dict[str, str]) -> None:
    assert missing(by_app(PYTHON + TEMPLATES)[app], english) == []


def test_no_translation_is_left_in_chinese(english: dict[str, str]) -> None:
    said = {text: re.sub(r"%\(\w+\)[sd]", "", text) for text in english.values()}
    left = [text for text, bare in said.items() if CHINESE.search(bare) and not re.search("[A-Za-z]", bare)]
    assert left == []


def test_a_missing_translation_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '{% translate "未译" %}{% blocktranslate with n=3 %}{{ n }} 件未译{% endblocktranslate %}'
    )
    assert marked_in_template(page) == {"未译", "%(n)s 件未译"}
    assert marked('from x import gettext as _\n_("未译")\nngettext("%(n)d 天", "%(n)d 天", 2)\n') == {
        "未译",
        "%(n)d 天",
    }
