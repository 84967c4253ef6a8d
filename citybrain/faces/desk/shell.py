"""The frame around every page of the desk: the rail by role, the bar, and who is signed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.roles import role_named
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.forms.ways import forms_ways
from citybrain.faces.desk.hotline.ways import hotline_ways, line_topic
from citybrain.hub.cases.access import VIEW
from citybrain.hub.cases.lists import lists_for
from citybrain.hub.hotline.access import VIEW as TICKETS


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the rail. `here` marks where the reader is; `count` is shown where it is not None."""

    key: str
    label: str
    icon: str
    href: str
    here: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of the rail under one heading (may be empty)."""

    heading: str
    entries: tuple[Entry, ...]


def rail(actor: Actor, here: str, tabs: Sequence[Any] = ()) -> list[Section]:
    """Return the rail of an actor: only what is theirs."""

    def entry(key: str, label: str, icon: str, href: str) -> Entry:
        return Entry(key, label, icon, href, key == here)

    sees = actor.may(VIEW)
    top = [entry("home", _("首页"), "home", reverse("desk:home"))]
    if sees:
        top += [
            entry("work", _("案件"), "list-check", reverse("desk:work", args=[first_list(actor)])),
            entry("search", _("查找"), "search", reverse("desk:search")),
        ]
    boards = [
        entry(key, label, icon, reverse("desk:board", args=[board]))
        for key, label, icon, board, permission in (
            ("board_accept", _("受理台"), "inbox", "accept", "cases.file"),
            ("board_dispatch", _("派遣台"), "route", "dispatch", "cases.dispatch"),
            ("board_supervise", _("督办台"), "gavel", "supervise", "cases.supervise"),
        )
        if actor.may(permission)
    ]
    field = [entry("phone", _("移动端"), "device-mobile", reverse("desk:m_tasks"))] if sees else []
    know = [
        entry("items", _("事项清单"), "clipboard-list", reverse("desk:items")),
        entry("areas", _("区划"), "map-2", reverse("desk:areas")),
        entry("calendar", _("工作日历"), "calendar", reverse("desk:calendar")),
    ]
    manage = _managing(actor, entry)
    data = [
        entry(key, label, icon, reverse(f"desk:{key}"))
        for key, label, icon, permissions in data_ways()
        if any(actor.may(one) for one in permissions)
    ]
    forms = [
        entry(key, label, icon, href)
        for key, label, icon, permissions in forms_ways()
        if any(actor.may(one) for one in permissions) and (href := _address(f"desk:{key}"))
    ]
    hotline = [
        entry(key, label, icon, href)
        for key, label, icon, permissions in hotline_ways()
        if any(actor.may(one) for one in permissions) and (href := _address(f"desk:{key}"))
    ]
    sections = (
        ("", top),
        (_("工作台"), boards + field),
        (_("热线"), hotline),
        (_("报表"), forms),
        (_("数据"), data),
        (_("资料"), know),
        (_("管理"), manage),
    )
    return [Section(heading, tuple(entries)) for heading, entries in sections if entries]


def data_ways() -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """Return the lines about data: key (its address, too), label, icon, and permissions of which one is needed."""
    intake = ("exchange.sources", "exchange.run", "exchange.mend")
    lending = ("catalogue.request", "catalogue.decide", "catalogue.audit")
    return (
        ("data_sets", _("数据目录"), "database", ("catalogue.view",)),
        ("data_list_items", _("三张清单"), "list-details", ("catalogue.lists", "catalogue.audit")),
        ("data_intake", _("数据进来"), "cloud-upload", intake),
        ("data_conflicts", _("数据核实"), "arrows-split", intake),
        ("data_requests", _("数据申请"), "send", lending),
        ("data_grants", _("数据授权"), "key", lending),
    )


def _managing(actor: Actor, entry: Any) -> list[Entry]:
    found: list[Entry] = []
    people = _people(actor)
    if people:
        found.append(entry("people", _("人员"), "users", people))
    if actor.may("ledger.view"):
        found.append(entry("audit", _("审计"), "shield-check", reverse("desk:audit")))
    cockpit = _address("cockpit:home") if actor.may("cockpit.view") else ""
    if cockpit:
        found.append(entry("cockpit", _("驾驶舱"), "layout-dashboard", cockpit))
    return found


def _people(actor: Actor) -> str:
    """Return the address of the list of people, empty for who manages nobody."""
    manages = actor.may("people.manage") or actor.may("people.grant")
    return _address("people:list") if manages else ""


def _address(name: str) -> str:
    """Return the address of another face's page, empty where that face is not there."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def first_list(actor: Actor) -> str:
    """Return the key of the list an actor opens first: the first of their own steps, else what is open."""
    return next((one.key for one in lists_for(actor)), "open")


def searching(actor: Actor) -> dict[str, Any]:
    """Return where the bar's search goes and what it says, by what the actor may find; `search_off` for nothing."""
    if actor.may(VIEW):
        return {"search_to": reverse("desk:search")}
    if actor.may(TICKETS):
        return {"search_to": reverse("desk:hotline_search"), "search_hint": _("工单号、内容、地点")}
    people = _people(actor)
    return {"search_to": people, "search_hint": _("姓名、登录名、手机号")} if people else {"search_off": True}


def roles_of(actor: Actor) -> list[str]:
    """Return the names of the roles worn, each once, with for whom where it is for another."""
    names: dict[str, None] = {}
    for hat in actor.hats:
        if hat.area_id is None:
            continue
        name = role_named(hat.role).name
        names[
            _("%(role)s(代%(name)s)") % {"role": name, "name": hat.on_behalf_name}
            if hat.on_behalf_of
            else name
        ] = None
    return list(names)


def page(
    request: HttpRequest,
    template: str,
    here: str,
    context: Mapping[str, Any],
    *,
    tabs: Sequence[Any] = (),
    status: int = 200,
) -> HttpResponse:
    """Return a whole page of the desk. `here` is the key of the rail's line that is lit."""
    actor = actor_of(request)
    shell = {"rail": rail(actor, here, tabs), "here": here, "me": actor, "my_roles": roles_of(actor)}
    shell["line"] = line_topic(actor)
    return render(request, template, {**shell, **searching(actor), **context}, status=status)
