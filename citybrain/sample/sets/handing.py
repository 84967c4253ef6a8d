"""Handing all data over: a file per data set as its agency would send it, what a second agency says, and the truth."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import orjson

from citybrain.base.catalogue.shape import Shape
from citybrain.base.catalogue.shipped import Shipped, shipped
from citybrain.sample.sets import files
from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.dirt import Fault, as_text, disagree, spoil
from citybrain.sample.sets.handed import Handed
from citybrain.sample.sets.make import make_set

SECOND: Final[dict[str, tuple[str, ...]]] = {
    "ga_population": ("name", "hukou_address"),
    "sj_enterprise": ("legal_person", "address"),
    "gy_water_account": ("customer_name", "phone"),
}
"""Sets of which another agency has a part, too, with the fields in which the two sometimes disagree."""
TRUTH: Final = "truth.jsonl"
Say = Callable[[str, int, int], None]


def hand_over(basis: Basis, folder: Path, codes: Sequence[str] = (), say: Say | None = None) -> list[Handed]:
    """Write the files of all sets (or those named) into `folder`, and truth.jsonl with every fault in them.

    The same basis gives the same rows. Raises KeyError for a set that the catalogue doesn't ship.
    """
    known = {one.meta.code: one for one in shipped()}
    chosen = [known[code] for code in codes] if codes else list(known.values())
    folder.mkdir(parents=True, exist_ok=True)
    handed: list[Handed] = []
    faults: list[Fault] = []
    for number, one in enumerate(chosen):
        found, wrong = _hand(basis, folder, one)
        handed += found
        faults += wrong
        if say:
            say("data sets", number + 1, len(chosen))
    part = folder / f".{TRUTH}.part"
    part.write_bytes(b"".join(orjson.dumps(fault.to_json()) + b"\n" for fault in faults))
    part.replace(folder / TRUTH)
    return handed


def _hand(basis: Basis, folder: Path, one: Shipped) -> tuple[list[Handed], list[Fault]]:
    code, shape, title = one.meta.code, one.shape, one.meta.name_zh
    clean = as_text(make_set(code, basis, shape))
    spoilt, faults = spoil(code, shape, clean, basis.stream(f"dirt.{code}"))
    path = files.write(folder, code, title, shape, spoilt)
    handed = [Handed(code, path, spoilt.num_rows, len(faults))]
    if code in SECOND:
        second, conflicts = disagree(code, shape, clean, SECOND[code], basis.stream(f"second.{code}"))
        path = files.write(folder, f"{code}-second", title, _part(shape, second.column_names), second)
        handed.append(Handed(code, path, second.num_rows, len(conflicts), second=True))
        faults = [*faults, *conflicts]
    return handed, faults


def _part(shape: Shape, names: list[str]) -> Shape:
    return Shape(tuple(shape.field(name) for name in names))
