"""The ledger for auditors: who did what, when, under whose name; and whether the chain still holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import orjson
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.fields import TextField
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from citybrain.base.areas.models import Level
from citybrain.base.identity.access import require, scope_q
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Person
from citybrain.base.ledger import sealer
from citybrain.base.ledger.models import Entry
from citybrain.base.ledger.verify import verify
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.audit_words import label_of
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import Case

PAGE: Final = 50
VIEW: Final = "ledger.view"
VERIFY: Final = "ledger.verify"
KEPT: Final = ("who", "action", "subject", "since", "until")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a reader sees it. `seal` is its place in the chain, None while it waits to be sealed."""

    entry: Entry
    who: str
    behalf: str
    label: str
    subject: str
    stamp: str
    body: str
    seal: int | None
    digest: str


def entries_for(actor: Actor) -> QuerySet[Entry]:
    """Return the entries an auditor may read: all for the city's, else those of their area's officers."""
    require(actor, VIEW)
    if actor.is_system or any(hat.area_level == Level.CITY for hat in actor.hats_with(VIEW)):
        return Entry.objects.all()
    fields = tuple(f"agency__{level}_id" for level in ("city", "district", "street", "community", "grid"))
    officers_there = Person.objects.filter(
        scope_q(actor, VIEW, area_fields=fields, agency_fields=("agency_id",), owner_field=None),
        kind="officer",
    ).annotate(key=Concat(Value("person:"), Cast("pk", TextField())))
    return Entry.objects.filter(Exists(officers_there.filter(key=OuterRef("actor"))))


@dataclass(frozen=True, slots=True)
class Asked:
    """What an auditor looks for; empty fields ask for nothing."""

    who: str = ""
    action: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None


def read(params: Any) -> Asked:
    """Return what was asked. Raises BadInput naming the field."""
    before = params.get("before", "")
    return Asked(
        who=params.get("who", "").strip()[:60],
        action=params.get("action", "").strip()[:60],
        subject=params.get("subject", "").strip()[:60],
        since=_day(params.get("since", ""), "since"),
        until=_day(params.get("until", ""), "until"),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )


def _day(value: str, name: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise BadInput(_("“%(name)s”应为日期, 如 2026-11-21。") % {"name": name}, name) from None


def narrowed(found: QuerySet[Entry], asked: Asked) -> QuerySet[Entry]:
    """Return the entries that were asked for, newest first."""
    if asked.who:
        found = found.filter(actor__in=_actor_keys(asked.who))
    if asked.action:
        found = found.filter(action__startswith=asked.action)
    if asked.subject:
        found = found.filter(subject=_subject_key(asked.subject))
    if asked.since:
        found = found.filter(at__gte=_start(asked.since))
    if asked.until:
        found = found.filter(at__lt=_start(asked.until + timedelta(days=1)))
    if asked.before:
        found = found.filter(pk__lt=asked.before)
    return found.order_by("-pk")


def _actor_keys(who: str) -> list[str]:
    """Return the ledger keys of a key itself, or of the people of a name or login."""
    if ":" in who or who in {"system", "anonymous"}:
        return [who]
    named = Person.objects.filter(name=who) | Person.objects.filter(login=who)
    return [f"person:{pk}" for pk in named.values_list("pk", flat=True)[:50]] or [who]


def _subject_key(subject: str) -> str:
    """Return the ledger key of a subject; a case's number stands for its key."""
    if subject.isdigit():
        pk = Case.objects.filter(number=subject).values_list("pk", flat=True).first()
        return f"case:{pk}" if pk else subject
    return subject


def _start(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def lines(entries: Sequence[Entry]) -> list[Line]:
    """Return entries with names for keys (subjects: officers' only). Two queries: people, and cases."""
    keys = {entry.actor for entry in entries} | {entry.on_behalf_of for entry in entries}
    subjects = {entry.subject for entry in entries}
    people = Person.objects.filter(pk__in=_ids(keys | subjects, "person")).values_list("pk", "name", "kind")
    cases = Case.objects.filter(pk__in=_ids(subjects, "case"))
    names = {f"person:{pk}": name for pk, name, _kind in people}
    officers_named = {f"person:{pk}": name for pk, name, kind in people if kind == "officer"}
    numbers = {f"case:{pk}": number for pk, number in cases.values_list("pk", "number")}
    return [_line(entry, names, numbers | officers_named) for entry in entries]


def _ids(keys: set[str], kind: str) -> list[int]:
    parts = (key.partition(":") for key in keys)
    return [int(value) for name, _colon, value in parts if name == kind and value.isdigit()]


def _line(entry: Entry, people: dict[str, str], subjects: dict[str, str]) -> Line:
    seal = getattr(entry, "seal", None)
    return Line(
        entry=entry,
        who=people.get(entry.actor)
        or {"system": _("系统"), "anonymous": _("匿名")}.get(entry.actor, entry.actor),
        behalf=people.get(entry.on_behalf_of, entry.on_behalf_of),
        label=label_of(entry.action),
        subject=subjects.get(entry.subject, entry.subject),
        stamp=timezone.localtime(entry.at).strftime("%Y-%m-%d %H:%M:%S"),
        body=_told(entry.body),
        seal=seal.seq if seal else None,
        digest=bytes(seal.hash).hex() if seal else "",
    )


def _told(body: str) -> str:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body


@officers
@require_http_methods(["GET", "POST"])
def audit_view(request: HttpRequest) -> HttpResponse:
    """Entries within right, newest first. POST walks the whole chain and says the first place it breaks."""
    actor = actor_of(request)
    found = entries_for(actor)
    verdict = None
    if request.method == "POST":
        require(actor, VERIFY)
        verdict = verify()
    asked = read(request.GET)
    rows = list(narrowed(found, asked).select_related("seal")[: PAGE + 1])
    shown = lines(rows[:PAGE])
    kept = {
        name: request.GET.get(name, "")
        for name in ("who", "action", "subject", "since", "until")
        if request.GET.get(name)
    }
    context = {
        "asked": asked,
        "kept": kept,
        "lines": shown,
        "older": query(kept, before=rows[PAGE - 1].pk) if len(rows) > PAGE else "",
        "newest": query(kept) if asked.before else "",
        "lag": sealer.lag(),
        "verdict": verdict,
        "may_verify": actor.may(VERIFY),
        "now": words.stamp(timezone.now()),
    }
    return shell_page(request, "desk/audit.html", "audit", context)
