"""Import of a roster: the template, the upload, the receipt."""

from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from citybrain.base.identity.access import refusal
from citybrain.base.identity.actions import import_people
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import MANAGE, roles_grantable_by
from citybrain.base.identity.models import PeopleImport
from citybrain.base.identity.roster import COLUMNS
from citybrain.base.identity.roster_files import EXCEL, outcome_name, receipt_file, template_file
from citybrain.faces.desk.accounts.answers import refusals
from citybrain.faces.desk.accounts.forms import ImportForm
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page

SALT = "citybrain.people.receipt"
HANDED_OUT_WITHIN = 3600  # seconds in which a receipt with passwords can be made from its own page
OUTCOMES = ("created", "updated", "granted", "unchanged", "refused")
TONES = {"created": "normal", "updated": "info", "granted": "info", "unchanged": "quiet", "refused": "late"}
SHOWN = 500  # lines on the page; the Excel has them all


def _require(actor: Actor) -> None:
    if not actor.may(MANAGE):
        raise refusal(actor, MANAGE)


def _excel(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=EXCEL)
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@officers
def template(request: HttpRequest) -> HttpResponse:
    """Return the template, with the roles that this officer may give."""
    actor = actor_of(request)
    _require(actor)
    return _excel(template_file(roles_grantable_by(actor)), _("人员导入模板.xlsx"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def upload(request: HttpRequest) -> HttpResponse:
    """Take a roster and show its receipt; passwords are on this answer and nowhere else."""
    actor = actor_of(request)
    _require(actor)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        done = None
        with refusals(form):
            given = form.cleaned_data["passwords"]
            done = import_people(actor, file.read(), file.name, give_passwords=given)
        if done is not None:
            kept = PeopleImport.objects.get(pk=done.id)
            return _receipt_page(request, actor, kept, done.passwords)
    recent = PeopleImport.objects.filter(person_id=actor.person_id or 0)[:8]
    status = 422 if form.errors else 200
    context = {"form": form, "recent": [(one, _counted(one.counts)) for one in recent]}
    return page(request, "desk/accounts/import.html", "people", context, status=status)


def _counted(counts: dict[str, int]) -> list[tuple[str, int, str]]:
    return [(outcome_name(key), counts[key], TONES[key]) for key in OUTCOMES if counts.get(key)]


def _receipt_page(
    request: HttpRequest, actor: Actor, kept: PeopleImport, passwords: dict[str, str]
) -> HttpResponse:
    refused_first = sorted(kept.receipt, key=lambda line: (line["outcome"] != "refused", line["row"]))
    sealed = ""
    if passwords:
        sealed = signing.dumps([actor.person_id, kept.pk, passwords], salt=SALT, compress=True)
    context: dict[str, Any] = {
        "kept": kept,
        "counts": _counted(kept.counts),
        "lines": [_line(line, passwords) for line in refused_first[:SHOWN]],
        "left_out": max(0, len(kept.receipt) - SHOWN),
        "passwords": len(passwords),
        "sealed": sealed,
    }
    return page(request, "desk/accounts/receipt.html", "people", context)


def _line(line: dict[str, Any], passwords: dict[str, str]) -> dict[str, Any]:
    return {
        **line,
        "column": COLUMNS.get(line["field"], (line["field"],))[0],
        "tone": TONES[line["outcome"]],
        "word": outcome_name(line["outcome"]),
        "password": passwords.get(line["login"], ""),
    }


def _kept(actor: Actor, import_id: int) -> PeopleImport:
    """Return one of the actor's own imports. Raises Http404 for anyone else's."""
    found = PeopleImport.objects.filter(pk=import_id, person_id=actor.person_id or 0).first()
    if found is None:
        raise Http404
    return found


@require_safe
@officers
def receipt(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show a receipt again, without passwords."""
    actor = actor_of(request)
    _require(actor)
    return _receipt_page(request, actor, _kept(actor, import_id), {})


@require_http_methods(["GET", "HEAD", "POST"])
@officers
def receipt_excel(request: HttpRequest, import_id: int) -> HttpResponse:
    """Return a receipt as Excel; with passwords when posted from the page that showed them."""
    actor = actor_of(request)
    _require(actor)
    kept = _kept(actor, import_id)
    passwords: dict[str, str] = {}
    if request.method == "POST":
        try:
            whose, which, passwords = signing.loads(
                request.POST.get("sealed", ""), salt=SALT, max_age=HANDED_OUT_WITHIN
            )
        except (signing.BadSignature, ValueError, TypeError) as stale:
            raise Http404 from stale
        if (whose, which) != (actor.person_id, kept.pk):
            raise Http404
    return _excel(receipt_file(kept.receipt, passwords), _("导入回执.xlsx"))
