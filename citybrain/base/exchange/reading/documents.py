"""JSON in its forms: lines, a list, a list inside an envelope, GeoJSON. Numbers keep every digit."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.plan import Plan
from citybrain.base.exchange.reading.report import Note, Unreadable
from citybrain.base.exchange.reading.rows import RowWriter

LONG_NUMBER = re.compile(rb"\d{16,}|\d\.\d*0[,}\]\s]|\d[eE][+-]?\d")
DEEPEST = 3
LOOKED_AT = 5_000


class Exact(float):
    """A number with a point, and how it was written."""

    written: str

    def __new__(cls, written: str) -> "Exact":
        made = super().__new__(cls, written)
        made.written = written
        return made


def loads(line: bytes) -> Any:
    """Return the value of a JSON text; a number whose digits a float would change keeps its text."""
    if LONG_NUMBER.search(line):
        return json.loads(line, parse_float=Exact)
    return orjson.loads(line)


def shown(value: Any) -> str:
    """Return a JSON value as text: true and false as such, lists and objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value.written if isinstance(value, Exact) else repr(value)


def flat(row: Mapping[str, Any], prefix: str = "", depth: int = 1) -> dict[str, str]:
    """Return a row with nested objects as "upper.lower" entries."""
    told: dict[str, str] = {}
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < DEEPEST:
            told.update(flat(value, f"{name}.", depth + 1))
        else:
            told[name] = shown(value)
    return told


def read_documents(path: Path, work: Path, limits: Limits) -> tuple[Plan, str, tuple[Note, ...]]:
    """Return (plan, "json" or "jsonl", notes) of a clean UTF-8 text."""
    if _is_lines(path):
        return _lines(path, work, limits)
    size = path.stat().st_size
    if size > limits.document_bytes:
        raise Unreadable("too_large", bytes=size, limit=limits.document_bytes)
    try:
        whole = loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (orjson.JSONDecodeError, json.JSONDecodeError, RecursionError) as bad:
        raise Unreadable("damaged", detail=f"JSON: {bad}") from bad
    rows, where = _rows_of(whole)
    if rows is None:
        raise Unreadable("json")
    notes = (Note("envelope", {"path": where}),) if where else ()
    plan, nested = _write(enumerate(rows, start=1), work, limits)
    return plan, "json", (*notes, *nested)


def _is_lines(path: Path) -> bool:
    """Whether each line is an object of its own: the first one is, and another follows or nothing does."""
    with path.open("rb") as file:
        lines = [line for line in (file.readline(1 << 24) for _ in range(20)) if line.strip()][:2]
    first = lines[0].removeprefix(b"\xef\xbb\xbf").strip() if lines else b""
    if not first.startswith(b"{"):
        return False
    try:
        value = loads(first)
    except (orjson.JSONDecodeError, json.JSONDecodeError):
        return len(lines) > 1 and first.endswith(b"}") and lines[1].lstrip().startswith(b"{")
    return isinstance(value, dict) and (len(lines) > 1 or _rows_of(value)[0] is None)


def _lines(path: Path, work: Path, limits: Limits) -> tuple[Plan, str, tuple[Note, ...]]:
    plan, notes = _write(_parsed(path), work, limits)
    return plan, "jsonl", notes


def _parsed(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (line, object); what is no object comes as its text."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            bare = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if not bare.strip():
                continue
            try:
                yield number, loads(bare)
            except (orjson.JSONDecodeError, json.JSONDecodeError, RecursionError):
                yield number, line.decode("utf-8", "replace")


def _rows_of(value: Any, where: str = "", depth: int = 0) -> tuple[list[Any] | None, str]:
    """Return (list of objects, path to it): the value itself, or the longest such list inside an envelope."""
    if isinstance(value, list):
        return (value, where) if any(isinstance(one, dict) for one in value) else (None, "")
    if not isinstance(value, dict) or depth > DEEPEST:
        return None, ""
    if value.get("type") == "FeatureCollection" and isinstance(value.get("features"), list):
        return [_feature(one) for one in value["features"]], "features"
    found = [_rows_of(inner, f"{where}.{key}".lstrip("."), depth + 1) for key, inner in value.items()]
    lists = [(rows, path) for rows, path in found if rows is not None]
    if lists:
        return max(lists, key=lambda one: len(one[0]))
    return ([value], "") if depth == 0 and value else (None, "")


def _feature(feature: Any) -> Any:
    """Return a GeoJSON feature as a row: its properties, its id and its shape as WKT."""
    if not isinstance(feature, dict):
        return feature
    row = dict(feature.get("properties") or {})
    if "id" in feature and "id" not in row:
        row["id"] = feature["id"]
    geometry = feature.get("geometry")
    if geometry:
        from shapely.geometry import shape

        try:
            row["geometry"] = shape(geometry).wkt
        except (ValueError, TypeError, KeyError, AttributeError):
            row["geometry"] = geometry
    return row


def _write(rows: Iterable[tuple[int, Any]], work: Path, limits: Limits) -> tuple[Plan, tuple[Note, ...]]:
    """Write the rows; columns are those of the first rows, later ones are added by a second pass over what was held."""
    source = iter(rows)
    first = [row for row, _ in zip(source, range(LOOKED_AT), strict=False)]
    flattened = [(number, flat(row)) for number, row in first if isinstance(row, dict)]
    names = list(dict.fromkeys(name for _, row in flattened for name in row))
    if not names:
        raise Unreadable("json")
    nested = any(
        "." in name and name not in row for (_, row) in first if isinstance(row, dict) for name in names
    )
    extra = _EXTRA if _EXTRA not in names else f"{_EXTRA}_"
    writer = RowWriter(work / "rows.parquet", [*names, extra], limits)
    known = set(names)
    seen_extra = False
    for number, row in _again(first, source):
        if not isinstance(row, dict):
            writer.set_aside(number, "json", row if isinstance(row, str) else shown(row))
            continue
        told = flat(row)
        beyond = {name: value for name, value in told.items() if name not in known}
        seen_extra = seen_extra or bool(beyond)
        writer.put(number, [*(told.get(name) for name in names), shown(beyond) if beyond else None])
    plan = writer.close()
    if not seen_extra:
        plan = Plan("rows", plan.path, tuple(names), broken=plan.broken, broken_count=plan.broken_count)
    return plan, ((Note("nested"),) if nested else ())


_EXTRA = "其他"
"""The column that keeps, as JSON, entries that first come after the first rows."""


def _again(first: list[tuple[int, Any]], source: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    yield from first
    yield from source
