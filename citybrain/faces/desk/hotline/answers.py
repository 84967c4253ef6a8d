"""Knowledge for what is being said, and drafts for a ticket: each sentence says where it comes from."""

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.answers import drafts
from citybrain.hub.hotline.answers.looking import Passage
from citybrain.hub.hotline.models import Ticket

MOST: Final = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the policy base that fits. `stale` says that its review is overdue."""

    title: str
    text: str
    source: str
    stale: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft answer, empty where nothing fits: it is never sent by itself."""

    text: str
    sentences: tuple[Sentence, ...]


def find(actor: Actor, text: str, item_code: str = "") -> tuple[Entry, ...]:
    """Return what the knowledge base has for words that are being typed."""
    return tuple(_entry(one) for one in drafts.suggest(actor, text, item_code, limit=MOST))


def _entry(passage: Passage) -> Entry:
    stale = _("%(day)s 应复核") % {"day": passage.review_on} if passage.is_stale else ""
    return Entry(passage.title, passage.body, passage.label, stale)


def draft_for(actor: Actor, ticket: Ticket) -> Draft | None:
    """Return a draft answer to a ticket, None for who may have none. Raises nothing: a broken model gives none."""
    if not actor.may(drafts.PERMISSION):
        return None
    with transaction.atomic():
        made = drafts.draft(actor, ticket)
    return Draft(made.text, tuple(_sentence(one) for one in made.sentences))


def _sentence(one: drafts.Sentence) -> Sentence:
    source = one.source
    url = reverse("desk:hotline_ticket", args=[source.label]) if source.kind == "ticket" else ""
    label = _("已办结工单 %(number)s") % {"number": source.label} if source.kind == "ticket" else source.label
    return Sentence(one.text, label + (_("（应复核）") if source.is_stale else ""), url)
