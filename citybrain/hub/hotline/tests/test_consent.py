"""What a case may hold of who spoke: nothing in its history, and no more than the caller allows today."""

from typing import Any

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases import contact
from citybrain.hub.cases.errors import NotFound
from citybrain.hub.cases.models import Case, CaseContact, CaseEvent, Outbox
from citybrain.hub.cases.states import State
from citybrain.hub.hotline import cases_of, export, filters
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.privacy import NAME as NO_NAME
from citybrain.hub.hotline.privacy import PHONE as NO_PHONE
from citybrain.hub.hotline.tests.conftest import LAMP, NAME, PHONE, Line

pytestmark = pytest.mark.django_db
REASON = f"请联系{NAME}，{PHONE}，务必上门"


def by_case(line: Line, **more: Any) -> Ticket:
    ticket = line.do(line.hear(item_code=LAMP, **more), "operator", "dispatch")
    assert ticket.case_id is not None
    return ticket


def reasons(ticket: Ticket) -> list[str]:
    return list(
        CaseEvent.objects.filter(case_id=ticket.case_id or 0).order_by("seq").values_list("reason", flat=True)
    )


def test_why_a_case_is_done_over_names_nobody_in_its_history(line: Line) -> None:
    ticket = by_case(line)
    Case.objects.filter(pk=ticket.case_id or 0).update(state=State.CLOSED, is_open=False)
    assert cases_of.do_over(ticket, REASON, line.now)
    assert reasons(ticket)[-1] == f"请联系{NO_NAME}，{NO_PHONE}，务必上门"


def test_why_a_unit_is_designated_names_nobody_in_the_cases_history(line: Line) -> None:
    ticket = by_case(line)
    cases_of.send(ticket, line.agency("east_housing"), line.now, step="reassign", reason=REASON)
    assert reasons(ticket)[-1] == f"请联系{NO_NAME}，{NO_PHONE}，务必上门"


@pytest.mark.parametrize("given", [{"secret": "是"}, {"shared": "否"}], ids=["secret", "not shared"])
def test_consent_taken_back_takes_the_contact_from_the_case(line: Line, given: dict[str, str]) -> None:
    ticket = by_case(line, shared=True)
    other = by_case(line, shared=True, text="解放路5号门前路灯也不亮", area_id=line.area("east2"))
    line.do(ticket, "operator", "correct", **given)
    assert [one.case_id for one in CaseContact.objects.all()] == [other.case_id]
    entry = Entry.objects.get(action="cases.put_contact_right")
    assert (entry.subject, NAME in entry.body, PHONE in entry.body) == (
        f"case:{ticket.case_id}",
        False,
        False,
    )


def test_consent_given_later_gives_the_case_the_contact(line: Line) -> None:
    ticket = by_case(line)
    line.do(ticket, "operator", "correct", shared="是")
    kept = CaseContact.objects.get()
    assert (kept.case_id, kept.name, kept.phone, kept.shared) == (ticket.case_id, NAME, PHONE, True)


def test_a_contact_put_right_leaves_the_cases_text_and_reaches_its_contact(line: Line) -> None:
    said = "王大民家门前的路灯不亮，座机27310000"
    ticket = by_case(line, text=said, shared=True, place_text="王大民家门前")
    assert "王大民" in Case.objects.get(pk=ticket.case_id or 0).description
    Outbox.objects.all().delete()
    line.do(ticket, "operator", "set_contact", name="王大民", phone="27310000")
    case = Case.objects.get(pk=ticket.case_id or 0)
    assert (case.description, case.address) == (
        f"{NO_NAME}家门前的路灯不亮，座机{NO_PHONE}",
        f"{NO_NAME}家门前",
    )
    kept = CaseContact.objects.get()
    assert (kept.name, kept.phone, kept.shared) == ("王大民", "27310000", True)
    assert Outbox.objects.filter(topic=f"case:{case.pk}").exists()
    written = " ".join(Entry.objects.filter(action="cases.put_contact_right").values_list("body", flat=True))
    assert "description" in written
    assert "王大民" not in written


def test_a_contact_put_right_stays_with_the_hotline_where_the_caller_did_not_agree(line: Line) -> None:
    ticket = by_case(line)
    line.do(ticket, "operator", "set_contact", name="王大民", phone="13700000007")
    assert not CaseContact.objects.exists()


def test_nobody_but_the_hotline_puts_a_cases_contact_right(line: Line) -> None:
    ticket = by_case(line)
    for login in ("chief", "handler", "manager"):
        with pytest.raises(Forbidden):
            contact.put_right(line.actor(login), ticket.case_id or 0, contact.Contact("甲", PHONE), str)
    with pytest.raises(NotFound):
        contact.put_right(SYSTEM, 10**9, None, str)
    assert not CaseContact.objects.exists()


def test_an_export_writes_no_number_that_was_searched_for_into_the_ledger(line: Line) -> None:
    line.hear()
    for asked in (PHONE, "139 1234 5678", "27310000", "路灯 022-27310000"):
        export.workbook(line.actor("manager"), "all", filters.read({"q": asked, "order": "newest"}), line.now)
    kept = " ".join(Entry.objects.filter(action="hotline.export").values_list("body", flat=True))
    assert not any(told in kept for told in (PHONE, "1234 5678", "27310000"))
    assert kept.count("newest") == 4
    export.workbook(line.actor("manager"), "all", filters.read({"q": "RX261119000001"}), line.now)
    assert "RX261119000001" in Entry.objects.filter(action="hotline.export").latest("id").body
