"""抽查: answers drawn for a person to look at: a random share of each unit's, and those the rules think poor of."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline import quality
from citybrain.hub.hotline.access import reach_sql
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.models.ticket import QualityCheck, Ticket

PERMISSION: Final = "hotline.quality"
SHARE: Final = 0.05  # of each day's answers drawn at random; our choice
LEAST: Final = 1  # of each unit that answered at all that day
POOR: Final = 50  # at or below this score an answer is drawn whatever chance says
DRAWN_MOST: Final = 500  # drawn at once by a person
LOOK_BACK: Final = timedelta(hours=1)
SAME_SPAN: Final = timedelta(days=3)  # in which answers alike, word for word, are counted
VERDICTS: Final = ("good", "poor", "empty")


@dataclass(frozen=True, slots=True)
class Drawn:
    """How many answers were looked at by rule, and how many of them were drawn, by chance and for their score."""

    looked_at: int
    by_chance: int
    by_score: int


def tick(now: datetime) -> int:
    """Draw what is to be drawn now; return how many answers were."""
    drawn = draw(now)
    return drawn.by_chance + drawn.by_score


def draw(now: datetime, *, share: float = SHARE, seed: str = "") -> Drawn:
    """Draw answers for a person to look at: of yesterday's by chance, of the last hour's those of a poor score.

    Chance goes by ticket, so that however often this runs it draws the same ones.
    """
    chosen = _by_chance(now, share, seed)
    lately = Ticket.objects.filter(replied_at__gt=now - LOOK_BACK, replied_at__lte=now).exclude(reply="")
    found = _not_drawn(chosen | set(lately.values_list("pk", flat=True)))
    same = _same_replies(now)
    checks: list[QualityCheck] = []
    for ticket in found:
        others = same.get(ticket.reply, 1) - 1
        verdict = quality.judge(ticket.reply, kind=ticket.kind, message=ticket.plain, same_elsewhere=others)
        if verdict.score <= POOR or ticket.pk in chosen:
            why = "low" if verdict.score <= POOR else "random"
            checks.append(_check(ticket, ticket.replied_by_id, verdict, why, now))
    QualityCheck.objects.bulk_create(checks)
    poor = sum(check.why == "low" for check in checks)
    return Drawn(len(found), len(checks) - poor, poor)


def _by_chance(now: datetime, share: float, seed: str) -> set[int]:
    """Return the tickets drawn by chance of those that each unit answered yesterday."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    answered = Ticket.objects.filter(replied_at__gte=today - timedelta(days=1), replied_at__lt=today)
    return _shares(answered.exclude(reply="").values_list("pk", "replied_by_id"), share, seed)


def _shares(answers: Iterable[tuple[int, int | None]], share: float, seed: str) -> set[int]:
    """Return a share of each unit's tickets by the chance of their numbers, one of each unit at least."""
    found: dict[int | None, list[int]] = {}
    for ticket_id, agency_id in answers:
        found.setdefault(agency_id, []).append(ticket_id)
    chosen: set[int] = set()
    for ids in found.values():
        ids.sort(key=lambda one: hashlib.blake2b(f"{seed}:{one}".encode(), digest_size=8).digest())
        chosen.update(ids[: max(LEAST, round(share * len(ids)))])
    return chosen


def _not_drawn(ids: set[int]) -> list[Ticket]:
    """Return the tickets among `ids` whose answer, as it stands, was never drawn."""
    drawn = set(QualityCheck.objects.filter(ticket_id__in=ids).values_list("ticket_id", "reply"))
    wanted = Ticket.objects.filter(pk__in=ids).only("pk", "reply", "kind", "plain", "replied_by_id")
    return [one for one in wanted.order_by("pk") if (one.pk, one.reply) not in drawn]


def _same_replies(now: datetime) -> dict[str, int]:
    """Return how often each answer was given word for word in the last days, those given thrice or more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reply, count(*) FROM hotline_ticket WHERE replied_at > %s AND replied_at <= %s AND reply <> ''"
            " GROUP BY reply HAVING count(*) > 2",
            [now - SAME_SPAN, now],
        )
        return dict(cursor.fetchall())


def _check(
    ticket: Ticket, agency_id: int | None, verdict: quality.Verdict, why: str, now: datetime
) -> QualityCheck:
    return QualityCheck(
        ticket_id=ticket.pk,
        reply=ticket.reply,
        agency_id=agency_id,
        drawn_at=now,
        why=why,
        score=verdict.score,
        faults=list(verdict.faults),
    )


def ask(actor: Actor, ticket_id: int, now: datetime | None = None) -> QualityCheck:
    """Draw one ticket's answer because a person asks for it. Raises NotFound, Forbidden, NotNow without an answer."""
    ticket = Ticket.objects.visible_to(actor).filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    require(actor, PERMISSION, ticket)
    if not ticket.reply:
        raise NotNow(_("该工单还没有答复。"))
    waiting = QualityCheck.objects.filter(ticket=ticket, reply=ticket.reply, checked_at=None).first()
    if waiting is not None:
        return waiting
    verdict = quality.judge(ticket.reply, kind=ticket.kind, message=ticket.plain)
    check = _check(ticket, ticket.replied_by_id, verdict, "asked", now or timezone.now())
    check.save()
    return check


