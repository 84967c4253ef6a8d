"""Killed between any two statements: what was received is there once, and nothing is half there."""

import os
import random
import subprocess
import sys
import time

import pytest
from django.db import connection

from citybrain.base.ledger.models import Entry
from citybrain.hub.cases.models import Case
from citybrain.hub.hotline.lifecycle import RUNS
from citybrain.hub.hotline.models.ticket import Ticket, TicketClock, TicketEvent, TicketUnit
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import Line

pytestmark = pytest.mark.faults
LIVES = 8


def environment() -> dict[str, str]:
    """Return an environment in which another process works on this very test database."""
    parts = connection.settings_dict
    url = f"postgresql://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "citybrain.site.settings"}


def live(*arguments: str, patience: float, by_backend: bool) -> list[str]:
    """Run the writer from its start and kill it, or its database session, after a while; return what it said."""
    command = [sys.executable, "-m", "citybrain.hub.hotline.tests.writer", *arguments]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    said = [process.stdout.readline()]  # it is at work
    time.sleep(patience)
    if by_backend:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    else:
        process.kill()
    rest, _none = process.communicate(timeout=60)
    return [line for line in [*said, *rest.splitlines(keepends=True)] if line.endswith("\n")]


@pytest.mark.django_db(transaction=True)
def test_what_was_received_is_there_once_whoever_is_killed(line: Line, transactional_db: None) -> None:
    rng = random.Random()  # another moment at each run, on purpose
    seed = str(rng.randrange(10**9))
    numbers: dict[str, str] = {}
    versions: dict[str, int] = {}
    given = (seed, str(line.area()), str(line.agency("east_cm")), line.now.isoformat())
    for turn in range(LIVES):
        for said in live(*given, patience=rng.uniform(0.1, 1.5), by_backend=turn % 3 == 2):
            what, number, told = said.split()
            if what == "received":
                assert numbers.setdefault(number, told) == told, f"seed {seed}: {number} got a second ticket"
            elif what != "working":
                versions[number] = max(versions.get(number, 0), int(told))
    assert numbers, "no life got as far as one message"
    found = {ticket.number: ticket for ticket in Ticket.objects.all()}
    for number, told in numbers.items():
        assert told in found, f"seed {seed}: message {number} was accepted as {told} and is gone"
        assert found[told].version >= versions.get(number, 1)
    assert len(found) == Ticket.objects.values("submission_key").distinct().count()
    for ticket in found.values():
        whole(ticket, seed)
    assert Case.objects.count() == Ticket.objects.filter(case__isnull=False).count()


def whole(ticket: Ticket, seed: str) -> None:
    """Hold one ticket to what must be true of it between any two statements."""
    seqs = list(TicketEvent.objects.filter(ticket=ticket).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, ticket.version + 1)), f"seed {seed}: {ticket.number}"
    running = set(TicketClock.objects.filter(ticket=ticket, stopped_at=None).values_list("step", flat=True))
    assert running == RUNS[State(ticket.state)], f"seed {seed}: {ticket.number} in {ticket.state}"
    assert Entry.objects.filter(subject=f"ticket:{ticket.pk}").count() == ticket.version
    leads = TicketUnit.objects.filter(ticket=ticket, ended_at=None, role="lead").values_list(
        "agency_id", flat=True
    )
    assert list(leads) == ([ticket.agency_id] if ticket.agency_id else [])
