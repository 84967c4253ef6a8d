"""Serving copies: a data set as a table of PostgreSQL, for look-ups by key at thousands a second.

A copy is built beside the one that serves and takes its place at once; the old one stays for `GRACE_SECONDS`, for
statements already on their way. Column `_key` holds the key's values as text, joined by `SEPARATOR`. Copies about
people lie in the order of the places where these live (see residences).
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import psycopg
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from psycopg import sql

from citybrain.base.catalogue.models import Grant
from citybrain.base.catalogue.shape import Shape
from citybrain.base.lake import database, locks, names, residences
from citybrain.base.lake.models import Serving
from citybrain.base.lake.names import LakeError, literal, quoted
from citybrain.base.lake.residences import Placed, Places

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile

    from citybrain.base.lake.tables import Table

log = logging.getLogger("citybrain.lake")
SCHEMA: Final = "serving"
SEPARATOR: Final = "\x1f"
GRACE_SECONDS: Final = 600
LANES: Final = 2  # copies at once; more only wait for each other's log
LANE_ROWS: Final = 200_000  # below it one lane is enough
BLOCK: Final = 1 << 20
PLACES: Final = ("region12", "grid15")  # code tables of the fields that say where somebody lives
MODES: Final = ("key", "filter")  # ways of a grant that need a copy


@dataclass(frozen=True, slots=True)
class Published:
    """A copy that serves: its table (with schema), version and rows, and the seconds it took."""

    relation: str
    version: int
    rows: int
    seconds: float


def _table(code: str) -> "Table":
    """Return the lake's table: with it comes Iceberg, which those who only read copies do without."""
    from citybrain.base.lake.tables import Table

    return Table(code)


def key_of(values: Sequence[object]) -> str:
    """Return what `_key` holds for a key's values, in the order of the shape's keys, each as its text."""
    return SEPARATOR.join(map(str, values))


def current(code: str) -> tuple[str, int] | None:
    """Return the table that serves a data set, as schema.name, with its version; None while there is none."""
    row = Serving.objects.filter(code=code).exclude(relation="").values_list("relation", "version").first()
    return (whole_name(str(row[0])), int(row[1])) if row else None


def whole_name(relation: str) -> str:
    """Return the table of a copy with its schema."""
    return relation if "." in relation else f"{SCHEMA}.{relation}"


def wanted(code: str) -> bool:
    """Tell whether some live grant takes rows by key or filter."""
    now = timezone.now()
    live = Q(revoked_at=None, valid_from__lte=now) & (Q(valid_until=None) | Q(valid_until__gt=now))
    modes = Grant.objects.filter(live, dataset__code=code).values_list("modes", flat=True)
    return any(not set(MODES).isdisjoint(taken) for taken in modes)


def ask(code: str, shape: Shape) -> None:
    """Have the copy made by the worker: of a set that is served from now on."""
    Serving.objects.get_or_create(code=code, defaults={"shape": shape.to_json()})


def publish(code: str, shape: Shape, version: int | None = None, *, anew: bool = False) -> Published:
    """Make the copy of a version, the current one by default, and let it serve; return it.

    The version that serves already isn't copied again, unless `anew`. Raises LakeError for a set without a key.
    """
    if not shape.keys:
        raise LakeError(f"lake: {code} has no key, so it can't be served by key")
    with locks.writing(f"serving:{prefix(code)}"):
        number = _table(code).version() if version is None else version
        kept = Serving.objects.filter(code=code).first()
        told = shape.to_json()
        if kept and kept.relation and kept.version == number and kept.shape == told and not anew:
            return Published(kept.relation, number, kept.rows, 0.0)
        began = time.monotonic()
        relation, rows, placed = _build(code, shape, number)
        fresh = {
            "relation": f"{SCHEMA}.{relation}", "version": number, "rows": rows, "shape": told,
            "placed": placed.to_json(),
        }  # fmt: skip
        Serving.objects.update_or_create(code=code, defaults=fresh | {"at": timezone.now()})
        if kept and kept.relation:
            _retire(kept.relation)
        return Published(f"{SCHEMA}.{relation}", number, rows, time.monotonic() - began)


def withdraw(code: str) -> None:
    """Serve the set no longer; the copy is removed after the grace."""
    row = Serving.objects.filter(code=code).first()
    if row:
        row.delete()
        if row.relation:
            _retire(row.relation)


