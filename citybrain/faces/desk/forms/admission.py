"""Form admission (报表准入): what the city knows of a form, who asks the same; asked for here, and decided here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from citybrain.base.areas.tree import tree
from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.asking import AdmissionForm, DecisionForm, about_of, put_refusals
from citybrain.faces.desk.forms.finding import found_form
from citybrain.faces.desk.forms.shown import ASKS, FormLine, asked_name, level_name, sets_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words
from citybrain.hub.forms.access import ADMIT, DRAFT
from citybrain.hub.forms.columns import Asks
from citybrain.hub.forms.making import actions
from citybrain.hub.forms.making.assessing import (
    AGAINST,
    Advice,
    Assessment,
    ColumnKnown,
    Knows,
    Same,
    assess,
    assess_form,
)
from citybrain.hub.forms.making.saved import seconds_a_cell
from citybrain.hub.forms.models import Cycle, Form, FormState, Shaped

OPEN: Final = (FormState.DRAFT, FormState.REFUSED)
ADVICE: Final[Mapping[str, tuple[str, Any, Any]]] = {
    Advice.REFUSE: ("late", gettext_lazy("建议不予准入"), gettext_lazy("城市全都知道，已有报表也在收")),
    Advice.TAKE: ("late", gettext_lazy("建议不予准入"), gettext_lazy("城市全都知道，直接用数据就行")),
    Advice.MERGE: ("late", gettext_lazy("建议不予准入"), gettext_lazy("已有报表在收同样的内容")),
    Advice.NARROW: ("due_soon", gettext_lazy("建议精简"), gettext_lazy("一半以上城市已经知道")),
    Advice.ADMIT: ("normal", gettext_lazy("可以准入"), gettext_lazy("没有发现重复")),
}
KNOWS: Final[Mapping[str, tuple[str, Any]]] = {
    Knows.GRANTED: ("normal", gettext_lazy("可直接用")),
    Knows.HELD: ("due_soon", gettext_lazy("需先授权")),
    Knows.EMPTY: ("paused", gettext_lazy("还没有数据")),
    Knows.NOT: ("info", gettext_lazy("只能问基层")),
    Knows.ITSELF: ("quiet", gettext_lazy("不用填")),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def admission_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """What the city knows of a form; its office asks for admission here, who admits decides here."""
    actor = actor_of(request)
    one = found_form(actor, form_id)
    side = Side(one.office)
    may_ask = one.state in OPEN and not why_not(actor, DRAFT, side)
    admits = one.state == FormState.ASKING and not why_not(actor, ADMIT, side)
    own = admits and actor.person_id is not None and actor.person_id == one.created_by_id
    form = _form(request, one, may_ask=may_ask)
    if request.method == "POST":
        done = _asked(request, actor, one, form) if may_ask else _decided(request, actor, one, form)
        if done is not None:
            return done
    found = assessment_of(actor, one)
    if found is None:
        raise Http404
    context = {
        "one": one,
        "line": FormLine.of(one, "", timezone.now()),
        "form": form,
        "level": level_name(one.fillers),
        "may_ask": may_ask,
        "may_decide": admits and not own,
        "own": own,
        **told(actor, one, found),
    }
    status = 422 if form.errors else 200
    return shell_page(request, "desk/forms/admission.html", "forms", context, status=status)


def assessment_of(actor: Actor, one: Form) -> Assessment | None:
    """Return what was found when admission was decided; of a form that isn't decided, what is found now."""
    if one.state == FormState.ASKING and one.current:
        return assess_form(one, timezone.now())
    if one.state not in OPEN and one.assessed:
        return Assessment.from_json(one.assessed)
    return assess(actor, one) if one.current else None


def _form(request: HttpRequest, one: Form, *, may_ask: bool) -> AdmissionForm | DecisionForm:
    given = request.POST if request.method == "POST" else None
    if not may_ask:
        return DecisionForm(given)
    return AdmissionForm(given, initial={"purpose": one.purpose, "basis": one.basis})


def _asked(request: HttpRequest, actor: Actor, one: Form, form: Any) -> HttpResponse | None:
    """Ask for admission; None where something is missing, which then stands in the form."""
    if not form.is_valid():
        return None
    about = about_of(one, purpose=form.cleaned_data["purpose"], basis=form.cleaned_data["basis"])
    try:
        actions.ask_admission(actor, actions.change_form(actor, one, about))
    except actions.Unsettled as waiting:
        messages.error(request, _("还有 %(n)d 列没有核对，核对后再申请。") % {"n": len(waiting.letters)})
        return redirect("desk:form_columns", one.pk)
    except Refused as refused:
        put_refusals(form, refused)
        return None
    messages.success(request, _("已提交准入申请，等待审查。"))
    return redirect("desk:form", one.pk)


