"""The form of a ticket's step, made from what its transition needs; what was typed is kept when it is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.agencies import agency_by_id
from citybrain.faces.desk.choosing import Choice, area_name
from citybrain.faces.desk.hotline.page import TicketPage
from citybrain.faces.desk.hotline.shown import item_name
from citybrain.faces.desk.stepforms import Field as BaseField
from citybrain.faces.look import words
from citybrain.hub.cases.states import Rating
from citybrain.hub.hotline.lifecycle import Input, Need, Transition
from citybrain.hub.hotline.models import Ticket

PICKED: Final = frozenset({Input.ITEM, Input.AGENCY, Input.TICKET, Input.PLACE})
SUGGESTED_MOST: Final = 3
FOLDED: Final = frozenset({"correct", "file"})  # forms whose fields are all corrections of what is known


@dataclass(frozen=True, slots=True)
class Field(BaseField):
    """One input. `rows`: lines of a long text, 0 for a short one; `most` its longest."""

    rows: int = 0
    most: int = 2000
    picker: str = ""


@dataclass(frozen=True, slots=True)
class StepForm:
    """A step to take on one ticket (or, in a batch, on several)."""

    key: str
    label: str
    style: str
    fields: tuple[Field, ...]
    version: int | None = None
    error: str = ""
    question: str = ""

    @property
    def wide(self) -> bool:
        return len(self.fields) > 3 or any(one.rows > 4 for one in self.fields)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person sent, and what was wrong with it (field "" for all)."""

    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    wrong_field: str = ""
    wrong: str = ""


def given_by(transition: Transition, post: QueryDict) -> dict[str, Any]:
    """Return the inputs of a step out of a sent form, only those it needs; empty ones are left out."""
    given: dict[str, Any] = {}
    for need in transition.needs:
        if need.kind is Input.AGENCIES:
            if f"{need.name}_asked" in post:
                many = [*post.getlist(need.name), post.get(f"{need.name}_other", "")]
                given[need.name] = [one for one in dict.fromkeys(many) if one.strip()]
            continue
        value = post.get(need.name, "").strip()
        if need.kind in PICKED:
            value = post.get(f"{need.name}_other", "").strip() or value
        if value:
            given[need.name] = value if need.kind is not Input.TEXT else post.get(need.name, value)
    return given


def asked_from(given: Mapping[str, Any], wrong_field: str = "", wrong: str = "") -> Asked:
    """Return what a person sent, to be shown again."""
    return Asked(
        {name: str(value) for name, value in given.items() if not isinstance(value, list)},
        {name: [str(one) for one in value] for name, value in given.items() if isinstance(value, list)},
        wrong_field,
        wrong,
    )


def form_for(transition: Transition, page: TicketPage | None, asked: Asked | None = None) -> StepForm:
    """Return the form of a step for a ticket; without a page for a batch, where each ticket decides for itself."""
    known = asked or Asked()
    needs = transition.needs if page else tuple(one for one in transition.needs if one.required)
    fields = tuple(_field(transition, need, page, known) for need in needs)
    named = {one.name for one in fields}
    return StepForm(
        key=transition.key,
        label=str(transition.label),
        style=transition.style,
        fields=fields,
        version=page.ticket.version if page else None,
        error=known.wrong if known.wrong_field not in named else "",
        question=_question(transition, page),
    )


def _question(transition: Transition, page: TicketPage | None) -> str:
    if transition.style != "danger":
        return ""
    if page is None:
        return _("确定对所选工单“%(step)s”吗？此操作会记入工单历史。") % {"step": transition.label}
    return _("确定对工单 %(number)s “%(step)s”吗？此操作会记入工单历史。") % {
        "number": page.ticket.number,
        "step": transition.label,
    }


def _field(transition: Transition, need: Need, page: TicketPage | None, asked: Asked) -> Field:
    options = _options(need, page)
    value = asked.values.get(need.name, "") or _first(transition, need, page, options)
    return Field(
        name=need.name,
        kind=need.kind.value,
        label=str(need.label),
        required=need.required,
        value=value,
        values=tuple(asked.lists.get(need.name, _units_now(need, page))),
        label_of_value=_label_of(need, value),
        options=options,
        error=asked.wrong if asked.wrong_field == need.name else "",
        hint=_hint(need, page),
        rows=_rows(need),
        most=need.most,
        picker={Input.ITEM: "desk:choose_items", Input.PLACE: "desk:hotline_places"}.get(
            need.kind, "desk:hotline_agencies"
        ),
    )


def _rows(need: Need) -> int:
    if need.kind is not Input.TEXT:
        return 0
    return 8 if need.name == "reply" else 3 if need.name == "reason" else 0


def _units_now(need: Need, page: TicketPage | None) -> tuple[str, ...]:
    if need.kind is not Input.AGENCIES or page is None:
        return ()
    return tuple(str(one) for one in page.ticket.co_agencies)


