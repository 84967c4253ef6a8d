"""The list of people whom an officer manages, and the opening of accounts."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import refusal
from citybrain.base.identity.actions import create_person, reset_password
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import GRANT, MANAGE, SESSIONS
from citybrain.base.identity.lists import PAGE, Page, Search, grants_to_review, search_people
from citybrain.base.identity.models import Person
from citybrain.base.identity.roles import grantable_roles
from citybrain.faces.desk.accounts.answers import refusals
from citybrain.faces.desk.accounts.choices import roots_of
from citybrain.faces.desk.accounts.forms import PersonForm
from citybrain.faces.desk.accounts.shown import role_name
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, is_partial, officers
from citybrain.faces.desk.shell import page


def manages(actor: Actor) -> bool:
    """Return whether the actor manages anyone in any way."""
    return any(actor.may(permission) for permission in (MANAGE, GRANT, SESSIONS))


def require_managing(actor: Actor) -> None:
    """Raise Forbidden for who manages nobody."""
    if not manages(actor):
        raise refusal(actor, MANAGE)


def _search(request: HttpRequest) -> tuple[Search, dict[str, str]]:
    """Return what the address asks for, and its parameters without the page."""
    kept = {
        name: request.GET.get(name, "").replace("\x00", "").strip()[:60]
        for name in ("q", "role", "state", "area")
        if request.GET.get(name, "").strip()
    }
    area = tree().find(int(kept["area"])) if kept.get("area", "").isdecimal() else None
    number = request.GET.get("page", "")
    return (
        Search(
            text=kept.get("q", ""),
            role=kept.get("role", ""),
            area_id=area.id if area else None,
            area_level=area.level if area else 1,
            state=kept.get("state", ""),
            page=int(number) if number.isdecimal() and len(number) < 7 else 1,
        ),
        kept,
    )


@require_safe
@officers
def listing(request: HttpRequest) -> HttpResponse:
    """Show the people whom the officer manages, fifty a page; filters live in the address."""
    actor = actor_of(request)
    require_managing(actor)
    search, kept = _search(request)
    found = search_people(actor, search)
    context = {
        "rows": [_row(person) for person in found.people],
        "filters": _filters(actor, kept),
        "clear_url": query({}),
        "may_manage": actor.may(MANAGE),
        "searched": bool(kept),
        "to_review": 0 if is_partial(request) else len(grants_to_review(actor)),
        **_pager(found, kept),
    }
    template = "desk/accounts/parts/people_rows.html" if is_partial(request) else "desk/accounts/people.html"
    return page(request, template, "people", context)


def _pager(found: Page, kept: dict[str, str]) -> dict[str, Any]:
    first = (found.number - 1) * PAGE + 1 if found.total else 0
    return {
        "total": found.total,
        "first": first,
        "last": min(found.number * PAGE, found.total),
        "prev_url": query(kept, page=found.number - 1) if found.number > 1 else "",
        "next_url": query(kept, page=found.number + 1) if found.number < found.pages else "",
    }


def _row(person: Person) -> dict[str, Any]:
    standing = getattr(person, "standing", [])
    if not person.is_active:
        tone, state = "quiet", _("已停用")
    elif person.must_change_password:
        tone, state = "due_soon", _("待改密码")
    elif not person.has_usable_password():
        tone, state = "quiet", _("未设密码")
    else:
        tone, state = "normal", _("可用")
    return {
        "person": person,
        "roles": [(role_name(grant.role), area_name(tree().find(grant.area_id))) for grant in standing[:3]],
        "more": max(0, len(standing) - 3),
        "tone": tone,
        "state": state,
    }


def _filters(actor: Actor, kept: dict[str, str]) -> list[dict[str, Any]]:
    areas = [
        (str(child.id), area_name(child))
        for root in roots_of(actor, MANAGE) or roots_of(actor, GRANT)
        for child in tree().children(root.id)
        if child.level < 5
    ]
    states = (
        ("active", _("在用")),
        ("closed", _("已停用")),
        ("unused", _("未设密码")),
        ("away", _("代办中")),
    )
    roles = [(role.key, role.name) for role in grantable_roles()]
    return [
        {
            "kind": "search",
            "name": "q",
            "label": _("姓名、拼音首字母、登录名、手机号"),
            "value": kept.get("q", ""),
        },
        {
            "kind": "select",
            "name": "role",
            "label": _("角色"),
            "value": kept.get("role", ""),
            "options": roles,
        },
        {
            "kind": "select",
            "name": "area",
            "label": _("区域"),
            "value": kept.get("area", ""),
            "options": areas,
        },
        {
            "kind": "select",
            "name": "state",
            "label": _("账号状态"),
            "value": kept.get("state", ""),
            "options": states,
        },
    ]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def new(request: HttpRequest) -> HttpResponse:
    """Open an account; the one-time password is shown once, right after."""
    actor = actor_of(request)
    if not actor.may(MANAGE):
        raise refusal(actor, MANAGE)
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        person = None
        with refusals(form):
            person = create_person(
                actor, login=asked["login"], name=asked["name"], agency=asked["agency"], phone=asked["phone"]
            )
        if person is not None:
            return one_time(request, person, reset_password(actor, person), is_new=True)
    status = 422 if form.errors else 200
    return page(request, "desk/accounts/new.html", "people", {"form": form}, status=status)


def one_time(request: HttpRequest, person: Person, password: str, *, is_new: bool) -> HttpResponse:
    """Show a one-time password, which no other page ever shows again."""
    messages.success(request, _("账号已开通。") if is_new else _("密码已重置。"))
    context = {"person": person, "password": password, "is_new": is_new}
    return page(request, "desk/accounts/one_time.html", "people", context)
