"""Looking knowledge up: by phrases, and while a message is being typed by the rare pairs of letters in it."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from citybrain.base.identity.actor import Actor
from citybrain.base.words import phrases, tokens, tsquery
from citybrain.hub.hotline.models.knowledge import READ, KnowledgeEntry, KnowledgeVersion

MOST_TYPED: Final = 2_000  # characters that are looked at
MOST_PAIRS: Final = 240
MOST_ROWS: Final = (
    4_000  # index entries after which no further pair is asked; the last may bring as many again
)
_MOST_HELD: Final = 200
UNCOUNTED: Final = 10  # entries assumed for a pair that isn't counted
_SUGGEST: Final = """
WITH asked AS (
  SELECT pair, n, sum(n) OVER (ORDER BY n, pair) AS upto FROM (
    SELECT one.pair, coalesce(
      (SELECT k.entries FROM hotline_knowledgepair k WHERE k.pair = one.pair), %(uncounted)s) AS n
    FROM unnest(%(pairs)s::text[]) AS one(pair)
  ) counted
), hits AS MATERIALIZED (
  SELECT e.id, sum(1.0 / ln(2 + asked.n)) AS worth
  FROM asked CROSS JOIN LATERAL (
    SELECT id FROM hotline_knowledgeentry
    WHERE words @@ (quote_literal(asked.pair))::tsquery
      AND valid_from <= %(today)s AND (valid_until IS NULL OR valid_until >= %(today)s)
    LIMIT %(most)s
  ) e
  WHERE asked.upto - asked.n < %(most)s
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

    A phrase of a single letter is looked for in titles, and so is every phrase where `every` is asked: what isn't
    published has no search words.
    """
    found = KnowledgeEntry.objects.visible_to(actor)
    parts: list[str] = []
    params: list[Any] = []
    for phrase in phrases(query):
        if every or len(phrase) < 2 or not tsquery(phrase):
            found = found.filter(title__icontains=phrase)
        else:
            parts.append(f"e.words @@ (%s)::tsquery AND strpos({_SEARCHED}, %s) > 0")
            params += [tsquery(phrase), phrase.lower()]
    if parts:
        found = found.filter(
            pk__in=_holding(parts, params, on or timezone.localdate(), max(limit, _MOST_HELD))
        )
    elif not every:
        found = found.usable(on or timezone.localdate())
    return list(found.select_related("agency", "published").order_by("-changed_at", "-id")[:limit])


def _holding(parts: list[str], params: list[Any], today: date, most: int) -> list[int]:
    """Return the newest entries in use whose published text meets conditions over `e` and `v`."""
    sql = (
        "SELECT e.id FROM hotline_knowledgeentry e JOIN hotline_knowledgeversion v ON v.id = e.published_id"
        " WHERE e.valid_from <= %s AND (e.valid_until IS NULL OR e.valid_until >= %s)"
        f" AND {' AND '.join(parts)} ORDER BY e.changed_at DESC, e.id DESC LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [today, today, *params, most])
        return [row[0] for row in cursor.fetchall()]


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
