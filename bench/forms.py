"""How well columns of real-life forms are matched to fields of the catalogue.

`python bench/forms.py` reads the forms of bench/forms/dev (which the words and weights were made with);
`--held` reads bench/forms/held instead, which nobody tuned to. `--wrong` lists what went wrong, `--fit` fits the
weights on what was read and prints them as data/weights.toml. One JSON object.
"""

import argparse
import json
import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
django.setup()

from citybrain.base.catalogue.shipped import shipped  # noqa: E402 (after the set-up)
from citybrain.hub.forms.matching import Column, Matcher, heading, of_shapes  # noqa: E402

FOLDER = Path(__file__).resolve().parent / "forms"
SURE = 0.8  # what is filled without a question


@dataclass(frozen=True)
class Form:
    """One form with its truth: accepted fields by letter (of a computed column: what it is made from), and its kind."""

    name: str
    title: str
    office: str
    columns: tuple[Column, ...]
    truth: dict[str, frozenset[str]]
    kind: dict[str, str]


def index_of(letters: str) -> int:
    """Return the column, from 0, of letters like AB."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def forms(folder: Path) -> Iterator[Form]:
    """Yield the forms of a folder."""
    for path in sorted(folder.glob("*.toml")):
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        below = read["rows"][read["header_last"] :]
        columns = []
        for one in read["column"]:
            at = index_of(one["letter"])
            examples = tuple(row[at] for row in below if at < len(row) and row[at].strip())
            columns.append(Column(one["letter"], tuple(one["path"]), examples))
        yield Form(
            path.stem, read["title"], read["office"], tuple(columns),
            {one["letter"]: frozenset((*one.get("truth", ()), *one.get("from", ()))) for one in read["column"]},
            {one["letter"]: one["kind"] for one in read["column"]},
        )  # fmt: skip


def known() -> Matcher:
    """Return a matcher over the catalogue that comes with a new city."""
    sets = [(one.meta.code, one.meta.name_zh, one.provider, one.shape) for one in shipped()]
    return Matcher(of_shapes(sets))


def measure(found: list[Form], matcher: Matcher, wrong: bool) -> dict[str, Any]:
    """Return the figures over all columns of the forms."""
    told = dict.fromkeys(
        ("columns", "fields", "first", "first_three", "computed", "computed_right", "sure", "sure_wrong"), 0
    )
    for form in found:
        for answer in matcher.answers(form.title, form.office, form.columns):
            letter = answer.column.letter
            keys = [one.known.key for one in answer.matches]
            truth, kind = form.truth[letter], form.kind[letter]
            told["columns"] += 1
            right = bool(keys) and keys[0] in truth
            if kind == "field":
                told["fields"] += 1
                told["first"] += right
                told["first_three"] += bool(truth.intersection(keys[:3]))
            elif kind == "computed":
                told["computed"] += 1
                told["computed_right"] += answer.computed is not None
            sure = bool(answer.matches) and answer.matches[0].confidence >= SURE
            told["sure"] += sure
            told["sure_wrong"] += sure and not right
            bad = (
                (kind == "field" and not right)
                or (sure and not right)
                or (kind == "computed") != bool(answer.computed)
            )
            if wrong and bad:
                top = [f"{one.known.key} {one.confidence:.2f}" for one in answer.matches[:3]]
                sys.stderr.write(
                    f"{form.name} {letter} {'/'.join(answer.column.path)!r} {kind} {answer.computed or ''}"
                    f" {top} truth {sorted(truth)[:4]}\n"
                )
    share = {
        "right_first": told["first"] / max(1, told["fields"]),
        "right_in_three": told["first_three"] / max(1, told["fields"]),
        "wrong_and_sure": told["sure_wrong"] / max(1, told["columns"]),
        "sure_of_fields": told["sure"] / max(1, told["fields"]),
    }
    return {"forms": len(found), **told, **{name: round(value, 4) for name, value in share.items()}}


def fit(found: list[Form], matcher: Matcher) -> str:
    """Return weights that make the confidence of a form's candidates its chance to be right, as TOML.

    None is below 0: each feature is a reason for a field, so less of it can't make the field likelier.
    """
    import numpy as np

    rows, right = [], []
    for form in found:
        headings = [heading(column.path) for column in form.columns]
        for column, seen in zip(
            form.columns, matcher.seen(form.title, form.office, form.columns, headings), strict=True
        ):
            for one, look in seen:
                rows.append((*look.features(), 1.0))
                right.append(one.key in form.truth[column.letter])
    x, y = np.array(rows), np.array(right, dtype=float)
    weights = np.zeros(x.shape[1])
    keep = np.full(len(weights), 1.0)
    keep[-1] = 0.0
    used = np.full(len(weights), True)
    for _ in range(len(weights)):
        part, weights = x[:, used], np.zeros(x.shape[1])
        for _ in range(60):
            chance = 1 / (1 + np.exp(-x @ weights))
            slope = part.T @ (chance - y) + (keep * weights)[used]
            curve = (part * (chance * (1 - chance))[:, None]).T @ part + np.diag(keep[used] + 1e-6)
            weights[used] -= np.linalg.solve(curve, slope)
        below = (weights < 0) & (np.arange(len(weights)) < len(weights) - 1)
        if not below.any():
            break
        used &= ~below
    names = (
        "alike",
        "same",
        "role",
        "about",
        "above",
        "office",
        "support",
        "fits",
        "alike_about",
        "source",
        "source_role",
    )
    lines = [f"bias = {weights[-1]:.3f}", "", "[weights]"]
    return "\n".join(
        [*lines, *(f"{name} = {value:.3f}" for name, value in zip(names, weights[:-1], strict=True))]
    )


def main() -> None:
    """Measure, or fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    found, matcher = list(forms(FOLDER / ("held" if given.held else "dev"))), known()
    if given.fit:
        sys.stdout.write(fit(found, matcher) + "\n")
        return
    told = measure(found, matcher, given.wrong)
    sys.stdout.write(
        json.dumps({"half": "held" if given.held else "dev", **told}, ensure_ascii=False, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
