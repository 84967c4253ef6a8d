"""The words of a ticket's life: states, kinds, channels, urgency, units, steps with a clock.

Source: reference/codes.yaml `hotline`: the states of a ticket (工单), its kinds, the limits for signing.
"""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class State(IntegerChoices):
    RECEIVED = 10, _("待受理")
    ANSWERED_DIRECTLY = 11, _("直接答复")
    TO_DISPATCH = 20, _("待派单")
    DISPATCHED = 30, _("已派单")
    ACCEPTED = 31, _("已接收")
    RETURN_REQUESTED = 32, _("申请退单")
    HANDLING = 40, _("办理中")
    EXTENSION_REQUESTED = 41, _("申请延期")
    REPLIED = 50, _("已答复")
    CALLING_BACK = 60, _("回访中")
    REDO = 61, _("重办")
    CONCLUDED = 70, _("办结")
    ARCHIVED = 80, _("归档")
    VOIDED = 90, _("作废")


DONE = frozenset({State.CONCLUDED, State.ARCHIVED, State.VOIDED})
OPEN = frozenset(State) - DONE
TERMINAL = frozenset({State.ARCHIVED, State.VOIDED})


class Kind(TextChoices):
    """What the caller wants."""

    QUESTION = "1", _("咨询")
    HELP = "2", _("求助")
    COMPLAINT = "3", _("投诉")
    REPORT = "4", _("举报")
    SUGGESTION = "5", _("建议")
    PRAISE = "6", _("表扬")


CASE_KINDS = frozenset({Kind.HELP, Kind.COMPLAINT, Kind.REPORT})  # something in the world has to be put right


class Channel(TextChoices):
    PHONE = "phone", _("电话")
    PORTAL = "portal", _("网站")
    HOOK = "hook", _("系统推送")
    IMPORT = "import", _("批量导入")
    EMAIL = "email", _("电子邮件")
    LINKED = "linked", _("联动热线")
    API = "api", _("接口")


class Urgency(TextChoices):
    """Which limit for signing holds; the first is the most urgent."""

    DANGER = "danger", _("危及生命财产安全")
    UTILITIES = "utilities", _("水电气热")
    GENERAL = "general", _("一般")


class UnitRole(TextChoices):
    LEAD = "lead", _("主办")
    CO = "co", _("协办")


class Step(IntegerChoices):
    """A stretch of a ticket's life with a limit of its own; several clocks of one ticket may run at once."""

    FILING = 1, _("受理")
    SIGNING = 2, _("签收")
    RETURNING = 3, _("退单")
    HANDLING = 4, _("办理")
    REVIEWING = 5, _("审核")
    CALLING = 6, _("回访")


class Reached(TextChoices):
    """What became of a call to the caller."""

    REACHED = "reached", _("已接通")
    NO_ANSWER = "no_answer", _("无人接听")
    REFUSED = "refused", _("拒绝回访")
    WRONG_NUMBER = "wrong_number", _("号码有误")
    MESSAGE = "message", _("短信或网上评价")
