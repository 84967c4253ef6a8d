"""知识库: what the hotline answers from; departments write and review, another person publishes."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.access import refusal
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.shown import who_word
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.hotline.answers import keeping
from citybrain.hub.hotline.answers.looking import search
from citybrain.hub.hotline.errors import BadInput, NotFound, TicketError
from citybrain.hub.hotline.models.knowledge import (
    KEEP,
    PUBLISH,
    READ,
    KnowledgeEntry,
    KnowledgeState,
    KnowledgeVersion,
)

PAGE: Final = 50
REVIEW_DAYS: Final = 180
TONES: Final[Mapping[str, str]] = {
    "draft": "quiet",
    "review": "due_soon",
    "published": "normal",
    "withdrawn": "quiet",
}
STEPS: Final = {
    "write": gettext_lazy("撰写"), "revise": gettext_lazy("修改"), "submit": gettext_lazy("提交审核"),
    "publish": gettext_lazy("发布"), "send_back": gettext_lazy("退回修改"), "withdraw": gettext_lazy("撤回"),
    "confirm": gettext_lazy("复核无误"), "remind": gettext_lazy("提醒复核"),
}  # fmt: skip
TEXTS: Final = ("title", "body", "source", "source_number", "question", "items")
DATES: Final = ("source_date", "valid_from", "valid_until", "review_on")


@hotline
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """What is kept: what waits for this person first, then everything or what was searched for."""
    actor = actor_of(request)
    _require(actor, READ)
    asked, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    keeps = actor.may(KEEP)
    rows = KnowledgeEntry.objects.visible_to(actor).select_related("agency", "published")
    if asked:
        found = search(actor, asked, limit=PAGE, every=keeps)
    else:
        if state in KnowledgeState.values:
            rows = rows.filter(state=state)
        found = list(rows.order_by("-changed_at")[:PAGE])
    today = timezone.localdate()
    context = {
        "rows": [line(one, today) for one in found],
        "asked": asked,
        "state": state,
        "states": KnowledgeState.choices if keeps else (),
        "keeps": keeps,
        "due": [line(one, today) for one in keeping.due_for_review(actor)] if keeps else [],
        "waiting": _waiting(actor, today),
    }
    return shell_page(request, "desk/hotline/guiding/knowledge.html", "hotline_knowledge", context)


def _require(actor: Actor, permissions: tuple[str, ...]) -> None:
    """Raise Forbidden for who has none of the permissions."""
    if not any(actor.may(one) for one in permissions):
        raise refusal(actor, permissions[0])


def _waiting(actor: Actor, today: date) -> list[dict[str, Any]]:
    if not actor.may(PUBLISH):
        return []
    rows = KnowledgeEntry.objects.visible_to(actor).filter(state=KnowledgeState.REVIEW)
    return [
        line(one, today) for one in rows.select_related("agency", "published").order_by("changed_at")[:PAGE]
    ]


def line(one: KnowledgeEntry, today: date) -> dict[str, Any]:
    """Return an entry of a list: how its newest version stands, whether its review is over or its time is."""
    published = one.published is not None
    return {
        "one": one,
        "url": reverse("desk:hotline_entry", args=[one.pk]),
        "tone": TONES[one.state],
        "word": KnowledgeState(one.state).label,
        "also": published and one.state != KnowledgeState.PUBLISHED,
        "late": published and one.review_on < today,
        "over": one.valid_until is not None and one.valid_until < today,
    }


@hotline
@require_GET
def entry_view(request: HttpRequest, entry_id: int) -> HttpResponse:
    """One entry: what holds, what is being changed, where it comes from, who did what."""
    return _draw(request, entry_id)


def _draw(request: HttpRequest, entry_id: int, wrong: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    _require(actor, READ)
    one = _found(actor, entry_id)
    keeps, publishes = _keeps(actor, one), actor.may(PUBLISH)
    versions = list(one.versions.select_related("written_by", "published_by").order_by("-number"))
    if not actor.may(KEEP) and not publishes:
        versions = [version for version in versions if version.pk == one.published_id]
    newest = versions[0] if versions else None
    context = {
        "one": one,
        "line": line(one, timezone.localdate()),
        "shown": one.published or newest,
        "next": newest if newest is not None and newest.pk != one.published_id else None,
        "versions": versions,
        "events": [
            {"at": e.at, "who": who_word(e.actor_name), "what": str(STEPS.get(e.action, e.action)), "why": e.reason}
            for e in one.events.order_by("-seq")
        ] if keeps or publishes else [],
        "may": {
            "edit": keeps and one.state != KnowledgeState.REVIEW,
            "submit": keeps and one.state == KnowledgeState.DRAFT,
            "publish": publishes and one.state == KnowledgeState.REVIEW,
            "own": newest is not None and newest.written_by_id == actor.person_id,
            "withdraw": keeps and one.published_id is not None,
            "confirm": keeps and one.published_id is not None,
        },
        "next_review": timezone.localdate() + timedelta(days=REVIEW_DAYS),
        "wrong": wrong,
    }  # fmt: skip
    return shell_page(request, "desk/hotline/guiding/entry.html", "hotline_knowledge", context, status=status)


def _found(actor: Actor, entry_id: int) -> KnowledgeEntry:
    rows = KnowledgeEntry.objects.visible_to(actor).select_related("agency", "published")
    one = rows.filter(pk=entry_id).first()
    if one is None:
        raise NotFound
    return one


def _keeps(actor: Actor, one: KnowledgeEntry) -> bool:
    """Tell whether the entry is this person's to keep: of their department, or any for who publishes."""
    return actor.may(KEEP) and (
        actor.may(PUBLISH) or any(hat.agency_id == one.agency_id for hat in actor.hats_with(KEEP))
    )


