"""Two real cities, each a program with its own database, hand a ticket over by HTTP and back again."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from citybrain.hub.hotline.linking import handing, partners
from citybrain.hub.hotline.linking.handing import Plan
from citybrain.hub.hotline.linking.tests.far import carry
from citybrain.hub.hotline.models import HandOver
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import Line


class Neighbour:
    """The other city's program."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.address = self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the other city's program ended"
        return line.strip()

    def do(self, what: str, **told: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what, **told}) + "\n")
        self.process.stdin.flush()
        return json.loads(self._line())


@contextmanager
def neighbour() -> Iterator[Neighbour]:
    name = f"{connection.settings_dict['NAME']}_beihe"
    found = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}/postgres",
        "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
        "CITYBRAIN_SECRET_KEY": "another city's secret",
    }
    command = [sys.executable, "-m", "citybrain.hub.hotline.linking.tests.neighbour", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        try:
            yield Neighbour(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.django_db(transaction=True)
def test_two_cities_exchange_a_ticket_and_its_answer(line: Line, live_server: Any, settings: Any) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]
    with neighbour() as beihe:
        given = {
            "key": "beihe", "name": "北河12345", "kind": "hotline", "address": beihe.address, "our_key": "haining",
            "secret_out": "ours-to-beihe-0123456789",
        }  # fmt: skip
        made_partner, secret = partners.add_partner(line.actor("manager"), given)
        beihe.do("partner", key="haining", name="海宁津12345", address=live_server.url, our_key="beihe",
                 secret_in="ours-to-beihe-0123456789", secret_out=secret)  # fmt: skip
        ticket = line.hear(text="北河一侧的河堤护栏断了一截")
        made = handing.hand_over(
            line.actor("operator"), ticket.pk, Plan(made_partner.pk, "事发地在北河"), now=line.now
        )
        carry(line)
        ((number, text, state, channel),) = beihe.do("tickets")["tickets"]
        assert (text, state, channel) == ("北河一侧的河堤护栏断了一截", State.RECEIVED, "linked")
        made.refresh_from_db()
        assert (made.state, made.their_number) == ("received", number)
        assert line.ticket(ticket.pk).state == State.ACCEPTED
        beihe.do("take", number=number, step="answer", given={"reply": "护栏已连夜修复，并已加装警示牌。"})
        beihe.do("tick")
        ours = line.ticket(ticket.pk)
        assert (ours.state, ours.reply) == (State.REPLIED, "护栏已连夜修复，并已加装警示牌。")
        line.do(ours, "manager", "redo", reason="来电人说护栏仍松动")
        carry(line)
        beihe.do("tick")
        assert beihe.do("tickets")["tickets"][0][2] in {State.REDO, State.TO_DISPATCH}
    what = list(HandOver.objects.get().trail.values_list("what", flat=True))
    assert what[:4] == ["handed_over", "delivered", "replied_in", "redo_out"]
