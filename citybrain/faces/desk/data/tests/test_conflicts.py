"""Suppliers that disagree, at the desk: who sees, answers and settles; what is masked; what a page costs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from citybrain.base.catalogue.actions.lending import due
from citybrain.base.catalogue.models import Supply, System
from citybrain.base.exchange import actions, runs
from citybrain.base.exchange.models import Conflict, Run
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.base.worktime.clock import Clock
from citybrain.faces.desk.data.tests.conftest import Exchange
from citybrain.sample.fixtures import NOW

NUMBER, MASKED = "129801199003072311", "129801**********11"
LIST = "/desk/data/conflicts/"


@dataclass
class Dispute:
    """The provider's row stands; another agency (the asker) says another name and was asked."""

    conflict: Conflict
    held: Supply
    offered: Supply

    @property
    def page(self) -> str:
        return f"{LIST}{self.conflict.pk}/"


@pytest.fixture
def dispute(exchange: Exchange, lake_home: Path) -> Dispute:
    held = Supply.objects.select_related("system__agency").get(dataset=exchange.people)
    system = System.objects.create(agency=exchange.asking, key="other", name="津贴系统")
    offered = Supply.objects.create(
        dataset=exchange.people, system=system, mode="file", update_cycle=2, rank=2
    )
    source = actions.add_source(SYSTEM, exchange.people, exchange.asking, name="津贴", supply=offered)
    run = runs.queue(source, "system")
    Run.objects.update(state="done")
    clock = Clock(NOW, 5 * 8 * 60)
    conflict = Conflict.objects.create(
        dataset=exchange.people, key=NUMBER, key_values={"id_no": NUMBER}, run=run, held_by=held, offered_by=offered,
        fields={"name": {"held": "周晓棠", "offered": "周小堂"}, "sex": {"held": "2", "offered": None}},
        asked=offered, clock=clock.to_json(), due_at=due(clock),
    )  # fmt: skip
    return Dispute(conflict, held, offered)


def text_of(exchange: Exchange, key: str, address: str) -> str:
    answer = exchange.client(key).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_both_suppliers_and_the_provider_see_it_and_nobody_else(exchange: Exchange, dispute: Dispute) -> None:
    for key in ("supplier", "supplier2", "asker", "chief"):
        for kind in ("open", "answer", "settle", "closed"):
            shown = dispute.page in text_of(exchange, key, f"{LIST}?list={kind}")
            assert shown == (kind == "open" or (kind == "answer" and key in {"asker", "chief"})), (key, kind)
        assert exchange.client(key).get(dispute.page).status_code == 200, key
    for kind in ("open", "answer", "settle", "closed"):
        text = text_of(exchange, "stranger", f"{LIST}?list={kind}")
        assert dispute.page not in text
        assert "户籍人口" not in text, "not even the set is named among the filters"
    assert exchange.client("stranger").get(dispute.page).status_code == 404
    assert exchange.client("stranger").post(f"{dispute.page}plain/").status_code == 404
    for key in ("worker", "auditor"):
        assert exchange.client(key).get(LIST).status_code == 403, key
        assert exchange.client(key).get(dispute.page).status_code == 403, key


def test_keys_and_values_are_masked_until_somebody_looks_which_the_ledger_keeps(
    exchange: Exchange, dispute: Dispute
) -> None:
    for address in (f"{LIST}?list=open", dispute.page):
        text = text_of(exchange, "asker", address)
        assert MASKED in text
        assert NUMBER not in text
        assert "周晓棠" not in text
    assert "周**" in text_of(exchange, "asker", dispute.page)
    assert not Entry.objects.filter(action="exchange.see_conflict").exists()
    text = exchange.client("asker").post(f"{dispute.page}plain/").content.decode()
    for said in (NUMBER, "周晓棠", "周小堂", "（空）"):
        assert said in text, said
    entry = Entry.objects.get(action="exchange.see_conflict")
    assert (entry.actor, entry.subject) == (exchange.actor("asker").key, f"conflict:{dispute.conflict.pk}")


def test_the_asked_answers_and_the_provider_settles_with_the_steps_kept(
    exchange: Exchange, dispute: Dispute
) -> None:
    assert "还剩" in text_of(exchange, "asker", f"{LIST}?list=answer") or "超" in text_of(
        exchange, "asker", LIST
    )
    assert 'id="settle"' not in text_of(exchange, "asker", dispute.page)
    assert 'id="answer"' not in text_of(exchange, "supplier", dispute.page)
    asker, supplier = exchange.client("asker"), exchange.client("supplier")
    assert asker.post(f"{dispute.page}settle/", {"supply": dispute.offered.pk}).status_code == 403
    assert supplier.post(f"{dispute.page}answer/", {"word": "stand", "note": "x"}).status_code == 403
    asker.post(f"{dispute.page}answer/", {"word": "stand", "note": "以身份证为准"})
    assert dispute.page in text_of(exchange, "supplier", f"{LIST}?list=settle")
    supplier.post(f"{dispute.page}settle/", {"note": "没有选"})
    dispute.conflict.refresh_from_db()
    assert dispute.conflict.state == "answered", "no side was named"
    supplier.post(f"{dispute.page}send/", {"supply": dispute.held.pk, "note": "请再核"})
    dispute.conflict.refresh_from_db()
    assert (dispute.conflict.state, dispute.conflict.asked) == ("sent", dispute.held)
    supplier.post(f"{dispute.page}settle/", {"supply": dispute.offered.pk, "note": "以身份证为准"})
    dispute.conflict.refresh_from_db()
    assert (dispute.conflict.state, dispute.conflict.settled_for) == ("settled", dispute.offered)
    text = text_of(exchange, "asker", dispute.page)
    for said in ("坚持原值", "退回核实", "裁定", "以身份证为准", "已裁定"):
        assert said in text, said
    assert dispute.page in text_of(exchange, "asker", f"{LIST}?list=closed")
    assert Run.objects.filter(name="conflict.jsonl", source__supply=dispute.offered).count() == 1


def test_the_first_page_counts_what_waits_for_whom(exchange: Exchange, dispute: Dispute) -> None:
    told = "<span>供数不一致待处理</span><b>{}</b>"
    for key, count in (("asker", 1), ("supplier", 0), ("stranger", 0)):
        assert told.format(count) in text_of(exchange, key, "/desk/"), key


def test_pages_take_their_number_of_queries(
    exchange: Exchange, dispute: Dispute, quiet: Callable[[], None], django_assert_num_queries: Any
) -> None:
    for address, queries in ((f"{LIST}?list=open", 9), (dispute.page, 5)):
        client = exchange.client("asker")
        client.get(address)
        with django_assert_num_queries(queries, info=address):
            answer = client.get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in answer.content.decode(), (address, forbidden)
