"""Sign-in, sign-out and the first change of a one-time password."""

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from citybrain.base.identity.actions import change_password
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.devices import remember_device
from citybrain.base.identity.middleware import before_password_change
from citybrain.base.identity.models import Person
from citybrain.base.identity.sessions import SessionStore
from citybrain.base.identity.sign_in import sign_in, sign_out
from citybrain.faces.desk.accounts.answers import refusals
from citybrain.faces.desk.accounts.forms import FirstPasswordForm
from citybrain.faces.look.preferences import remember

HOME = "desk:home"


def _onward(request: HttpRequest) -> str:
    """Return where one came from, if that is on this site; else an empty text."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if safe else ""


@sensitive_post_parameters("password")
@never_cache
@before_password_change
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Show the form, or sign in. Whoever is signed in already goes on."""
    if request.method != "POST":
        person = request.user
        if isinstance(person, Person) and person.kind == "officer":
            return _on(request)
        return _form(request, "", "")
    login, password = request.POST.get("login", ""), request.POST.get("password", "")
    attempt = sign_in(request, login, password)
    if attempt.person is None:
        return _form(request, login, attempt.message, 429 if attempt.wait_until else 422)
    response = redirect("accounts:first_password") if attempt.person.must_change_password else _on(request)
    remember_device(request, response, attempt.person.pk)
    return remember(response, attempt.person)


def _on(request: HttpRequest) -> HttpResponseRedirect:
    return redirect(_onward(request) or HOME)


def _form(request: HttpRequest, login: str, error: str, status: int = 200) -> HttpResponse:
    context = {"login": login, "error": error, "next": _onward(request)}
    return render(request, "desk/accounts/sign_in.html", context, status=status)


@before_password_change
@require_POST
def sign_out_now(request: HttpRequest) -> HttpResponse:
    was_citizen = isinstance(request.user, Person) and request.user.kind == "citizen"
    sign_out(request)
    return redirect("/" if was_citizen else "accounts:sign_in")


@sensitive_post_parameters("old", "new", "again")
@never_cache
@before_password_change
@require_http_methods(["GET", "HEAD", "POST"])
def first_password(request: HttpRequest) -> HttpResponse:
    """Ask for a password of one's own in place of the one-time one; until then nothing else opens."""
    person = request.user
    if not isinstance(person, Person):
        return redirect("accounts:sign_in")
    if not person.must_change_password:
        return redirect(HOME)
    form = FirstPasswordForm(request.POST or None)
    if request.method == "POST" and replace_password(request, person, form):
        messages.success(request, _("密码已设好。以后请用新密码登录。"))
        return redirect(HOME)
    status = 422 if form.errors else 200
    return render(
        request, "desk/accounts/first_password.html", {"person": person, "form": form}, status=status
    )


def replace_password(request: HttpRequest, person: Person, form: forms.Form) -> bool:
    """Change the password to what the form says and keep this session; say whether it was done."""
    if not form.is_valid():
        return False
    kept = request.session.session_id if isinstance(request.session, SessionStore) else None
    actor = Actor(person.pk, person.name, "officer", person.agency_id)
    with refusals(form):
        old, new = form.cleaned_data["old"], form.cleaned_data["new"]
        change_password(actor, person, old, new, keep_session=kept)
    if form.errors:
        return False
    update_session_auth_hash(request, person)
    return True
