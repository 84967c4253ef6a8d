"""A citizen at the service counter: an officer who saw document and person binds the number to the portal account."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from citybrain.base.exchange.binding import DOCUMENTS, bind_at_counter, citizen_with
from citybrain.base.identity.access import refusal
from citybrain.base.identity.delegation import MANAGE
from citybrain.base.identity.phones import masked
from citybrain.faces.desk.accounts.answers import refusals
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page


class CitizenForm(forms.Form):
    """What an officer at the counter sees: phone, document, number."""

    phone = forms.CharField(
        label=gettext_lazy("市民的手机号"),
        max_length=24,
        help_text=gettext_lazy("本人登录市民端用的号码。"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    document = forms.ChoiceField(
        label=gettext_lazy("查验的证件"), choices=[("", "—"), *((one, one) for one in DOCUMENTS)]
    )
    id_no = forms.CharField(
        label=gettext_lazy("公民身份号码"),
        max_length=24,
        help_text=gettext_lazy("对照证件填写；不保存号码本身。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    seen = forms.BooleanField(label=gettext_lazy("已当面核对本人与证件一致"))


@sensitive_post_parameters("id_no")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def bind(request: HttpRequest) -> HttpResponse:
    """Bind a citizen's number to their account; the number is never shown again."""
    actor = actor_of(request)
    if not actor.may(MANAGE):
        raise refusal(actor, MANAGE)
    form = CitizenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        done = False
        with refusals(form):
            person = citizen_with(actor, asked["phone"])
            bind_at_counter(
                actor, person, asked["id_no"], asked["document"], seen=asked["seen"], now=timezone.now()
            )
            done = True
        if done:
            messages.success(request, _("%(phone)s 的账号已实名。") % {"phone": masked(person.phone)})
            return redirect("people:citizens")
    status = 422 if form.errors else 200
    return page(request, "desk/accounts/citizens.html", "people", {"form": form}, status=status)
