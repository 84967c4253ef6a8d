"""Answers, calls back to the caller, doing over, concluding: the second half of a ticket's life."""

from datetime import timedelta

from django.utils.translation import gettext as _

from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import Rating
from citybrain.hub.hotline import cases_of, limits, quality, units
from citybrain.hub.hotline.change import Change
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.link import HandOver
from citybrain.hub.hotline.models.ticket import CallBack, Ticket
from citybrain.hub.hotline.states import Reached, State

SPOKEN = frozenset({Reached.REACHED, Reached.MESSAGE})


def must_answer(change: Change) -> None:
    """Note what the rules say of an answer. Raises BadInput for one that isn't one."""
    verdict = quality.judge(change.inputs["reply"], kind=change.ticket.kind, message=change.ticket.plain)
    if not verdict.is_answer:
        raise BadInput(
            _("这不是答复：%(why)s。请写明核实情况和处理结果。") % {"why": "；".join(verdict.labels)}, "reply"
        )
    change.facts |= {"score": verdict.score, "faults": list(verdict.faults)}


def answer(change: Change) -> None:
    must_answer(change)
    ticket = change.ticket
    ticket.reply, ticket.replied_at, ticket.replied_by_id = change.inputs["reply"], change.now, None
    ticket.filed_at = ticket.filed_at or change.now
    ticket.needs_person = False


def reply(change: Change) -> None:
    must_answer(change)
    ticket = change.ticket
    ticket.reply, ticket.replied_at, ticket.replied_by_id = (
        change.inputs["reply"],
        change.now,
        ticket.agency_id,
    )
    units.mark_lead(ticket, replied_at=change.now, reply=change.inputs["reply"])


def outside_reply(change: Change) -> None:
    ticket = change.ticket
    ticket.reply, ticket.replied_at, ticket.replied_by_id = change.inputs["reply"], change.now, None


def accept(change: Change) -> None:
    ticket = change.ticket
    ticket.accepted_at = change.now
    ticket.handler_id = change.actor.person_id
    units.mark_lead(ticket, accepted_at=change.now)


def call_back(change: Change) -> None:
    """Write down a call; one that reached the caller decides: solved and not dissatisfied concludes."""
    ticket, given = change.ticket, change.inputs
    reached = Reached(given["reached"])
    if reached in SPOKEN and ("solved" not in given or "rating" not in given):
        missing = "solved" if "solved" not in given else "rating"
        raise BadInput(_("已接通时请填写问题是否解决和满意程度。"), missing)
    ticket.call_count += 1
    _told(change, reached)
    if reached not in SPOKEN:
        ticket.state = State.CALLING_BACK
        wait = limits.follow_up(change.now)["call_again_minutes"]
        ticket.call_after = change.now + timedelta(minutes=wait)
        if reached is not Reached.NO_ANSWER:
            change.facts["unreachable"] = True
            ticket.flags = [*dict.fromkeys([*ticket.flags, "unreachable"])]


def rate(change: Change) -> None:
    """Take the caller's own word, as good as a call that reached them."""
    change.inputs.setdefault("solved", change.inputs["rating"] >= Rating.FAIRLY_SATISFIED)
    _told(change, Reached.MESSAGE)


def _told(change: Change, reached: Reached) -> None:
    ticket, given = change.ticket, change.inputs
    spoken = reached in SPOKEN
    if spoken:
        CallBack.objects.filter(ticket_id=ticket.pk, counts=True).update(counts=False)
    CallBack.objects.create(
        ticket_id=ticket.pk,
        at=change.now,
        by_id=change.actor.person_id,
        reached=reached,
        contacted=given.get("contacted") if spoken else None,
        solved=given.get("solved") if spoken else None,
        rating=given.get("rating") if spoken else None,
        said=change.reason,
        agency_id=ticket.agency_id,
        counts=spoken,
    )
    if not spoken:
        return
    ticket.visited_at, ticket.call_after = change.now, None
    ticket.contacted, ticket.solved, ticket.rating = given.get("contacted"), given["solved"], given["rating"]
    if ticket.state == State.CONCLUDED:
        return
    settled = ticket.solved and ticket.rating >= Rating.FAIRLY_SATISFIED
    ticket.state = State.CONCLUDED if settled else State.CALLING_BACK
    if settled:
        ticket.concluded_at = change.now


def redo(change: Change) -> None:
    """Send an unsettled matter back to who handled it; with nobody to go back to, it has to be sent anew."""
    ticket = change.ticket
    ticket.redo_count += 1
    CallBack.objects.filter(ticket_id=ticket.pk, counts=True).update(counts=False)
    ticket.solved = ticket.rating = ticket.visited_at = ticket.contacted = ticket.concluded_at = None
    ticket.accepted_at = ticket.replied_at = ticket.call_after = ticket.on_time = None
    ticket.call_count = 0
    ticket.flags = [flag for flag in ticket.flags if flag != "unreachable"]
    if ticket.case_id is not None:
        if not cases_of.do_over(ticket, change.reason, change.now):
            ticket.case_id = None
            units.end_all(ticket, change.now, "case_ended")
            ticket.state = State.TO_DISPATCH
    elif ticket.outside and not _held_outside(ticket):
        change.facts["outside"], ticket.outside = ticket.outside, ""
        ticket.state = State.TO_DISPATCH
    elif ticket.agency_id is None and not ticket.outside:
        ticket.state = State.TO_DISPATCH
    else:
        units.mark_lead(ticket, sent_at=change.now, accepted_at=None, replied_at=None)


def _held_outside(ticket: Ticket) -> bool:
    """Return whether another line still holds the ticket and can be told to do it over."""
    return HandOver.objects.filter(ticket_id=ticket.pk, outgoing=True, ended_at=None).exists()


def conclude(change: Change) -> None:
    ticket = change.ticket
    if ticket.solved is False and not change.reason:
        raise BadInput(_("来电人表示未解决，办结须写明理由。"), "reason")
    ticket.concluded_at = change.now


def take_case_reply(ticket: Ticket, change: Change) -> None:
    """Take the answer over from the case: what the handler fed back, else what closed it."""
    case = Case.objects.filter(pk=ticket.case_id or 0).first()
    if case is None:
        return
    rows = case.events.filter(action__in=("feedback", "self_handle"), seq__lte=ticket.case_seq).order_by(
        "-seq"
    )
    told = rows.values_list("reason", flat=True).first()
    ticket.reply = told or change.reason
    ticket.replied_at, ticket.replied_by_id = change.now, case.agency_id or ticket.agency_id
    units.mark_lead(ticket, replied_at=change.now, reply=ticket.reply)
