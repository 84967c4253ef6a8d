"""联动: other hotlines, the police and systems we speak with; keys, hand-overs with their trail, what went wrong."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.page import visible_ticket
from citybrain.faces.desk.hotline.shown import title_of, who_word
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.hotline.channels.hook import FIELDS as HOOK_FIELDS
from citybrain.hub.hotline.errors import BadInput, TicketError
from citybrain.hub.hotline.linking import handing, listing, partners
from citybrain.hub.hotline.models.link import HandOver, LinkMessage, Partner, PartnerKind

SHOWN: Final = 50
FIELDS: Final = ("key", "name", "kind", "area_code", "phone", "address", "our_key", "digest", "secret_out")
KINDS: Final[dict[str, Promise]] = {
    PartnerKind.HOTLINE: gettext_lazy("兄弟城市热线"),
    PartnerKind.POLICE: gettext_lazy("公安 110"),
    PartnerKind.HOOK: gettext_lazy("推送工单的系统"),
    PartnerKind.PHONE: gettext_lazy("电话系统"),
}
STATES: Final[dict[str, tuple[Promise, str]]] = {
    "waiting": (gettext_lazy("待送达"), "due_soon"),
    "received": (gettext_lazy("对方已收"), "info"),
    "in_hand": (gettext_lazy("办理中"), "info"),
    "replied": (gettext_lazy("已答复"), "normal"),
    "concluded": (gettext_lazy("已办结"), "quiet"),
    "returned": (gettext_lazy("已退回"), "late"),
    "refused": (gettext_lazy("被拒收"), "late"),
    "recalled": (gettext_lazy("已收回"), "quiet"),
}
WHAT: Final[dict[str, Promise]] = {
    "phoned": gettext_lazy("先打了电话"),
    "handed_over": gettext_lazy("移交"),
    "delivered": gettext_lazy("送达"),
    "not_reached": gettext_lazy("没送到，稍后再试"),
    "refused": gettext_lazy("对方不收"),
    "recalled": gettext_lazy("收回"),
    "not_followed": gettext_lazy("工单没能跟上"),
    "received": gettext_lazy("收到"),
    "in_hand": gettext_lazy("办理"),
    "replied": gettext_lazy("答复"),
    "concluded": gettext_lazy("办结"),
    "returned": gettext_lazy("退回"),
    "redo": gettext_lazy("要求重办"),
    "note": gettext_lazy("留言"),
    "file": gettext_lazy("附件"),
}


@hotline
@require_http_methods(["GET", "POST"])
def links_view(request: HttpRequest) -> HttpResponse:
    """Partners, hand-overs, and what did not get there; add a partner (its key is shown this once)."""
    if request.method != "POST":
        return _list(request)
    actor = actor_of(request)
    try:
        partner, secret = partners.add_partner(actor, _given(request))
    except BadInput as error:
        return _list(request, error.message, error.status)
    return _partner(request, partner, secret=secret)


def _given(request: HttpRequest) -> dict[str, Any]:
    given: dict[str, Any] = {name: request.POST[name][:400] for name in FIELDS if name in request.POST}
    if "fields" in request.POST:
        given["fields"] = _map(request.POST["fields"])
    return given


def _map(text: str) -> dict[str, str]:
    """Return the map of a hook's fields, a line each: ours = their path. Raises BadInput naming the line."""
    found = {}
    for line in text[:4000].splitlines():
        ours, mark, theirs = (part.strip() for part in line.partition("="))
        if not (ours or mark):
            continue
        if ours not in HOOK_FIELDS or not theirs:
            told = {"line": line.strip()[:80], "known": " ".join(HOOK_FIELDS)}
            raise BadInput(_("字段对照这一行不对：%(line)s。我方字段有：%(known)s") % told, "fields")
        found[ours] = theirs
    return found


