"""The lifecycle of a ticket as one table: who may, from where, to where, what it needs.

Everything else reads this table: the actions, the buttons a person sees, the API, the diagram in
docs/hotline-lifecycle.md. Which clocks run follows from the state alone (`RUNS`).
"""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from citybrain.hub.hotline.states import OPEN, Kind, Reached, State, Step, Urgency
from citybrain.hub.steps.inputs import TEXT_MOST

if TYPE_CHECKING:
    from citybrain.hub.hotline.models.ticket import Ticket


class Input(Enum):
    """What a need is filled with."""

    TEXT = "text"
    CHOICE = "choice"
    AGENCY = "agency"
    AGENCIES = "agencies"
    ITEM = "item"
    TICKET = "ticket"
    YES_NO = "yes_no"
    TIME = "time"
    RATING = "rating"
    PLACE = "place"


class By(Enum):
    """Whose step it is: the hotline's, of the lead unit, of a co-handling unit, of either, the caller's, nobody's."""

    HOTLINE = "hotline"
    LEAD = "lead"
    CO = "co"
    UNIT = "unit"
    OWNER = "owner"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Need:
    """One input of a step; `most` is the longest text in characters."""

    name: str
    kind: Input
    label: Promise
    required: bool = True
    choices: tuple[tuple[str, Promise], ...] = ()
    most: int = TEXT_MOST


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table. `to` None: the state stays, or the step itself says. `style`: expected, plain, danger.

    `tolerant`: taken even by who saw an older version. `caller` is what the person who spoke reads of it.
    """

    key: str
    label: Promise
    sources: frozenset[State]
    to: State | None
    needs: tuple[Need, ...] = ()
    by: By = By.HOTLINE
    permission: str = ""
    batch: bool = False
    style: str = "plain"
    caller: Promise | None = None
    key_hint: str = ""
    tolerant: bool = False
    may_become: frozenset[State] = frozenset()

    @property
    def by_owner(self) -> bool:
        return self.by is By.OWNER

    @property
    def by_system(self) -> bool:
        return self.by is By.SYSTEM

    def agencies_of(self, ticket: "Ticket") -> frozenset[int]:
        """Return the units whose people may take it on this ticket."""
        lead = frozenset({ticket.agency_id} if ticket.agency_id is not None else ())
        co = frozenset(ticket.co_agencies)
        return {By.LEAD: lead, By.CO: co, By.OWNER: frozenset(), By.SYSTEM: frozenset()}.get(
            self.by, lead | co
        )


def _reason(label: Promise | None = None, required: bool = True) -> Need:
    return Need("reason", Input.TEXT, label or _("理由"), required)


def _yes(name: str, label: Promise, required: bool = True) -> Need:
    return Need(name, Input.YES_NO, label, required)


RETURN_CAUSES: Final = (
    ("not_ours", _("不属于本单位职责")),
    ("not_area", _("不在本单位辖区")),
    ("needs_others", _("需其他单位牵头")),
    ("unclear", _("诉求内容不清，无法办理")),
    ("in_law", _("已进入司法、信访或复议程序")),
    ("other", _("其他")),
)
VOID_CAUSES: Final = (
    ("silent", _("无声或误拨")),
    ("test", _("测试数据")),
    ("withdrawn", _("来电人撤回")),
    ("nuisance", _("骚扰")),
    ("other", _("其他")),
)
CLASSIFY: Final = (
    Need("kind", Input.CHOICE, _("诉求类型"), False, tuple((one.value, one.label) for one in Kind)),
    Need("item", Input.ITEM, _("事项"), False),
    Need("class_label", Input.TEXT, _("分类"), False, most=60),
    Need("urgency", Input.CHOICE, _("紧急程度"), False, tuple((one.value, one.label) for one in Urgency)),
    Need("title", Input.TEXT, _("标题"), False, most=200),
    Need("place_text", Input.TEXT, _("地点"), False, most=300),
    Need("place", Input.PLACE, _("位置"), False),
    _yes("complex", _("复杂事项"), False),
    _yes("shared", _("来电人同意承办单位联系"), False),
    _yes("secret", _("来电人要求保密"), False),
)

S = State
AT_UNIT: Final = frozenset(
    {S.DISPATCHED, S.ACCEPTED, S.RETURN_REQUESTED, S.HANDLING, S.EXTENSION_REQUESTED, S.REDO}
)
BEFORE: Final = frozenset({S.RECEIVED, S.TO_DISPATCH})
AFTER: Final = frozenset({S.ANSWERED_DIRECTLY, S.REPLIED, S.CALLING_BACK})
MAX_DISPATCHES: Final = 3  # Source: reference/codes.yaml hotline.return_limit, after_three_dispatches

_DISPATCH_NEEDS: Final = (
    Need("agency", Input.AGENCY, _("主办单位"), False),
    Need("co", Input.AGENCIES, _("协办单位"), False),
    _yes("by_case", _("按事项立案派遣"), False),
    _yes("contact", _("办理须联系来电人"), False),
    _yes("complex", _("复杂事项"), False),
)

_TABLE: Final = (
    Transition(
        "file", _("受理"), frozenset({S.RECEIVED}), S.TO_DISPATCH, (*CLASSIFY, _reason(_("受理意见"), False)),
        permission="hotline.take", batch=True, caller=_("已受理"), key_hint="a",
    ),
    Transition(
        "answer", _("直接答复"), BEFORE, S.ANSWERED_DIRECTLY,
        (Need("reply", Input.TEXT, _("答复内容"), most=5000), _reason(_("说明"), False)),
        permission="hotline.answer", caller=_("已直接答复"), key_hint="f",
    ),
    Transition(
        "dispatch", _("派单"), BEFORE, S.DISPATCHED, (*_DISPATCH_NEEDS, _reason(_("派单意见"), False)),
        permission="hotline.dispatch", batch=True, style="expected", caller=_("已交负责单位办理"), key_hint="d",
        may_become=frozenset({S.DISPATCHED}),
    ),
    Transition(
        "designate", _("指定承办单位"), frozenset({S.TO_DISPATCH}), S.DISPATCHED,
        (Need("agency", Input.AGENCY, _("主办单位")), Need("co", Input.AGENCIES, _("协办单位"), False),
         _reason(_("指定理由"))),
        permission="hotline.designate", caller=_("已指定负责单位办理"), style="expected",
    ),
    Transition(
        "correct", _("更正信息"), OPEN, None, (*CLASSIFY, _reason(_("更正说明"), False)),
        permission="hotline.take",
    ),
    Transition(
        "set_contact", _("更正来电人信息"), OPEN, None,
        (Need("name", Input.TEXT, _("来电人姓名"), False, most=60),
         Need("phone", Input.TEXT, _("来电号码"), False, most=30)),
        permission="hotline.view_contact", tolerant=True,
    ),
    Transition(
        "accept", _("接收"), frozenset({S.DISPATCHED, S.REDO}), S.ACCEPTED, (), by=By.LEAD,
        permission="hotline.accept", batch=True, style="expected", caller=_("负责单位已接收"), key_hint="a",
    ),
    Transition(
        "handle", _("记录办理进展"), frozenset({S.ACCEPTED, S.HANDLING}), S.HANDLING, (_reason(_("进展")),),
        by=By.LEAD, permission="hotline.handle", caller=_("办理有新进展"),
    ),
    Transition(
        "return", _("申请退单"), frozenset({S.DISPATCHED, S.ACCEPTED, S.HANDLING}), S.RETURN_REQUESTED,
        (Need("cause", Input.CHOICE, _("退单原因"), choices=RETURN_CAUSES),
         Need("suggest", Input.AGENCY, _("建议承办单位"), False), _reason(_("说明"))),
        by=By.LEAD, permission="hotline.return", style="danger", key_hint="r",
    ),
    Transition(
        "review_return", _("审核退单"), frozenset({S.RETURN_REQUESTED}), None,
        (_yes("approve", _("是否同意退单")), _reason(_("审核意见"))),
        permission="hotline.review", style="expected",
        may_become=frozenset({S.TO_DISPATCH, S.DISPATCHED, S.ACCEPTED, S.HANDLING}),
    ),
    Transition(
        "request_extension", _("申请延期"), frozenset({S.ACCEPTED, S.HANDLING}), S.EXTENSION_REQUESTED,
        (Need("until", Input.TIME, _("希望延至")), _reason()), by=By.LEAD,
        permission="hotline.request_extension",
    ),
    Transition(
        "review_extension", _("审核延期"), frozenset({S.EXTENSION_REQUESTED}), S.HANDLING,
        (_yes("approve", _("是否同意延期")), _reason(_("审核意见"))),
        permission="hotline.review", style="expected",
    ),
    Transition(
        "reply", _("答复"), frozenset({S.ACCEPTED, S.HANDLING}), S.REPLIED,
        (Need("reply", Input.TEXT, _("办理情况和答复"), most=5000),
         _yes("contacted", _("已联系来电人"), False)),
        by=By.LEAD, permission="hotline.reply", style="expected", caller=_("负责单位已答复"), key_hint="f",
    ),
    Transition(
        "co_accept", _("协办接收"), AT_UNIT, None, (), by=By.CO, permission="hotline.accept", tolerant=True,
        style="expected",
    ),
    Transition(
        "co_reply", _("提交协办意见"), AT_UNIT, None,
        (Need("reply", Input.TEXT, _("协办意见"), most=5000),), by=By.CO, permission="hotline.reply",
        tolerant=True, style="expected",
    ),
    Transition(
        "co_return", _("退出协办"), AT_UNIT, None,
        (Need("cause", Input.CHOICE, _("退单原因"), choices=RETURN_CAUSES), _reason(_("说明"))),
        by=By.CO, permission="hotline.return", tolerant=True, style="danger",
    ),
    Transition(
        "change_units", _("调整协办单位"), AT_UNIT, None,
        (Need("co", Input.AGENCIES, _("协办单位"), False), _reason(_("说明"), False)),
        permission="hotline.dispatch",
    ),
    Transition(
        "ask_contact", _("申请联系来电人"), AT_UNIT, None, (_reason(_("为什么须联系")),), by=By.LEAD,
        permission="hotline.handle", tolerant=True,
    ),
    Transition(
        "allow_contact", _("审核联系申请"), AT_UNIT, None,
        (_yes("approve", _("是否允许承办单位联系来电人")), _reason(_("审核意见"), False)),
        permission="hotline.dispatch", tolerant=True,
    ),
    Transition(
        "start_call", _("开始回访"), frozenset({S.ANSWERED_DIRECTLY, S.REPLIED}), S.CALLING_BACK, (),
        permission="hotline.call_back", key_hint="c",
    ),
    Transition(
        "call_back", _("登记回访"), AFTER, None,
        (Need("reached", Input.CHOICE, _("回访结果"), choices=tuple((o.value, o.label) for o in Reached)),
         _yes("contacted", _("承办单位是否联系过"), False), _yes("solved", _("问题是否解决"), False),
         Need("rating", Input.RATING, _("满意程度"), False), _reason(_("来电人的话"), False)),
        permission="hotline.call_back", style="expected", key_hint="p",
        may_become=frozenset({S.CALLING_BACK, S.CONCLUDED}),
    ),
    Transition(
        "redo", _("重办"), AFTER | {S.CONCLUDED}, S.REDO, (_reason(_("重办要求")),),
        permission="hotline.redo", style="danger", caller=_("已重新交办"), key_hint="w",
        may_become=frozenset({S.REDO, S.TO_DISPATCH}),
    ),
    Transition(
        "conclude", _("办结"), AFTER, S.CONCLUDED, (_reason(_("办结意见"), False),),
        permission="hotline.conclude", batch=True, caller=_("已办结"), key_hint="e",
    ),
    Transition(
        "archive", _("归档"), frozenset({S.CONCLUDED}), S.ARCHIVED, (), permission="hotline.conclude",
        batch=True, style="expected",
    ),
    Transition(
        "merge", _("并入同一工单"), BEFORE, S.VOIDED, (Need("main", Input.TICKET, _("主工单")),),
        permission="hotline.dispatch", caller=_("已与同一问题合并办理"), key_hint="m",
    ),
    Transition(
        "void", _("作废"), BEFORE, S.VOIDED,
        (Need("cause", Input.CHOICE, _("原因"), choices=VOID_CAUSES), _reason(_("说明"))),
        permission="hotline.void", style="danger", caller=_("已撤销"),
    ),
    Transition(
        "hand_over", _("转交其他热线或警方"), BEFORE, S.DISPATCHED,
        (Need("to", Input.TEXT, _("转交给"), most=120), _reason(_("转交说明"))),
        permission="hotline.dispatch", caller=_("已转交其他服务热线办理"),
    ),
    Transition(
        "take_back", _("收回转交"), frozenset({S.DISPATCHED, S.ACCEPTED, S.HANDLING, S.REDO}), S.TO_DISPATCH,
        (_reason(),), permission="hotline.dispatch",
    ),
    Transition("urge", _("催办"), AT_UNIT, None, (_reason(_("催办内容"), False),), permission="hotline.dispatch",
               tolerant=True),
    Transition(
        "comment", _("备注"), frozenset(State), None, (_reason(_("内容")),), by=By.UNIT,
        permission="hotline.comment", tolerant=True,
    ),
    Transition(
        "supplement", _("补充说明"), OPEN, None, (_reason(_("补充内容")),), by=By.OWNER, tolerant=True,
        caller=_("您补充了说明"),
    ),
    Transition(
        "withdraw", _("撤回"), BEFORE, S.VOIDED, (_reason(_("原因"), False),), by=By.OWNER,
        caller=_("您已撤回"),
    ),
    Transition(
        "rate", _("评价"), AFTER | {S.CONCLUDED}, None,
        (Need("rating", Input.RATING, _("满意程度")), _yes("solved", _("问题是否解决"), False),
         _yes("contacted", _("承办单位是否联系过"), False), _reason(_("想说的话"), False)),
        by=By.OWNER, tolerant=True, caller=_("您已评价"), may_become=frozenset({S.CALLING_BACK, S.CONCLUDED}),
    ),
    Transition("add_message", _("并入新的来件"), frozenset(State) - {S.VOIDED}, None,
               (_reason(_("来件内容"), False),), by=By.SYSTEM, tolerant=True),
    Transition(
        "read", _("自动识别"), frozenset(State), None,
        (*CLASSIFY, Need("agency", Input.AGENCY, _("建议承办单位"), False),
         _yes("needs_person", _("须人工判断"), False), Need("sentiment", Input.TEXT, _("情绪"), False, most=20),
         _reason(_("说明"), False)),
        by=By.SYSTEM, tolerant=True,
    ),
    Transition("outside_accept", _("对方已接收"), frozenset({S.DISPATCHED, S.REDO}), S.ACCEPTED,
               (_reason(required=False),), by=By.SYSTEM, caller=_("对方已接收")),
    Transition("outside_handle", _("对方办理进展"), frozenset({S.ACCEPTED, S.HANDLING}), S.HANDLING,
               (_reason(required=False),), by=By.SYSTEM, caller=_("办理有新进展")),
    Transition("outside_return", _("对方退回"), AT_UNIT, S.TO_DISPATCH, (_reason(),), by=By.SYSTEM),
    Transition("outside_reply", _("对方已答复"), AT_UNIT, S.REPLIED,
               (Need("reply", Input.TEXT, _("答复内容"), most=5000),), by=By.SYSTEM, caller=_("已答复")),
    Transition("case_dispatched", _("案件已派遣"), AT_UNIT | {S.TO_DISPATCH, S.REPLIED, S.CALLING_BACK},
               S.DISPATCHED, (), by=By.SYSTEM, caller=_("已交负责单位办理")),
    Transition("case_accepted", _("案件已接收"), AT_UNIT | {S.TO_DISPATCH}, S.ACCEPTED, (), by=By.SYSTEM,
               caller=_("负责单位已接收")),
    Transition("case_handling", _("案件办理中"), AT_UNIT | {S.TO_DISPATCH}, S.HANDLING, (), by=By.SYSTEM,
               caller=_("办理有新进展")),
    Transition("case_extension", _("案件申请延期"), AT_UNIT, S.EXTENSION_REQUESTED, (), by=By.SYSTEM),
    Transition("case_returned", _("案件被退回"), AT_UNIT | {S.REPLIED, S.CALLING_BACK}, S.TO_DISPATCH, (),
               by=By.SYSTEM),
    Transition("case_refused", _("案件未予立案"), AT_UNIT | {S.TO_DISPATCH}, S.TO_DISPATCH, (), by=By.SYSTEM),
    Transition("case_replied", _("案件已结案"), AT_UNIT | {S.TO_DISPATCH}, S.REPLIED, (), by=By.SYSTEM,
               caller=_("负责单位已答复")),
)  # fmt: skip

TRANSITIONS: Final[dict[str, Transition]] = {transition.key: transition for transition in _TABLE}
ORDER: Final[dict[str, int]] = {key: place for place, key in enumerate(TRANSITIONS)}

# The clocks that run in each state; in PAUSED ones the limits in hand wait for the hotline's decision.
RUNS: Final[dict[State, frozenset[Step]]] = {
    S.RECEIVED: frozenset({Step.FILING}),
    S.TO_DISPATCH: frozenset({Step.FILING}),
    S.DISPATCHED: frozenset({Step.SIGNING, Step.RETURNING, Step.HANDLING}),
    S.ACCEPTED: frozenset({Step.RETURNING, Step.HANDLING}),
    S.HANDLING: frozenset({Step.RETURNING, Step.HANDLING}),
    S.RETURN_REQUESTED: frozenset({Step.REVIEWING, Step.RETURNING, Step.HANDLING}),
    S.EXTENSION_REQUESTED: frozenset({Step.REVIEWING, Step.RETURNING, Step.HANDLING}),
    S.REDO: frozenset({Step.SIGNING, Step.HANDLING}),
    S.ANSWERED_DIRECTLY: frozenset({Step.CALLING}),
    S.REPLIED: frozenset({Step.CALLING}),
    S.CALLING_BACK: frozenset({Step.CALLING}),
    S.CONCLUDED: frozenset(),
    S.ARCHIVED: frozenset(),
    S.VOIDED: frozenset(),
}
PAUSED: Final = frozenset({S.RETURN_REQUESTED, S.EXTENSION_REQUESTED})
# The clock that lists show, where several run.
SHOWN: Final[dict[State, Step]] = {
    S.RECEIVED: Step.FILING,
    S.TO_DISPATCH: Step.FILING,
    S.DISPATCHED: Step.SIGNING,
    S.ACCEPTED: Step.HANDLING,
    S.HANDLING: Step.HANDLING,
    S.RETURN_REQUESTED: Step.REVIEWING,
    S.EXTENSION_REQUESTED: Step.REVIEWING,
    S.REDO: Step.SIGNING,
    S.ANSWERED_DIRECTLY: Step.CALLING,
    S.REPLIED: Step.CALLING,
    S.CALLING_BACK: Step.CALLING,
}
