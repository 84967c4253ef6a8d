"""Interfaces: only where they may lie, every row once, and a clear answer to whatever else comes."""

import gzip
import ipaddress
import json
import socket
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from citybrain.base.exchange import actions, runs, words
from citybrain.base.exchange.models import Run, Source
from citybrain.base.exchange.sealing import sealed
from citybrain.base.exchange.sources import SourceError, interfaces, outward
from citybrain.base.exchange.sources.answers import Asker, Limits
from citybrain.base.exchange.tests.lending import agency, dataset
from citybrain.base.exchange.tests.stub import Call, Reply, Stub, serving
from citybrain.base.exchange.tests.test_intake import SHAPE, ids
from citybrain.base.identity.actor import SYSTEM

ROWS = [{"n": n} for n in range(5)]


@pytest.fixture(autouse=True)
def _loopback_is_open(settings: Any) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]


def as_json(value: Any) -> Reply:
    return Reply(json.dumps(value).encode())


def source_of(stub: Stub, secret: str = "", **told: Any) -> Source:
    return Source(
        name="接口", kind="http", settings={"url": f"{stub.address}/rows", **told}, secret=sealed(secret)
    )


def rows_of(source: Source, **limits: Any) -> tuple[list[Any], list[float]]:
    """Return all rows, and the pauses that were made."""
    pauses: list[float] = []
    with outward.client() as link:
        asker = Asker(link, source, Limits(**limits), sleep=pauses.append)
        return [row for page in interfaces.pages(link, source, asker) for row in page], pauses


def refusal(answer: Callable[[Call], Reply], **more: Any) -> str:
    """Return what is said of an interface that can't be read."""
    limits = more.pop("limits", {})
    with serving(answer) as stub, pytest.raises(SourceError) as refused:
        rows_of(source_of(stub, **more), **limits)
    return str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
        "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1",
    ],
)  # fmt: skip
def test_every_way_to_write_an_inner_address_is_inner(address: str) -> None:
    assert outward.is_inner(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.2.4.8", "114.114.114.114", "240e::1", "2400:3200::1", "64:ff9b::7272:7272"]
)
def test_the_public_network_is_open(address: str) -> None:
    assert not outward.is_inner(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("named", "host", "address", "is_open"),
    [
        ("files.inner.gov.cn", "files.inner.gov.cn", "10.0.0.5", True),
        ("files.inner.gov.cn", "FILES.inner.gov.cn.", "10.0.0.5", True),
        ("files.inner.gov.cn", "x.files.inner.gov.cn", "10.0.0.5", False),
        ("*.inner.gov.cn", "a.b.inner.gov.cn", "10.0.0.5", True),
        ("*.inner.gov.cn", "evilinner.gov.cn", "10.0.0.5", False),
        ("10.0.0.0/24", "anything", "10.0.0.5", True),
        ("10.0.0.0/24", "anything", "10.0.1.5", False),
        ("10.0.0.5:8080", "anything", "10.0.0.5", True),
        ("10.0.0.5:81", "anything", "10.0.0.5", False),
        ("[fd00::5]:8080", "anything", "fd00::5", True),
        ("files.inner.gov.cn", "files.inner.gov.cn", "169.254.169.254", False),
        ("169.254.169.254", "files.inner.gov.cn", "169.254.169.254", True),
    ],
)
def test_the_operator_opens_hosts_by_name_domain_address_and_network(
    named: str, host: str, address: str, is_open: bool
) -> None:
    assert outward.is_named(host, 8080, ipaddress.ip_address(address), [named]) is is_open


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_an_inner_host_is_shut_unless_it_is_named_and_nothing_is_sent_there(settings: Any, host: str) -> None:
    settings.SOURCE_HOSTS = ["files.inner.gov.cn"]
    with serving(lambda _: as_json(ROWS)) as stub:
        source = source_of(stub)
        port = stub.address.rpartition(":")[2]
        source.settings["url"] = f"http://{host}:{port}/rows"
        with pytest.raises(SourceError, match="CITYBRAIN_SOURCE_HOSTS"):
            rows_of(source)
    assert stub.calls == []


