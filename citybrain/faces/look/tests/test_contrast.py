"""Every pair of ink and ground keeps 4.5 : 1, and every mark 3 : 1, in both themes and in elder mode."""

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parent.parent / "static/look/css/tokens.css").read_text()
THEMES = {
    "light": [':root,\n[data-bs-theme="light"]'],
    "dark": ['[data-bs-theme="dark"]'],
    "elder light": [':root,\n[data-bs-theme="light"]', "[data-elder]", '[data-elder][data-bs-theme="light"]'],
    "elder dark": ['[data-bs-theme="dark"]', "[data-elder]", '[data-elder][data-bs-theme="dark"]'],
}
GROUNDS = ("surface", "canvas", "hover", "raised")
TEXT = [
    *[(ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in (*GROUNDS, "sunken")],
    *[("accent", ground) for ground in GROUNDS],
    ("accent-ink", "accent-soft"),
    ("accent-hover", "surface"),
    ("ink", "accent-soft"),
    ("ink-2", "accent-soft"),
    ("ink-3", "accent-soft"),
    ("on-fill", "fill"),
    ("on-fill", "fill-hover"),
    ("on-urgent", "urgent"),
    ("quiet-ink", "quiet-soft"),
    ("ink", "mark"),
    *[(f"{tone}-ink", f"{tone}-soft") for tone in ("normal", "soon", "late", "urgent")],
    *[(f"{tone}-ink", ground) for tone in ("normal", "soon", "late", "urgent") for ground in GROUNDS],
]
MARKS = [
    *[(tone, "surface") for tone in ("normal", "soon", "late", "urgent", "accent", "outline")],
    *[(f"series-{n}", "surface") for n in range(1, 7)],
]


def block(selector: str) -> dict[str, str]:
    found = re.search(r"(?:^|\n)" + re.escape(selector) + r" {\n(.*?)\n}", TOKENS, re.S)
    assert found, selector
    return dict(re.findall(r"--cb-([\w-]+): ([^;]+);", found[1]))


def theme(name: str) -> dict[str, str]:
    """Return the tokens of a theme, with var() followed."""
    tokens: dict[str, str] = {}
    for selector in THEMES[name]:
        tokens |= block(selector)

    def follow(value: str) -> str:
        inner = re.fullmatch(r"var\(--cb-([\w-]+)\)", value)
        return follow(tokens[inner[1]]) if inner else value

    return {key: follow(value) for key, value in tokens.items()}


def luminance(colour: str) -> float:
    assert re.fullmatch(r"#[0-9a-f]{6}", colour), colour
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2, 1..21."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def short_of(least: float, pairs: list[tuple[str, str]], tokens: dict[str, str]) -> list[str]:
    ratios = {(ink, ground): contrast(tokens[ink], tokens[ground]) for ink, ground in pairs}
    return [f"{ink} on {ground}: {ratio:.2f}" for (ink, ground), ratio in ratios.items() if ratio < least]


@pytest.mark.parametrize("name", THEMES)
def test_text_keeps_four_and_a_half_to_one(name: str) -> None:
    assert short_of(4.5, TEXT, theme(name)) == []


@pytest.mark.parametrize("name", THEMES)
def test_marks_and_lines_of_charts_keep_three_to_one(name: str) -> None:
    assert short_of(3.0, MARKS, theme(name)) == []


@pytest.mark.parametrize("name", ["elder light", "elder dark"])
def test_elder_mode_keeps_seven_to_one(name: str) -> None:
    pairs = [(ink, ground) for ink in ("ink", "ink-2", "ink-3", "accent") for ground in ("surface", "canvas")]
    assert short_of(7.0, [*pairs, ("on-fill", "fill")] if name == "elder light" else pairs, theme(name)) == []


def test_both_themes_have_the_same_tokens() -> None:
    assert set(block(THEMES["light"][0])) == set(block(THEMES["dark"][0]))


def test_contrast_is_counted_as_the_standard_says() -> None:
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
    assert contrast("#000000", "#ffffff") == 21


def test_every_token_that_a_sheet_uses_exists() -> None:
    css = Path(__file__).parent.parent / "static/look/css"
    named = set(re.findall(r"--cb-([\w-]+):", TOKENS))
    used = {
        token for path in css.glob("*.css") for token in re.findall(r"var\(--cb-([\w-]+)\)", path.read_text())
    }
    assert used - named == set()
