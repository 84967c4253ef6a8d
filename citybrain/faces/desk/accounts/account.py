"""One's own account: who I am here, my password, my sessions, and who stands in for me."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from citybrain.base.identity.actions import (
    arrange_cover,
    end_cover,
    revoke_all_sessions,
    revoke_session,
    sessions_of,
)
from citybrain.base.identity.delegation import holds_admin_role, standing_grants
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.lists import colleagues_of, covered_by, covers_of
from citybrain.base.identity.models import Cover, Person
from citybrain.base.identity.sessions import SessionStore
from citybrain.faces.desk.accounts.answers import back, refusals
from citybrain.faces.desk.accounts.forms import MyCoverForm, NoForm, PasswordForm
from citybrain.faces.desk.accounts.shown import show_cover, show_event, show_grant, show_session
from citybrain.faces.desk.accounts.signing_in import replace_password
from citybrain.faces.desk.doors import actor_of, officers, person_of
from citybrain.faces.desk.shell import page


@never_cache
@require_safe
@officers
def mine(request: HttpRequest) -> HttpResponse:
    """Show the officer's own account."""
    return _page(request)


def _page(
    request: HttpRequest, *, password: forms.Form | None = None, cover: forms.Form | None = None
) -> HttpResponse:
    me = person_of(request)
    now = timezone.now()
    grants = standing_grants(me, timezone.localdate(now))
    is_admin = holds_admin_role(grants)
    sessions = sessions_of(actor_of(request), me, now)
    current = session_id(request)
    context: dict[str, Any] = {
        "person": me,
        "grants": [show_grant(grant, now) for grant in grants],
        "sessions": [show_session(one, one.pk == current) for one in sessions],
        "covers": [show_cover(one, now) for one in covers_of(me, now)],
        "covering": [show_cover(one, now) for one in covered_by(me, now)],
        "is_admin": is_admin,
        "events": [show_event(event) for event in me.events.all()[:12]],
        "password_form": password or PasswordForm(),
        "cover_form": cover or MyCoverForm(colleagues=[] if is_admin else colleagues_of(me)),
    }
    failed = any(form is not None and form.errors for form in (password, cover))
    return page(request, "desk/accounts/mine.html", "account", context, status=422 if failed else 200)


def session_id(request: HttpRequest) -> int | None:
    """Return the id of this browser's session."""
    return request.session.session_id if isinstance(request.session, SessionStore) else None


@sensitive_post_parameters("old", "new", "again")
@never_cache
@require_POST
@officers
def new_password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.POST)
    if not replace_password(request, person_of(request), form):
        return _page(request, password=form)
    return back(request, form, _("密码已修改，其他设备上的登录已全部退出。"), "accounts:mine")


@require_POST
@officers
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End one session of one's own, or all others."""
    actor, me, kept = actor_of(request), person_of(request), session_id(request)
    asked = request.POST.get("session", "")
    form = NoForm(request.POST)
    with refusals(form):
        if asked == "others":
            revoke_all_sessions(actor, me, keep_session=kept)
        else:
            found = me.sessions.filter(pk=int(asked) if asked.isdecimal() else 0).first()
            if found is None:
                raise refuse("session", _("这次登录已经退出。"))
            revoke_session(actor, found)
    return back(request, form, _("已退出。"), "accounts:mine")


@require_POST
@officers
def cover(request: HttpRequest) -> HttpResponse:
    """Ask a colleague to stand in for one's leave."""
    me = person_of(request)
    form = MyCoverForm(request.POST, colleagues=colleagues_of(me))
    if form.is_valid():
        asked = form.cleaned_data
        with refusals(form):
            deputy = Person.objects.get(pk=asked["deputy"])
            arrange_cover(
                actor_of(request), me, deputy, asked["starts_at"], asked["ends_at"], asked["reason"]
            )
    if form.errors:
        return _page(request, cover=form)
    return back(request, form, _("代办已安排。"), "accounts:mine")


@require_POST
@officers
def end(request: HttpRequest, cover_id: int) -> HttpResponse:
    """End a cover of one's own leave: back early."""
    form = NoForm(request.POST)
    with refusals(form):
        found = (
            Cover.objects.select_related("absentee").filter(pk=cover_id, absentee=person_of(request)).first()
        )
        if found is None:
            raise refuse("cover", _("没有这项代办。"))
        end_cover(actor_of(request), found)
    return back(request, form, _("代办已结束。"), "accounts:mine")
