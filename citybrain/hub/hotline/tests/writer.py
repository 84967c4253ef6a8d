"""A process that receives and works on tickets until it is killed, and says what was accepted; for test_faults."""

import contextlib
import os
import sys
import uuid
from datetime import datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
django.setup()

from citybrain.base.identity.actor import SYSTEM  # noqa: E402
from citybrain.hub.hotline import sweep  # noqa: E402
from citybrain.hub.hotline.actions import receive, take  # noqa: E402
from citybrain.hub.hotline.errors import TicketError  # noqa: E402
from citybrain.hub.hotline.message import Message  # noqa: E402
from citybrain.hub.hotline.tests.conftest import ANSWER, LAMP, SAID  # noqa: E402


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201


def work(seed: str, area: int, agency: int, now: datetime) -> None:
    for number in range(60):
        key = uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}:{number}")
        item = LAMP if number % 2 else ""
        message = Message(
            "phone", SAID, phone="13912345678", area_id=area, item_code=item, kind="2", submission_key=key
        )
        receipt = receive(SYSTEM, message, now=now)
        say("received", number, receipt.number)
        for step, given in (("dispatch", {"agency": agency}), ("accept", {}), ("reply", {"reply": ANSWER})):
            with contextlib.suppress(TicketError):  # it went that far in an earlier life, or lies in its case
                say(step, number, take(SYSTEM, receipt.ticket_id, step, given, now=now).version)
        sweep.tick(now)


if __name__ == "__main__":
    say("working", 0, 0)
    work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), datetime.fromisoformat(sys.argv[4]))
