"""What a step changes on a ticket besides its state and its clocks."""

from typing import Final

from django.utils.translation import gettext as _

from citybrain.hub.hotline import answering, classing, following, merged, sending, units
from citybrain.hub.hotline.change import Change, Effect
from citybrain.hub.hotline.errors import BadInput, NotNow
from citybrain.hub.hotline.models.ticket import Ticket, TicketEvent
from citybrain.hub.hotline.states import DONE, State

SAYS_NOTHING: Final = frozenset({"silent", "test", "nuisance"})  # causes to void a whole flood at once


def _file(change: Change) -> None:
    classing.classify(change)
    change.ticket.filed_at = change.now


def _request_extension(change: Change) -> None:
    if change.ticket.due_at is not None and change.inputs["until"] <= change.ticket.due_at:
        raise BadInput(_("希望延至的时间须晚于现在的到期时间。"), "until")


def _ask_contact(change: Change) -> None:
    change.ticket.flags = [*dict.fromkeys([*change.ticket.flags, "contact_asked"])]


def _allow_contact(change: Change) -> None:
    change.ticket.contact_needed = change.inputs["approve"]
    change.ticket.flags = [flag for flag in change.ticket.flags if flag != "contact_asked"]


def _urge(change: Change) -> None:
    change.ticket.urge_count += 1


def _add_message(change: Change) -> None:
    change.ticket.urge_count += 1
    change.facts["folded"] = True


def _merge(change: Change) -> None:
    """Tie a ticket, and those that were tied to it, to the one that stands for the same matter.

    The main one's history keeps what was told.
    """
    number = change.inputs["main"]
    visible = Ticket.objects.visible_to(change.actor).open()
    main = visible.select_for_update(of=("self",)).filter(number=number).first()
    if main is None or main.pk == change.ticket.pk:
        raise BadInput(_("没有可并入的工单：%(number)s") % {"number": number}, "main")
    change.ticket.duplicate_of_id = main.pk
    change.ticket.is_valid = False
    change.facts["main_id"] = main.pk
    merged.stand_for(main.pk, change.ticket.pk)
    Ticket.objects.filter(pk=main.pk).update(
        version=main.version + 1, changed_at=change.now, urge_count=main.urge_count + 1
    )
    TicketEvent.objects.create(
        ticket=main,
        seq=main.version + 1,
        action="merged_in",
        from_state=main.state,
        to_state=main.state,
        at=change.now,
        actor_id=change.actor.person_id,
        actor_name=change.actor.name,
        actor_agency_id=change.actor.agency_id,
        reason=change.ticket.plain[:2000],
        data={"from": change.ticket.number},
    )


def _void(change: Change) -> None:
    """End a ticket without an answer; what other people told as well is voided only where it says nothing at all."""
    if change.inputs.get("cause") not in SAYS_NOTHING and merged.has_others(change.ticket):
        raise NotNow(_("还有其他人反映了同一问题，已并入本工单，不能作废。请办理，或并入主工单。"))
    change.ticket.is_valid = False


def _withdraw(change: Change) -> None:
    change.ticket.is_valid = False


def _outside_return(change: Change) -> None:
    change.ticket.return_count += 1
    change.facts["outside"] = change.ticket.outside
    change.ticket.outside = ""


EFFECTS: Final[dict[str, Effect]] = {
    "file": _file,
    "correct": classing.classify,
    "set_contact": classing.set_contact,
    "read": classing.read,
    "answer": answering.answer,
    "dispatch": sending.dispatch,
    "designate": sending.designate,
    "hand_over": sending.hand_over,
    "take_back": sending.take_back,
    "accept": answering.accept,
    "return": sending.request_return,
    "review_return": sending.review_return,
    "request_extension": _request_extension,
    "review_extension": sending.review_extension,
    "reply": answering.reply,
    "co_accept": units.co_accept,
    "co_reply": units.co_reply,
    "co_return": units.co_return,
    "change_units": units.change_co,
    "ask_contact": _ask_contact,
    "allow_contact": _allow_contact,
    "call_back": answering.call_back,
    "rate": answering.rate,
    "redo": answering.redo,
    "conclude": answering.conclude,
    "merge": _merge,
    "void": _void,
    "withdraw": _withdraw,
    "urge": _urge,
    "add_message": _add_message,
    "outside_return": _outside_return,
    "outside_reply": answering.outside_reply,
    "case_dispatched": following.dispatched,
    "case_accepted": following.accepted,
    "case_handling": following.handling,
    "case_returned": following.returned,
    "case_refused": following.refused,
    "case_replied": following.replied,
}


def apply(key: str, change: Change) -> None:
    """Change the ticket as the step says, and keep `is_open` true to its state."""
    effect = EFFECTS.get(key)
    if effect is not None:
        effect(change)
    change.ticket.is_open = State(change.ticket.state) not in DONE
