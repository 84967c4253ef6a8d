"""What waits for the cast on the first day: for each of them something to do, in every state, at any hour.

Times are minutes before now, so that the lists are alive whether the city is first started at noon or at night.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from citybrain.sample.cast import CAST
from citybrain.sample.lives import Act, Life
from citybrain.sample.names import wording
from citybrain.sample.people import cast_places
from citybrain.sample.reports import CITIZEN, HOTLINE, WORKER, ReportMaker, Told
from citybrain.sample.staff import Staff
from citybrain.sample.subjects import subjects

MEMBERS = {member.key: place for place, member in enumerate(CAST)}
BY_STEP = {
    "file": "acceptor", "request_verify": "acceptor", "start_check": "acceptor", "rework": "acceptor",
    "close": "acceptor", "dispatch": "dispatcher", "redispatch": "dispatcher", "supervise": "supervisor",
    "decide_extension": "supervisor", "verify": "worker", "pass_check": "worker",
}  # fmt: skip
DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Scene:
    """One case: item, source, minutes since the report, then each step with its minutes before now.

    `by` is who reported, where it is one of the cast.
    """

    item: str
    source: str
    ago: int
    steps: tuple[tuple[str, int], ...] = ()
    by: str = ""


FILED = (("file", 50),)
SENT = (("file", 150), ("dispatch", 95))
TAKEN = (("file", 300), ("dispatch", 260), ("accept", 200))
LATE = (("file", 4 * DAY), ("dispatch", 4 * DAY - 30), ("accept", 4 * DAY - 90))
ASKED = (*LATE[:3], ("request_extension", 130))
DONE = (*TAKEN, ("feedback", 70))
SEEN = (*DONE, ("start_check", 40))
SHUT = (*DONE, ("close", 25))

SCENES: tuple[Scene, ...] = (
    # for the acceptor, and what the citizen and the worker of the cast sent in
    Scene("020301", CITIZEN, 6, by="citizen"),
    Scene("050107", HOTLINE, 11),
    Scene("010101", WORKER, 14, by="worker"),
    Scene("030201", CITIZEN, 22),
    Scene("020101", CITIZEN, 27),
    Scene("080103", HOTLINE, 38),
    Scene("010501", WORKER, 45, by="worker"),
    Scene("020201", CITIZEN, 70),
    # for the worker of the grid: to look at, to check
    Scene("030204", CITIZEN, 80, (("request_verify", 60),)),
    Scene("040202", HOTLINE, 95, (("request_verify", 50),)),
    Scene("010201", WORKER, 420, SEEN, by="worker"),
    Scene("030102", CITIZEN, 400, SEEN),
    # for the dispatcher
    Scene("020203", CITIZEN, 120, FILED),
    Scene("010103", WORKER, 130, FILED, by="worker"),
    Scene("030301", CITIZEN, 110, FILED),
    Scene("080101", HOTLINE, 140, FILED),
    Scene("040303", HOTLINE, 180, (("file", 160), ("dispatch", 140), ("return", 60))),
    # for the handler of city management
    Scene("010502", WORKER, 200, SENT, by="worker"),
    Scene("030101", CITIZEN, 210, SENT),
    Scene("020302", HOTLINE, 190, SENT),
    Scene("010202", CITIZEN, 360, TAKEN),
    Scene("030203", WORKER, 380, TAKEN, by="worker"),
    Scene("080106", HOTLINE, 5 * DAY, LATE),
    Scene("010206", WORKER, 5 * DAY, ASKED),
    Scene("040102", CITIZEN, 5 * DAY, ASKED),
    # for the traffic police and the street office
    Scene("030201", CITIZEN, 220, SENT),
    Scene("030202", HOTLINE, 200, SENT),
    Scene("020405", CITIZEN, 330, TAKEN),
    Scene("030305", WORKER, 230, SENT, by="worker"),
    Scene("050206", WORKER, 5 * DAY, LATE, by="worker"),
    Scene("050304", HOTLINE, 360, TAKEN),
    # to be checked, closed, rated, and done again
    Scene("010102", WORKER, 430, DONE, by="worker"),
    Scene("010204", CITIZEN, 440, DONE),
    Scene("010505", CITIZEN, 460, (*SEEN, ("pass_check", 15))),
    Scene("030103", HOTLINE, 450, (*SEEN, ("rework", 20))),
    Scene("020301", CITIZEN, 500, SHUT, by="citizen"),
    Scene("030102", CITIZEN, 380, TAKEN, by="citizen"),
    Scene("010101", CITIZEN, 520, SHUT),
)


def staged(maker: ReportMaker, staff: Staff, rng: np.random.Generator, now: datetime) -> Iterator[Life]:
    """Yield the cases that wait for the cast, in and around the home grid."""
    places = cast_places(maker.city)
    near = [grid.index for grid in maker.city.children(places["community"])]
    for number, scene in enumerate(SCENES):
        home = scene.by == "worker" or any(BY_STEP.get(step) == "worker" for step, _ago in scene.steps)
        looked_at = scene.steps and scene.steps[-1][0] in {"request_verify", "start_check"}
        grid = places["grid"] if home or looked_at else near[number % len(near)]
        yield _life(scene, maker, staff, rng, grid, now)


def _life(
    scene: Scene, maker: ReportMaker, staff: Staff, rng: np.random.Generator, grid: int, now: datetime
) -> Life:
    at = now - timedelta(minutes=scene.ago)
    matter = maker.matter(at, grid=grid, code=scene.item)
    told = maker.tell(matter, scene.source, reporter=MEMBERS.get(scene.by), claimed=scene.source == WORKER)
    owner = staff.owner(subjects()[scene.item], grid)
    acts = [
        Act(
            now - timedelta(minutes=ago),
            _who(step, staff, owner, rng, told),
            step,
            _inputs(step, told, owner, rng, now),
        )
        for step, ago in scene.steps
    ]
    return Life(told, owner, tuple(acts))


def _who(step: str, staff: Staff, owner: int, rng: np.random.Generator, told: Told) -> int | None:
    member = BY_STEP.get(step)
    return MEMBERS[member] if member else staff.handler(owner, rng)


def _inputs(step: str, told: Told, owner: int, rng: np.random.Generator, now: datetime) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "file": {"item": told.matter.item},
        "dispatch": {"agency": owner},
        "return": {"cause": "needs_others"},
        "feedback": {"photos": ("after",)},
        "pass_check": {"solved": True},
        "verify": {"found": True},
        "close": {"solved": True},
        "request_extension": {"ask": "extension", "until": now + timedelta(days=4)},
    }
    given = known.get(step, {})
    key = {"request_extension": "extension", "pass_check": "solved", "verify": "found"}.get(step, step)
    sentences = wording().get(key)
    if sentences:
        given["reason"] = sentences[int(rng.integers(len(sentences)))]
    return given
