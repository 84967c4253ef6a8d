"""A form made from the Excel that is to be sent down, and a new table in place of a form's."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from citybrain.base.exchange.reading import Unreadable
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused, refuse
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.asking import NewForm, about_of, put_refusals, roster_of
from citybrain.faces.desk.forms.finding import found_form, offices_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.forms.access import DRAFT
from citybrain.hub.forms.book import NotTaken, look
from citybrain.hub.forms.making import actions
from citybrain.hub.forms.making.workbooks import keep, path_of
from citybrain.hub.forms.models import Form, Shaped, Workbook

SALT: Final = "forms.kept"


@contextmanager
def uploaded(given: "UploadedFile[bytes]") -> Iterator[Path]:
    """Give an uploaded file as one on disk, for as long as it is looked at."""
    with tempfile.TemporaryDirectory(prefix="citybrain-upload-") as folder:
        path = Path(folder) / "form"
        with path.open("wb") as file:
            for piece in given.chunks():
                file.write(piece)
        yield path


def taken(request: HttpRequest, form: NewForm) -> tuple[Workbook, str] | None:
    """Return the workbook that came, or that came before the form was sent back to be mended, with its own name."""
    given = request.FILES.get("file")
    if isinstance(given, UploadedFile):
        name = Path(given.name or "").name[:255]
        try:
            with uploaded(given) as path:
                if not path.stat().st_size:
                    raise refuse("file", _("文件是空的。"))
                return keep(path, name, look(path, name).kind), name
        except Refused as refused:
            put_refusals(form, refused)
        except (NotTaken, Unreadable) as bad:
            form.add_error("file", str(bad))
        return None
    try:
        digest, name = signing.loads(request.POST.get("kept", ""), salt=SALT)
        return Workbook.objects.get(digest=digest), str(name)
    except (signing.BadSignature, Workbook.DoesNotExist, ValueError, TypeError):
        form.add_error("file", _("请选择要下发的 Excel 文件。"))
        return None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def add_view(request: HttpRequest) -> HttpResponse:
    """Make a form from a workbook. A workbook that was read once needn't be chosen again when something is missing."""
    actor = actor_of(request)
    require(actor, DRAFT)
    offices = offices_of(actor, DRAFT)
    form = NewForm(offices, request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST":
        form.is_valid()
        kept = taken(request, form)
        if kept is not None:
            context |= {"kept": signing.dumps([kept[0].digest, kept[1]], salt=SALT), "kept_name": kept[1]}
        if kept is not None and not form.errors:
            office = next(one for one in offices if str(one.pk) == form.cleaned_data["office"])
            try:
                made = _drafted(actor, office, form, kept)
            except actions.WhichSheet as which:
                put_refusals(form, which)
                context["sheets"] = which.sheets
            except Refused as refused:
                put_refusals(form, refused)
            else:
                messages.success(request, _said(made))
                return redirect("desk:form_columns", made.pk)
        if "file" in form.errors:  # another one is needed
            context.pop("kept", None)
    status = 422 if form.errors else 200
    return shell_page(request, "desk/forms/add.html", "forms", context, status=status)


def _drafted(actor: Actor, office: Any, form: NewForm, kept: tuple[Workbook, str]) -> Form:
    given = form.cleaned_data
    about = actions.About(
        title=given["title"], purpose=given["purpose"], basis=given["basis"], cycle=given["cycle"],
        fillers=given["fillers"],
    )  # fmt: skip
    made = actions.draft_form(
        actor, office, about, file=path_of(kept[0]), name=kept[1], sheet=given["sheet"].strip()
    )
    roster = roster_of(made.title) if made.shaped == Shaped.ROSTER else ""
    return actions.change_form(actor, made, about_of(made, roster=roster)) if roster else made


def _said(made: Form) -> str:
    shape = made.current.shape if made.current else ()
    filled = sum(bool(one.field) for one in shape)
    return _("读到 %(n)d 列，其中 %(filled)d 列可从全市数据自动填。") % {"n": len(shape), "filled": filled}


@require_POST
@officers
def revise_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """Put a new table in place of the form's."""
    actor = actor_of(request)
    one = found_form(actor, form_id)
    given = request.FILES.get("file")
    if not isinstance(given, UploadedFile):
        messages.error(request, _("请选择新的 Excel 文件。"))
        return redirect("desk:form", form_id)
    try:
        with uploaded(given) as path:
            sheet = one.current.sheet if one.current else ""
            version = _revised(actor, one, path, given.name or "", sheet)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("desk:form", form_id)
    messages.success(request, _("已换成第 %(n)d 版，请核对新增的列。") % {"n": version.number})
    return redirect("desk:form_columns", form_id)


def _revised(actor: Actor, one: Form, path: Path, name: str, sheet: str) -> Any:
    """Return the new version; where several sheets hold a table, the one called as before is meant."""
    try:
        return actions.revise(actor, one, file=path, name=Path(name).name)
    except actions.WhichSheet as which:
        if sheet not in which.sheets:
            raise
        return actions.revise(actor, one, file=path, name=Path(name).name, sheet=sheet)
