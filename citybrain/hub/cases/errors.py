"""What can go wrong with a step of a case, told to the person who took it."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.hub.cases.states import State
from citybrain.hub.steps import errors
from citybrain.hub.steps.errors import BadInput, NotNow
from citybrain.hub.steps.errors import StepError as CaseError

__all__ = ["BadInput", "CaseError", "Conflict", "NotFound", "NotNow"]


class NotFound(errors.NotFound):
    """No such case, or not for this person."""

    def __init__(self) -> None:
        super().__init__(_("没有找到这个案件，或您无权查看。"))


class Conflict(errors.Conflict):
    """Somebody else was faster: says who, when, and what the case is now."""

    def __init__(self, state: State, who: str, when: datetime) -> None:
        stamp = timezone.localtime(when).strftime("%m-%d %H:%M")
        told = {"who": who, "when": stamp, "state": state.label}
        super().__init__(
            _("该案件已由%(who)s于 %(when)s 变为“%(state)s”，请刷新后再操作。") % told, state, who, when
        )
