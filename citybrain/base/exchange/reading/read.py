"""One door to every kind of file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from citybrain.base.exchange.reading import containers, encodings, guess
from citybrain.base.exchange.reading.delimited import read_delimited
from citybrain.base.exchange.reading.documents import read_documents
from citybrain.base.exchange.reading.encodings import Cleaned
from citybrain.base.exchange.reading.grid import tabulate
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.pages import read_page
from citybrain.base.exchange.reading.plan import Plan, parquet_types
from citybrain.base.exchange.reading.report import Note, Reading, Unreadable
from citybrain.base.exchange.reading.sheets import open_sheet

SAMPLE_ROWS = 1_000
SHOWN = {"text": "csv", "html": "html"}


@dataclass(frozen=True)
class Options:
    """What a person said about a source's files; what isn't said is found out."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_row: int | None = None
    fill: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)


def read(path: Path, work: Path, *, name: str = "", options: Options | None = None) -> Reading:
    """Return the report on a file; `work` is an empty folder for what must be rewritten, kept until it is scanned.

    `name` is what the supplier called the file. Raises Unreadable for what is refused; nothing of it is read then.
    """
    options = options or Options()
    work.mkdir(parents=True, exist_ok=True)
    unpacked = containers.unpack(path, name or path.name, work, options.limits)
    made = _KINDS[unpacked.kind](unpacked.path, unpacked.kind, work, options)
    suffix = containers.misnamed(unpacked.name, _named(made.format))
    notes = [Note("misnamed", {"suffix": suffix, "format": made.format})] if suffix else []
    columns, warnings = guess.columns(made.plan.names, made.plan.sample(SAMPLE_ROWS))
    return Reading(
        name=PurePosixPath(name or path.name).name,
        format=made.format,
        container=unpacked.container,
        encoding=made.encoding,
        delimiter=made.delimiter,
        sheet=made.sheet,
        header_rows=made.header_rows,
        columns=columns,
        plan=made.plan,
        notes=(*notes, *made.notes, *warnings),
    )


def _named(form: str) -> str:
    return {"text": "csv"}.get(form, form)


@dataclass(frozen=True)
class Made:
    """What a kind's reader found."""

    format: str
    plan: Plan
    notes: tuple[Note, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_rows: tuple[int, ...] = ()


def _read_text(path: Path, kind: str, work: Path, options: Options) -> Made:
    cleaned = encodings.clean(path, work, options.encoding)
    plan, delimiter, header, notes = read_delimited(
        cleaned,
        work,
        options.limits,
        delimiter=options.delimiter,
        header_row=options.header_row,
        fill=options.fill,
    )
    about = (*_about_text(cleaned), *notes)
    return Made("csv", plan, about, cleaned.encoding, delimiter, header_rows=header)


def _about_text(cleaned: Cleaned) -> tuple[Note, ...]:
    notes: list[Note] = []
    if cleaned.nul:
        notes.append(Note("nul", {"count": cleaned.nul}))
    if cleaned.marks_inside:
        notes.append(Note("bom_inside", {"count": cleaned.marks_inside}))
    if cleaned.undecodable:
        params = {"count": cleaned.undecodable, "line": cleaned.first_undecodable}
        notes.append(Note("undecodable", params))
    if cleaned.old_newlines:
        notes.append(Note("old_newlines"))
    return tuple(notes)


def _read_json(path: Path, kind: str, work: Path, options: Options) -> Made:
    cleaned = encodings.clean(path, work, options.encoding)
    plan, form, notes = read_documents(cleaned.path, work, options.limits)
    return Made(form, plan, (*_about_text(cleaned), *notes), cleaned.encoding)


def _read_sheet(path: Path, kind: str, work: Path, options: Options) -> Made:
    opened = open_sheet(path, kind, work, options.limits, options.sheet)
    plan, header, notes = tabulate(
        opened.rows,
        work / "rows.parquet",
        options.limits,
        spans=opened.spans,
        header_row=options.header_row,
        fill=options.fill,
    )
    return Made(kind, plan, (*opened.notes(), *notes), sheet=opened.name, header_rows=header)


def _read_page(path: Path, kind: str, work: Path, options: Options) -> Made:
    rows, spans, encoding = read_page(path, options.limits)
    plan, header, notes = tabulate(
        rows, work / "rows.parquet", options.limits, spans=spans, fill=options.fill
    )
    return Made("html", plan, notes, encodings.SHOWN.get(encoding, encoding.upper()), header_rows=header)


def _read_parquet(path: Path, kind: str, work: Path, options: Options) -> Made:
    import duckdb

    try:
        names = tuple(name for name, _ in parquet_types(str(path)))
    except duckdb.Error as bad:
        raise Unreadable("damaged", detail=f"Parquet: {str(bad)[:200]}") from bad
    return Made("parquet", Plan("parquet", str(path), names))


_KINDS = {
    "text": _read_text,
    "json": _read_json,
    "html": _read_page,
    "parquet": _read_parquet,
    "xlsx": _read_sheet,
    "xls": _read_sheet,
    "xlsb": _read_sheet,
    "ods": _read_sheet,
}
