"""What a reply says, without whom it greets and without the title it quotes.

A reply that repeats its message's title could be found by that alone, so titles are taken out before anything is
compared: a quotation that holds half of the title's pairs of characters, and any run shared with the title that is as
long as two thirds of it (at least `SHORTEST`). Names of places, roads and numbers that the title has too stay.
"""

import html
import re
import unicodedata
from typing import Final

SHORTEST: Final = 6  # characters; a shorter run in common is no quotation. Our choice
MOST_CHARACTERS: Final = 20_000
_HALF: Final = 0.5
_HANDLE = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,3}\d{4,}(?![A-Za-z0-9])")
_GREETING = re.compile(
    r"^[\s,，:：“”\"]*(?:(?:尊敬|亲爱|广大)的?)?\s*(?:网友|网民|市民|居民|来电人|朋友|先生|女士)?(?:朋友|们)?"
    r"\s*(?:[“\"'‘][^”\"'’]{0,30}[”\"'’])?\s*(?:网友|网民|市民|朋友|先生|女士)?[\s:：,，]*"
    r"(?:(?:您|你|大家)?好)?[\s!！,，。:：]*"
)
_QUOTED = re.compile(r"[“\"「『《【]([^”\"」』》】]{4,200})[”\"」』》】]")
_LEAD = re.compile(
    r"^(?:关于|咨询|反映|投诉|请求|建议|希望|举报|质疑|呼吁|强烈|再次|请问|恳请|要求|求助|对于|对)+"
)
_TRAIL = re.compile(r"(?:的?(?:问题|咨询|投诉|建议|反映|情况|报告|请求|举报|质疑)|一事)+$")
_SOLID = re.compile(r"[0-9a-z\u3400-\u9fff]")


def flat(text: str) -> str:
    """Return a text in one form of its characters: no entities, full width as half width."""
    return unicodedata.normalize("NFKC", html.unescape(text[:MOST_CHARACTERS]))


def substance(reply: str, title: str = "") -> str:
    """Return what a reply says: without names of accounts, greetings at its start, and its message's title."""
    text = _HANDLE.sub(" ", flat(reply))
    text = _GREETING.sub("", text, count=1)
    return _without(text, flat(title)).strip()


def _solid(text: str) -> tuple[str, list[int]]:
    """Return a text's letters, Chinese characters and digits in lower case, and where each stands."""
    places = [at for at, one in enumerate(text) if _SOLID.match(one.lower())]
    return "".join(text[at].lower() for at in places), places


def _pairs(solid: str) -> set[str]:
    return {solid[at : at + 2] for at in range(len(solid) - 1)}


def _without(text: str, title: str) -> str:
    whole = _solid(title)[0]
    core = _TRAIL.sub("", _LEAD.sub("", whole)) or whole
    if len(core) < SHORTEST:
        return text
    pairs = _pairs(core)

    def quoted(found: re.Match[str]) -> str:
        held = _pairs(_solid(found[1])[0])
        return " " if len(held & pairs) >= _HALF * len(pairs) else found[0]

    return _without_runs(_QUOTED.sub(quoted, text), core)


def _without_runs(text: str, core: str) -> str:
    """Return a text without runs of the title: as long as two thirds of it, whatever marks stand between."""
    solid, places = _solid(text)
    size = max(SHORTEST, -(-2 * len(core) // 3))
    runs = {core[at : at + size] for at in range(len(core) - size + 1)}
    cut: set[int] = set()
    for at in range(len(solid) - size + 1):
        if solid[at : at + size] in runs:
            cut.update(places[at : at + size])
    return "".join(" " if at in cut else one for at, one in enumerate(text)) if cut else text
