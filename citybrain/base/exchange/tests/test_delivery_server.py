"""The door behind its real server, and what developers in a hurry send to it: each gets one clear answer in JSON."""

import asyncio
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from citybrain.base.catalogue.models import Grant
from citybrain.base.exchange import delivery
from citybrain.base.exchange.delivery import keys, plans
from citybrain.base.exchange.models import ApiKey, CallGroup
from citybrain.base.exchange.tests import lending
from citybrain.base.exchange.tests.hasty import CALLS, KEY, OWN, PATH
from citybrain.base.identity.actor import SYSTEM
from citybrain.site.up import data_command

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 60.0


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]


def ready(port, process):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(OSError, http.client.HTTPException):
            if ask(port, "GET", "/")[0] == 404:
                return
        time.sleep(0.1)
    pytest.fail("the server didn't come up")


@pytest.fixture
def server(tmp_path):
    """The data process as the city runs it, on the test's own database; its port."""
    known = connection.settings_dict
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}",
        "DJANGO_SETTINGS_MODULE": "citybrain.site.settings", "CITYBRAIN_SECRET_KEY": settings.SECRET_KEY,
        "CITYBRAIN_HOME": str(tmp_path), "CITYBRAIN_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    with subprocess.Popen(data_command(port), env=environment) as process:
        try:
            ready(port, process)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()


def ask(port, method, path, body=None, **headers):
    """Return status, headers and body of one call."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    link.request(method, path, content, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = link.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    link.close()
    return found


@pytest.fixture
def lent():
    people = lending.dataset()
    lending.serve(people.code, lending.SHAPE, lending.PEOPLE)
    return lending.lend(people, ["id_no", "name", "income"], masks={"name": "name"})[1]


def test_every_hasty_call_gets_one_clear_answer_and_none_is_a_failure_of_ours(server, lent):
    wrong = []
    for name, (method, path, body, headers, status, code) in CALLS.items():
        shown = {**headers, **({"Authorization": f"Bearer {lent}"} if OWN.items() <= headers.items() else {})}
        found, head, content = ask(server, method, path, body, **shown)
        told = json.loads(content or b"{}")
        if (found, told.get("error")) != (status, code):
            wrong.append(f"{name}: {found} {told.get('error')} {told.get('message')}")
            continue
        assert head["content-type"] == "application/json", name
        if code is not None:
            assert any("一" <= letter <= "鿿" for letter in told["message"]), name
            assert not any("一" <= letter <= "鿿" for letter in told["message_en"]), name
    assert wrong == []
    assert Grant.objects.count() == 1


def test_head_says_what_get_would_without_a_body(server, lent):
    own = {"Authorization": f"Bearer {lent}"}
    assert ask(server, "HEAD", PATH, **own)[::2] == (200, b"")
    assert ask(server, "HEAD", f"{PATH}/by-key", **own)[::2] == (405, b"")
    status, head, _ = ask(server, "OPTIONS", PATH)
    assert (status, head["allow"]) == (200, "GET, HEAD, OPTIONS")


def test_header_lines_beyond_all_measure_end_the_call_and_nothing_else(server, lent):
    own = {"Authorization": f"Bearer {lent}"}
    with contextlib.suppress(OSError):
        assert ask(server, "POST", f"{PATH}/by-key", {"key": KEY}, **own, X="t" * 2_000_000)[0] == 431
    assert ask(server, "POST", f"{PATH}/by-key", {"key": KEY}, **own)[0] == 200


def test_what_ended_is_told_apart(server, lent):
    own = {"Authorization": f"Bearer {lent}"}
    told = []

    def call():
        status, _, body = ask(server, "POST", f"{PATH}/by-key", {"key": KEY}, **own)
        told.append((status, json.loads(body).get("error")))

    call()
    Grant.objects.update(valid_until=timezone.now())
    call()
    Grant.objects.update(valid_until=None, revoked_at=timezone.now())
    call()
    Grant.objects.update(revoked_at=None)
    call()
    keys.revoke_key(SYSTEM, ApiKey.objects.get())
    call()
    expected = [(200, None), (403, "grant_expired"), (403, "grant_revoked"), (200, None), (401, "key_ended")]
    assert told == expected


def test_a_page_of_another_grant_is_no_page_of_this_one(server, lent):
    other = lending.lend(Grant.objects.get().dataset, ["id_no", "name", "income"])[1]
    _, _, body = ask(server, "POST", f"{PATH}/rows", {"limit": 5}, Authorization=f"Bearer {lent}")
    asked = {"limit": 5, "after": json.loads(body)["after"]}
    status, _, body = ask(server, "POST", f"{PATH}/rows", asked, Authorization=f"Bearer {other}")
    assert (status, json.loads(body)["error"]) == (422, "bad_cursor")


def test_a_body_in_pieces_is_read_and_one_without_end_is_cut_off(server, lent):
    def pieces(count):
        yield b'{"key": "' + KEY.encode() + b'"'
        for _ in range(count):
            yield b" " * 1000
        yield b"}"

    found = []
    for count in (2, 2000):
        link = http.client.HTTPConnection("127.0.0.1", server, timeout=PATIENCE)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            link.request("POST", f"{PATH}/by-key", pieces(count), {"Authorization": f"Bearer {lent}"})
        found.append(link.getresponse().status)
        link.close()
    assert found == [200, 413]


async def _patient(port, key, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses = []
    for turn in range(5):
        body = json.dumps({"key": lending.PEOPLE[(number + turn) % 40][0]}).encode()
        head = f"POST {PATH}/by-key HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        if number % 20 == 7 and turn == 4:
            break  # hangs up without waiting
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        told = json.loads(await reader.readexactly(length))
        statuses.append((int(answer[9:12]), told["row"]["id_no"] == json.loads(body)["key"]))
    writer.close()
    return statuses


def test_two_hundred_connections_at_once_each_get_their_own_rows_with_receipts(server, lent):
    other = lending.lend(Grant.objects.get().dataset, ["id_no"])[1]

    async def everybody():
        return await asyncio.gather(
            *(asyncio.wait_for(_patient(server, (lent, other)[n % 2], n), PATIENCE) for n in range(200))
        )

    found = [one for statuses in asyncio.run(everybody()) for one in statuses]
    assert set(found) == {(200, True)}
    assert len(found) == 1000 - 10
    assert sum(CallGroup.objects.values_list("calls", flat=True)) >= len(found)


def test_every_refusal_stands_in_the_developers_page():
    folder = Path(delivery.__file__).parent
    said = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    codes = {*re.findall(r'Refused\(\s*"(\w+)"', said), *plans.REASONS}
    page = (folder.parents[3] / "docs" / "delivery.md").read_text(encoding="utf-8")
    assert {code for code in codes if f"`{code}`" not in page} == set()
    assert len(codes) > 30
