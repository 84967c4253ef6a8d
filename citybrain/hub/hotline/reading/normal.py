"""A message as the classifier sees it: one form for what is written in many ways. Knows no places, no persons."""

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MOST_CHARACTERS = 20_000  # what is read of a message; our choice, the longest real ones have some 15,000
# Unbounded repetition would make a message of 100,000 "<" quadratic.
_TAG = re.compile(
    r"<(?:script|style)\b.{0,5000}?</(?:script|style)>|<[a-z/!][^<>]{0,2000}>", re.IGNORECASE | re.DOTALL
)
_DIGITS = re.compile(r"[0-9]+")
_BREAK = re.compile(r"[^0-9a-z\u3400-\u4dbf\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Normal:
    """A message's text: runs of letters, Chinese characters and "0" for any number, one space between them.

    `reason` says why there is nothing to read ("empty", "no_words"), "" where there is. `shortened` is true where
    only the first `MOST_CHARACTERS` characters were read.
    """

    text: str
    reason: str = ""
    shortened: bool = False


@lru_cache(maxsize=512)  # each part of a reading asks for the same form; a chunk is 256 messages
def normalise(message: str) -> Normal:
    """Return a message in its one form: no markup, full width as half width, lower case, every number alike.

    Spaces stay breaks: no n-gram reaches over them, so that words cut apart and running text give like features.
    """
    shortened = len(message) > MOST_CHARACTERS
    text = html.unescape(message[:MOST_CHARACTERS])
    if "<" in text:
        text = _TAG.sub(" ", text)
    if not text.strip():
        return Normal("", "empty", shortened)
    text = unicodedata.normalize("NFKC", text).lower()
    text = _BREAK.sub(" ", _DIGITS.sub("0", text)).strip()
    if not text.replace("0", "").strip():
        return Normal("", "no_words", shortened)
    return Normal(text, "", shortened)
