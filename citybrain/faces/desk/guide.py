"""The help sheet: what the desk's words and keys mean."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from citybrain.faces.desk.doors import officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.cases.lifecycle import TRANSITIONS


@officers
@require_GET
def help_view(request: HttpRequest) -> HttpResponse:
    """Keys, states and steps in plain words."""
    keyed = [one for one in TRANSITIONS.values() if one.key_hint and one.by_officer]
    return shell_page(request, "desk/help.html", "help", {"keyed": keyed})
