"""The lifecycle of a case as one table: who may, from where, to where, what it needs, what its clock does.

Everything else reads this table: the actions, the buttons a person sees, the API, the diagram in
docs/lifecycle.md. "Who may" is the permission `cases.<key>` (base.identity), or ownership (`by_owner`).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from citybrain.hub.cases.states import OPEN, PhotoKind, State, Step
from citybrain.hub.steps.inputs import TEXT_MOST


class Clock(Enum):
    """What a transition does to the running clock."""

    KEEP = "keep"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    FILING = Step.FILING
    DISPATCH = Step.DISPATCH
    HANDLING = Step.HANDLING
    CHECKING = Step.CHECKING


class Kind(Enum):
    TEXT = "text"
    CHOICE = "choice"
    AGENCY = "agency"
    ITEM = "item"
    CASE = "case"
    PERSON = "person"
    YES_NO = "yes_no"
    TIME = "time"
    MINUTES = "minutes"
    PHOTOS = "photos"
    RATING = "rating"


@dataclass(frozen=True, slots=True)
class Need:
    """One input of a step; `photos` names the kinds that must be there for Kind.PHOTOS, `most` the longest text."""

    name: str
    kind: Kind
    label: Promise
    required: bool = True
    choices: tuple[tuple[str, Promise], ...] = ()
    photos: tuple[PhotoKind, ...] = ()
    most: int = TEXT_MOST


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table. `to` None: the state stays. `style`: expected, plain, or danger."""

    key: str
    label: Promise
    sources: frozenset[State]
    to: State | None
    needs: tuple[Need, ...] = ()
    clock: Clock = Clock.KEEP
    by_owner: bool = False
    by_officer: bool = True
    batch: bool = False
    style: str = "plain"
    citizen: Promise | None = None
    key_hint: str = ""
    tolerant: bool = False

    @property
    def permission(self) -> str:
        return f"cases.{self.key}"


def _reason(label: Promise | None = None, required: bool = True) -> Need:
    return Need("reason", Kind.TEXT, label or _("理由"), required)


def _photos(label: Promise, *kinds: PhotoKind, required: bool = True) -> Need:
    return Need("photos", Kind.PHOTOS, label, required, photos=kinds)


RETURN_REASONS: Final = (
    ("not_ours", _("不属于本单位职责")),
    ("not_area", _("不在本单位辖区")),
    ("not_found", _("现场未发现问题")),
    ("needs_others", _("需其他单位牵头")),
    ("other", _("其他")),
)
REJECT_REASONS: Final = (
    ("not_city", _("不属于城市管理事项")),
    ("not_found", _("核实后不存在")),
    ("below_standard", _("未达到立案条件")),
    ("in_law", _("已进入司法或信访程序")),
    ("other", _("其他")),
)
CANCEL_REASONS: Final = (
    ("mistake", _("误报")),
    ("test", _("测试数据")),
    ("withdrawn", _("上报人撤回")),
    ("other", _("其他")),
)
ASK_KINDS: Final = (("extension", _("延期")), ("suspension", _("挂账")))

S = State
BEFORE_FILING: Final = frozenset({S.REPORTED, S.VERIFYING, S.PENDING_FILING})
AT_AGENCY: Final = frozenset({S.PENDING_HANDLING, S.HANDLING, S.EXTENSION_REQUESTED, S.SUSPENDED, S.REWORK})
AFTER_FILING: Final = OPEN - BEFORE_FILING
MAX_RETURNS: Final = 3  # Source: hotline consultation draft, "after three dispatches the centre designates"

