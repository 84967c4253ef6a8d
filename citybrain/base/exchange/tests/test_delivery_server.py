"""The door behind its real server, and what developers in a hurry send to it: each gets one clear answer in JSON."""

import asyncio
import contextlib
import gzip
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
from citybrain.base.identity.actor import SYSTEM
from citybrain.site.up import data_command

pytestmark = pytest.mark.django_db(transaction=True)
KEY = lending.PEOPLE[0][0]
PATH = "/v1/ga_population"
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
    own = {"Authorization": f"Bearer {lent}"}
    where = {"field": "name", "op": "eq"}
    three = {"field": "income", "op": "between", "value": [1, 2, 3]}

    def more_than(value):
        return {"where": [{"field": "income", "op": "gt", "value": value}]}

    hostile = "'; DROP TABLE catalogue_grant; --"
    rows, by_key = f"{PATH}/rows", f"{PATH}/by-key"
    calls = {
        "no key": ("POST", by_key, {"key": KEY}, {}, 401, "no_key"),
        "a wrong key": ("POST", by_key, {"key": KEY}, {"Authorization": "Bearer cbd_" + "x" * 43}, 401, "unknown_key"),
        "a key of another house": ("POST", by_key, {}, {"Authorization": "Basic dTpw"}, 401, "unknown_key"),
        "a huge key": ("POST", by_key, {}, {"Authorization": "Bearer cbd_" + "x" * 60_000}, 401, "unknown_key"),
        "a key not text": ("POST", by_key, {}, {"Authorization": b"Bearer cbd_\xff\xe9"}, 401, "no_key"),
        "a huge header": ("POST", by_key, {"key": KEY}, {**own, "X-Trace": "t" * 100_000}, 200, None),
        "broken JSON": ("POST", by_key, b'{"key": "980', own, 400, "bad_json"),
        "no body": ("POST", by_key, None, own, 400, "bad_json"),
        "a form": ("POST", by_key, b"key=980101199001011234", own, 400, "bad_json"),
        "bytes that are no text": ("POST", by_key, b'{"key": "\xff\xfe"}', own, 400, "bad_json"),
        "half a letter": ("POST", by_key, b'{"key": "\\ud800"}', own, 400, "bad_json"),
        "a list": ("POST", by_key, [KEY], own, 400, "bad_request"),
        "brackets without end": ("POST", by_key, b"[" * 100_000, own, 400, "bad_json"),
        "too much": ("POST", by_key, b'{"key": "' + b"9" * 300_000 + b'"}', own, 413, "too_long"),
        "packed": ("POST", by_key, gzip.compress(b"{}"), {**own, "Content-Encoding": "gzip"}, 415, "packed_body"),
        "wants it packed": ("POST", by_key, {"key": KEY}, {**own, "Accept-Encoding": "gzip, br"}, 200, None),
        "a misspelt member": ("POST", by_key, {"key": KEY, "feilds": ["name"]}, own, 422, "unknown_member"),
        "a count": ("POST", rows, {"count": "income"}, own, 422, "unknown_member"),
        "parameters in the address": ("POST", f"{rows}?limit=5", {}, own, 400, "no_query"),
        "nothing by that key": ("POST", by_key, {"key": "张三🙂é"}, own, 404, "no_row"),
        "SQL as key": ("POST", by_key, {"key": hostile}, own, 404, "no_row"),
        "a key of lists": ("POST", by_key, {"key": [KEY]}, own, 422, "bad_key"),
        "an empty key": ("POST", by_key, {"key": None}, own, 422, "bad_key"),
        "a long key": ("POST", by_key, {"key": "9" * 5000}, own, 422, "bad_key"),
        "a field unknown": ("POST", by_key, {"key": KEY, "fields": ["x"]}, own, 403, "field_not_granted"),
        "a field not granted": ("POST", by_key, {"key": KEY, "fields": ["sex"]}, own, 403, "field_not_granted"),
        "SQL as field": ("POST", rows, {"fields": [hostile]}, own, 403, "field_not_granted"),
        "fields as text": ("POST", by_key, {"key": KEY, "fields": "name"}, own, 422, "bad_request"),
        "a filter on what isn't granted": (
            "POST", rows, {"where": [{"field": "sex", "op": "eq", "value": "1"}]}, own, 403, "field_not_granted",
        ),
        "sorted by what isn't granted": ("POST", rows, {"sort": "-sex"}, own, 403, "field_not_granted"),
        "SQL as sort": ("POST", rows, {"sort": "name; SELECT 1"}, own, 403, "field_not_granted"),
        "SQL as value": ("POST", rows, {"where": [{**where, "value": hostile}]}, own, 200, None),
        "a comparison unknown": ("POST", rows, {"where": [{**where, "op": "like"}]}, own, 422, "bad_condition"),
        "conditions as text": ("POST", rows, {"where": "name = 1"}, own, 422, "bad_condition"),
        "nothing to compare with": ("POST", rows, {"where": [where]}, own, 422, "bad_condition"),
        "a list for a value": ("POST", rows, {"where": [{**where, "value": [1]}]}, own, 422, "bad_value"),
        "a truth for a text": ("POST", rows, {"where": [{**where, "value": True}]}, own, 422, "bad_value"),
        "no number": ("POST", rows, more_than("much"), own, 422, "bad_value"),
        "a number beyond its type": ("POST", rows, more_than("1e40"), own, 422, "bad_value"),
        "an absurd number": ("POST", rows, more_than("1e999999"), own, 422, "bad_value"),
        "a between of three": ("POST", rows, {"where": [three]}, own, 422, "bad_condition"),
        "in nothing": ("POST", rows, {"where": [{**where, "op": "in", "value": []}]}, own, 422, "bad_condition"),
        "a million rows": ("POST", rows, {"limit": 1_000_000}, own, 422, "bad_limit"),
        "less than nothing": ("POST", rows, {"limit": -1}, own, 422, "bad_limit"),
        "a page invented": ("POST", rows, {"after": "AAAA"}, own, 422, "bad_cursor"),
        "a page in letters": ("POST", rows, {"after": "第二页"}, own, 422, "bad_cursor"),
        "another set": ("POST", "/v1/ga_vehicle/by-key", {"key": KEY}, own, 404, "not_here"),
        "a set in letters": ("POST", "/v1/%E4%BA%BA%00%ff/by-key", {"key": KEY}, own, 404, "not_here"),
        "no address": ("GET", "/", None, {}, 404, "not_here"),
        "an address too deep": ("GET", "/v1/" + "a/" * 2000, None, own, 404, "not_here"),
        "upwards": ("GET", "/v1/../../etc/passwd", None, own, 404, "not_here"),
        "the wrong way": ("GET", by_key, None, own, 405, "method_not_allowed"),
        "another wrong way": ("DELETE", PATH, None, own, 405, "method_not_allowed"),
        "a way of their own": ("FETCH", rows, None, own, 405, "method_not_allowed"),
        "the ways": ("OPTIONS", by_key, None, {}, 200, None),
        "a file's form": ("POST", f"{PATH}/files", {"form": "docx"}, own, 422, "bad_form"),
        "a file since never": ("POST", f"{PATH}/files", {"since": 2**70}, own, 422, "bad_since"),
        "no such file": ("GET", f"{PATH}/files/F1", None, own, 404, "not_here"),
        "no such link": ("GET", "/files/abc", None, {}, 404, "link_ended"),
        "what it opens": ("GET", PATH, None, own, 200, None),
    }  # fmt: skip
    wrong = []
    for name, (method, path, body, headers, status, code) in calls.items():
        found, head, content = ask(server, method, path, body, **headers)
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
