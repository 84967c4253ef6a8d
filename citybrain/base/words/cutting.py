"""Cutting text for search: Chinese has no spaces, so it is indexed by pairs of letters.

A single letter between separators is a word of its own, a run of letters gives its overlapping pairs.
"""

import re
from operator import add
from typing import Final

# What separates runs of letters: white space, ASCII, general, CJK and full-width punctuation.
BETWEEN_RANGES: Final = (
    r"\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f"
    r"\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
BETWEEN: Final = re.compile(f"[{BETWEEN_RANGES}]+")
PHRASES_MOST: Final = 6
LONGEST: Final = 60


def phrases(query: str) -> list[str]:
    """Return the phrases of a search: parts between spaces, at most six, each at most 60 letters."""
    return [part[:LONGEST] for part in query.split()[:PHRASES_MOST]]


def tokens(text: str) -> list[str]:
    """Return the index words of a text in their order: overlapping pairs, or the single letter."""
    found: list[str] = []
    for run in BETWEEN.split(text.lower()):
        found += run if len(run) == 1 else map(add, run, run[1:])
    return found


def tsquery(phrase: str) -> str:
    """Return a phrase as the text of a tsquery, empty when nothing of it is indexed.

    A single letter matches every index word that begins with it.
    """
    return " & ".join(
        f"'{pair}'" if len(pair) == 2 else f"'{pair}':*" for pair in dict.fromkeys(tokens(phrase))
    )


def like(phrase: str) -> str:
    """Return the LIKE pattern for texts (in lower case) that hold the phrase as it stands."""
    return "%" + phrase.lower().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
