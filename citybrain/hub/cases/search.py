"""Search by words: Chinese has no spaces, so texts are indexed by pairs of letters and then checked whole.

Kept in step with the SQL function cases_bigrams (bigrams.py), which is made from BETWEEN_RANGES: a single
letter is indexed as it is, a run of letters by its overlapping pairs.
"""

import re
from typing import Any

from citybrain.base.words import phrases, tokens, tsquery

# Letters whose lower case is the same in Python and in every PostgreSQL, whatever its locale: ASCII and Han.
PLAIN = re.compile(r"[\u0001-\u007f\u2000-\u206f\u3000-\u303f\u3400-\u9fff\uff00-\uff20]*")


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
        if indexed := tsquery(phrase):
            parts.append("c.words @@ (%s)::tsquery")
            params.append(indexed)
        parts.append("strpos(lower(c.number || ' ' || c.address || ' ' || c.description), %s) > 0")
        params.append(phrase.lower())
    return " AND ".join(parts) or "true", params
