"""What rounds do by themselves: urge whoever hasn't handed in, a day before it is due and once it is late."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.forms.collecting.rounds import locked_round, urge
from citybrain.hub.forms.making.history import note
from citybrain.hub.forms.models import Round, RoundState

REMIND_BEFORE: Final = timedelta(hours=24)
SOON, LATE = 1, 2
BATCH: Final = 50


def tick(now: datetime) -> int:
    """Urge what is due soon or late, each round once for each; return how many rounds were urged."""
    open_ = Round.objects.filter(state=RoundState.OPEN)
    late = open_.filter(due_at__lte=now, reminded__lt=LATE)
    soon = open_.filter(due_at__lte=now + REMIND_BEFORE, due_at__gt=now, reminded__lt=SOON)
    found = [(pk, LATE) for pk in late.order_by("due_at").values_list("pk", flat=True)[:BATCH]]
    found += [(pk, SOON) for pk in soon.order_by("due_at").values_list("pk", flat=True)[:BATCH]]
    return sum(_urge_one(pk, stage, now) for pk, stage in found)


def _urge_one(pk: int, stage: int, now: datetime) -> int:
    with transaction.atomic():
        round_ = locked_round(Round(pk=pk))
        if round_.state != RoundState.OPEN or round_.reminded >= stage:
            return 0
        round_.reminded = stage
        round_.save(update_fields=["reminded"])
        text = _("填报已逾期，请尽快上报。") if stage == LATE else _("填报即将到期，请及时上报。")
        if round_.due_at - round_.issued_at <= REMIND_BEFORE and stage == SOON:
            return 0  # issued for within a day: nobody has to be told that it is due tomorrow
        reminder = urge(SYSTEM.key, round_, now, text=text)
        if reminder is None:
            return 0
        note(SYSTEM, "remind", round_.form, now, {"sheets": reminder.sheets, "text": text}, round_=round_)
    return 1
