"""Knowledge for what is being said: entries of the policy base with their sources, and a draft out of them."""

from dataclasses import dataclass

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.models import Ticket

DRAFTS = "hotline.drafts"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that fits. `stale` says that its review is overdue."""

    title: str
    text: str
    source: str
    url: str
    stale: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft answer: nothing is sent by itself, each sentence says where it comes from."""

    text: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Found:
    entries: tuple[Entry, ...] = ()
    draft: Draft | None = None


def find(actor: Actor, text: str, item_code: str = "") -> Found:
    """Return what the knowledge base has for words that are being typed."""
    return Found()


def draft_for(actor: Actor, ticket: Ticket) -> Draft | None:
    """Return a draft answer to a ticket with each sentence's source, empty where nothing fits."""
    if not actor.may(DRAFTS):
        return None
    return Draft("", ())
