"""Messages cut into words, without stop words, as running text: what a file of words learns must read running text.

Files of words (`seg`) lack the function words and the joints between words that a citizen's message has. What is
learnt from them is judged in both forms, the words as they are, and joined with function words put in by lot; a
promise has to hold in both.
"""

import random
import re
import zlib
from collections.abc import Sequence
from typing import Final

from citybrain.hub.hotline.reading.words import lists

_FUNCTION_WORDS: Final = lists("forms")["function_words"]
WORD: Final = (
    0.40  # of the joints hold a function word; running text is about a quarter longer than its words
)
BREAK: Final = 0.12  # of the joints are marks
CUT: Final = (
    0.2  # blanks for each Chinese character from which a text counts as cut into words; running text: 0.02
)
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")
_JOINT: Final = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")


def is_cut(texts: Sequence[str]) -> bool:
    """Tell whether normalised texts, taken together, are words with blanks between."""
    some = texts[:1000]
    characters = sum(len(_CHINESE.findall(one)) for one in some)
    return bool(characters) and sum(len(_JOINT.findall(one)) for one in some) >= CUT * characters


def running(text: str) -> str:
    """Return a normalised text of words as running text; the same text gives the same one each time."""
    draw = random.Random(zlib.crc32(text.encode()))  # noqa: S311 no secret: the same text, the same lots
    told: list[str] = []
    for word in text.split():
        told.append(word)
        lot = draw.random()
        if lot < WORD:
            told.append(draw.choice(_FUNCTION_WORDS))
        elif lot < WORD + BREAK:
            told.append(" ")
    return "".join(told).strip()