@hotline
def new_view(request: HttpRequest) -> HttpResponse:
    """Write an entry."""
    actor = actor_of(request)
    _require(actor, (KEEP,))
    if request.method != "POST":
        today = timezone.localdate()
        first = {"valid_from": today, "review_on": today + timedelta(days=REVIEW_DAYS)}
        return _form(request, None, first)
    try:
        agency = _agency(actor, request.POST.get("agency", ""))
        one = keeping.write_entry(actor, agency, _given(request))
    except TicketError as error:
        return _form(request, None, request.POST.dict(), str(error), error.status)
    return _done(request, one, _("草稿已保存，提交审核后由他人发布。"))


@hotline
def edit_view(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Change an entry: what is published holds until the new version is."""
    actor = actor_of(request)
    _require(actor, (KEEP,))
    one = _found(actor, entry_id)
    if not _keeps(actor, one):
        raise NotFound
    if request.method != "POST":
        return _form(request, one, _values(one.versions.get(number=one.version)))
    seen = request.POST.get("seen", "")
    try:
        keeping.revise_entry(
            actor, entry_id, _given(request), seen_version=int(seen) if seen.isdigit() else -1
        )
    except TicketError as error:
        return _form(request, one, request.POST.dict(), str(error), error.status)
    return _done(request, one, _("新版本已存为草稿，发布前仍用原来的。"))


def _values(version: KnowledgeVersion) -> dict[str, Any]:
    return {
        **{key: getattr(version, key) for key in (*TEXTS[:-1], *DATES)},
        "items": " ".join(version.items),
    }


def _form(
    request: HttpRequest,
    one: KnowledgeEntry | None,
    given: Mapping[str, Any],
    wrong: str = "",
    status: int = 200,
) -> HttpResponse:
    actor = actor_of(request)
    context = {
        "one": one,
        "given": {**given, **{key: _day_text(given.get(key)) for key in DATES}},
        "agencies": _agencies(actor) if one is None else [],
        "seen": given.get("seen") or (one.version if one else ""),
        "wrong": wrong,
    }
    return shell_page(
        request, "desk/hotline/guiding/entry_form.html", "hotline_knowledge", context, status=status
    )


def _day_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")


def _agencies(actor: Actor) -> list[Agency]:
    """Return the bodies that a person may write for."""
    ids = {hat.agency_id for hat in actor.hats_with(KEEP) if hat.agency_id is not None}
    own = Agency.objects.filter(pk__in=ids)
    if not actor.may(PUBLISH):
        return list(own.order_by("name"))
    areas = {hat.area_id for hat in actor.hats_with(PUBLISH) if hat.area_id is not None}
    return list(Agency.objects.filter(area_id__in=areas, is_active=True).order_by("kind__sort", "name"))


def _agency(actor: Actor, value: str) -> int:
    found = {one.pk for one in _agencies(actor)}
    if value.isdigit() and int(value) in found:
        return int(value)
    raise BadInput(_("请选择由哪个单位维护。"), "agency")


def _given(request: HttpRequest) -> keeping.Given:
    """Return what was typed. Raises BadInput for a date that is none."""
    text = {key: request.POST.get(key, "").strip() for key in TEXTS}
    return keeping.Given(
        title=text["title"],
        body=text["body"],
        source=text["source"],
        source_number=text["source_number"],
        question=text["question"],
        source_date=_day(request, "source_date", _("文件日期")),
        review_on=_day(request, "review_on", _("下次复核")),
        valid_from=_day(request, "valid_from", _("生效日期")),
        valid_until=_day(request, "valid_until", _("失效日期")) if request.POST.get("valid_until") else None,
        items=tuple(text["items"].replace("，", " ").replace(",", " ").split()),
    )


def _day(request: HttpRequest, name: str, label: str) -> date:
    try:
        day = parse_date(request.POST.get(name, ""))
    except ValueError:
        day = None
    if day is None:
        raise BadInput(_("请填写%(label)s。") % {"label": label}, name)
    return day


@hotline
@require_POST
def step_view(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Submit, publish, send back, withdraw an entry, or confirm that it is still right."""
    try:
        return _take(request, entry_id)
    except TicketError as error:
        if error.status in {403, 404}:
            raise
        return _draw(request, entry_id, str(error), error.status)


def _take(request: HttpRequest, entry_id: int) -> HttpResponse:
    actor, step, reason = actor_of(request), request.POST.get("then", ""), request.POST.get("reason", "")
    if step == "submit":
        one, said = keeping.submit_entry(actor, entry_id), _("已提交审核。")
    elif step == "publish":
        one, said = keeping.publish_entry(actor, entry_id), _("已发布，话务员现在就能查到。")
    elif step == "send_back":
        one, said = keeping.send_back_entry(actor, entry_id, reason), _("已退回修改。")
    elif step == "withdraw":
        one, said = keeping.withdraw_entry(actor, entry_id, reason), _("已撤回，不再用于答复。")
    elif step == "confirm":
        day = _day(request, "review_on", _("下次复核"))
        one, said = keeping.confirm_entry(actor, entry_id, day), _("已记录复核。")
    else:
        raise BadInput(_("没有这个操作。"), "then")
    return _done(request, one, said)


def _done(request: HttpRequest, one: KnowledgeEntry, said: str) -> HttpResponse:
    messages.success(request, said)
    return HttpResponseRedirect(reverse("desk:hotline_entry", args=[one.pk]))
