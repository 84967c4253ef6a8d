"""How the writer of a message feels, by words: thankful, calm, upset or angry; and whether somebody is insulted.

It helps to choose whom to call first and with what tone. It never decides whether a message is taken up.
Source: our choice; no standard found.
"""

import re
from typing import Final

from citybrain.hub.hotline.reading.whole_reading import Sentiment
from citybrain.hub.hotline.reading.words import NEGATED, SUPPOSED, Phrases, lists, set_aside

THANKFUL: Final = "thankful"
CALM: Final = "calm"
UPSET: Final = "upset"
ANGRY: Final = "angry"
MOST_WORDS: Final = 5
_LISTS: Final = lists("sentiment")
_PHRASES: Final = Phrases(word for words in _LISTS.values() for word in words)
_KINDS: Final = {
    word: kind for kind in ("upset", "praise", "thanks", "angry", "abuse", "other") for word in _LISTS[kind]
}
_MARKS: Final = ("!!!", "???", "!!", "??")
_ASKS: Final = re.compile(
    "问|希望|恳请|请求|请|盼|望|要求|建议|投诉|反映|咨询|求助|举报|解决|为什么|什么时候|何时|吗"
)
_ENOUGH: Final = 2  # words, or one with repeated marks


def find_sentiment(text: str) -> Sentiment:
    """Return the feeling in a plain text and the words that told it.

    Thanks beside a request are politeness, not a feeling: they count only where nothing is asked for.
    """
    found: dict[str, list[str]] = {"upset": [], "praise": [], "thanks": [], "angry": [], "abuse": []}
    for one in _PHRASES.find(text):
        kind = _KINDS[one.phrase]
        if kind in found and not (kind in ("thanks", "praise") and set_aside(text, one, (NEGATED, SUPPOSED))):
            found[kind].append(one.phrase)
    loud = sum(text.count(mark) for mark in _MARKS[2:])
    angry = [*found["abuse"], *found["angry"]]
    if found["abuse"] or len(angry) >= _ENOUGH or (angry and loud) or (found["upset"] and loud >= _ENOUGH):
        return Sentiment(ANGRY, _first([*angry, *found["upset"]]), bool(found["abuse"]))
    if angry or found["upset"]:
        return Sentiment(UPSET, _first([*angry, *found["upset"]]))
    if found["praise"] or (found["thanks"] and not _ASKS.search(text)):
        return Sentiment(THANKFUL, _first([*found["praise"], *found["thanks"]]))
    return Sentiment(CALM)


def _first(words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))[:MOST_WORDS]
