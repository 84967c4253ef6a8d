"""我的: a citizen signs in by a code to the phone, sees their reports, and what we keep of them."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.identity import devices, phone_codes
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Person, PersonKind
from citybrain.base.identity.phones import masked, normalise_phone
from citybrain.base.identity.sessions import client_ip
from citybrain.base.identity.sign_in import open_session, sign_out
from citybrain.faces.portal import codes, rows, throttle
from citybrain.faces.portal.doors import actor_of, address_of, citizen_of, is_made_up_city, portal, wait_words
from citybrain.hub.cases import progress
from citybrain.hub.cases.models import CaseContact
from citybrain.hub.hotline.channels import progress as said
from citybrain.hub.hotline.models.ticket import TicketContact

MOST_SHOWN = 50


def _next_page(request: HttpRequest) -> str:
    """Return where to go after signing in: a page of ours, by default one's own reports."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    own = {request.get_host()}
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=own, require_https=request.is_secure())
    return wanted if wanted.startswith("/") and safe else reverse("portal:my")


@portal
@require_http_methods(["GET", "POST"])
def ask_phone(request: HttpRequest) -> HttpResponse:
    """Ask for the phone number, and send a code to it."""
    if citizen_of(request) is not None:
        return redirect(_next_page(request))
    if request.method == "GET":
        return _phone_page(request)
    now = timezone.now()
    minutes = throttle.take(throttle.SIGN_INS_OF_ADDRESS, address_of(request), now)
    if minutes:
        return _phone_page(request, wait_words(minutes), 429)
    phone = request.POST.get("phone", "")[:40]
    try:
        sent = _send(request, phone)
    except Refused as refused:
        return _phone_page(request, refused.problems[0].reason, 422)
    return sent


def _send(request: HttpRequest, phone: str) -> HttpResponse:
    """Send the code and ask for it. Raises Refused."""
    sender = codes.sender()
    sent = phone_codes.send_code(
        phone,
        ip=client_ip(request),
        device=_device(request, phone),
        sender=sender,
        now=timezone.now(),
    )
    after = _next_page(request)
    shown = sender.text if isinstance(sender, codes.ShownSender) else ""
    response = _code_page(request, sent.phone, shown=shown)
    codes.keep(response, sent.ticket, sent.phone, after)
    return response


def _device(request: HttpRequest, phone: str) -> str:
    """Return this browser's key at the account of a phone; empty where it never signed in to it."""
    number = normalise_phone(phone)
    known = (
        Person.objects.filter(kind=PersonKind.CITIZEN, phone=number or "-")
        .values_list("pk", flat=True)
        .first()
    )
    return devices.device_of(request, known)


def _phone_page(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "error": error,
        "phone": request.POST.get("phone", "")[:40],
        "next": _next_page(request),
        "made_up": is_made_up_city(),
    }
    return render(request, "portal/sign_in.html", context, status=status)


def _code_page(
    request: HttpRequest, phone: str, *, error: str = "", shown: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "phone": phone,
        "error": error,
        "shown": shown,
        "minutes": int(phone_codes.LIVES.total_seconds() // 60),
    }
    return render(request, "portal/sign_in_code.html", context, status=status)


@portal
@require_http_methods(["GET", "POST"])
def ask_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code that was sent; with the right one, sign in."""
    held = codes.kept(request)
    if not held:
        return redirect("portal:sign_in")
    if request.method == "GET":
        return _code_page(request, held["phone"])
    now = timezone.now()
    typed = "".join(letter for letter in request.POST.get("code", "")[:40] if letter.isalnum())
    try:
        person = phone_codes.confirm_code(held["ticket"], typed, now)
    except Refused as refused:
        return _code_page(request, held["phone"], error=refused.problems[0].reason, status=422)
    open_session(request, person, "phone_code", now)
    response = redirect(held["next"])
    devices.remember_device(request, response, person.pk)
    response.delete_cookie(codes.COOKIE)
    return response


@portal
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    sign_out(request)
    return redirect("portal:front")


@portal
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """Show one's own reports, newest first."""
    citizen = citizen_of(request)
    if citizen is None:
        return redirect(f"{reverse('portal:sign_in')}?next={reverse('portal:my')}")
    now = timezone.now()
    lines = rows.mine(actor_of(request), now, MOST_SHOWN)
    return render(
        request, "portal/my.html", {"rows": lines, "phone": masked(citizen.phone), "most": MOST_SHOWN}
    )


@portal
@require_GET
def data(request: HttpRequest) -> HttpResponse:
    """Show what is kept of the person who asks."""
    citizen = citizen_of(request)
    if citizen is None:
        return redirect(f"{reverse('portal:sign_in')}?next={reverse('portal:data')}")
    now = timezone.now()
    context = {
        "phone": citizen.phone,
        "name": citizen.name if citizen.name != _("市民") else "",
        "since": timezone.localtime(citizen.created_at).date(),
        "rows": rows.newest_first([*_cases(request, now), *_tickets(request, now)])[:MOST_SHOWN],
        "most": MOST_SHOWN,
    }
    return render(request, "portal/data.html", context)


def _cases(request: HttpRequest, now: datetime) -> list[dict[str, Any]]:
    """Return the person's reports, each with the contact that is kept of it."""
    cases = progress.mine(actor_of(request), MOST_SHOWN)
    contacts = {
        contact.case_id: contact
        for contact in CaseContact.objects.filter(case__in=[case.pk for case in cases])
    }
    return [{**rows.case_line(case, now), "contact": contacts.get(case.pk)} for case in cases]


def _tickets(request: HttpRequest, now: datetime) -> list[dict[str, Any]]:
    """Return what the person told the hotline, each with the contact that is kept of it."""
    tickets = said.mine(actor_of(request), MOST_SHOWN)
    contacts = {
        contact.ticket_id: {
            "phone": contact.phone,
            "name": contact.name,
            "shared": contact.ticket.caller_shared,
        }
        for contact in TicketContact.objects.filter(ticket__in=[one.pk for one in tickets]).select_related(
            "ticket"
        )
    }
    return [{**rows.ticket_line(one, now), "contact": contacts.get(one.pk)} for one in tickets]