def test_a_name_is_looked_up_once_so_that_it_can_not_change_its_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer of the name server is public, the next one inner: rebinding."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, *args: Any, **kwargs: Any) -> Any:
        if host != "two-faced.example":
            return real(host, *args, **kwargs)
        asked.append(host)
        address = "1.2.4.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, args[0]))]

    connected: list[str] = []

    def connect(self: Any, host: str, *_: Any, **__: Any) -> Any:
        connected.append(host)
        raise outward.httpcore.ConnectError("not in a test")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(outward.httpcore.SyncBackend, "connect_tcp", connect)
    source = Source(name="接口", kind="http", settings={"url": "http://two-faced.example/rows"})
    with pytest.raises(SourceError):
        rows_of(source, tries=1)
    assert (asked, connected) == (["two-faced.example"], ["1.2.4.8"])


def test_a_redirect_into_the_inner_network_is_not_followed(settings: Any) -> None:
    with serving(lambda _: as_json(ROWS)) as inner:
        port = inner.address.rpartition(":")[2]
        reply = Reply(b"", 302, {"Location": f"http://127.0.0.2:{port}/latest/meta-data"})
        assert "127.0.0.2" in refusal(lambda _: reply)
    assert inner.calls == []


def test_a_redirect_to_another_host_is_followed_without_the_secret() -> None:
    with (
        serving(lambda _: as_json(ROWS)) as other,
        serving(lambda _: Reply(b"", 307, {"Location": f"{other.address}/signed?x=1"})) as stub,
    ):
        rows, _ = rows_of(source_of(stub, "秘密abc", secret_header="X-Key", headers={"X-Tenant": "t"}))
    assert rows == ROWS
    assert (stub.calls[0].headers["x-tenant"], "x-key" in stub.calls[0].headers) == ("t", True)
    assert not {"x-key", "x-tenant", "authorization"} & set(other.calls[0].headers)
    assert other.calls[0].params == {"x": "1"}


def test_redirects_without_end_are_given_up() -> None:
    assert "more than 5 times" in refusal(lambda call: Reply(b"", 302, {"Location": call.path + "x"}))


def paged(paging: str, capped: int = 1000, asked: int = 2) -> Callable[[Call], Reply]:
    """Return an interface with five rows that gives at most `capped` a page."""
    size = min(asked, capped)

    def answer(call: Call) -> Reply:
        given = call.params
        at = {"page": (int(given.get("page", 1)) - 1) * size, "offset": int(given.get("offset", 0))}.get(
            paging, int(given.get("cursor", 0))
        )
        part = ROWS if paging == "none" else ROWS[at : at + size]
        more = at + size < len(ROWS) and paging != "none"
        reply = as_json({"data": {"list": part}, "next": at + size if more else None, "now": len(part)})
        if more:
            reply.headers["Link"] = f'</rows?cursor={at + size}>; rel="next"'
        return reply

    return answer


@pytest.mark.parametrize("paging", ["page", "offset", "cursor", "link", "none"])
def test_an_interface_is_read_page_by_page(paging: str) -> None:
    with serving(paged(paging)) as stub:
        rows, pauses = rows_of(source_of(stub, paging=paging, rows="data.list", size=2))
    assert (rows, pauses) == (ROWS, [])


@pytest.mark.parametrize("paging", ["page", "offset"])
def test_an_interface_that_gives_less_a_page_than_asked_for_is_read_to_its_end(paging: str) -> None:
    with serving(paged(paging, capped=2, asked=100)) as stub:
        rows, _ = rows_of(source_of(stub, paging=paging, rows="data.list", size=100))
    assert rows == ROWS