def draw_now(
    actor: Actor, since: datetime, until: datetime, share: float, now: datetime | None = None
) -> Drawn:
    """Draw a share of each unit's answers of a span because a person asks for it; of the actor's tickets only.

    The same answer is never drawn twice. Raises Forbidden, BadInput for a share not in 0.01 to 1.
    """
    require(actor, PERMISSION)
    moment = now or timezone.now()
    if not 0.01 <= share <= 1:
        raise BadInput(_("抽查比例应为 1% 到 100%。"), "share")
    scope, params = reach_sql(actor, PERMISSION)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id, t.replied_by_id FROM hotline_ticket t WHERE t.replied_at >= %s AND t.replied_at < %s"
            f" AND t.reply <> '' AND ({scope})",
            [since, until, *params],
        )
        chosen = _shares(cursor.fetchall(), share, f"{moment:%F %T}")
    with transaction.atomic():
        found = _not_drawn(chosen)[:DRAWN_MOST]
        same = _same_replies(moment)
        checks = []
        for ticket in found:
            others = same.get(ticket.reply, 1) - 1
            verdict = quality.judge(
                ticket.reply, kind=ticket.kind, message=ticket.plain, same_elsewhere=others
            )
            checks.append(_check(ticket, ticket.replied_by_id, verdict, "asked", moment))
        QualityCheck.objects.bulk_create(checks)
        told = {"since": since.isoformat(), "until": until.isoformat(), "share": share, "drawn": len(checks)}
        record(actor.key, "hotline.quality_draw", "quality", told, at=moment)
    return Drawn(len(chosen), len(checks), 0)


def to_check(actor: Actor, *, limit: int = 50, offset: int = 0) -> list[QualityCheck]:
    """Return the drawn answers that wait for a person, the poorest first, with their tickets."""
    ids = _ids(actor, "q.checked_at IS NULL", [], "q.score, q.id", limit, offset)
    found = QualityCheck.objects.select_related("ticket", "agency").in_bulk(ids)
    return [found[one] for one in ids]


def _ids(actor: Actor, condition: str, values: list[Any], order: str, limit: int, offset: int) -> list[int]:
    scope, params = reach_sql(actor, PERMISSION)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT q.id FROM hotline_qualitycheck q JOIN hotline_ticket t ON t.id = q.ticket_id"
            f" WHERE {condition} AND ({scope}) ORDER BY {order} LIMIT %s OFFSET %s",
            [*values, *params, limit, offset],
        )
        return [row[0] for row in cursor.fetchall()]


def decide(
    actor: Actor, check_id: int, verdict: str, note: str = "", *, now: datetime | None = None
) -> QualityCheck:
    """Write down what a person found: good, poor or empty. Raises NotFound, Forbidden, BadInput, NotNow."""
    moment = now or timezone.now()
    with transaction.atomic():
        rows = QualityCheck.objects.select_for_update(of=("self",)).select_related("ticket")
        check = rows.filter(pk=check_id).first()
        if check is None or not Ticket.objects.visible_to(actor).filter(pk=check.ticket_id).exists():
            raise NotFound
        hat = require(actor, PERMISSION, check.ticket)
        if verdict not in VERDICTS:
            raise BadInput(_("请选择抽查结论。"), "verdict")
        if verdict != "good" and not note.strip():
            raise BadInput(_("不合格的答复请写明问题。"), "note")
        if check.checked_at is not None:
            raise NotNow(_("这条答复已抽查过。"))
        check.verdict, check.note = verdict, note.strip()[:2000]
        check.checked_at, check.checked_by_id = moment, actor.person_id
        check.save()
        record(
            actor.key,
            "hotline.quality",
            f"ticket:{check.ticket_id}",
            {"check": check.pk, "verdict": verdict},
            at=moment,
            on_behalf_of=hat.on_behalf_key,
        )
    return check


@dataclass(frozen=True, slots=True)
class UnitQuality:
    """One unit's answers in a span: how many were looked at, and how many were good.

    `agency_id` None: the hotline's own answers.
    """

    agency_id: int | None
    checked: int
    good: int
    mean_score: float


def by_unit(actor: Actor, since: datetime, until: datetime) -> list[UnitQuality]:
    """Return what was found per unit in a span, the most poor ones first."""
    scope, params = reach_sql(actor, PERMISSION)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT q.agency_id, count(*), count(*) FILTER (WHERE q.verdict = 'good'), avg(q.score)::float8"
            " FROM hotline_qualitycheck q JOIN hotline_ticket t ON t.id = q.ticket_id"
            f" WHERE q.checked_at >= %s AND q.checked_at < %s AND ({scope})"
            " GROUP BY q.agency_id ORDER BY count(*) FILTER (WHERE q.verdict <> 'good') DESC, q.agency_id",
            [since, until, *params],
        )
        return [UnitQuality(*row) for row in cursor.fetchall()]