def _list(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    rows = listing.partner_rows(actor)
    context = {
        "partners": [_partner_line(one) for one in rows],
        "hand_overs": [_hand_over_line(one) for one in listing.hand_overs(actor)[:SHOWN]],
        "troubles": [_trouble(one) for one in listing.troubles(actor)],
        "sends": any(r.partner.is_active and r.partner.kind in partners.SPEAKS for r in rows),
        "kinds": list(KINDS.items()),
        "wrong": wrong,
        "given": request.POST,
    }
    return shell_page(request, "desk/hotline/supervising/links.html", "hotline_links", context, status=status)


def _partner_line(row: listing.PartnerRow) -> dict[str, Any]:
    one = row.partner
    if not one.is_active:
        tone, word = "quiet", _("已停用")
    elif one.failing_since is not None:
        tone, word = "late", _("送不到")
    elif one.reached_at is None and one.heard_at is None:
        tone, word = "info", _("还没通过")
    else:
        tone, word = "normal", _("正常")
    return {"one": one, "row": row, "kind": KINDS[PartnerKind(one.kind)], "tone": tone, "word": word}


def state_words(one: HandOver) -> tuple[str, str]:
    """Return how a hand-over stands in words, and its tone; one that came to us is received by us."""
    word, tone = STATES[one.state]
    return (_("我方已收") if one.state == "received" and not one.outgoing else str(word)), tone


def _hand_over_line(one: HandOver) -> dict[str, Any]:
    word, tone = state_words(one)
    return {
        "one": one,
        "title": title_of(one.ticket),
        "word": word,
        "tone": tone,
        "open": one.ended_at is None,
    }


def _trouble(one: LinkMessage) -> dict[str, Any]:
    return {"one": one, "number": one.hand_over.ticket.number, "waits": one.next_try_at is not None}


@hotline
@require_http_methods(["GET", "POST"])
def partner_view(request: HttpRequest, partner_id: int) -> HttpResponse:
    """One partner: what is known of it; change it, switch it off or on, a new key, try again."""
    actor = actor_of(request)
    partner = listing.partner_of(actor, partner_id)
    if request.method != "POST":
        return _partner(request, partner)
    try:
        return _change(request, actor, partner)
    except BadInput as error:
        return _partner(request, partner, wrong=error.message, status=error.status)


def _change(request: HttpRequest, actor: Actor, partner: Partner) -> HttpResponse:
    then = request.POST.get("then", "")
    if then == "renew":
        secret = partners.renew_secret(actor, partner.pk)
        partner.refresh_from_db()
        return _partner(request, partner, secret=secret)
    if then == "retry":
        said = _("%(n)d 条消息马上再送一次。") % {"n": listing.try_again(actor, partner.pk)}
    elif then in {"on", "off"}:
        partners.change_partner(actor, partner.pk, {"is_active": then == "on"})
        said = _("已启用。") if then == "on" else _("已停用，不再收发。")
    elif then == "save":
        partners.change_partner(actor, partner.pk, _given(request))
        said = _("已保存。")
    else:
        raise BadInput(_("没有这个操作。"), "then")
    messages.success(request, said)
    return HttpResponseRedirect(reverse("desk:hotline_partner", args=[partner.pk]))


def _partner(
    request: HttpRequest, partner: Partner, *, secret: str = "", wrong: str = "", status: int = 200
) -> HttpResponse:
    actor = actor_of(request)
    found = listing.hand_overs(actor).filter(partner=partner)[:SHOWN]
    context = {
        "one": partner,
        "line": _partner_line(listing.PartnerRow(partner, 0, 0)),
        "speaks": partner.kind in partners.SPEAKS,
        "has_secret_out": bool(partner.secret_out),
        "is_hook": partner.kind == PartnerKind.HOOK,
        "map": request.POST.get(
            "fields", "\n".join(f"{ours} = {path}" for ours, path in partner.fields.items())
        ),
        "hook_fields": HOOK_FIELDS,
        "secret": secret,
        "hand_overs": [_hand_over_line(one) for one in found],
        "wrong": wrong,
    }
    answer = shell_page(
        request, "desk/hotline/supervising/partner.html", "hotline_links", context, status=status
    )
    if secret:
        answer["Cache-Control"] = "no-store"
    return answer


@hotline
@require_http_methods(["GET", "POST"])
def send_view(request: HttpRequest) -> HttpResponse:
    """Hand a ticket (?ticket=number) over to a partner; operators may, too."""
    actor = actor_of(request)
    if request.method != "POST":
        return _send(request, actor)
    given = request.POST
    target = given.get("partner", "")
    plan = handing.Plan(
        int(target) if target.isascii() and target.isdigit() and len(target) < 18 else 0,
        given.get("reason", ""),
        urgent=given.get("urgent") == "1",
        phoned_to=given.get("phoned_to", ""),
        shares_contact=given.get("shares_contact") == "1",
    )
    try:
        ticket = visible_ticket(actor, given.get("number", "").strip()[:20])
        made = handing.hand_over(actor, ticket.pk, plan)
    except TicketError as error:
        return _send(request, actor, error.message, error.status)
    messages.success(request, _("已移交，几秒内送出。"))
    if actor.may(partners.PERMISSION):
        return HttpResponseRedirect(reverse("desk:hotline_handover", args=[made.pk]))
    return HttpResponseRedirect(reverse("desk:hotline_ticket", args=[ticket.number]))


def _send(request: HttpRequest, actor: Actor, wrong: str = "", status: int = 200) -> HttpResponse:
    context = {
        "targets": handing.partners_for(actor),
        "number": request.GET.get("ticket", "")[:20],
        "wrong": wrong,
        "given": request.POST,
        "managing": actor.may(partners.PERMISSION),
    }
    return shell_page(request, "desk/hotline/supervising/send.html", "hotline_links", context, status=status)


@hotline
@require_GET
def handover_view(request: HttpRequest, hand_over_id: int) -> HttpResponse:
    """One hand-over with its trail."""
    return _handover(request, hand_over_id)


def _handover(request: HttpRequest, hand_over_id: int, wrong: str = "", status: int = 200) -> HttpResponse:
    made = listing.hand_over_of(actor_of(request), hand_over_id)
    context = {
        **_hand_over_line(made),
        "made": made,
        "trail": [
            {"at": one.at, "who": who_word(one.who), "what": what_word(one.what), "words": one.words}
            for one in made.trail.all()
        ],
        "troubles": [
            _trouble(one)
            for one in made.messages.select_related("hand_over__ticket").defer("body").exclude(error="")
        ],
        "wrong": wrong,
    }
    return shell_page(
        request, "desk/hotline/supervising/handover.html", "hotline_links", context, status=status
    )


def what_word(what: str) -> str:
    """Return a line of the trail in words: what, and which way it went."""
    for end, way in (("_in", _("%(what)s（对方）")), ("_out", _("%(what)s（我方告知）"))):
        if what.endswith(end):
            return way % {"what": WHAT.get(what.removesuffix(end), what)}
    return str(WHAT.get(what, what))


@hotline
@require_POST
def handover_step_view(request: HttpRequest, hand_over_id: int) -> HttpResponse:
    """Take a hand-over back, send a note, or try again."""
    actor, then, words = actor_of(request), request.POST.get("then", ""), request.POST.get("words", "")
    made = listing.hand_over_of(actor, hand_over_id)
    try:
        if then == "take_back":
            handing.take_back(actor, made.pk, words)
            said = _("已收回，工单回到我方。")
        elif then == "note":
            handing.send_note(actor, made.pk, words)
            said = _("留言已发出。")
        elif then == "retry":
            said = _("%(n)d 条消息马上再送一次。") % {"n": listing.try_again(actor, made.partner_id)}
        else:
            raise BadInput(_("没有这个操作。"), "then")
    except TicketError as error:
        return _handover(request, made.pk, error.message, error.status)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("desk:hotline_handover", args=[made.pk]))
