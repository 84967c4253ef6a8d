"""Looking knowledge up: by phrases, and while a message is being typed by the rare pairs of letters in it."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import connection
from django.utils import timezone

from citybrain.base.identity.actor import Actor
from citybrain.base.words import phrases, tokens, tsquery
from citybrain.hub.hotline.models.knowledge import READ, KnowledgeEntry, KnowledgeVersion

MOST_TYPED: Final = 2_000  # characters that are looked at
MOST_PAIRS: Final = 240
MOST_ROWS: Final = 4_000  # index entries that one look-up may touch
UNCOUNTED: Final = 10  # entries assumed for a pair that isn't counted
_SUGGEST: Final = """
WITH asked AS (
  SELECT pair, n, sum(n) OVER (ORDER BY n, pair) AS upto FROM (
    SELECT one.pair, coalesce(k.entries, %(uncounted)s) AS n
    FROM unnest(%(pairs)s::text[]) AS one(pair) LEFT JOIN hotline_knowledgepair k ON k.pair = one.pair
  ) counted
), hits AS MATERIALIZED (
  SELECT e.id, sum(1.0 / ln(2 + asked.n)) AS worth
  FROM asked CROSS JOIN LATERAL (
    SELECT id FROM hotline_knowledgeentry
    WHERE words @@ (quote_literal(asked.pair))::tsquery
      AND valid_from <= %(today)s AND (valid_until IS NULL OR valid_until >= %(today)s)
    LIMIT %(most)s
  ) e
  WHERE asked.upto <= %(most)s
  GROUP BY e.id
)
SELECT id FROM hits ORDER BY worth DESC, id LIMIT %(limit)s
"""
_SEARCHED: Final = "lower(v.title || ' ' || v.question || ' ' || v.body || ' ' || v.source_number)"


@dataclass(frozen=True, slots=True)
class Passage:
    """An entry in use, as of one version. `is_stale`: its review is overdue."""

    entry_id: int
    version_id: int
    version: int
    title: str
    body: str
    question: str
    source: str
    source_number: str
    source_date: date
    agency: str
    review_on: date
    is_stale: bool

    @property
    def label(self) -> str:
        """Return the source as people cite it."""
        number = f"（{self.source_number}）" if self.source_number else ""
        return f"{self.source}{number}，{self.source_date:%Y-%m-%d}"

    @property
    def whole(self) -> str:
        return f"{self.title} {self.question} {self.body}"


def near_entries(actor: Actor, text: str, *, limit: int = 20, on: date | None = None) -> list[Passage]:
    """Return entries in use that share the rarest pairs with a text, the likeliest first. Two statements."""
    if not _may_read(actor):
        return []
    today = on or timezone.localdate()
    pairs = [one for one in dict.fromkeys(tokens(text[:MOST_TYPED])) if len(one) == 2][:MOST_PAIRS]
    if not pairs:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _SUGGEST,
            {"pairs": pairs, "uncounted": UNCOUNTED, "most": MOST_ROWS, "today": today, "limit": limit},
        )
        ids = [row[0] for row in cursor.fetchall()]
    found = {one.entry_id: one for one in _passages(ids, today)}
    return [found[one] for one in ids if one in found]


def search(
    actor: Actor, query: str, *, limit: int = 50, on: date | None = None, every: bool = False
) -> list[KnowledgeEntry]:
    """Return entries whose text holds every phrase, the newest first; in use on a day, or `every` one there is.

    Unpublished ones have no search words: `every` finds those by their title.
    """
    found = KnowledgeEntry.objects.visible_to(actor).select_related("agency", "published")
    if not every:
        found = found.usable(on or timezone.localdate())
    for phrase in phrases(query):
        title = found.model.objects.filter(title__icontains=phrase).values("pk")
        indexed = tsquery(phrase)
        if every or not indexed:
            found = found.filter(pk__in=title) if every else found.filter(title__icontains=phrase)
            continue
        narrowed = found.extra(  # noqa: S610 (no text of anybody's is in the SQL: parameters only)
            where=[
                "hotline_knowledgeentry.words @@ (%s)::tsquery",
                f"EXISTS (SELECT 1 FROM hotline_knowledgeversion v WHERE v.id = hotline_knowledgeentry.published_id "
                f"AND strpos({_SEARCHED}, %s) > 0)",
            ],
            params=[indexed, phrase.lower()],
        )
        found = KnowledgeEntry.objects.filter(pk__in=narrowed.values("pk")).select_related(
            "agency", "published"
        )
    return list(found.order_by("-changed_at", "-id")[:limit])


def _may_read(actor: Actor) -> bool:
    return actor.is_system or any(actor.may(one) for one in READ)


def _passages(ids: list[int], today: date) -> list[Passage]:
    versions = KnowledgeVersion.objects.filter(
        pk__in=KnowledgeEntry.objects.usable(today).filter(pk__in=ids).values("published_id")
    ).select_related("entry__agency")
    return [
        Passage(
            one.entry_id,
            one.pk,
            one.number,
            one.title,
            one.body,
            one.question,
            one.source,
            one.source_number,
            one.source_date,
            one.entry.agency.name,
            one.entry.review_on,
            one.entry.review_on < today,
        )
        for one in versions
    ]
