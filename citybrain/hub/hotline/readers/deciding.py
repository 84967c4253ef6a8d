"""Whether a ticket that was read may be dispatched by itself, and to whom. A doubt has a name and goes to a person."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.base.identity.agencies import resolve_agency
from citybrain.hub.cases import items, routing
from citybrain.hub.hotline.models.reader import ShiftNotice, Watch
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.readers.using import InUse
from citybrain.hub.hotline.reading.whole_reading import ItemReading, WholeReading
from citybrain.hub.hotline.states import CASE_KINDS, State, Urgency

ITEM_SURE: Final = (
    0.8  # from which an item is put on the ticket; held-out phrasings of the examples: 0.83 right
)
MOST_AGENCIES: Final = 3
# Words of those who ask, propose or praise; where nobody has said the kind, such a message may be one to answer.
TO_ANSWER: Final = ("请问", "咨询", "想问", "问一下", "建议", "感谢", "表扬", "点赞")
Lineage = tuple[int | None, int | None, int | None, int | None, int | None]

REASONS: Final[dict[str, Promise]] = {
    "failed": gettext_lazy("自动识别出错"),
    "empty": gettext_lazy("没有可识别的内容"),
    "no_words": gettext_lazy("没有可识别的文字"),
    "no_model": gettext_lazy("没有可用的识别模型"),
    "out_of_the_box": gettext_lazy("本市尚未用自己的工单训练模型，识别结果仅供参考"),
    "refused": gettext_lazy("使用中的模型无法读取，已改用自带模型"),
    "no_promise": gettext_lazy("模型达不到承诺的准确率"),
    "unsure": gettext_lazy("分类把握不足"),
    "switched_off": gettext_lazy("该分类的自动派单已停用"),
    "shifted": gettext_lazy("近期来件与训练所用明显不同，自动派单暂停"),
    "danger": gettext_lazy("可能危及人身安全，须立即人工判断"),
    "to_answer": gettext_lazy("咨询、建议、表扬类先由话务员答复"),
    "kind_unknown": gettext_lazy("可能是咨询、建议或表扬，诉求类型未填"),
    "no_place": gettext_lazy("地点不明"),
    "no_agency": gettext_lazy("无法确定承办单位"),
    "odd": gettext_lazy("来件有疑点"),
    "taken": gettext_lazy("话务员已先行处理"),
    "shortened": gettext_lazy("内容过长，只识别了开头部分"),
    "not_dispatched": gettext_lazy("自动派单未成功"),
}


@cache
def _sentences() -> dict[str, str]:
    """Return the key of each reason by its words in the city's own language, in which they are kept."""
    with translation.override("zh-hans"):
        return {str(words): key for key, words in REASONS.items()}


def retold(told: str) -> str:
    """Return the reasons kept with a ticket in the reader's language; what a person wrote stays as it is."""
    known = _sentences()
    parts = [str(REASONS[known[part]]) if part in known else part for part in told.split("；")]
    return _("；").join(parts)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with a ticket: dispatched to `agencies[0]` by itself, or given to a person for `reasons`."""

    reasons: tuple[str, ...]
    item_code: str
    agencies: tuple[tuple[int, str], ...]
    by_case: bool

    @property
    def automatic(self) -> bool:
        return not self.reasons

    def told(self) -> str:
        """Return the reasons as one line for the person who gets it."""
        return "；".join(str(REASONS[one]) for one in self.reasons)


def sure_item(reading: ItemReading) -> str:
    """Return the item that is sure enough to be put on the ticket, else an empty text."""
    best = reading.guesses[0] if reading.guesses and not reading.is_none else None
    fits = best is not None and best.confidence >= ITEM_SURE and best.code in items.index().by_code
    return best.code if fits and best is not None else ""


def decide(ticket: Ticket, whole: WholeReading, used: InUse, lineage: Lineage) -> Decision:
    """Return what is done with a ticket. `lineage`: where it lies, or is read to lie."""
    item_code = ticket.item_code or sure_item(whole.items)
    agencies = agencies_for(item_code, whole, lineage)
    doubts = [*_of_reading(whole, used), *_of_promise(whole, used), *_of_ticket(ticket, whole, lineage)]
    if not agencies:
        doubts.append("no_agency")
    by_case = bool(item_code) and lineage[1] is not None and (not ticket.kind or ticket.kind in CASE_KINDS)
    return Decision(tuple(dict.fromkeys(doubts)), item_code, agencies, by_case)


def _of_reading(whole: WholeReading, used: InUse) -> list[str]:
    doubts = [whole.reason] if whole.reason in REASONS else []
    if whole.failed or (whole.reason and not doubts):
        doubts.append("failed")
    if whole.shortened:
        doubts.append("shortened")
    if used.row is None:
        doubts.append("refused" if used.trouble else "out_of_the_box")
    return doubts


def _of_promise(whole: WholeReading, used: InUse) -> list[str]:
    """Return why the class's promise doesn't cover this ticket."""
    row = used.row
    if row is None:
        return []
    if row.threshold is None:
        return ["no_promise"]
    doubts = []
    if whole.confidence < row.threshold:
        doubts.append("unsure")
    if not Watch.objects.filter(scheme=row.scheme, label=whole.label or "", on=True).exists():
        doubts.append("switched_off")
    if ShiftNotice.objects.filter(model_id=row.pk, seen_at=None).exists():
        doubts.append("shifted")
    return doubts


def _of_ticket(ticket: Ticket, whole: WholeReading, lineage: Lineage) -> list[str]:
    doubts = []
    if Urgency.DANGER in (whole.urgency.level, ticket.urgency):
        doubts.append("danger")
    if not ticket.kind and any(cue in ticket.text for cue in TO_ANSWER):
        doubts.append("kind_unknown")
    if ticket.kind and ticket.kind not in CASE_KINDS:
        doubts.append("to_answer")
    if lineage[1] is None:
        doubts.append("no_place")
    if ticket.needs_person:
        doubts.append("odd")
    if ticket.state != State.RECEIVED:
        doubts.append("taken")
    return doubts


def agencies_for(item_code: str, whole: WholeReading, lineage: Lineage) -> tuple[tuple[int, str], ...]:
    """Return up to three bodies with why, likeliest first: by the item's routing, then by the words of the message."""
    found: dict[int, str] = {}
    if item_code:
        for one in routing.rank(items.index().by_code.get(item_code), lineage, MOST_AGENCIES):
            found.setdefault(one.agency_id, "；".join(str(reason) for reason in one.reasons))
    for guess in whole.agencies:
        agency = resolve_agency(guess.key, lineage)
        if agency is not None:
            found.setdefault(agency.pk, _("来件提到：%(words)s") % {"words": "、".join(guess.words[:3])})
    return tuple(list(found.items())[:MOST_AGENCIES])
