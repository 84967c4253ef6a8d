"""Which gatherings are hot topics: many different people who speak of one thing, and more of them lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from citybrain.hub.hotline.topics.engine import Engine
from citybrain.hub.hotline.topics.naming import Name, name
from citybrain.hub.hotline.topics.store import Gathering

LEAST_PEOPLE: Final = 3  # who make a topic; our choice
LOOSE: Final = 0.08  # likeness of two people below which they share little but being complaints
CLEAR: Final = 0.30  # likeness of two people who speak of one thing for certain
FLOOR: Final = 0.2  # what people count who share little
DAY: Final = 86_400.0
RECENT_DAYS: Final = 7.0
GROWS: Final = 0.25  # how much growth, or its loss, can add or take


@dataclass(frozen=True)
class Heat:
    """How hot a gathering is. `people` spoke within the window; `recent` of them first in the last days.

    `growth` is 0 to 1: the share that the last days have of what they and usual days together would bring; 0.5 is
    steady, or unknown.
    """

    number: int
    name: Name
    people: int
    messages: int
    recent: int
    growth: float
    clarity: float
    heat: float
    loudest: float  # the share of messages of the person with most
    first: float | None
    last: float | None


def ranked(
    engine: Engine,
    *,
    now: float | None = None,
    window_days: float | None = None,
    least_people: int = LEAST_PEOPLE,
    most: int | None = None,
) -> list[Heat]:
    """Return the hot topics, hottest first: gatherings of enough different people, within the window if one is given.

    `now` (seconds since 1970) is the latest message's time where it isn't told. One person's flood is no topic however
    long it is; who writes often counts once.
    """
    every = engine.gatherings()
    now = now if now is not None else latest([one for one, _ in every])
    rough = [(one, clarity, _people(one, now, window_days)) for one, clarity in every]
    rough = [(one, clarity, people) for one, clarity, people in rough if people >= least_people]
    hot = sorted(
        ((_heat(one, clarity, people, now), one, clarity, people) for one, clarity, people in rough),
        key=lambda row: (-row[0][0], row[1].number),
    )
    return [_told(one, clarity, people, heat) for heat, one, clarity, people in hot[:most]]


def latest(every: Sequence[Gathering]) -> float | None:
    """Return the time of the last message of all, None where no time is known."""
    return max((at for one in every for at in one.people.last.values() if at is not None), default=None)


def _people(one: Gathering, now: float | None, window_days: float | None) -> int:
    if window_days is None or now is None:
        return len(one.people.times)
    since = now - window_days * DAY
    return sum(at is None or at >= since for at in one.people.last.values())


def growth(firsts: Sequence[float], now: float, recent_days: float = RECENT_DAYS) -> tuple[int, float]:
    """Return how many people came in the last days, and the growth (see `Heat`).

    What is usual is told by the days before, at least as many again; a topic that just began is compared with one
    person.
    """
    since = now - recent_days * DAY
    recent = sum(at > since for at in firsts)
    before = len(firsts) - recent
    if not before:
        return recent, (recent + 1) / (recent + 2)
    span = max(recent_days, (since - min(firsts)) / DAY)
    usual = before * recent_days / span
    return recent, (recent + 0.5) / (recent + usual + 1.0)


def _heat(one: Gathering, clarity: float, people: int, now: float | None) -> tuple[float, int, float]:
    firsts = [at for at in one.people.first.values() if at is not None]
    recent, grows = growth(firsts, now) if firsts and now is not None else (0, 0.5)
    return heat_of(people, clarity, grows), recent, grows


def heat_of(people: int, clarity: float, grows: float) -> float:
    """Return the heat: people, fewer where they share little, and a quarter more or less as they grow or stay away."""
    telling = min(1.0, max(0.0, (clarity - LOOSE) / (CLEAR - LOOSE)))
    return people * (FLOOR + (1 - FLOOR) * telling) * (1 + GROWS * (2 * grows - 1))


def _told(one: Gathering, clarity: float, people: int, heat: tuple[float, int, float]) -> Heat:
    times = [at for at in (*one.people.first.values(), *one.people.last.values()) if at is not None]
    return Heat(
        number=one.number,
        name=name(list(one.heads.values())),
        people=people,
        messages=one.messages,
        recent=heat[1],
        growth=heat[2],
        clarity=clarity,
        heat=heat[0],
        loudest=max(one.people.times.values()) / one.messages,
        first=min(times, default=None),
        last=max(times, default=None),
    )