def _decided(request: HttpRequest, actor: Actor, one: Form, form: Any) -> HttpResponse | None:
    """Decide; None where the word can't stand as it is."""
    admit = request.POST.get("word") == "admit"
    if not form.is_valid():
        return None
    try:
        actions.decide_admission(actor, one, admit=admit, reason=form.cleaned_data["reason"])
    except Refused as refused:
        put_refusals(form, refused)
        return None
    messages.success(request, _("已准予下发。") if admit else _("已决定不予准入，理由已告知要报的单位。"))
    return redirect("desk:form", one.pk)


def told(actor: Actor, one: Form, found: Assessment) -> dict[str, Any]:
    """Return an assessment as the page tells it."""
    tone, word, title = ADVICE[found.advice]
    percent, known = int(found.share * 100), len(found.known)
    rest = found.asked - known
    cells = _cells(one, found)
    return {
        "advice": {
            "tone": tone, "word": str(word), "title": str(title), "text": " ".join(found.reasons()),
            "against": found.advice in AGAINST,
        },
        "known_percent": percent,
        "known_columns": known,
        "columns_unit": _("/ %(n)d 列") % {"n": found.asked},
        "ask_words": _("还要问基层 %(n)d 列") % {"n": rest} if rest else _("一列都不用问"),
        "same": [_same(actor, other) for other in found.same],
        "same_tone": "late" if found.covering else "due_soon" if found.same else "normal",
        "same_word": _("有表全包含") if found.covering else _("有重合") if found.same else _("没有重复"),
        "minutes": cells,
        "hours_saved": (cells or 0) * seconds_a_cell() / 3600,
        "saved_words": _("一地一行，每格按 %(n)d 秒计") % {"n": seconds_a_cell()},
        "columns": columns_of(one, found),
    }  # fmt: skip


def _cells(one: Form, found: Assessment) -> int | None:
    """Return how many cells data fill in a round of a table with one row an area; None where rows aren't known."""
    if one.shaped != Shaped.FIGURES:
        return None
    top = tree().find(one.office.area_id)
    if top is None:
        return None
    areas = sum(node.level == one.fillers for node in tree().descendants(top.id))
    return round(areas * found.asked * found.share)


def columns_of(one: Form, found: Assessment) -> list[dict[str, Any]]:
    """Return each column with what is known of it. One query."""
    shape = {column.letter: column for column in (one.current.shape if one.current else ())}
    sets = sets_of(list(shape.values()))
    return [_column(shape.get(known.letter), known, sets) for known in found.columns]


def _column(column: Any, known: ColumnKnown, sets: Any) -> dict[str, Any]:
    tone, word = KNOWS[known.knows]
    asks = known.knows not in {Knows.ITSELF, Knows.NOT}
    late = known.late and asks
    at = datetime.fromisoformat(known.as_of) if known.as_of else None
    fresh = _("%(at)s，已迟到") if late else _("%(at)s，按期")
    return {
        "path": column.path if column else (known.name,),
        "asked": asked_name(column, sets) if column else str(ASKS[Asks.DATA]),
        "percent": int(known.share * 100) if asks else None,
        "fresh": fresh % {"at": words.stamp(at)[:10]} if asks and at else "",
        "fresh_tone": "late" if late else "normal",
        "tone": tone,
        "word": str(word),
        "whom": _whom(known),
    }


def _whom(known: ColumnKnown) -> str:
    if known.knows == Knows.HELD:
        return _("向%(who)s申请授权") % {"who": known.ask or known.provider}
    if known.knows == Knows.EMPTY:
        return _("%(who)s还没有接入") % {"who": known.provider}
    return ""


def _same(actor: Actor, other: Same) -> dict[str, Any]:
    seen = Form.objects.visible_to(actor).filter(pk=other.id).exists()
    return {
        "title": other.title,
        "url": reverse("desk:form", args=[other.id]) if seen else "",
        "office": other.office,
        "cycle": str(Cycle(other.cycle).label),
        "percent": int(other.share * 100),
        "headings": other.names[:8],
    }
