"""Files of rows: Parquet, CSV, JSON lines, Excel. Text that a spreadsheet would run is made harmless."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlglot
from sqlglot import exp

from citybrain.base.exchange.delivery.compile import Statement

FORMS: Final = {"parquet": "parquet", "csv": "csv", "jsonl": "jsonl", "xlsx": "xlsx"}
EXCEL_ROWS: Final = 1_048_576  # of a sheet, with its head
_STARTS: Final = "('=', '+', '-', '@', chr(9), chr(13))"
_OPTIONS: Final = {
    "csv": "FORMAT csv, HEADER true",
    "jsonl": "FORMAT json",
}
GUARD: Final = "'"


class TooLong(ValueError):
    """The rows don't fit into the form asked for."""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def plain(statement: Statement) -> str:
    """Return the statement for DuckDB with its values written out, for COPY, which takes no parameters."""

    def value(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder):
            found = statement.params[node.name]
            return exp.Literal.string(found.isoformat() if hasattr(found, "isoformat") else str(found))
        return node

    return sqlglot.parse_one(statement.sql, read="duckdb").transform(value).sql("duckdb")


def guarded(sql: str, texts: Sequence[str], names: Sequence[str]) -> str:
    """Return the statement with text that begins like a formula led by an apostrophe."""
    columns = []
    for name in names:
        column = _quoted(name)
        if name in texts:
            case = f"CASE WHEN left({column}, 1) IN {_STARTS} THEN chr({ord(GUARD)}) || {column}"
            column = f"{case} ELSE {column} END AS {column}"
        columns.append(column)
    return f"SELECT {', '.join(columns)} FROM ({sql}) AS rows"  # noqa: S608  (names are quoted)


def write(link: Any, statement: Statement, texts: Sequence[str], form: str, path: Path) -> int:
    """Write the rows of a statement to a file; return how many. Raises TooLong for a sheet that is too small."""
    if form == "xlsx":
        return _excel(link, statement, path)
    sql = plain(statement)
    if form == "csv":
        sql = guarded(sql, texts, statement.fields)
    if form == "parquet":
        from citybrain.base.lake import parquet  # with Iceberg

        return parquet.write_one(link.execute(sql).to_arrow_reader(parquet.BATCH), path)
    name = str(path).replace("'", "''")
    row = link.execute(f"COPY ({sql}) TO '{name}' ({_OPTIONS[form]})").fetchone()
    return int(row[0])


def _cell(sheet: Any, value: Any) -> Any:
    """Return a value as a cell: text stays text, whatever it begins with."""
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, "".join(one for one in value if one >= " " or one in "\t\n\r"))
    cell.data_type = "s"
    return cell


def _excel(link: Any, statement: Statement, path: Path) -> int:
    from openpyxl import Workbook

    found = link.execute(statement.sql, statement.params)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("data")
    sheet.append(list(statement.fields))
    count = 0
    while rows := found.fetchmany(10_000):
        count += len(rows)
        if count >= EXCEL_ROWS:
            sheet.close()
            raise TooLong(str(EXCEL_ROWS - 1))
        for row in rows:
            sheet.append([_cell(sheet, value) for value in row])
    book.save(path)
    return count
