"""Drafts: each sentence with its source, none where nothing fits, nothing of other people's tickets."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from citybrain.base.identity.access import Forbidden
from citybrain.hub.hotline.answers import drafts
from citybrain.hub.hotline.answers.tests.test_keeping import DOGS, HEAT, published
from citybrain.hub.hotline.models import Ticket
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import Line

pytestmark = pytest.mark.django_db

COLD = "家里暖气不热，室内温度只有15度，低于18℃，能申请减免热费吗？"


def settled(line: Line, text: str, reply: str, **more: object) -> Ticket:
    """Return a ticket that is concluded with an answer, of the item of heating."""
    ticket = line.hear(text)
    values = {
        "state": State.CONCLUDED, "is_open": False, "reply": reply, "item_code": "020301", "solved": True,
        "replied_at": line.now, "concluded_at": line.now,
    } | more  # fmt: skip
    Ticket.objects.filter(pk=ticket.pk).update(**values)
    return line.ticket(ticket.pk)


def test_every_sentence_of_a_draft_names_the_version_it_comes_from(base: Line) -> None:
    entry, _ = published(base), published(base, DOGS)
    draft = drafts.draft(base.actor("operator"), base.hear(COLD))
    assert draft.sentences
    for one in draft.sentences:
        assert (one.source.kind, one.source.key, one.source.version) == ("knowledge", entry.pk, 1)
        assert one.text in HEAT.body
    assert "申请减免热费" in draft.text


def test_there_is_no_draft_where_nothing_fits(base: Line) -> None:
    published(base, DOGS)
    draft = drafts.draft(base.actor("operator"), base.hear("楼上装修漏水，把我家天花板泡坏了，物业不管。"))
    assert (draft.sentences, draft.reason) == ((), "nothing_fits")


def test_an_expired_policy_is_not_drafted_from(base: Line) -> None:
    entry = published(base)
    ticket = base.hear(COLD)
    entry.valid_until = timezone.localdate() - timedelta(days=1)
    entry.save(update_fields=["valid_until"])
    assert drafts.draft(base.actor("operator"), ticket).sentences == ()


def test_a_draft_changes_no_ticket(base: Line) -> None:
    published(base)
    ticket = base.hear(COLD)
    before = Ticket.objects.filter(pk=ticket.pk).values().get()
    drafts.draft(base.actor("operator"), ticket)
    assert Ticket.objects.filter(pk=ticket.pk).values().get() == before


def test_rules_of_settled_answers_are_used_and_nothing_of_their_people(base: Line) -> None:
    reply = (
        "经查，李建国家室温15度，情况属实，已上门处理。张女士已确认。联系电话13912345678。"
        "根据供热条例，室内温度低于18℃的，可以申请减免热费。建国道12号楼3单元可以申请测温。"
    )
    other = settled(base, "暖气不热，室内温度低于18℃，想申请减免热费。", reply)
    ticket = base.hear(COLD)
    Ticket.objects.filter(pk=ticket.pk).update(item_code="020301")
    draft = drafts.draft(base.actor("operator"), ticket)
    assert [one.text for one in draft.sentences] == ["根据供热条例，室内温度低于18℃的，可以申请减免热费。"]
    assert draft.sentences[0].source.label == other.number
    for leak in ("李建国", "张女士", "139", "12号楼", "经查"):
        assert leak not in draft.text


def test_a_settled_ticket_that_the_actor_may_not_see_is_not_used(base: Line) -> None:
    other = settled(
        base, "暖气不热，室内温度低于18℃，想申请减免热费。", "根据条例，室内温度低于18℃的，可以申请减免热费。"
    )
    ticket = base.sent()
    Ticket.objects.filter(pk=ticket.pk).update(plain=COLD, text=COLD, item_code="020301")
    handler = base.actor("handler")
    assert not Ticket.objects.visible_to(handler).filter(pk=other.pk).exists()
    assert drafts.draft(handler, base.ticket(ticket.pk)).sentences == ()


def test_secret_unsolved_and_empty_answers_are_not_used(base: Line) -> None:
    rule = "根据条例，室内温度低于18℃的，可以申请减免热费。"
    text = "暖气不热，室内温度低于18℃，想申请减免热费。"
    settled(base, text, rule, is_secret=True)
    settled(base, text + "请问。", rule, solved=False)
    settled(base, text + "盼复。", "您好，您的来电已收悉，感谢您的支持。")
    ticket = base.hear(COLD)
    Ticket.objects.filter(pk=ticket.pk).update(item_code="020301")
    assert drafts.draft(base.actor("operator"), ticket).sentences == ()


def test_who_may_not_draft_or_see_the_ticket_gets_none(base: Line) -> None:
    ticket = base.hear(COLD)
    with pytest.raises(Forbidden):
        drafts.draft(base.actor("keeper"), ticket)
    with pytest.raises(Ticket.DoesNotExist):
        drafts.draft(base.actor("handler"), ticket)


def test_entries_that_fit_come_first_while_typing_and_stale_ones_say_so(base: Line) -> None:
    today = timezone.localdate()
    entry = published(base, replace(HEAT, review_on=today + timedelta(days=1)))
    published(base, DOGS)
    found = drafts.suggest(base.actor("operator"), "暖气不热能不能减免")
    assert found[0].entry_id == entry.pk
    assert not found[0].is_stale
    later = timezone.now() + timedelta(days=3)
    assert drafts.suggest(base.actor("operator"), "暖气不热能不能减免", now=later)[0].is_stale
    assert drafts.suggest(base.actor("operator"), "") == []
    assert drafts.suggest(base.actor("keeper"), "暖气不热") != []
