"""Form admission (报表准入): asked for with what the city knows, decided by another in time, ended."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.base.worktime.calendar import MissingYear, current
from citybrain.base.worktime.clock import Clock
from citybrain.hub.forms.access import ADMIT, DRAFT
from citybrain.hub.forms.making.assessing import AGAINST, assess_form
from citybrain.hub.forms.making.correcting import Unsettled
from citybrain.hub.forms.making.drafting import OPEN, in_state, locked
from citybrain.hub.forms.making.drawing import unsettled
from citybrain.hub.forms.making.history import note
from citybrain.hub.forms.models import Form, FormState

DECISION_MINUTES: Final = 5 * 8 * 60  # our choice: five working days of eight hours; no standard found
WITHOUT_CALENDAR: Final = timedelta(days=7)
WHY_MOST: Final = 500


def ask_admission(actor: Actor, form: Form) -> Form:
    """Ask that a form may be issued. What the city knows of it is worked out now and shown to who decides.

    Raises Forbidden; Unsettled with the columns to be confirmed; Refused where purpose or basis is missing.
    """
    hat = require(actor, DRAFT, Side(form.office))
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, OPEN)
        problems = [
            Problem(key, text)
            for key, text in (("purpose", _("请写明用途。")), ("basis", _("请写明依据的文件。")))
            if not getattr(form, key).strip()
        ]
        if problems:
            raise Refused(*problems)
        waiting = unsettled(form.current.shape if form.current else ())
        if waiting:
            raise Unsettled(waiting)
        found = assess_form(form, now)
        clock = Clock(now, DECISION_MINUTES)
        form.assessed, form.clock, form.due_at = found.to_json(), clock.to_json(), _due(clock)
        form.state, form.asked_at = FormState.ASKING, now
        form.decided_at, form.decided_by, form.decider_name, form.reason = None, "", "", ""
        form.save()
        body = {"version": form.current.number if form.current else 0, "share": round(found.share, 4),
                "same": [one.number for one in found.same], "advice": str(found.advice)}  # fmt: skip
        note(actor, "ask_admission", form, now, body, hat=hat)
    return form


def take_back(actor: Actor, form: Form) -> Form:
    """Take back what was asked and isn't decided. Raises Forbidden, Refused."""
    hat = require(actor, DRAFT, Side(form.office))
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, (FormState.ASKING,))
        _stop(form, now)
        form.state = FormState.DRAFT
        form.save(update_fields=["state", "clock"])
        note(actor, "take_back", form, now, {}, hat=hat)
    return form


def decide_admission(actor: Actor, form: Form, *, admit: bool, reason: str = "") -> Form:
    """Admit a form or refuse it. To refuse, and to admit against the advice, a reason is needed.

    What the city knows is worked out again and stays with the decision.

    Raises Forbidden (also for who asked), Refused when it was decided before.
    """
    hat = require(actor, ADMIT, Side(form.office))
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, (FormState.ASKING,))
        if actor.person_id is not None and actor.person_id in {form.created_by_id, _asked_by(form)}:
            raise Forbidden(_("申请人不能决定自己的报表是否准入。"), _("请由其他首席数据官决定。"))
        found = assess_form(form, now)  # data came and forms were admitted since it was asked
        form.assessed = found.to_json()
        against = admit and found.advice in AGAINST
        if not reason.strip() and (not admit or against):
            text = _("评估建议不予准入；如仍要准入，请写明理由。") if against else _("请写明不予准入的理由。")
            raise refuse("reason", text)
        form.state = FormState.ADMITTED if admit else FormState.REFUSED
        form.decided_at, form.decided_by, form.decider_name = now, actor.key, actor.name
        form.reason = reason.strip()[:WHY_MOST]
        _stop(form, now)
        form.save()
        late = form.due_at is not None and now > form.due_at
        body = {
            "admitted": admit,
            "reason": form.reason,
            "advice": str(found.advice),
            "late": late,
        }
        note(actor, "decide_admission", form, now, body, hat=hat)
    return form


def retire(actor: Actor, form: Form, why: str) -> Form:
    """End a form: the office's right, and that of who admits. Rounds that run go on. Raises Forbidden, Refused."""
    try:
        hat = require(actor, DRAFT, Side(form.office))
    except Forbidden:
        hat = require(actor, ADMIT, Side(form.office))
    if not why.strip():
        raise refuse("why", _("请写明废止的原因。"))
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, (FormState.ADMITTED, FormState.REFUSED, FormState.DRAFT))
        form.state, form.reason = FormState.RETIRED, why.strip()[:WHY_MOST]
        form.save(update_fields=["state", "reason"])
        note(actor, "retire", form, now, {"why": form.reason}, hat=hat)
    return form


def _asked_by(form: Form) -> int | None:
    """Return the person who asked for admission last."""
    event = form.events.filter(action="ask_admission").first()
    key = event.actor if event else ""
    return int(key.removeprefix("person:")) if key.startswith("person:") else None


def _stop(form: Form, now: datetime) -> None:
    if form.clock:
        form.clock = Clock.from_json(form.clock).stop(now).to_json()


def _due(clock: Clock) -> datetime:
    """Return when a decision is due; without a calendar of the year, a week after."""
    try:
        return clock.due_at(current()) or clock.started_at + WITHOUT_CALENDAR
    except MissingYear:
        return clock.started_at + WITHOUT_CALENDAR
