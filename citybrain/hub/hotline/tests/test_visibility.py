"""Who sees which ticket and what of it: nothing of another's, and no caller for a unit, anywhere.

Numbers of queries are held where many rows are shown.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases.models import Case, CaseEvent
from citybrain.hub.hotline import contact, lists, quality_checks, rates
from citybrain.hub.hotline.actions import take
from citybrain.hub.hotline.detail import ticket_page
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.filters import Filters, read
from citybrain.hub.hotline.models.ticket import Ticket, TicketEvent
from citybrain.hub.hotline.tests.conftest import ANSWER, LAMP, NAME, PHONE, Line

SECRET = (PHONE, NAME, "李先生")
TOLD = f"我叫{NAME}，电话{PHONE}，建国道12号门前堆着装修垃圾，请联系李先生。"

# a: east, at east_cm; b: west, at west_cm; c: nowhere, not sent; d: east, at east_housing with east_cm helping;
# e: the citizen's own on the portal, east, not sent
SEES = {
    "operator": "abcde",
    "manager": "abcde",
    "operator_west": "b",
    "handler": "ad",
    "handler2": "d",
    "handler_west": "b",
    "street_handler": "",
    "citizen": "e",
    "neighbour": "",
    "acceptor": "",
    "dispatcher": "",
    "chief": "",
    "mayor": "",
    "worker": "",
    "audit": "",
    "system": "",
    "security": "",
}


@pytest.fixture
def five(line: Line) -> dict[str, Ticket]:
    return {
        "a": line.sent(),
        "b": line.do(
            line.hear(area_id=line.area("west1")), "operator", "dispatch", agency=line.agency("west_cm")
        ),
        "c": line.hear(area_id=None),
        "d": line.sent("east_housing", co=[line.agency("east_cm")]),
        "e": line.hear(channel="portal", login="citizen"),
    }


def named(five: dict[str, Ticket], ids: set[int]) -> str:
    return "".join(sorted(name for name, ticket in five.items() if ticket.pk in ids))


@pytest.mark.parametrize("who", sorted(SEES))
def test_each_of_the_cast_sees_exactly_their_part_by_every_door(
    who: str, line: Line, five: dict[str, Ticket]
) -> None:
    actor, sees = line.actor(who), SEES[who]
    assert named(five, set(Ticket.objects.visible_to(actor).values_list("pk", flat=True))) == sees
    ids = [ticket.pk for ticket in five.values()]
    assert named(five, set(lists.marks(actor, ids))) == sees
    assert named(five, set(in_all(actor, Filters()))) == ("" if who == "citizen" else sees)
    for name, ticket in five.items():
        if name in sees:
            assert ticket_page(actor, ticket.number).ticket.pk == ticket.pk
            continue
        with pytest.raises(NotFound):
            ticket_page(actor, ticket.number)
        for step in ("comment", "accept", "dispatch", "supplement"):
            with pytest.raises(NotFound):
                take(actor, ticket.pk, step, {"reason": "看"}, now=line.now)
        with pytest.raises(NotFound):
            contact.reveal(actor, ticket.pk, "看看")
        with pytest.raises(NotFound):
            quality_checks.ask(actor, ticket.pk)


def in_all(actor: Any, filters: Filters) -> list[int]:
    try:
        return [row.id for row in lists.page(actor, "all", filters).rows]
    except KeyError:
        return []


@pytest.mark.parametrize("who", sorted(SEES))
def test_no_count_list_or_rate_tells_of_what_one_may_not_see(
    who: str, line: Line, five: dict[str, Ticket]
) -> None:
    actor, sees = line.actor(who), set(SEES[who])
    for key, number in lists.counts(actor).items():
        rows = lists.page(actor, key, Filters()).rows
        assert {row.id for row in rows} <= {five[name].pk for name in sees}
        assert number == len(rows), key
    for one in lists.LISTS:
        if not lists.has(actor, one):
            with pytest.raises(KeyError):
                lists.page(actor, one.key, Filters())
    counted = sum(
        row.rates["direct"].below for row in rates.rates(actor, line.now.replace(hour=0), line.later(hours=1))
    )
    assert counted == {"manager": 5, "chief": 5, "mayor": 5}.get(who, 0)


@pytest.mark.parametrize(
    ("who", "key", "sees"),
    [
        ("handler", "to_accept", "a"),
        ("handler", "co", "d"),
        ("handler2", "to_accept", "d"),
        ("handler2", "co", ""),
        ("operator", "to_receive", "ce"),
        ("operator", "mine", "abcd"),
    ],
)
def test_a_work_list_holds_what_its_reader_has_to_do(
    who: str, key: str, sees: str, line: Line, five: dict[str, Ticket]
) -> None:
    rows = lists.page(line.actor(who), key, Filters()).rows
    assert named(five, {row.id for row in rows}) == sees


# No caller for a unit


@pytest.fixture
def told(line: Line) -> Ticket:
    """A ticket full of name and number, at a unit, with a case beside it, after steps that repeat them."""
    ticket = line.hear(TOLD, title=f"{NAME}反映堆物", place_text=f"建国道12号，{PHONE}", caller_id=None)
    ticket = line.do(
        ticket, "operator", "correct", title=f"{NAME}（{PHONE}）反映装修垃圾", reason=f"{NAME}又来电{PHONE}"
    )
    ticket = line.do(
        ticket, "operator", "dispatch", agency=line.agency("east_cm"), reason=f"请联系{NAME}{PHONE}"
    )
    return line.do(ticket, "operator", "comment", reason=f"{NAME}说急，{PHONE}")


@pytest.mark.parametrize("who", ["handler"])
def test_a_unit_finds_no_caller_on_the_page_in_lists_or_by_search(who: str, line: Line, told: Ticket) -> None:
    actor = line.actor(who)
    page = ticket_page(actor, told.number)
    assert not any(word in everything(page) for word in SECRET)
    assert "装修垃圾" in page.text
    assert page.contact is None
    assert page.contact_why_not.startswith("来电人未同意")
    assert (page.ticket.query_code, page.ticket.caller_id, page.ticket.extra) == ("", None, {})
    rows = lists.page(actor, "all", Filters()).rows
    assert rows
    assert not any(word in everything(rows) for word in SECRET)
    for word in SECRET:
        assert in_all(actor, read({"q": word})) == [], word
    assert in_all(actor, read({"q": "装修垃圾"})) == [told.pk]
    assert in_all(actor, read({"caller": "1"})) == []


def everything(value: Any) -> str:
    """Return all that an object holds, however deep, as one text."""
    if hasattr(value, "__dict__"):
        return " ".join(everything(one) for key, one in vars(value).items() if not key.startswith("_"))
    if hasattr(value, "__slots__"):
        return " ".join(everything(getattr(value, name)) for name in value.__slots__)
    if isinstance(value, dict):
        return " ".join(everything(one) for one in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(everything(one) for one in value)
    return str(value)


def test_the_hotline_sees_the_whole_message_and_a_masked_contact(line: Line, told: Ticket) -> None:
    page = ticket_page(line.actor("operator"), told.number)
    assert page.text == TOLD
    assert page.contact == contact.Contact("李**", "139****5678")


def test_the_case_and_its_history_hold_no_caller(line: Line) -> None:
    ticket = line.do(line.hear(TOLD, item_code=LAMP), "operator", "dispatch", reason=f"请联系{NAME}{PHONE}")
    case = Case.objects.get(pk=ticket.case_id)
    kept = everything(case) + everything(list(CaseEvent.objects.filter(case=case)))
    assert not any(word in kept for word in SECRET)


def test_neither_ledger_nor_steps_data_repeat_what_an_operator_typed(told: Ticket) -> None:
    bodies = list(Entry.objects.filter(subject=f"ticket:{told.pk}").values_list("body", flat=True))
    data = list(TicketEvent.objects.filter(ticket=told).values_list("data", flat=True))
    assert len(bodies) == len(data) == told.version
    assert not any(word in everything(bodies) + everything(data) for word in SECRET)
    assert "sha256:" in everything(bodies)


def test_the_ledger_holds_no_caller_but_who_looked_and_why(line: Line) -> None:
    ticket = line.hear(TOLD, shared=True)
    ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    assert contact.reveal(line.actor("handler"), ticket.pk, "约时间上门", line.now) == contact.Contact(
        NAME, PHONE
    )
    bodies = list(Entry.objects.filter(subject=f"ticket:{ticket.pk}").values_list("action", "body"))
    looked = [json.loads(body) for action, body in bodies if action == "hotline.view_contact"]
    assert looked == [{"why": "约时间上门", "role": "handler", "ground": "shared"}]
    assert not any(word in body for _action, body in bodies for word in (PHONE, NAME))


def test_a_unit_sees_the_number_only_when_the_work_needs_it_and_the_hotline_says_so(line: Line) -> None:
    ticket = line.do(line.sent(), "handler", "accept")
    actor = line.actor("handler")
    with pytest.raises(Forbidden, match="未同意"):
        contact.reveal(actor, ticket.pk, "核实")
    ticket = line.do(ticket, "handler", "ask_contact", reason="须入户维修")
    assert "contact_asked" in ticket.flags
    with pytest.raises(Forbidden):
        line.do(ticket, "handler", "allow_contact", approve="是")
    ticket = line.do(ticket, "operator", "allow_contact", approve="是")
    assert (ticket.contact_needed, ticket.flags) == (True, [])
    assert contact.reveal(actor, ticket.pk, "约时间", line.now).phone == PHONE
    entry = Entry.objects.get(action="hotline.view_contact")
    assert json.loads(entry.body)["ground"] == "needed"
    line.do(ticket, "handler", "reply", reply=ANSWER)
    with pytest.raises(Forbidden, match="目前不由您的单位办理"):
        contact.reveal(actor, ticket.pk, "再看看")


def test_a_co_handler_and_a_unit_that_gave_it_back_never_see_the_number(line: Line) -> None:
    ticket = line.hear(shared=True)
    ticket = line.do(
        ticket, "operator", "dispatch", agency=line.agency("east_cm"), co=[line.agency("east_housing")]
    )
    with pytest.raises(Forbidden):
        contact.reveal(line.actor("handler2"), ticket.pk, "看看")
    ticket = line.do(ticket, "handler", "return", cause="not_ours", reason="不归我们")
    line.do(ticket, "manager", "review_return", approve="是", reason="同意")
    with pytest.raises(NotFound):
        contact.reveal(line.actor("handler"), ticket.pk, "看看")


def test_who_asked_to_stay_unknown_stays_unknown_to_the_unit(line: Line) -> None:
    ticket = line.hear(secret=True)
    ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"), contact="是")
    assert not ticket.contact_needed
    with pytest.raises(Forbidden, match="要求保密"):
        contact.reveal(line.actor("handler"), ticket.pk, "核实")
    assert contact.reveal(line.actor("operator"), ticket.pk, "回访", line.now).phone == PHONE


def test_putting_the_contact_right_leaves_no_trace_of_it_but_the_contact(line: Line) -> None:
    ticket = line.hear("王大民家门前的路灯不亮，打13700000007", phone="", name="")
    ticket = line.do(ticket, "operator", "set_contact", name="王大民", phone="13700000007")
    assert contact.reveal(line.actor("operator"), ticket.pk, "回访", line.now) == contact.Contact(
        "王大民", "13700000007"
    )
    event = TicketEvent.objects.get(ticket=ticket, action="set_contact")
    kept = everything(event.data) + everything(list(Entry.objects.values_list("body", flat=True)))
    assert not any(word in kept + ticket.plain for word in ("王大民", "13700000007"))
    assert ticket.caller_id is not None
    assert ticket.text == "王大民家门前的路灯不亮，打13700000007"
    sent = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    with pytest.raises(Forbidden):
        line.do(sent, "handler", "set_contact", name="甲")


def test_looking_takes_a_reason(line: Line) -> None:
    ticket = line.hear()
    with pytest.raises(BadInput, match="原因"):
        contact.reveal(line.actor("operator"), ticket.pk, "  ")
    assert not Entry.objects.filter(action="hotline.view_contact").exists()


def test_a_citizens_name_is_not_in_the_history_that_a_unit_reads(line: Line) -> None:
    ticket = line.hear(channel="portal", login="citizen")
    TicketEvent.objects.filter(ticket=ticket).update(actor_name="市民王小明")
    ticket = line.do(ticket, "citizen", "supplement", reason="在12号门前")
    TicketEvent.objects.filter(ticket=ticket, seq=2).update(actor_name="市民王小明")
    ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    seen = ticket_page(line.actor("handler"), ticket.number)
    assert [event.who for event in seen.events] == ["来电人", "来电人", "话务员甲"]


# Queries


def queries(run: Any) -> int:
    """Return how many statements touch the hotline; looks at the versions of tables in memory go by the clock."""
    with CaptureQueriesContext(connection) as caught:
        run()
    return sum("hotline_" in one["sql"] for one in caught.captured_queries)


def test_lists_counts_and_pages_take_a_fixed_number_of_queries(line: Line, five: dict[str, Ticket]) -> None:
    operator, handler = line.actor("operator"), line.actor("handler")
    number, at_unit = five["c"].number, five["a"].number
    for _again in range(2):
        assert queries(lambda: lists.page(operator, "all", Filters())) == 1
        assert queries(lambda: lists.counts(operator)) == 1
        assert queries(lambda: lists.page(handler, "to_accept", Filters())) == 1
        assert queries(lambda: lists.counts(handler)) == 1
        assert queries(lambda: rates.rates(operator, line.now, line.now)) == 1
        assert queries(lambda: ticket_page(operator, number)) == 7
        assert queries(lambda: ticket_page(handler, at_unit)) == 6
        for _more in range(3):
            line.sent()


def test_receiving_and_each_step_take_a_fixed_number_of_statements(line: Line) -> None:
    operator, handler = line.actor("operator"), line.actor("handler")
    made: list[Ticket] = []
    assert (
        queries(lambda: made.append(line.hear())) == 2
    )  # the intake, and this test's own look at the ticket
    ticket = made[0]
    given = {"agency": line.agency("east_cm")}
    assert queries(lambda: take(operator, ticket.pk, "dispatch", given, now=line.now)) == 9
    assert queries(lambda: take(handler, ticket.pk, "accept", {}, now=line.now)) == 5
    assert queries(lambda: take(handler, ticket.pk, "reply", {"reply": ANSWER}, now=line.now)) == 6


def test_a_search_shows_the_newest_first_across_its_two_looks(line: Line) -> None:
    """A search looks through the last days, then further back: together they are one list, page by page."""
    lately, old, older = (line.hear(text=f"门口第 {n} 盏路灯整夜不亮") for n in range(3))
    for ticket, days in ((old, 20), (older, 40)):
        Ticket.objects.filter(pk=ticket.pk).update(received_at=line.now - timedelta(days=days))
    Ticket.objects.filter(pk=older.pk).update(flags=["outside"])
    operator, asked = line.actor("operator"), read({"q": "路灯"})
    first = lists.page(operator, "all", asked, limit=2)
    rest = lists.page(operator, "all", asked, offset=2, limit=2)
    assert [row.id for row in first.rows] == [lately.pk, old.pk]
    assert first.next_offset == 2
    assert [row.id for row in rest.rows] == [older.pk]
    assert rest.next_offset is None
    flagged = lists.page(operator, "all", read({"q": "路灯", "flag": "outside"}))
    assert [row.id for row in flagged.rows] == [older.pk]
    assert queries(lambda: lists.page(operator, "all", asked)) == 1
