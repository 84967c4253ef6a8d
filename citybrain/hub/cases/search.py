"""Search by words: Chinese has no spaces, so texts are indexed by pairs of letters and then checked whole.

Kept in step with the SQL function cases_bigrams (bigrams.py), which is made from BETWEEN_RANGES: a single
letter is indexed as it is, a run of letters by its overlapping pairs.
"""

import re
from operator import add
from typing import Any

# What separates runs of letters: white space, ASCII, general, CJK and full-width punctuation.
BETWEEN_RANGES = (
    r"\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f"
    r"\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
BETWEEN = re.compile(f"[{BETWEEN_RANGES}]+")
# Letters whose lower case is the same in Python and in every PostgreSQL, whatever its locale: ASCII and Han.
PLAIN = re.compile(r"[\u0001-\u007f\u2000-\u206f\u3000-\u303f\u3400-\u9fff\uff00-\uff20]*")
PHRASES_MOST = 6
LONGEST = 60


def phrases(query: str) -> list[str]:
    """Return the phrases of a search: parts between spaces, at most six, each at most 60 letters."""
    return [part[:LONGEST] for part in query.split()[:PHRASES_MOST]]


def tokens(phrase: str) -> list[str]:
    """Return the index words of a phrase: overlapping pairs, or the single letter."""
    found: list[str] = []
    for run in BETWEEN.split(phrase.lower()):
        found += run if len(run) == 1 else map(add, run, run[1:])
    return found


def words(text: str) -> set[str] | None:
    """Return all index words of a text, None where they depend on the database's idea of lower case."""
    return set(tokens(text)) if PLAIN.fullmatch(text) else None


def condition(query: str) -> tuple[str, list[Any]]:
    """Return SQL over the alias `c` that holds for cases with every phrase of a search, and its parameters.

    The index narrows; strpos makes sure that the pairs stand together. An empty search is true. (LIKE would do
    the same, but is taken for rare: then a common word is looked up in the index whole and sorted, not met on
    the way through the newest cases.)
    """
    parts: list[str] = []
    params: list[Any] = []
    for phrase in phrases(query):
        once = dict.fromkeys(tokens(phrase))
        pairs = [f"'{pair}'" if len(pair) == 2 else f"'{pair}':*" for pair in once]
        if pairs:
            parts.append("c.words @@ (%s)::tsquery")
            params.append(" & ".join(pairs))
        parts.append("strpos(lower(c.number || ' ' || c.address || ' ' || c.description), %s) > 0")
        params.append(phrase.lower())
    return " AND ".join(parts) or "true", params
