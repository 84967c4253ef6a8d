"""The form of a step, made from what its transition needs; what was typed is kept when it is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.agencies import agency_by_id
from citybrain.faces.desk.choosing import Choice, guesses_of
from citybrain.faces.look import words
from citybrain.hub.cases import items
from citybrain.hub.cases.detail import CasePage
from citybrain.hub.cases.lifecycle import Kind, Need, Transition
from citybrain.hub.cases.states import PhotoKind, Rating

LONG_TEXT: Final = frozenset({"reason"})
SUGGESTED_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One input as a template draws it. `value` is a text, or the tokens of photos; `error` tells what is wrong."""

    name: str
    kind: str
    label: str
    required: bool
    value: str = ""
    values: tuple[str, ...] = ()
    label_of_value: str = ""
    options: tuple[Choice, ...] = ()
    kinds: tuple[Choice, ...] = ()
    error: str = ""
    hint: str = ""

    @property
    def suggestions(self) -> list[Choice]:
        return [one for one in self.options if one.best]

    @property
    def is_suggested(self) -> bool:
        """Whether the value is among the suggestions, or there is none yet."""
        return not self.value or any(one.value == self.value for one in self.suggestions)


@dataclass(frozen=True, slots=True)
class StepForm:
    """A step to take on one case (or, in a batch, on several)."""

    key: str
    label: str
    style: str
    fields: tuple[Field, ...]
    version: int | None = None
    error: str = ""
    conflict: str = ""
    question: str = ""

    @property
    def has_fields(self) -> bool:
        return bool(self.fields)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person sent: values by name, photos apart, and what was wrong with it (field "" for all)."""

    values: Mapping[str, str] = field(default_factory=dict)
    photos: Sequence[str] = ()
    wrong_field: str = ""
    wrong: str = ""


def given_by(transition: Transition, post: QueryDict) -> dict[str, Any]:
    """Return the inputs of a step out of a sent form, only those it needs; empty ones are left out.

    Photos are not among them: they are files (`photos.collect`).
    """
    given: dict[str, Any] = {}
    for need in transition.needs:
        if need.kind in {Kind.ITEM, Kind.AGENCY, Kind.CASE}:
            value = post.get(f"{need.name}_other", "").strip() or post.get(need.name, "").strip()
            if value:
                given[need.name] = value
        elif need.kind is not Kind.PHOTOS and post.get(need.name, "").strip():
            given[need.name] = post[need.name]
    return given


def asked_from(given: Mapping[str, Any], wrong_field: str = "", wrong: str = "") -> Asked:
    values = {name: str(value) for name, value in given.items() if not isinstance(value, list)}
    photos = next((value for value in given.values() if isinstance(value, list)), [])
    return Asked(values, photos, wrong_field, wrong)


def form_for(transition: Transition, page: CasePage | None, asked: Asked | None = None) -> StepForm:
    """Return the form of a step for a case; without a page for a batch, where suggestions differ by case."""
    known = asked or Asked()
    fields = tuple(_field(need, page, known) for need in transition.needs)
    named = {one.name for one in fields}
    return StepForm(
        key=transition.key,
        label=str(transition.label),
        style=transition.style,
        fields=fields,
        version=page.case.version if page else None,
        error=known.wrong if known.wrong_field not in named else "",
        question=_question(transition, page),
    )


def _question(transition: Transition, page: CasePage | None) -> str:
    if transition.style != "danger":
        return ""
    if page is None:
        return _("确定对所选案件“%(step)s”吗? 此操作会记入案件历史。") % {"step": transition.label}
    return _("确定对案件 %(number)s “%(step)s”吗? 此操作会记入案件历史。") % {
        "number": page.case.number,
        "step": transition.label,
    }


def _field(need: Need, page: CasePage | None, asked: Asked) -> Field:
    options = _options(need, page)
    value = asked.values.get(need.name, "") or _first(need, page, options)
    return Field(
        name=need.name,
        kind=need.kind.value,
        label=str(need.label),
        required=need.required and not (page is None and need.kind in {Kind.ITEM, Kind.AGENCY}),
        value=value,
        values=tuple(asked.photos) if need.kind is Kind.PHOTOS else (),
        label_of_value=_label_of(need, value, options),
        options=options,
        kinds=_photo_kinds(need),
        error=asked.wrong if asked.wrong_field == need.name else "",
        hint=_hint(need, page),
    )


def _first(need: Need, page: CasePage | None, options: Sequence[Choice]) -> str:
    """Return what a form starts with: the first suggestion, or for a time the day after tomorrow at six."""
    if need.kind in {Kind.ITEM, Kind.AGENCY, Kind.CASE} and page is not None:
        return next((one.value for one in options if one.best), "")
    if need.kind is Kind.TIME:
        then = timezone.localtime() + timedelta(days=2)
        return then.replace(hour=18, minute=0).strftime("%Y-%m-%dT%H:%M")
    return ""


def _options(need: Need, page: CasePage | None) -> tuple[Choice, ...]:
    if need.kind is Kind.CHOICE:
        return tuple(Choice(key, str(label)) for key, label in need.choices)
    if need.kind is Kind.RATING:
        return tuple(Choice(str(value), str(label)) for value, label in Rating.choices)
    if need.kind is Kind.YES_NO:
        return (Choice("yes", _yes(need)), Choice("no", _no(need)))
    if page is None:
        return ()
    return _suggested(need, page)


def _suggested(need: Need, page: CasePage) -> tuple[Choice, ...]:
    if need.kind is Kind.ITEM:
        found = guesses_of(page)[:SUGGESTED_MOST]
        return tuple(Choice(item.code, item.name, item.code, why, best=True) for item, why in found)
    if need.kind is Kind.AGENCY:
        return tuple(
            Choice(str(one.agency_id), one.name, "", _("；").join(one.reasons), best=True)
            for one in page.candidates[:SUGGESTED_MOST]
        )
    if need.kind is Kind.CASE:
        return tuple(
            Choice(one.row.number, one.row.number, one.row.excerpt, _("；").join(one.reasons), best=True)
            for one in page.same[:SUGGESTED_MOST]
        )
    return ()


def _yes(need: Need) -> str:
    return {"solved": _("已解决"), "found": _("属实"), "approve": _("同意")}.get(need.name, _("是"))


def _no(need: Need) -> str:
    return {"solved": _("未解决"), "found": _("不属实"), "approve": _("不同意")}.get(need.name, _("否"))


def _label_of(need: Need, value: str, options: Sequence[Choice]) -> str:
    if not value:
        return ""
    if need.kind is Kind.ITEM:
        item = items.index().by_code.get(value)
        return f"{value} {item.name}" if item else value
    if need.kind is Kind.AGENCY and value.isdigit():
        agency = agency_by_id(int(value))
        return str(agency) if agency else value
    return next((one.label for one in options if one.value == value), value)


def _photo_kinds(need: Need) -> tuple[Choice, ...]:
    """Return the kinds of photo asked for; where none is named, a close and a wide one may be added."""
    kinds = need.photos or ((PhotoKind.CLOSE, PhotoKind.WIDE) if need.kind is Kind.PHOTOS else ())
    return tuple(Choice(kind.value, str(kind.label), best=kind in need.photos) for kind in kinds)


def _hint(need: Need, page: CasePage | None) -> str:
    if page is None and need.kind is Kind.ITEM:
        return _("不选则各案件按各自的推荐事项立案。")
    if page is None and need.kind is Kind.AGENCY:
        return _("不选则各案件派给各自的首选单位。")
    if page is not None and need.kind is Kind.TIME:
        return _asked_until(page)
    return ""


def _asked_until(page: CasePage) -> str:
    running = page.running
    due = running.due_at if running else None
    return _("目前 %(due)s 到期") % {"due": words.stamp(due)} if due else ""
