"""实名认证: a citizen says name and identity number, which are compared and not kept; then who read theirs is shown."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from citybrain.base.exchange.binding import Given, is_bound, prove_oneself
from citybrain.base.exchange.naming import RegisterChecker, example
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import AuthLevel, Person
from citybrain.base.identity.proofs import Checker, checker_for
from citybrain.faces.portal.doors import actor_of, address_of, citizen_of, is_made_up_city, portal


def checker() -> Checker:
    """Return who compares: the city's checker; in the sample city its made-up register."""
    chosen = checker_for(AuthLevel.REAL_NAME)
    return RegisterChecker() if chosen.by_officer and is_made_up_city() else chosen


def may_name() -> bool:
    """Return whether names can be proven online here."""
    return not checker().by_officer


def _after(request: HttpRequest) -> str:
    """Return where to go afterwards: a page of ours, by default who read mine."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    own = {request.get_host()}
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=own, require_https=request.is_secure())
    return wanted if wanted.startswith("/") and safe else reverse("portal:readings")


@sensitive_post_parameters("name", "id_no")
@portal
@require_http_methods(["GET", "POST"])
def real_name(request: HttpRequest) -> HttpResponse:
    """Ask for name and number; with the right ones the account is proven and bound."""
    citizen = citizen_of(request)
    if citizen is None:
        return redirect(f"{reverse('portal:sign_in')}?next={reverse('portal:real_name')}")
    if is_bound(citizen):
        return redirect(_after(request))
    if request.method == "GET" or not may_name():
        return _page(request, citizen)
    given = Given(
        name=request.POST.get("name", "")[:100],
        id_no=request.POST.get("id_no", "")[:40],
        agreed=request.POST.get("agreed") == "on",
        network=address_of(request),
    )
    try:
        prove_oneself(actor_of(request), citizen, given, checker(), timezone.now())
    except Refused as refused:
        return _page(request, citizen, refused)
    return redirect(_after(request))


def _page(request: HttpRequest, citizen: Person, refused: Refused | None = None) -> HttpResponse:
    """Show the form. The number is never written back into it; the name is."""
    problem = refused.problems[0] if refused else None
    context = {
        "may_name": may_name(),
        "name": request.POST.get("name", "")[:100],
        "agreed": request.POST.get("agreed") == "on",
        "error": problem.reason if problem else "",
        "wrong": problem.field if problem else "",
        "next": _after(request),
        "made_up": is_made_up_city(),
        "example": example(citizen.pk) if is_made_up_city() else None,
    }
    return render(request, "portal/real_name.html", context, status=422 if refused else 200)
