"""What can go wrong with a step of a ticket, told to the person who took it."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.hub.hotline.states import State


class TicketError(Exception):
    """A step that was not taken; `message` is for the person, `code` for machines."""

    code = "invalid"
    status = 422

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(TicketError):
    """No such ticket, or not for this person: the two answers are the same on purpose."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(_("没有找到这张工单，或您无权查看。"))


class Conflict(TicketError):
    """Somebody else was faster: says who, when, and what the ticket is now."""

    code = "conflict"
    status = 409

    def __init__(self, state: State, who: str, when: datetime) -> None:
        stamp = timezone.localtime(when).strftime("%m-%d %H:%M")
        super().__init__(
            _("该工单已由%(who)s于 %(when)s 变为“%(state)s”，请刷新后再操作。")
            % {"who": who, "when": stamp, "state": state.label}
        )
        self.state, self.who, self.when = state, who, when


class BadInput(TicketError):
    """An input is missing or can't be; `field` names it."""


class NotNow(TicketError):
    """The step exists and the person may take it, but this ticket does not meet its condition."""

    code = "not_now"
    status = 409
