"""Connections of the lake's own beside Django's: for locks and for COPY."""

from typing import Any

import psycopg
from django.db import connections


def address() -> dict[str, Any]:
    """Return libpq's words for the database Django uses."""
    known = connections["default"].settings_dict
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {name: known[key] for key, name in names.items() if known.get(key)}


def connect(*, autocommit: bool = True) -> psycopg.Connection[Any]:
    """Return a new connection, outside Django's pool and transaction."""
    return psycopg.connect(**address(), autocommit=autocommit, connect_timeout=10)
