"""How well topics are found in a file of messages, against topics a person made.

B³ over the messages that have a topic (the gold messages), after all messages were gathered. For each gold message:
precision is the share of its own topic among the gold messages of its gathering, recall the share of its topic that is
in its gathering; both are averaged over the gold messages, F1 is their harmonic mean. `strict` counts every message
without a topic in the gathering as wrong too, though people may have passed over it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from citybrain.hub.hotline.topics.engine import LIKE, NOTHING, Engine
from citybrain.hub.hotline.topics.parting import parted
from citybrain.hub.hotline.topics.ranking import Heat, latest, ranked
from citybrain.hub.hotline.topics.terms import Message

LEARNT: Final = 20_000  # messages whose pairs are counted beforehand; more would tell no more of rarity
TOP: Final = 10


def b_cubed(
    gathered: Mapping[str, object], gold: Mapping[str, str], *, strict: bool = False
) -> dict[str, float]:
    """Return precision, recall and F1; gold messages that weren't gathered are left out, 0 where none was."""
    held = [key for key in gold if key in gathered]
    sizes = Counter(gathered.values()) if strict else Counter(gathered[key] for key in held)
    both = Counter((gathered[key], gold[key]) for key in held)
    topics = Counter(gold[key] for key in held)
    many = max(1, len(held))
    precision = sum(both[gathered[key], gold[key]] / sizes[gathered[key]] for key in held) / many
    recall = sum(both[gathered[key], gold[key]] / topics[gold[key]] for key in held) / many
    f1 = 2 * precision * recall / (precision + recall) if precision else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def stream(messages: Sequence[Message], like: float = LIKE) -> tuple[Engine, dict[str, int]]:
    """Gather messages as they come: each is put once, and nothing is known of those after it."""
    engine = Engine(like)
    return engine, _by_key(messages, engine.add(messages), {})


def whole(messages: Sequence[Message], like: float = LIKE) -> tuple[Engine, dict[str, int]]:
    """Gather the messages of a file that is all there: rarity is told by it (by its first 20,000), and it settles."""
    engine = Engine(like)
    engine.learn(messages[:LEARNT])
    told = engine.add(messages[:LEARNT], count=False) + engine.add(messages[LEARNT:])
    gathered = _by_key(messages, told, engine.settle())
    part(engine, messages, gathered)
    return engine, gathered


def part(engine: Engine, messages: Sequence[Message], gathered: dict[str, int]) -> None:
    """Part, in place, the gatherings that hold two matters of one place."""
    of: dict[int, list[Message]] = {}
    for one in messages:
        of.setdefault(gathered[one.key], []).append(one)
    for number, ones in of.items():
        second = parted(engine, ones) if number >= 0 else None
        if second is None:
            continue
        engine.drop(number)
        new = engine.reserve()
        for one, goes in zip(ones, second, strict=True):
            gathered[one.key] = new if goes else number
            engine.put(one, gathered[one.key])


def _by_key(messages: Sequence[Message], told: Sequence[int], gone: Mapping[int, int]) -> dict[str, int]:
    """Return each message's gathering; one that says nothing is alone, by a number below 0."""
    return {
        message.key: gone.get(number, number) if number != NOTHING else -1 - at
        for at, (message, number) in enumerate(zip(messages, told, strict=True))
    }


def judged(
    messages: Sequence[Message],
    gold: Mapping[str, str] | None = None,
    *,
    like: float = LIKE,
    top: int = TOP,
    window_days: float | None = None,
) -> dict[str, Any]:
    """Return the hottest topics of a file, and with `gold` how well they, and a stream of the same, were found."""
    engine, gathered = whole(messages, like)
    hot = ranked(engine, window_days=window_days)
    now = latest([one for one, _ in engine.gatherings()])
    told: dict[str, Any] = {
        "messages": len(messages),
        "people": len({one.person for one in messages if one.person}),
        "people_known": any(one.person for one in messages),
        "times_known": now is not None,
        "say_nothing_of_their_own": sum(number < 0 for number in gathered.values()),
        "setting": {"like": like, "window_days": window_days},
        "topics": len(hot),
        "top": [_row(at, one) for at, one in enumerate(hot[:top], 1)],
    }
    if gold:
        told |= _against(messages, gold, gathered, hot)
        told["streaming"] = {
            "b3": b_cubed(flow := stream(messages, like)[1], gold),
            "b3_strict": b_cubed(flow, gold, strict=True),
        }
    return told


def _row(rank: int, one: Heat) -> dict[str, Any]:
    return {
        "rank": rank,
        "name": one.name.title,
        "place": one.name.place,
        "matter": one.name.matter,
        "words": list(one.name.words),
        "people": one.people,
        "messages": one.messages,
        "recent_people": one.recent,
        "growth": round(one.growth, 3),
        "clarity": round(one.clarity, 3),
        "heat": round(one.heat, 2),
        "loudest": round(one.loudest, 3),
    }


def _against(
    messages: Sequence[Message], gold: Mapping[str, str], gathered: Mapping[str, int], hot: Sequence[Heat]
) -> dict[str, Any]:
    """Return B³, and for each gold topic its people and the rank of the gathering that holds most of it.

    Expected among the top are the gold topics of as many people as the gathering that is last of the top by people:
    one of fewer could stand there only before another of more.
    """
    people = {
        topic: len({one.person or one.key for one in messages if gold.get(one.key) == topic})
        for topic in gold.values()
    }
    rank = {one.number: at for at, one in enumerate(hot, 1)}
    best = {
        topic: Counter(
            gathered[key] for key, other in gold.items() if other == topic and key in gathered
        ).most_common(1)
        for topic in people
    }
    rows: list[dict[str, Any]] = [
        {"topic": topic, "people": many, "rank": rank.get(best[topic][0][0]) if best[topic] else None}
        for topic, many in sorted(people.items(), key=lambda one: (-one[1], one[0]))
    ]
    largest = sorted((one.people for one in hot), reverse=True)[:TOP]
    expected = [row for row in rows if largest and row["people"] >= min(largest)]
    return {
        "gold": {"messages": len(gold), "missing": sum(key not in gathered for key in gold), "topics": rows},
        "b3": b_cubed(gathered, gold),
        "b3_strict": b_cubed(gathered, gold, strict=True),
        "top_ten": {
            "expected": [row["topic"] for row in expected],
            "missing": [row["topic"] for row in expected if not row["rank"] or row["rank"] > TOP],
        },
    }