def _first(transition: Transition, need: Need, page: TicketPage | None, options: Sequence[Choice]) -> str:
    """Return what a form starts with: what is known of the ticket, the first suggestion, or a time to ask for."""
    if page is None:
        return ""
    if need.kind is Input.TIME:
        due = page.ticket.due_at or timezone.now()
        then = timezone.localtime(max(due, timezone.now())) + timedelta(days=3)
        return then.replace(hour=18, minute=0).strftime("%Y-%m-%dT%H:%M")
    if transition.key in FOLDED:
        return _known(need, page.ticket) or (_best(options) if need.kind is Input.ITEM else "")
    if need.kind in {Input.ITEM, Input.AGENCY, Input.TICKET} and need.name != "suggest":
        return _best(options)
    if need.name == "complex":
        return "yes" if page.ticket.is_complex else ""
    return ""


def _best(options: Sequence[Choice]) -> str:
    return next((one.value for one in options if one.best), "")


def _known(need: Need, ticket: Ticket) -> str:
    """Return what the ticket says already of a need of the classification."""
    texts = {
        "kind": ticket.kind, "item": ticket.item_code, "class_label": ticket.class_label, "urgency": ticket.urgency,
        "title": ticket.title, "place_text": ticket.place_text,
    }  # fmt: skip
    flags = {"complex": ticket.is_complex, "shared": ticket.caller_shared, "secret": ticket.is_secret}
    if need.name in flags:
        return "yes" if flags[need.name] else "no"
    return texts.get(need.name, "")


def _options(need: Need, page: TicketPage | None) -> tuple[Choice, ...]:
    if need.kind is Input.CHOICE:
        return tuple(Choice(key, str(label)) for key, label in need.choices)
    if need.kind is Input.RATING:
        return tuple(Choice(str(value), str(label)) for value, label in Rating.choices)
    if need.kind is Input.YES_NO:
        return (Choice("yes", _yes(need)), Choice("no", _no(need)))
    return _suggested(need, page) if page is not None else ()


def _suggested(need: Need, page: TicketPage) -> tuple[Choice, ...]:
    if need.kind is Input.ITEM:
        return tuple(
            Choice(one.code, one.name, one.code, one.why, best=True) for one in page.guesses[:SUGGESTED_MOST]
        )
    if need.kind in {Input.AGENCY, Input.AGENCIES}:
        return _agencies(need, page)
    if need.kind is Input.TICKET:
        return tuple(
            Choice(one.number, one.title, one.number, one.why, best=True)
            for one in page.same[:SUGGESTED_MOST]
            if not one.is_case
        )
    return ()


def _agencies(need: Need, page: TicketPage) -> tuple[Choice, ...]:
    found = [
        Choice(str(one.agency_id), one.name, "", _("；").join(one.reasons), best=True)
        for one in page.candidates
        if need.kind is Input.AGENCIES or one.agency_id != page.ticket.agency_id
    ]
    most = SUGGESTED_MOST + 2 if need.kind is Input.AGENCIES else SUGGESTED_MOST
    known = {one.value for one in found}
    for agency_id in page.ticket.co_agencies if need.kind is Input.AGENCIES else ():
        agency = agency_by_id(agency_id)
        if agency is not None and str(agency_id) not in known:
            found.insert(0, Choice(str(agency_id), str(agency), "", _("现在的协办单位"), best=True))
    return tuple(found[:most])


def _yes(need: Need) -> str:
    return {
        "solved": _("已解决"), "approve": _("同意"), "contacted": _("联系过"), "secret": _("要求保密"),
        "complex": _("复杂"),
    }.get(need.name, _("是"))  # fmt: skip


def _no(need: Need) -> str:
    return {
        "solved": _("未解决"), "approve": _("不同意"), "contacted": _("没有联系"), "secret": _("不要求"),
        "complex": _("一般"),
    }.get(need.name, _("否"))  # fmt: skip


def _label_of(need: Need, value: str) -> str:
    if not value:
        return ""
    if need.kind is Input.ITEM:
        return f"{value} {item_name(value)}".strip()
    if need.kind is Input.AGENCY and value.isdigit():
        agency = agency_by_id(int(value))
        return str(agency) if agency else value
    if need.kind is Input.PLACE and value.isdigit():
        return area_name(tree().find(int(value))) or value
    return value


def _hint(need: Need, page: TicketPage | None) -> str:
    if page is not None and need.kind is Input.TIME and page.ticket.due_at:
        return _("目前 %(due)s 到期") % {"due": words.stamp(page.ticket.due_at)}
    if need.name == "by_case":
        return _("选“是”时由案件流程办理；不选则按事项和地点自动决定。")
    if need.name == "contact":
        return _("选“是”后主办单位可以查看来电人的联系方式，每次查看都会留痕。")
    return ""
