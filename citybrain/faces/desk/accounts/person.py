"""One person as their manager sees them: account, roles, covers, sessions, history, and what may be done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actions import (
    arrange_cover,
    deactivate_person,
    end_cover,
    grant_role,
    reactivate_person,
    reset_password,
    revoke_all_sessions,
    revoke_role,
    sessions_of,
    update_person,
)
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import (
    GRANT,
    MANAGE,
    SESSIONS,
    require_grant,
    require_over,
    roles_grantable_by,
    standing_grants,
)
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.lists import covers_of
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.identity.roles import role_named, roles
from citybrain.faces.desk.accounts.answers import back, refusals
from citybrain.faces.desk.accounts.forms import EditForm, GrantForm, NoForm, ReasonForm, TheirCoverForm, local
from citybrain.faces.desk.accounts.people import one_time, require_managing
from citybrain.faces.desk.accounts.shown import show_cover, show_event, show_grant, show_session
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page

PERSON = "people:person"


def _find(request: HttpRequest, person_id: int) -> Person:
    """Return a person whom the actor manages. Raises Forbidden, and Http404 for anyone else."""
    actor = actor_of(request)
    require_managing(actor)
    person = (
        Person.objects.visible_to(actor).select_related("agency", "agency__area").filter(pk=person_id).first()
    )
    if person is None:
        raise Http404
    return person


def _why_not(ask: Callable[[], object]) -> str:
    try:
        ask()
    except Forbidden as refused:
        return f"{refused.reason_zh}{refused.whom_to_ask}"
    return ""


@never_cache
@require_safe
@officers
def page_of(request: HttpRequest, person_id: int) -> HttpResponse:
    return _page(request, _find(request, person_id))


def _page(request: HttpRequest, person: Person, **forms_given: forms.Form) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    day = timezone.localdate(now)
    is_me = actor.person_id == person.pk
    no_manage = _why_not(lambda: require_over(actor, MANAGE, person, day))
    no_sessions = _why_not(lambda: require_over(actor, SESSIONS, person, day))
    grants = standing_grants(person, day)
    context: dict[str, Any] = {
        "person": person,
        "is_me": is_me,
        "may_manage": not no_manage and not is_me,
        "may_grant": actor.may(GRANT) and not is_me and person.is_active,
        "why_not": "" if is_me else no_manage,
        "grants": [(show_grant(grant, now), _may_revoke(actor, person, grant)) for grant in grants],
        "past": _past_grants(person, grants),
        "covers": [show_cover(one, now) for one in covers_of(person, now)],
        "sessions": []
        if no_sessions
        else [show_session(one, False) for one in sessions_of(actor, person, now)],
        "may_end_sessions": not no_sessions,
        "events": [show_event(event) for event in person.events.all()[:40]],
        "reason_form": ReasonForm(),
        "cover_form": TheirCoverForm(initial=_next_week()),
        **forms_given,
    }
    failed = any(form.errors for form in forms_given.values())
    return page(request, "desk/accounts/person.html", "people", context, status=422 if failed else 200)


def _next_week() -> dict[str, str]:
    """Return the times that a cover's form begins with: from the next morning, for a week."""
    morning = timezone.localtime().replace(hour=8, minute=30, second=0, microsecond=0) + timedelta(days=1)
    return {"starts_at": local(morning), "ends_at": local(morning + timedelta(days=7))}


def _may_revoke(actor: Actor, person: Person, grant: RoleGrant) -> bool:
    return grant.role in roles() and not _why_not(
        lambda: require_grant(actor, person, role_named(grant.role), grant.area_id)
    )


def _past_grants(person: Person, standing: list[RoleGrant]) -> list[Any]:
    """Return the latest grants that ended, by time or by hand."""
    now = timezone.now()
    ended = person.grants.exclude(pk__in=[grant.pk for grant in standing]).select_related("area", "agency")
    return [(show_grant(grant, now), grant) for grant in ended.order_by("-id")[:10]]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def edit(request: HttpRequest, person_id: int) -> HttpResponse:
    """Change name, login, phone or agency."""
    person = _find(request, person_id)
    initial = {
        "name": person.name,
        "login": person.login,
        "phone": person.phone,
        "agency": f"{person.agency.key} {person.agency}" if person.agency else "",
        "version": person.version,
    }
    form = EditForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        asked = dict(form.cleaned_data)
        with refusals(form):
            update_person(actor_of(request), person, expected_version=asked.pop("version"), **asked)
        if not form.errors:
            return back(request, form, _("已保存。"), PERSON, person.pk)
    status = 422 if form.errors else 200
    return page(request, "desk/accounts/edit.html", "people", {"form": form, "person": person}, status=status)


