"""Mending rows put aside: one row checked at once, or those that were mended written as a file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import orjson

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.models import Quarantined

if TYPE_CHECKING:
    from citybrain.base.exchange.checks import Problem


def still_wrong(shape: Shape, values: Mapping[str, str | None]) -> "list[Problem]":
    """Return what is wrong with one row of texts by field."""
    import ibis  # all this is the engine that checks; who only writes lines needs none of it
    import pyarrow as pa

    from citybrain.base.exchange.checks.compile import PROBLEMS
    from citybrain.base.exchange.checks.reasons import parse
    from citybrain.base.exchange.steps.checking import checks_for
    from citybrain.base.lake import engine

    row = {name: values.get(name) for name in shape.names}
    checks = checks_for(shape, {name: name for name in shape.names})
    schema = pa.schema([(name, pa.string()) for name in shape.names])
    with engine.session(read_only_files=False) as link:
        checks.register(link)
        link.register("t", pa.Table.from_pylist([row], schema=schema))
        sql = checks.sql(ibis.table(dict.fromkeys(shape.names, "string"), name="t"))
        found = link.execute(sql).to_arrow_table().column(PROBLEMS)[0].as_py()
    return parse(found or "", row)


def as_lines(rows: Iterable[Quarantined]) -> Iterator[bytes]:
    """Yield mended rows as JSON lines under the names of the fields, with the number they are kept under."""
    for row in rows:
        yield orjson.dumps(row.mended) + b"\n"
