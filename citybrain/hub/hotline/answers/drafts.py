"""Drafts of answers: sentences of the city's own knowledge and of like settled tickets, each with its source.

Nothing is sent from here. Where nothing fits well enough there is no draft, and it says so.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from django.db.models import Q
from django.utils import timezone

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger import record
from citybrain.hub.hotline.answers import wording
from citybrain.hub.hotline.answers.fitness import CONSTANT, JUDGE, Ground, Replies, score, usual_ground
from citybrain.hub.hotline.answers.looking import Passage, near_entries
from citybrain.hub.hotline.answers.pairs import Told
from citybrain.hub.hotline.answers.sentences import holds_for_all, says_something, split
from citybrain.hub.hotline.answers.substance import substance
from citybrain.hub.hotline.models.knowledge import KnowledgeVersion
from citybrain.hub.hotline.models.ticket import Ticket, TicketContact
from citybrain.hub.hotline.privacy import redact
from citybrain.hub.hotline.quality import judge as judged
from citybrain.hub.hotline.states import State

PERMISSION: Final = "hotline.drafts"
FITS: Final = (
    0.8  # judged on the city's own ground: 8 of 100 drafts stay where the right answer is gone (docs)
)
COVERED: Final = 0.55  # on the examples' ground: heading and text covered, 10 of 100 stay
GROUND_LEAST: Final = 300  # answered tickets from which the city is its own ground
GROUND_MOST: Final = 2_000
GROUND_SECONDS: Final = 900.0
MOST_SENTENCES: Final = 6
MOST_SOURCES: Final = 2
_SETTLED: Final = 150  # newest like tickets that are compared
_YEARS: Final = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a sentence comes from: `kind` knowledge (an entry's version) or ticket (a settled one's answer)."""

    kind: str
    key: int
    label: str
    version: int = 0
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """`worded`: a language model's wording, held against the source."""

    text: str
    source: Source
    worded: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """`fitness` 0..1 of the best source. `reason` says why there is no draft: nothing_fits, no_words."""

    sentences: tuple[Sentence, ...] = field(default=())
    fitness: float = 0.0
    reason: str = ""

    @property
    def text(self) -> str:
        return "".join(one.text for one in self.sentences)


@dataclass(frozen=True, slots=True)
class Found:
    """What may answer: a text that is compared, and the sentences of it that may be used."""

    source: Source
    text: str
    sentences: tuple[str, ...]


def draft(actor: Actor, ticket: Ticket, *, now: datetime | None = None) -> Draft:
    """Return a draft answer to a ticket that the actor may see. Raises Forbidden; Ticket.DoesNotExist for others'."""
    require(actor, PERMISSION)
    seen = Ticket.objects.visible_to(actor).get(pk=ticket.pk)
    moment = now or timezone.now()
    made = _made(actor, Told(redact(seen.title), seen.plain), seen, moment)
    if made.sentences:
        told = {"sources": sorted({f"{one.source.kind}:{one.source.key}" for one in made.sentences})}
        record(actor.key, "hotline.draft", f"ticket:{seen.pk}", told, at=moment)
    return made


def suggest(
    actor: Actor, text: str, item_code: str = "", *, limit: int = 5, now: datetime | None = None
) -> list[Passage]:
    """Return the entries that fit what is being typed, the best first; [] for who may read none."""
    told = Told("", redact(text))
    passages = near_entries(actor, told.text, on=timezone.localdate(now or timezone.now()))
    if not passages:
        return []
    order, _ = _ranked(told, [one.whole for one in passages])
    first = (
        {
            one.pk
            for one in KnowledgeVersion.objects.filter(
                pk__in=[one.version_id for one in passages], items__contains=[item_code]
            )
        }
        if item_code
        else set()
    )
    best = [passages[at] for at in order]
    return sorted(best, key=lambda one: one.version_id not in first)[:limit]


def _made(actor: Actor, told: Told, ticket: Ticket, now: datetime) -> Draft:
    if not told.whole.strip():
        return Draft(reason="no_words")
    found = _knowledge(actor, told, now) + _settled(actor, told, ticket, now)
    if not found:
        return Draft(reason="nothing_fits")
    order, fits = _ranked(told, [one.text for one in found])
    chosen = [found[at] for at in order if fits[at] > 0][:MOST_SOURCES]
    if not chosen:
        return Draft(reason="nothing_fits")
    sentences = _worded(told, chosen) or _taken(told, chosen)
    return Draft(tuple(sentences), round(float(fits[order[0]]), 4))