def test_a_server_that_repeats_its_last_page_behind_the_end_gives_each_row_once() -> None:
    def answer(call: Call) -> Reply:
        page = min(int(call.params["page"]), 2)
        return as_json({"records": ROWS[(page - 1) * 3 : page * 3], "total": 5, "at": len(stub.calls)})

    with serving(answer) as stub:
        assert rows_of(source_of(stub, paging="page", rows="records", size=3))[0] == ROWS
    with serving(lambda _: as_json({"records": ROWS, "t": len(again.calls)})) as again:
        assert rows_of(source_of(again, paging="page", rows="records", size=100))[0] == ROWS


@pytest.mark.parametrize(
    ("paging", "answer", "says"),
    [
        ("page", lambda call: as_json({"d": ROWS, "asked": call.params["page"]}), "same page twice"),
        ("cursor", lambda call: as_json({"d": [call.params], "next": "a" if call.params else "b"}), "circle"),
        ("link", lambda _: Reply(b'{"d": [1]}', headers={"Link": '</rows>; rel="next"'}), "circle"),
    ],
)  # fmt: skip
def test_pages_that_turn_in_a_circle_are_stopped(
    paging: str, answer: Callable[[Call], Reply], says: str
) -> None:
    assert says in refusal(answer, paging=paging, rows="d", size=5)


def test_rows_that_the_interface_says_it_has_and_does_not_give_are_missed() -> None:
    says = refusal(lambda _: as_json({"d": ROWS, "sum": 7}), rows="d", total="sum")
    assert "7 rows and gave 5" in says


def test_a_next_page_at_another_host_is_not_followed() -> None:
    reply = Reply(json.dumps(ROWS).encode(), headers={"Link": '<https://evil.test/>; rel="next"'})
    assert "evil.test" in refusal(lambda _: reply, paging="link")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_interface_is_asked_again_after_growing_pauses(status: int) -> None:
    def answer(_: Call) -> Reply:
        return Reply(b"busy", status) if len(stub.calls) < 4 else as_json(ROWS)

    with serving(answer) as stub:
        rows, pauses = rows_of(source_of(stub))
    assert rows == ROWS
    assert [low <= pause <= 1.5 * low for pause, low in zip(pauses, (1, 2, 4), strict=True)] == [True] * 3


def test_the_pause_an_interface_asks_for_is_kept() -> None:
    def answer(_: Call) -> Reply:
        return Reply(b"", 429, {"Retry-After": "7"}) if len(stub.calls) < 2 else as_json(ROWS)

    with serving(answer) as stub:
        assert rows_of(source_of(stub)) == (ROWS, [7.0])


def test_an_interface_that_never_has_time_is_given_up_and_a_connection_that_breaks_is_busy_too() -> None:
    assert "answers 503; asked 5 times" in refusal(lambda _: Reply(b"", 503))

    def answer(_: Call) -> Reply:
        return Reply(b'[{"n"', broken=True) if len(stub.calls) < 2 else as_json(ROWS)

    with serving(answer) as stub:
        assert rows_of(source_of(stub))[0] == ROWS


@pytest.mark.parametrize(("status", "says"), [(401, "accept the source's secret"), (404, "answers 404")])
def test_what_asking_again_can_not_mend_is_said_at_once(status: int, says: str) -> None:
    calls: list[Call] = []
    assert says in refusal(lambda call: calls.append(call) or Reply(b"", status))  # type: ignore[func-returns-value]
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(b"<!DOCTYPE html><p>login", headers={"Content-Type": "text/html"}), "perhaps a page to sign in"),
        (Reply(b"\x89PNG\r\n\x1a\n", headers={"Content-Type": "image/png"}), "isn't JSON (image/png"),
        (Reply(b'{"code": 500, "msg": "x"}'), "the answer has code, msg"),
        (Reply(b"[" * 200_000), "isn't JSON"),
        (Reply(b"x", headers={"Content-Encoding": "br"}), "packed as 'br'"),
        (Reply(b"x", headers={"Content-Encoding": "gzip, gzip"}), "packed as 'gzip, gzip'"),
        (Reply(gzip.compress(b'[{"n":1}]')[:-9], headers={"Content-Encoding": "gzip"}), "ends too early"),
    ],
)  # fmt: skip
def test_what_is_no_page_of_rows_is_refused_by_what_it_is(reply: Reply, says: str) -> None:
    assert says in refusal(lambda _: reply)


