"""Another city's hotline as a program of its own, with a database of its own; a test drives it by lines of JSON.

`python -m citybrain.hub.hotline.linking.tests.neighbour DATABASE`: prints its address, then an answer to each line.
"""

import json
import sys
import threading
from datetime import timedelta
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.utils import timezone


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Stay silent."""


def prepare(name: str) -> None:
    """Make the database anew and point the settings at it."""
    found = settings.DATABASES["default"]
    info = {
        "host": found["HOST"],
        "port": found["PORT"],
        "user": found["USER"],
        "password": found["PASSWORD"],
    }
    with psycopg.connect(**info, dbname="postgres", autocommit=True) as link:
        link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        link.execute(f'CREATE DATABASE "{name}"'.encode())
    found["NAME"] = name
    settings.SOURCE_HOSTS = ["127.0.0.1"]
    settings.ALLOWED_HOSTS = ["*"]


def partner(told: dict[str, Any]) -> dict[str, Any]:
    from citybrain.hub.hotline.callers.numbers import sealed
    from citybrain.hub.hotline.models import Partner

    Partner.objects.create(
        key=told["key"], name=told["name"], kind="hotline", address=told["address"], our_key=told["our_key"],
        secret_in=sealed(told["secret_in"]), secret_out=sealed(told["secret_out"]), created_at=timezone.now(),
        created_by="test",
    )  # fmt: skip
    return {}


def take(told: dict[str, Any]) -> dict[str, Any]:
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.hotline import actions
    from citybrain.hub.hotline.models import Ticket

    ticket = Ticket.objects.get(number=told["number"])
    actions.take(SYSTEM, ticket.pk, told["step"], told["given"])
    return {}


def tick(_told: dict[str, Any]) -> dict[str, Any]:
    """Let the worker's loop run until nothing waits, as it would on a busy machine."""
    from citybrain.hub.hotline.linking import delivering
    from citybrain.hub.hotline.models import LinkMessage

    now = timezone.now()
    for at in range(8):
        delivering.tick(now + timedelta(minutes=2 * at))
        if not LinkMessage.objects.filter(next_try_at__isnull=False).exists():
            break
    return {}


def tickets(_told: dict[str, Any]) -> dict[str, Any]:
    from citybrain.hub.hotline.models import Ticket

    rows = Ticket.objects.order_by("id").values_list("number", "text", "state", "channel")
    return {"tickets": [list(row) for row in rows]}


DOES = {"partner": partner, "take": take, "tick": tick, "tickets": tickets}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(name: str) -> None:
    prepare(name)
    application = get_wsgi_application()
    call_command("migrate", verbosity=0)
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(f"http://127.0.0.1:{server.server_address[1]}")
    for line in sys.stdin:
        told = json.loads(line)
        say(json.dumps(DOES[told.pop("do")](told)))
    server.shutdown()
    with psycopg.connect(
        host=settings.DATABASES["default"]["HOST"], port=settings.DATABASES["default"]["PORT"],
        user=settings.DATABASES["default"]["USER"], password=settings.DATABASES["default"]["PASSWORD"],
        dbname="postgres", autocommit=True,
    ) as link:  # fmt: skip
        link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


if __name__ == "__main__":
    main(sys.argv[1])