_TABLE: Final = (
    Transition(
        "request_verify", _("派人核实"), frozenset({S.REPORTED, S.PENDING_FILING}), S.VERIFYING,
        (_reason(_("请核实什么"), required=False),), batch=True, citizen=_("正在安排人员到现场核实"), key_hint="v",
    ),
    Transition(
        "verify", _("提交核实结果"), frozenset({S.VERIFYING}), S.PENDING_FILING,
        (Need("found", Kind.YES_NO, _("现场是否属实")), _reason(_("核实情况"), required=False),
         _photos(_("现场照片"), required=False)),
        style="expected", citizen=_("工作人员已到现场核实"), key_hint="v",
    ),
    Transition(
        "self_handle", _("自行处置"), frozenset({S.REPORTED, S.VERIFYING, S.PENDING_FILING}), S.SELF_HANDLED,
        (_reason(_("处置情况")), _photos(_("处置前后照片"), PhotoKind.BEFORE, PhotoKind.AFTER)),
        clock=Clock.STOP, citizen=_("网格员已当场解决"),
    ),
    Transition(
        "file", _("立案"), BEFORE_FILING, S.PENDING_DISPATCH,
        (Need("item", Kind.ITEM, _("事项")), _reason(_("立案意见"), required=False)),
        clock=Clock.DISPATCH, batch=True, style="expected", citizen=_("已受理，正在安排负责单位"), key_hint="a",
    ),
    Transition(
        "reject", _("不予立案"), BEFORE_FILING, S.REJECTED,
        (Need("cause", Kind.CHOICE, _("原因"), choices=REJECT_REASONS), _reason(_("答复上报人"))),
        clock=Clock.STOP, batch=True, style="danger", citizen=_("未予受理"), key_hint="x",
    ),
    Transition(
        "merge", _("并入同一案件"), BEFORE_FILING, S.CANCELLED,
        (Need("main", Kind.CASE, _("主案件")),),
        clock=Clock.STOP, citizen=_("已与同一问题合并办理"), key_hint="m",
    ),
    Transition(
        "cancel", _("作废"), BEFORE_FILING | {S.PENDING_DISPATCH, S.RETURNED}, S.CANCELLED,
        (Need("cause", Kind.CHOICE, _("原因"), choices=CANCEL_REASONS), _reason(_("说明"))),
        clock=Clock.STOP, style="danger", citizen=_("已撤销"),
    ),
    Transition(
        "dispatch", _("派遣"), frozenset({S.PENDING_DISPATCH}), S.PENDING_HANDLING,
        (Need("agency", Kind.AGENCY, _("处置单位")), _reason(_("派遣意见"), required=False)),
        clock=Clock.HANDLING, batch=True, style="expected", citizen=_("已交负责单位处理"), key_hint="d",
    ),
    Transition(
        "redispatch", _("重新派遣"), frozenset({S.RETURNED}), S.PENDING_HANDLING,
        (Need("agency", Kind.AGENCY, _("处置单位")), _reason(_("派遣意见"), required=False)),
        clock=Clock.HANDLING, style="expected", citizen=_("已转交负责单位处理"), key_hint="d",
    ),
    Transition(
        "designate", _("指定处置单位"), frozenset({S.PENDING_DISPATCH, S.RETURNED}), S.PENDING_HANDLING,
        (Need("agency", Kind.AGENCY, _("处置单位")), _reason(_("指定理由"))),
        clock=Clock.HANDLING, citizen=_("已指定负责单位处理"),
    ),
    Transition(
        "reassign", _("改派"), frozenset({S.PENDING_HANDLING}), S.PENDING_HANDLING,
        (Need("agency", Kind.AGENCY, _("改派给")), _reason(_("改派理由"))),
        clock=Clock.HANDLING, citizen=_("已转交负责单位处理"),
    ),
    Transition(
        "accept", _("接收"), frozenset({S.PENDING_HANDLING, S.REWORK}), S.HANDLING,
        (), batch=True, style="expected", citizen=_("负责单位已接单，正在处理"), key_hint="a",
    ),
    Transition(
        "return", _("退回"), frozenset({S.PENDING_HANDLING, S.HANDLING}), S.RETURNED,
        (Need("cause", Kind.CHOICE, _("退回原因"), choices=RETURN_REASONS), _reason(_("说明"))),
        clock=Clock.DISPATCH, style="danger", key_hint="r",
    ),
    Transition(
        "handle", _("记录进展"), frozenset({S.HANDLING}), None,
        (_reason(_("进展")), _photos(_("照片"), required=False)), citizen=_("处理有新进展"),
    ),
    Transition(
        "request_extension", _("申请延期或挂账"), frozenset({S.HANDLING}), S.EXTENSION_REQUESTED,
        (Need("ask", Kind.CHOICE, _("申请"), choices=ASK_KINDS),
         Need("until", Kind.TIME, _("希望延至")), _reason()),
    ),
    Transition(
        "decide_extension", _("审批延期或挂账"), frozenset({S.EXTENSION_REQUESTED}), S.HANDLING,
        (Need("approve", Kind.YES_NO, _("是否同意")), _reason(_("审批意见"), required=False)),
        style="expected", batch=True,
    ),
    Transition(
        "suspend", _("挂账"), AT_AGENCY - {S.SUSPENDED}, S.SUSPENDED,
        (Need("until", Kind.TIME, _("挂账至")), _reason()),
        clock=Clock.PAUSE, citizen=_("因客观原因暂缓，将按期恢复处理"),
    ),
    Transition(
        "resume", _("恢复处置"), frozenset({S.SUSPENDED}), S.HANDLING,
        (_reason(required=False),), clock=Clock.RESUME, style="expected", citizen=_("已恢复处理"),
    ),
    Transition(
        "feedback", _("反馈结果"), frozenset({S.HANDLING}), S.HANDLED,
        (_reason(_("处置结果")), _photos(_("处置后照片"), PhotoKind.AFTER)),
        clock=Clock.CHECKING, style="expected", citizen=_("负责单位反馈已处理，等待核查"), key_hint="f",
    ),
    Transition(
        "start_check", _("派人核查"), frozenset({S.HANDLED}), S.CHECKING,
        (_reason(_("请核查什么"), required=False),), batch=True, style="expected", key_hint="c",
    ),
    Transition(
        "pass_check", _("提交核查结果"), frozenset({S.CHECKING}), None,
        (Need("solved", Kind.YES_NO, _("问题是否解决")), _reason(_("核查情况"), required=False),
         _photos(_("核查照片"), required=False)),
        style="expected", citizen=_("工作人员已到现场核查"), key_hint="p",
    ),
    Transition(
        "rework", _("返工"), frozenset({S.HANDLED, S.CHECKING}), S.REWORK,
        (_reason(_("哪里没有解决")), _photos(_("照片"), required=False)),
        clock=Clock.HANDLING, style="danger", citizen=_("核查未通过，正在重新处理"), key_hint="w",
    ),
    Transition(
        "close", _("结案"), frozenset({S.HANDLED, S.CHECKING}), S.CLOSED,
        (Need("solved", Kind.YES_NO, _("问题是否解决"), required=False), _reason(_("结案意见"), required=False)),
        clock=Clock.STOP, batch=True, style="expected", citizen=_("已办结，请您评价"), key_hint="e",
    ),
    Transition(
        "force_close", _("强制结案"), AFTER_FILING, S.FORCED_CLOSED,
        (_reason(),), clock=Clock.STOP, style="danger", citizen=_("已结案"),
    ),
    Transition(
        "reopen", _("重新打开"), frozenset({S.CLOSED, S.FORCED_CLOSED}), S.REWORK,
        (_reason(),), clock=Clock.HANDLING, citizen=_("已重新打开，继续处理"),
    ),
    Transition(
        "refile", _("重新受理"), frozenset({S.REJECTED, S.CANCELLED}), S.PENDING_FILING,
        (_reason(),), clock=Clock.FILING, citizen=_("已重新受理"),
    ),
    Transition(
        "supervise", _("督办"), AFTER_FILING, None, (_reason(_("督办要求")),), tolerant=True, key_hint="s",
    ),
    Transition("urge", _("催办"), AFTER_FILING, None, (_reason(_("催办内容"), required=False),), tolerant=True),
    Transition("comment", _("备注"), frozenset(State), None, (_reason(_("内容")),), tolerant=True),
    Transition(
        "attach", _("补充照片"), OPEN, None, (_photos(_("照片")), _reason(_("说明"), required=False)),
        tolerant=True,
    ),
    Transition(
        "supplement", _("补充说明"), OPEN, None, (_reason(_("补充内容")), _photos(_("照片"), required=False)),
        by_owner=True, by_officer=False, tolerant=True, citizen=_("您补充了说明"),
    ),
    Transition(
        "withdraw", _("撤回"), frozenset({S.REPORTED, S.VERIFYING, S.PENDING_FILING}), S.CANCELLED,
        (_reason(_("原因"), required=False),), clock=Clock.STOP, by_owner=True, by_officer=False,
        citizen=_("您已撤回"),
    ),
    Transition(
        "challenge", _("仍未解决"), frozenset({S.CLOSED, S.FORCED_CLOSED}), S.REWORK,
        (_reason(_("哪里还没有解决")), _photos(_("照片"), required=False)),
        clock=Clock.HANDLING, by_owner=True, by_officer=False, citizen=_("您反映问题仍未解决，已重新处理"),
    ),
    Transition(
        "appeal", _("请重新受理"), frozenset({S.REJECTED, S.SELF_HANDLED}), S.PENDING_FILING,
        (_reason(),), clock=Clock.FILING, by_owner=True, by_officer=False, citizen=_("您申请了重新受理"),
    ),
    Transition(
        "rate", _("评价"), frozenset({S.CLOSED, S.FORCED_CLOSED, S.SELF_HANDLED}), None,
        (Need("rating", Kind.RATING, _("满意程度")), _reason(_("想说的话"), required=False)),
        by_owner=True, by_officer=False, tolerant=True, citizen=_("您已评价"),
    ),
)  # fmt: skip

TRANSITIONS: Final[dict[str, Transition]] = {transition.key: transition for transition in _TABLE}
ORDER: Final[dict[str, int]] = {key: place for place, key in enumerate(TRANSITIONS)}
