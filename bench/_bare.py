"""The bare limit of intake: one raw statement that inserts the same rows, behind the same HTTP server.

No routing, no rights, no place, no deadline: a pool, a body, one prepared statement.
"""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from psycopg_pool import ConnectionPool

from citybrain.hub.cases.intake_sql import SQL

POOL = ConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=2,
    max_size=8,
    open=True,
    kwargs={"autocommit": True, "prepare_threshold": 1},
)
LEVELS = ("city", "district", "street", "community", "grid")
AREAS = {name: int(os.environ.get(f"BENCH_{name.upper()}", "1")) for name in LEVELS}


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Insert one report as it is."""
    body = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    now = datetime.now(UTC)
    values = {
        "prefix": "20261121", "code": "ABCDEF", "key": body["submission_key"], "ref": None, "state": 10, "source": "02",
        "item": None, "urgent": False, "description": body["description"], "address": "", "lon": body["lon"],
        "lat": body["lat"], "cell": 617733123123123711, **AREAS, "reporter": None, "suggested": None, "at": now,
        "due": now, "remind": now, "extra": "{}", "actor": None, "actor_name": "", "actor_role": "",
        "actor_agency": None, "data": '{"clock":{"step":1},"guesses":[],"route":[]}', "minutes": 120, "working": True,
        "rule": "bare", "contact_name": "", "contact_phone": "", "contact_shared": False, "photos": [],
        "actor_key": "bare", "body": "{}",
    }  # fmt: skip
    with POOL.connection() as connection:
        row = connection.execute(SQL, values).fetchone()
    start("201 Created", [("Content-Type", "application/json")])
    return [orjson.dumps({"number": row[1] if row else None})]