def _retire(relation: str) -> None:
    """Note on a copy since when it serves no more."""
    name = relation.removeprefix(f"{SCHEMA}.")
    with database.connect() as link:
        there = link.execute("SELECT to_regclass(%s)", [relation]).fetchone()
        if there and there[0]:
            note = sql.Literal(f"retired {int(time.time())}")
            link.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(SCHEMA, name), note))


def prefix(code: str) -> str:
    """Return how the names of a set's copies begin."""
    return f"d_{hashlib.blake2b(code.encode(), digest_size=8).hexdigest()}_"


def indexed(shape: Shape) -> list[str]:
    """Return the fields of a copy with an index beside the key: whose row it is, and where people live."""
    if not shape.subject:
        return []
    places = [one.name for one in shape.fields if one.code_table in PLACES and not one.key]
    return [*([shape.subject] if shape.keys != (shape.subject,) else []), *places]


def _build(code: str, shape: Shape, version: int) -> tuple[str, int, Placed]:
    """Make the table with its rows and indexes; return its name, how many rows, and how they are placed."""
    files = _table(code).data_files(version)
    places = Places(code, shape, version, sum(one.record_count for one in files))
    name = f"{prefix(code)}{version}_{os.urandom(4).hex()}"
    table = sql.Identifier(SCHEMA, name)
    columns: list[sql.Composable] = [sql.SQL("_key text NOT NULL")]
    columns += [
        sql.SQL("{} {}").format(sql.Identifier(one.name), sql.SQL(one.type.postgres)) for one in shape.fields
    ]
    columns += [sql.SQL("{} bigint").format(sql.Identifier(one)) for one in places.columns]
    with database.connect() as link:
        link.execute("SET synchronous_commit = off")
        link.execute("SET maintenance_work_mem = '256MB'")
        link.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns)))
        try:
            rows = _fill(places, files, name)
            link.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (_key)").format(table))
            for field in indexed(shape):
                link.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.Identifier(field)))
            _index_places(link, table, places)
            link.execute("SET synchronous_commit = on")
            link.execute(sql.SQL("ANALYZE {}").format(table))
        except BaseException:
            link.execute(sql.SQL("DROP TABLE {}").format(table))
            raise
    return name, rows, places.placed


def _index_places(link: psycopg.Connection[Any], table: sql.Identifier, places: Places) -> None:
    """Index where rows belong; few belong to a second place."""
    if residences.PLACE in places.columns:
        place, also = sql.Identifier(residences.PLACE), sql.Identifier(residences.ALSO)
        link.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, place))
        link.execute(sql.SQL("CREATE INDEX ON {0} ({1}) WHERE {1} IS NOT NULL").format(table, also))


def _fill(places: Places, files: Sequence["DataFile"], name: str) -> int:
    """Copy the rows, in lanes side by side; return how many."""
    from citybrain.base.lake import engine

    code, version = places.code, places.version
    schema = _table(code).schema(version or None)
    total = sum(one.record_count for one in files)
    count = LANES if total > LANE_ROWS else 1
    lanes: list[list[str]] = [[] for _ in range(count)]
    loads = [0] * count
    for one in sorted(files, key=lambda one: -one.record_count):
        lightest = loads.index(min(loads))
        lanes[lightest].append(names.path_of(one.file_path))
        loads[lightest] += one.record_count
    sources = [engine.files_sql(paths, schema) for paths in lanes if paths]
    queries = [_rows_sql(source, places) for source in sources]
    if count > 1 and len(files) == 1:
        half = total // 2
        limits = (f" WHERE r.file_row_number {side} {half}" for side in ("<", ">="))
        queries = [_rows_sql(sources[0], places, limit) for limit in limits]
    with engine.session(read_only_files=False) as link, ThreadPoolExecutor(max(1, len(queries))) as pool:
        counts = list(pool.map(lambda query: _lane(link.cursor(), query, places, name), queries))
    if sum(counts) != total:
        raise LakeError(
            f"lake: {code} v{version} has {total} rows, {sum(counts)} arrived in its serving copy"
        )
    return total


def _rows_sql(source: str, places: Places, limit: str = "") -> str:
    """Return the query of a copy's rows: `_key`, the fields, then its own columns of places."""
    parts = [f"r.{quoted(key)}::VARCHAR" for key in places.shape.keys]
    key = f" || chr({ord(SEPARATOR)}) || ".join(parts)
    fields = ", ".join(f"r.{quoted(one)}" for one in places.shape.names)
    return places.select(f"{key} AS _key, {fields}", source, limit)