def _knowledge(actor: Actor, told: Told, now: datetime) -> list[Found]:
    return [
        Found(
            Source("knowledge", one.entry_id, f"{one.title} · {one.label}", one.version, one.is_stale),
            one.whole,
            tuple(part for part in split(one.body) if says_something(part)),
        )
        for one in near_entries(actor, told.whole, on=timezone.localdate(now))
    ]


def _settled(actor: Actor, told: Told, ticket: Ticket, now: datetime) -> list[Found]:
    """Return answers to settled tickets of the same item or class that the actor may see, rules in them only."""
    same = Q(item_code=ticket.item_code) if ticket.item_code else Q(class_label=ticket.class_label)
    if not (ticket.item_code or ticket.class_label):
        return []
    rows = (
        Ticket.objects.visible_to(actor)
        .filter(same, state__in=(State.CONCLUDED, State.ARCHIVED), is_secret=False, received_at__gte=now - _YEARS)
        .exclude(pk=ticket.pk).exclude(reply="").exclude(solved=False)
        .order_by("-received_at", "-id")[:_SETTLED]
    )  # fmt: skip
    tickets = list(rows)
    names = dict(TicketContact.objects.filter(ticket__in=tickets).values_list("ticket_id", "name"))
    found = []
    for one in tickets:
        private = tuple(part for part in (names.get(one.pk, ""), one.place_text.strip()) if len(part) >= 2)
        parts = tuple(
            part for part in split(one.reply)
            if says_something(part) and holds_for_all(part, private=private)
        )  # fmt: skip
        if parts and judged(one.reply, message=one.plain).is_answer:
            source = Source("ticket", one.pk, one.number)
            found.append(Found(source, f"{one.plain} {''.join(parts)}", parts))
    return found


def _taken(told: Told, chosen: Sequence[Found]) -> list[Sentence]:
    """Return the sentences of the chosen sources, those nearest to the message, in their own order."""
    parts = [(one, text) for one in chosen for text in one.sentences]
    if not parts:
        return []
    if len(parts) > MOST_SENTENCES:
        ground = _ground()[0]
        alike = Replies(ground, [text for _, text in parts]).alike([told])[0]
        kept = set(np.argsort(-alike, kind="stable")[:MOST_SENTENCES].tolist())
        parts = [part for at, part in enumerate(parts) if at in kept]
    seen: dict[str, Sentence] = {}
    for one, text in parts:
        seen.setdefault(text, Sentence(text, one.source))
    return list(seen.values())


def _worded(told: Told, chosen: Sequence[Found]) -> list[Sentence]:
    sources = ["".join(one.sentences) for one in chosen]
    return [
        Sentence(one.text, chosen[one.source].source, worded=True)
        for one in wording.word(told.whole, sources)[:MOST_SENTENCES]
    ]


def _ranked(told: Told, texts: Sequence[str]) -> tuple[list[int], list[float]]:
    """Return the order of texts by how well they fit, and each one's fitness, 0 where it is below the threshold."""
    ground, is_own = _ground()
    replies = Replies(ground, texts)
    asked = np.arange(len(texts))[None, :]
    signs = replies.signs([told], replies.alike([told]), asked)[0]
    values = score(signs, JUDGE, CONSTANT)
    fits = 1 / (1 + np.exp(-values))
    enough = fits >= FITS if is_own else signs[:, 4] + signs[:, 5] >= COVERED
    order = np.lexsort((-values, ~enough)).tolist()
    return order, np.where(enough, fits, 0.0).tolist()


_held: dict[str, tuple[float, tuple[Ground, bool]]] = {}
_lock = threading.Lock()


def _ground() -> tuple[Ground, bool]:
    """Return what is usual in this city and True; the examples' and False while too little is answered.

    Kept for a quarter of an hour in each process: weights only, no text of a ticket is shown from it.
    """
    with _lock:
        held = _held.get("ground")
        if held is not None and held[0] > time.monotonic():
            return held[1]
        made = _city_ground()
        _held["ground"] = (time.monotonic() + GROUND_SECONDS, made)
        return made


def forget_ground() -> None:
    """Forget what was usual: for tests, and after an import."""
    _held.clear()


def _city_ground() -> tuple[Ground, bool]:
    rows = list(
        Ticket.objects.exclude(reply="").filter(replied_at__isnull=False)
        .order_by("-replied_at").values_list("title", "plain", "reply")[:GROUND_MOST]
    )  # fmt: skip
    if len(rows) < GROUND_LEAST:
        return usual_ground(), False
    return Ground(
        [Told(title, plain) for title, plain, _ in rows],
        [substance(reply, title) for title, _, reply in rows],
    ), True