@require_POST
@officers
def state(request: HttpRequest, person_id: int) -> HttpResponse:
    """Close an account, or open it again."""
    person = _find(request, person_id)
    form = ReasonForm(request.POST)
    if form.is_valid():
        with refusals(form):
            change = deactivate_person if person.is_active else reactivate_person
            change(actor_of(request), person, form.cleaned_data["reason"])
    done = _("账号已停用。") if person.is_active else _("账号已启用。")
    return back(request, form, done, PERSON, person.pk)


@never_cache
@require_POST
@officers
def password(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give a one-time password, shown once."""
    person = _find(request, person_id)
    form = NoForm(request.POST)
    given = ""
    with refusals(form):
        given = reset_password(actor_of(request), person)
    if not given:
        return back(request, form, "", PERSON, person.pk)
    return one_time(request, person, given, is_new=False)


@require_POST
@officers
def sessions(request: HttpRequest, person_id: int) -> HttpResponse:
    """End all sessions of the account."""
    person = _find(request, person_id)
    form = NoForm(request.POST)
    with refusals(form):
        revoke_all_sessions(actor_of(request), person)
    return back(request, form, _("该账号已在所有设备上退出。"), PERSON, person.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def grant(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give a role."""
    person = _find(request, person_id)
    actor = actor_of(request)
    form = GrantForm(request.POST or None, roles=roles_grantable_by(actor), person=person)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        agency = Agency.objects.get(pk=asked["agency"]) if asked["agency"] else None
        with refusals(form):
            grant_role(
                actor,
                person,
                asked["role"],
                asked["area"],
                agency=agency,
                valid_from=asked["valid_from"],
                valid_until=asked["valid_until"],
            )
        if not form.errors:
            return back(request, form, _("角色已授予，立即生效。"), PERSON, person.pk)
    status = 422 if form.errors else 200
    return page(
        request, "desk/accounts/grant.html", "people", {"form": form, "person": person}, status=status
    )


@require_POST
@officers
def revoke(request: HttpRequest, person_id: int, grant_id: int) -> HttpResponse:
    """Take a role back."""
    person = _find(request, person_id)
    form = ReasonForm(request.POST)
    if form.is_valid():
        with refusals(form):
            held = person.grants.select_related("person", "area", "agency").filter(pk=grant_id).first()
            if held is None:
                raise refuse("grant", _("没有这项角色。"))
            revoke_role(actor_of(request), held, form.cleaned_data["reason"])
    return back(request, form, _("角色已收回。"), PERSON, person.pk)


@require_POST
@officers
def cover(request: HttpRequest, person_id: int) -> HttpResponse:
    """Arrange for someone to stand in for the person, or end that."""
    person = _find(request, person_id)
    ending = request.POST.get("end", "")
    if ending:
        return _end_cover(request, person, ending)
    form = TheirCoverForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        with refusals(form):
            arrange_cover(
                actor_of(request),
                person,
                asked["deputy"],
                asked["starts_at"],
                asked["ends_at"],
                asked["reason"],
            )
    if form.errors:
        return _page(request, person, cover_form=form)
    return back(request, form, _("代办已安排。"), PERSON, person.pk)


def _end_cover(request: HttpRequest, person: Person, ending: str) -> HttpResponse:
    form = NoForm(request.POST)
    with refusals(form):
        held = (
            person.covers.select_related("absentee")
            .filter(pk=int(ending) if ending.isdecimal() else 0)
            .first()
        )
        if held is None:
            raise refuse("cover", _("没有这项代办。"))
        end_cover(actor_of(request), held)
    return back(request, form, _("代办已结束。"), PERSON, person.pk)