def test_a_bomb_is_stopped_while_it_is_unpacked() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(80)) + packer.flush()
    assert len(bomb) < 100_000
    reply = Reply(bomb, headers={"Content-Encoding": "gzip"})
    assert f"more than {64 << 20} bytes" in refusal(lambda _: reply)


def test_pages_without_end_are_stopped_by_bytes_and_by_time() -> None:
    def endless(call: Call) -> Reply:
        return as_json(
            {
                "d": [{"n": call.params.get("cursor", "")}],
                "next": call.params.get("cursor", "") + "x",
            }
        )

    assert "more than 500 bytes in one fetch" in refusal(
        endless, paging="cursor", rows="d", limits={"whole_bytes": 500}
    )
    assert "one fetch takes more than 0 seconds" in refusal(
        lambda _: as_json(ROWS), limits={"whole_seconds": 0}
    )


def test_every_digit_and_every_encoding_arrives(lake_home: Path) -> None:
    body = '[{"姓名":"张三","n":12345678901234567890,"x":1.10}]'.encode("gbk")
    reply = Reply(
        gzip.compress(body), headers={"Content-Type": "text/html;charset=GBK", "Content-Encoding": "gzip"}
    )
    folder = lake_home.parent / "got"
    folder.mkdir()
    with serving(lambda _: reply) as stub:
        got = interfaces.fetch(source_of(stub), folder)
    assert got is not None
    assert got.path.read_text() == '{"姓名":"张三","n":12345678901234567890,"x":"1.10"}\n'


def test_a_posted_question_carries_its_page_in_the_body() -> None:
    def answer(call: Call) -> Reply:
        at = json.loads(call.body)["page"]
        return as_json(ROWS[(at - 1) * 2 : at * 2])

    with serving(answer) as stub:
        assert rows_of(source_of(stub, method="POST", paging="page", size=2, params={"a": 1}))[0] == ROWS
    assert json.loads(stub.calls[0].body) == {"a": 1, "size": 2, "page": 1}


@pytest.mark.django_db
def test_an_interface_feeds_its_set_and_one_that_wants_an_hour_gets_it(lake_home: Path) -> None:
    replies = [
        Reply(b"", 503, {"Retry-After": "3600"}),
        as_json({"data": [{"id_no": "11010519491231002X", "name": "张三", "income": 10.5}, {"id_no": "坏"}]}),
    ]
    with serving(lambda _: replies.pop(0)) as stub:
        told = {"url": f"{stub.address}/rows", "rows": "data"}
        source = actions.add_source(
            SYSTEM,
            dataset("people", SHAPE),
            agency("police"),
            name="接口",
            kind="http",
            settings=told,
            secret="k",
        )
        run = actions.run_source(SYSTEM, source)
        assert runs.work_one(timezone.now())
        run.refresh_from_db()
        assert (run.state, run.next_try_at > timezone.now() + timedelta(minutes=59)) == ("queued", True)
        assert "3600 seconds" in words.why(run)
        assert runs.work_one(run.next_try_at + timedelta(seconds=1))
    run = Run.objects.get(pk=run.pk)
    assert (run.state, run.figures["rows_bad"], ids()) == ("done", 1, ["110105"])
    assert stub.calls[1].headers["authorization"] == "Bearer k"


def test_httpx_goes_no_other_way_than_the_guarded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with outward.client() as link:
        assert isinstance(link._transport, outward.GuardedTransport)
        assert link._mounts == {}
        assert isinstance(link._transport._pool._network_backend, outward.GuardedNetwork)