def _lane(link: duckdb.DuckDBPyConnection, query: str, places: Places, name: str) -> int:
    """Let DuckDB write CSV into a pipe and PostgreSQL copy from it; return the rows that arrived."""
    shape = places.shape
    texts = ", ".join(quoted(one.name) for one in shape.fields if one.type.is_text)
    forced = f'("_key"{", " + texts if texts else ""})'
    names_of = sql.SQL(", ").join(map(sql.Identifier, ("_key", *shape.names, *places.columns)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL '\\N')").format(
        sql.Identifier(SCHEMA, name), names_of
    )
    with _pipe() as pipe, database.connect() as target:
        target.execute("SET synchronous_commit = off")
        written = (
            f"COPY ({query}) TO {literal(str(pipe))} "
            f"(FORMAT csv, HEADER false, NULLSTR '\\N', FORCE_QUOTE {forced}, USE_TMP_FILE false)"
        )
        writer = _Writer(link, written, pipe)
        writer.start()
        with target.cursor() as cursor:
            try:
                with cursor.copy(statement) as copy, pipe.open("rb", buffering=0) as stream:
                    while block := stream.read(BLOCK):
                        copy.write(block)
            finally:
                writer.end()
            if writer.error is not None:
                raise writer.error
            return cursor.rowcount


class _Writer(threading.Thread):
    """Runs DuckDB's side of a pipe and keeps its error."""

    def __init__(self, link: duckdb.DuckDBPyConnection, statement: str, pipe: Path) -> None:
        super().__init__(daemon=True)
        self.link = link
        self.statement = statement
        self.pipe = pipe
        self.error: duckdb.Error | None = None

    def run(self) -> None:
        try:
            self.link.execute(self.statement)
        except duckdb.Error as error:
            self.error = error
            with self.pipe.open("wb"):  # the reader may still wait for somebody to open the pipe
                pass

    def end(self) -> None:
        """Return when the writer has ended: one that waits for a reader gets one, who leaves at once."""
        while self.is_alive():
            reader = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)
            self.join(0.05)
            os.close(reader)


@contextmanager
def _pipe() -> Iterator[Path]:
    from citybrain.base.lake import engine

    folder = engine.spill_folder()
    pipe = folder / "rows.csv"
    os.mkfifo(pipe, 0o600)
    try:
        yield pipe
    finally:
        pipe.unlink()
        folder.rmdir()


def tick(now: datetime) -> int:
    """Make copies that are asked for or behind, and remove those that serve no more; return how many.

    When all are there, one whose places are old is made anew: no round of an upgraded city takes long.
    """
    done = 0
    copies = list(Serving.objects.order_by("at"))
    for row in copies:
        table = _table(row.code)
        if not table.exists() or (row.relation and row.version >= table.version()):
            continue
        publish(row.code, Shape.from_json(row.shape))
        done += 1
    return (done or _place_anew(copies)) + sweep(now)


def _place_anew(copies: Sequence[Serving]) -> int:
    """Make the copy anew whose places are most behind; return how many."""
    row = next((one for one in residences.behind(copies) if _table(one.code).exists()), None)
    if row is None:
        return 0
    publish(row.code, Shape.from_json(row.shape), row.version, anew=True)
    return 1


def sweep(now: datetime) -> int:
    """Remove copies that were retired before the grace, and those a crash left half-built; return how many."""
    serving = set(Serving.objects.values_list("relation", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class "
            "WHERE relnamespace = %s::regnamespace AND relkind = 'r'",
            [SCHEMA],
        )
        found = [(name, note) for name, note in cursor.fetchall() if f"{SCHEMA}.{name}" not in serving]
    return sum(_drop(name, note, now) for name, note in found)


def _drop(name: str, note: str, now: datetime) -> bool:
    """Remove a copy; False when somebody may still read or build it."""
    word, _, since = note.partition(" ")
    with locks.trying(f"serving:{name[: len(prefix(''))]}") as unbuilt:
        if not unbuilt:
            return False
        if word != "retired":
            _retire(f"{SCHEMA}.{name}")  # half-built, or its retirement was lost: it is given the grace too
            return False
        if now.timestamp() - int(since) < GRACE_SECONDS:
            return False
        return _drop_unread(name)


def _drop_unread(name: str) -> bool:
    with database.connect() as link:
        link.execute("SET lock_timeout = '2s'")
        try:
            link.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(SCHEMA, name)))
        except psycopg.errors.LockNotAvailable:
            log.warning("serving copy %s is still read; it is removed later", name)
            return False
    return True
