"""The words of a case's life: states, stages, sources, steps with a clock, photo kinds.

Source: our code tables after CJ/T 214 and GB/T 30428.2 (see docs/glossary.md).
"""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class State(IntegerChoices):
    REPORTED = 10, _("已上报")
    VERIFYING = 11, _("核实中")
    SELF_HANDLED = 12, _("自行处置")
    PENDING_FILING = 20, _("待立案")
    REJECTED = 21, _("不予立案")
    PENDING_DISPATCH = 30, _("待派遣")
    RETURNED = 31, _("已退回")
    PENDING_HANDLING = 40, _("待处置")
    HANDLING = 41, _("处置中")
    EXTENSION_REQUESTED = 42, _("申请延期")
    SUSPENDED = 43, _("挂账")
    HANDLED = 50, _("已反馈")
    CHECKING = 60, _("核查中")
    REWORK = 61, _("返工")
    CLOSED = 70, _("结案")
    FORCED_CLOSED = 71, _("强制结案")
    CANCELLED = 90, _("作废")


TERMINAL = frozenset({State.SELF_HANDLED, State.REJECTED, State.CLOSED, State.FORCED_CLOSED, State.CANCELLED})
OPEN = frozenset(State) - TERMINAL


class Stage(IntegerChoices):
    """What a citizen sees of it, too: received, in hand, done."""

    COLLECTION = 1, _("信息采集")
    FILING = 2, _("案卷建立")
    DISPATCH = 3, _("任务派遣")
    HANDLING = 4, _("任务处理")
    FEEDBACK = 5, _("处理反馈")
    CHECK = 6, _("核查结案")
    EVALUATION = 7, _("综合评价")


STAGE_OF: dict[State, Stage] = {
    State.REPORTED: Stage.COLLECTION,
    State.VERIFYING: Stage.COLLECTION,
    State.SELF_HANDLED: Stage.COLLECTION,
    State.PENDING_FILING: Stage.FILING,
    State.REJECTED: Stage.FILING,
    State.PENDING_DISPATCH: Stage.DISPATCH,
    State.RETURNED: Stage.DISPATCH,
    State.PENDING_HANDLING: Stage.HANDLING,
    State.HANDLING: Stage.HANDLING,
    State.EXTENSION_REQUESTED: Stage.HANDLING,
    State.SUSPENDED: Stage.HANDLING,
    State.REWORK: Stage.HANDLING,
    State.HANDLED: Stage.FEEDBACK,
    State.CHECKING: Stage.CHECK,
    State.CLOSED: Stage.EVALUATION,
    State.FORCED_CLOSED: Stage.EVALUATION,
    State.CANCELLED: Stage.FILING,
}


class Source(TextChoices):
    GRID_WORKER = "01", _("网格员上报")
    CITIZEN = "02", _("随手拍（公众）")
    HOTLINE = "03", _("12345热线")
    THING = "04", _("物联感知")
    VIDEO = "05", _("视频智能识别")
    AGENCY = "06", _("部门推送")
    LEADER = "07", _("领导批示")
    WHISTLE = "08", _("吹哨")
    MEDIA = "09", _("媒体网络")
    MODEL = "10", _("模型预警")


class Step(IntegerChoices):
    """A stretch of a case's life with a deadline of its own."""

    FILING = 1, _("立案")
    DISPATCH = 2, _("派遣")
    HANDLING = 3, _("处置")
    CHECKING = 4, _("核查")


class PhotoKind(TextChoices):
    CLOSE = "close", _("近景")
    WIDE = "wide", _("远景")
    REFERENCE = "reference", _("参照物")
    BEFORE = "before", _("处置前")
    AFTER = "after", _("处置后")


class Rating(IntegerChoices):
    VERY_SATISFIED = 5, _("非常满意")
    SATISFIED = 4, _("满意")
    FAIRLY_SATISFIED = 3, _("基本满意")
    DISSATISFIED = 2, _("不满意")
    VERY_DISSATISFIED = 1, _("非常不满意")
