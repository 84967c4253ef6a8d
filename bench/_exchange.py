"""A house for measuring exchange: a durable database, the area codes of a large city, data sets and their sources."""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def house(memory: str = "2GB") -> Iterator[tuple[dict[str, str], Path, int]]:
    """Start a durable database with our tables, set Django up; yield the environment, the home, the database's pid."""
    sys.path[:0] = [str(ROOT), str(ROOT / "bench")]
    from citybrain.site.postgres import Server

    with tempfile.TemporaryDirectory(prefix="citybrain-bench-") as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder) / "postgres", durable=True)
        environment = {
            **os.environ, "DATABASE_URL": server.start(), "CITYBRAIN_HOME": folder,
            "CITYBRAIN_SECRET_KEY": "bench " * 10, "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
            "CITYBRAIN_LOG_LEVEL": "WARNING", "CITYBRAIN_LAKE_MEMORY": memory,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "bench")]),
        }  # fmt: skip
        os.environ.update(environment)
        try:
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            pid = int((Path(folder) / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
            yield environment, Path(folder), pid
        finally:
            from django.db import connections

            from citybrain.base.lake import iceberg

            iceberg.forget()
            connections.close_all()
            for one in connections.all():
                one.close_pool()
            server.stop()


def areas(count: int) -> None:
    """Fill in the codes that rows name: a city with so many places, as the table `region12` gives them."""
    from citybrain.base.areas.models import Area
    from citybrain.base.exchange.tests.lending import agency

    agency("police")
    top = Area.objects.get(code="98")
    Area.objects.bulk_create(
        Area(
            code=f"98{n:04d}001001", name=f"第{n}社区", kind="community", level=4, parent=top,
            path=f"{top.pk}.{n + 10}.", pinyin="",
        )
        for n in range(1, count + 1)
    )  # fmt: skip


def data_set(code: str, name: str = "业务系统导出") -> Any:
    """Publish a data set of the shipped catalogue; return its source of files, which adds or replaces by key."""
    from citybrain.base.catalogue.shipped import shipped
    from citybrain.base.exchange import actions
    from citybrain.base.exchange.tests.lending import agency, dataset
    from citybrain.base.identity.actor import SYSTEM

    shape = next(one.shape for one in shipped() if one.meta.code == code)
    made = dataset(code, json.loads(json.dumps(shape.to_json())))
    return actions.add_source(SYSTEM, made, agency("police"), name=name)


def names(shapes: Sequence[Any]) -> dict[str, str]:
    """Return the Chinese name of each field."""
    return {one.name: one.zh for one in shapes}
