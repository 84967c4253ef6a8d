"""What is done to a round as a whole: everybody urged, everything taken in, its end."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.finding import found_round
from citybrain.faces.desk.forms.rounds import below_of
from citybrain.faces.look import words
from citybrain.hub.forms import collecting as acts


@require_POST
@officers
def remind_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """Urge everybody who owes, or those of one area."""
    actor = actor_of(request)
    one = found_round(actor, round_id)
    below = below_of(request, actor, one)
    try:
        made = acts.remind(actor, one, within=below, text=request.POST.get("text", ""))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        text = ngettext("已催报 %(n)s 个地区。", "已催报 %(n)s 个地区。", made.sheets)
        messages.success(request, text % {"n": words.amount(made.sheets)})
    return redirect(
        reverse("desk:forms_round", args=[round_id]) + query({"below": below.pk if below else None})
    )


@require_POST
@officers
def close_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """End a round."""
    return _ended(request, round_id, call_off=False)


@require_POST
@officers
def call_off_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """Take a round back."""
    return _ended(request, round_id, call_off=True)


def _ended(request: HttpRequest, round_id: int, *, call_off: bool) -> HttpResponse:
    actor, why = actor_of(request), request.POST.get("why", "")
    one = found_round(actor, round_id)
    try:
        if call_off:
            acts.call_off(actor, one, why)
        else:
            acts.close(actor, one, why)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("已撤回，各地不再能填报。") if call_off else _("已结束收集。"))
    return redirect("desk:forms_round", round_id)


@require_POST
@officers
def accept_all_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """Take in everything that was reviewed."""
    actor = actor_of(request)
    try:
        count = acts.accept_all(actor, found_round(actor, round_id))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        text = ngettext("已接收 %(n)s 份。", "已接收 %(n)s 份。", count)
        messages.success(request, text % {"n": words.amount(count)} if count else _("没有待接收的填报。"))
    return redirect("desk:forms_round", round_id)
