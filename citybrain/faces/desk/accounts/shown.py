"""People, roles, sessions and history as the screens say them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.models import Cover, Person, PersonEvent, RoleGrant, Session
from citybrain.base.identity.roles import roles
from citybrain.faces.look.words import is_english


def role_name(key: str) -> str:
    """Return a role in the reader's language; a key that is no longer known as it is."""
    role = roles().get(key)
    return role.name if role else key


def stamp(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")


GRANT_EVENTS = frozenset({"grant_role", "revoke_role", "end_grant", "carry_grant", "confirm_grant"})


@dataclass(frozen=True, slots=True)
class GrantShown:
    id: int
    role: str
    place: str
    agency: str
    span: str
    tone: str
    state: str

    @property
    def key(self) -> str:
        return str(self.id)


def show_grant(grant: RoleGrant, now: datetime) -> GrantShown:
    """Return a grant with whether it holds now, will hold, or ends within a week."""
    day = timezone.localdate(now)
    if grant.valid_from > day:
        tone, state = "quiet", _("尚未生效")
    elif grant.valid_until is not None and grant.valid_until < day + timedelta(days=7):
        tone, state = "due_soon", _("快到期")
    else:
        tone, state = "normal", _("生效中")
    until = grant.valid_until.isoformat() if grant.valid_until else _("长期")
    span = _("%(first)s 至 %(last)s") % {"first": grant.valid_from.isoformat(), "last": until}
    agency = str(grant.agency) if grant.agency else ""
    place = tree().full_name(grant.area_id, english=is_english())
    return GrantShown(
        grant.pk,
        role_name(grant.role),
        place,
        agency,
        span,
        tone,
        state,
    )


@dataclass(frozen=True, slots=True)
class SessionShown:
    id: int
    browser: str
    ip: str
    since: datetime
    last_seen: datetime
    here: bool


BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_name(agent: str) -> str:
    """Return "Chrome · Windows" of a user agent, or the agent cut short where nothing is known in it."""
    if re.search(r"MicroMessenger", agent):
        return _("微信")
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return " · ".join(part for part in (browser, system) if part) or agent[:40] or _("未知设备")


def show_session(session: Session, here: bool) -> SessionShown:
    return SessionShown(
        session.pk,
        browser_name(session.user_agent),
        session.ip or "",
        session.created_at,
        session.last_seen_at,
        here,
    )


@dataclass(frozen=True, slots=True)
class CoverShown:
    id: int
    absentee: str
    deputy: str
    span: str
    reason: str
    runs: bool


def show_cover(cover: Cover, now: datetime) -> CoverShown:
    span = _("%(first)s 至 %(last)s") % {"first": stamp(cover.starts_at), "last": stamp(cover.ends_at)}
    return CoverShown(
        cover.pk, cover.absentee.name, cover.deputy.name, span, cover.reason, cover.starts_at <= now
    )


@dataclass(frozen=True, slots=True)
class EventShown:
    what: str
    who: str
    at: datetime
    why: str
    tone: str


def _event_names() -> dict[str, tuple[str, str]]:
    return {
        "create_person": (_("开通账号"), "info"),
        "update_person": (_("修改资料"), "info"),
        "deactivate_person": (_("停用账号"), "late"),
        "reactivate_person": (_("启用账号"), "normal"),
        "grant_role": (_("授予角色"), "normal"),
        "revoke_role": (_("收回角色"), "late"),
        "end_grant": (_("区划变更，原角色终止"), "quiet"),
        "carry_grant": (_("区划变更，角色转到新区域"), "info"),
        "confirm_grant": (_("复核角色"), "normal"),
        "reset_password": (_("重置密码"), "due_soon"),
        "change_password": (_("修改密码"), "info"),
        "arrange_cover": (_("安排代办"), "info"),
        "end_cover": (_("结束代办"), "info"),
        "revoke_session": (_("退出一次登录"), "due_soon"),
        "revoke_all_sessions": (_("退出全部登录"), "due_soon"),
        "prove_level": (_("身份核验"), "normal"),
        "sign_in": (_("登录"), "quiet"),
        "sign_out": (_("退出登录"), "quiet"),
    }


def event_name(action: str) -> str:
    """Return what an action on an account is called, the action itself where it has no name."""
    return _event_names().get(action, (action, "quiet"))[0]


def show_event(event: PersonEvent) -> EventShown:
    what, tone = _event_names().get(event.action, (event.action, "quiet"))
    who = event.actor_name or event.actor
    if event.on_behalf_of:
        who = _("%(name)s（代办）") % {"name": who}
    return EventShown(what, who, event.at, _details(event), tone)


def _details(event: PersonEvent) -> str:
    """Return the details of an event in words; empty where the event says all."""
    details: dict[str, Any] = event.details
    if event.action in GRANT_EVENTS:
        return _grant_words(details)
    if event.action == "update_person":
        return "\n".join(
            f"{_field(name)}：{_value(old)} → {_value(new)}" for name, (old, new) in details.items()
        )
    if event.action == "arrange_cover":
        return _cover_words(details)
    if event.action in {"sign_in", "sign_out", "revoke_session"}:
        return str(details.get("ip") or "")
    return str(details.get("reason") or "")


def _grant_words(details: dict[str, Any]) -> str:
    try:
        place = tree().full_name(tree().by_code(details["area"]).id, english=is_english())
    except LookupError:
        place = str(details.get("area", ""))
    last = details.get("valid_until") or _("长期")
    words = [role_name(details.get("role", "")), place, f"{details.get('valid_from', '')} – {last}"]
    if details.get("reason"):
        words.append(details["reason"])
    return " · ".join(words)


def _cover_words(details: dict[str, Any]) -> str:
    deputy = Person.objects.filter(pk=details.get("deputy") or 0).values_list("name", flat=True).first() or ""
    times = [
        stamp(datetime.fromisoformat(details[name])) for name in ("starts_at", "ends_at") if details.get(name)
    ]
    return " · ".join(part for part in (deputy, " – ".join(times), details.get("reason", "")) if part)


def _field(name: str) -> str:
    return {"login": _("登录名"), "name": _("姓名"), "phone": _("手机号"), "agency": _("单位")}.get(
        name, name
    )


def _value(value: object) -> str:
    return str(value) if value else _("（空）")
