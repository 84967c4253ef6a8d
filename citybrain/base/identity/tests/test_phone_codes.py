import http.server
import json
import re
import threading
from datetime import timedelta
from typing import ClassVar

import pytest

from citybrain.base.identity.actor import actor_for
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Person, PhoneCode
from citybrain.base.identity.phone_codes import confirm_code, send_code, sweep
from citybrain.base.identity.phones import masked, normalise_phone
from citybrain.base.identity.senders import CouldNotSend, KeepingSender, WebhookSender, sender

from .conftest import NOW

PHONE = "13800138000"
WIDE = "".join(chr(ord(digit) + 0xFEE0) for digit in PHONE)  # as typed with a Chinese keyboard
SECOND = timedelta(seconds=1)


@pytest.fixture
def sent() -> list[tuple[str, str]]:
    KeepingSender.sent.clear()
    return KeepingSender.sent


def ask(phone: str = PHONE, now=NOW, ip: str = "10.1.0.5", device: str = "") -> str:
    return send_code(phone, ip=ip, device=device, sender=KeepingSender(), now=now).ticket


def code_in(message: tuple[str, str]) -> str:
    return re.search(r"\d{6}", message[1])[0]


def test_the_code_opens_an_account_the_first_time_and_the_same_one_later(db: None, sent: list) -> None:
    ticket = ask("+86 138-0013 8000")
    assert sent[0][0] == PHONE
    first = confirm_code(ticket, code_in(sent[0]), NOW + SECOND)
    assert (first.kind, first.phone, first.login, first.auth_level) == ("citizen", PHONE, None, "L1")
    assert actor_for(first).may("cases.report")

    again = confirm_code(ask(now=NOW + 61 * SECOND), code_in(sent[1]), NOW + 62 * SECOND)
    assert again.pk == first.pk


def test_a_code_works_once_and_for_five_minutes(db: None, sent: list) -> None:
    ticket = ask()
    confirm_code(ticket, code_in(sent[0]), NOW + SECOND)
    with pytest.raises(Refused, match="已失效"):
        confirm_code(ticket, code_in(sent[0]), NOW + 2 * SECOND)
    ticket = ask(now=NOW + 61 * SECOND)
    with pytest.raises(Refused, match="已失效"):
        confirm_code(ticket, code_in(sent[1]), NOW + 361 * SECOND)


def test_after_five_wrong_tries_the_right_code_is_dead(db: None, sent: list) -> None:
    ticket = ask()
    right = code_in(sent[0])
    wrong = "000000" if right != "000000" else "111111"
    told = []
    for _try in range(5):
        with pytest.raises(Refused) as refused:
            confirm_code(ticket, wrong, NOW)
        told.append(str(refused.value))
    assert told == [
        *(f"验证码不对，还可以试 {left} 次。" for left in (4, 3, 2, 1)),
        "验证码不对，请重新获取。",
    ]
    with pytest.raises(Refused, match="已失效"):
        confirm_code(ticket, right, NOW)


def test_a_strangers_wrong_tries_do_not_touch_the_owners_code(db: None, sent: list) -> None:
    mine = ask(device="known-device")
    theirs = ask(ip="203.0.113.9")
    for _try in range(6):
        with pytest.raises(Refused):
            confirm_code(theirs, "xxxxxx", NOW)

    assert confirm_code(mine, code_in(sent[0]), NOW).phone == PHONE


def test_a_stranger_cannot_use_up_the_owners_share_of_codes(db: None, sent: list) -> None:
    now = NOW
    for number in range(5):
        ask(now=now, ip=f"203.0.113.{number}")
        now += 61 * SECOND
    with pytest.raises(Refused, match="次数过多"):
        ask(now=now, ip="203.0.113.99")

    assert ask(now=now, device="known-device")


def test_codes_are_limited_by_time_phone_and_network(db: None, sent: list) -> None:
    ask()
    with pytest.raises(Refused, match="请 60 秒后再试"):
        ask()
    for number in range(1, 20):
        ask(f"139001380{number:02d}")
    with pytest.raises(Refused, match="所在的网络"):
        ask("13700137000")
    assert ask("13700137000", ip="10.2.0.1")
    assert sweep(NOW + timedelta(days=1)) == 0
    assert sweep(NOW + timedelta(days=3)) == 21


def test_the_table_holds_neither_code_nor_ticket(db: None, sent: list) -> None:
    ticket = ask()
    row = PhoneCode.objects.get()
    assert code_in(sent[0]) not in {row.code_hash, row.ticket_hash}
    assert ticket not in {row.code_hash, row.ticket_hash}


def test_a_closed_citizen_does_not_get_in(db: None, sent: list) -> None:
    Person.objects.create(kind="citizen", phone=PHONE, name="市民", is_active=False)
    with pytest.raises(Refused, match="已停用"):
        confirm_code(ask(), code_in(sent[0]), NOW)


@pytest.mark.parametrize(
    "phone", ["", "12345", "1380013800", "138001380000", "<script>", "12800138000", "१३८००१३८०००"]
)
def test_what_is_no_mobile_number_is_refused(db: None, sent: list, phone: str) -> None:
    with pytest.raises(Refused, match="请输入正确的手机号码"):
        ask(phone)
    assert sent == []


def test_numbers_are_kept_in_one_form() -> None:
    assert {
        normalise_phone(text) for text in ("138 0013 8000", "+8613800138000", WIDE, "0086-13800138000")
    } == {PHONE}
    assert normalise_phone("+852 5123 4567") == "+85251234567"
    assert masked(PHONE) == "138****8000"


def test_the_city_chooses_its_sender(settings) -> None:
    settings.SMS_SENDER = "citybrain.base.identity.senders.KeepingSender"
    assert isinstance(sender(), KeepingSender)


class Gateway(http.server.BaseHTTPRequestHandler):
    status = 200
    got: ClassVar[list] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.headers["Authorization"], json.loads(body)))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def gateway(settings):
    server = http.server.HTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SMS_WEBHOOK = f"http://127.0.0.1:{server.server_port}/sms"
    settings.SMS_WEBHOOK_TOKEN = "t0ken"
    Gateway.got.clear()
    Gateway.status = 200
    yield Gateway
    server.shutdown()
    server.server_close()


def test_the_webhook_hands_the_message_over(gateway) -> None:
    WebhookSender().send(PHONE, "验证码 123456")
    assert gateway.got == [("Bearer t0ken", {"phone": PHONE, "text": "验证码 123456"})]


def test_a_gateway_that_fails_is_told_and_the_code_withdrawn(db: None, gateway) -> None:
    gateway.status = 500
    with pytest.raises(CouldNotSend):
        WebhookSender().send(PHONE, "x")
    with pytest.raises(Refused, match="短信暂时发不出去"):
        send_code(PHONE, ip=None, device="", sender=WebhookSender(), now=NOW)
    assert PhoneCode.objects.count() == 0
