"""The lives of the made-up hotline's tickets as scripts: which steps, how long before now. Pure: nothing is done."""

from dataclasses import dataclass
from typing import Final

OPERATOR, MANAGER, UNIT = "operator", "manager", "unit"
DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Scene:
    """One way of a ticket: each step with who takes it and at which share of its life (0 received, 1 now).

    `share` of all tickets; `since` and `until` are the minutes before now between which they come in.
    `asked`: a question, wish or praise that is answered at once.
    """

    key: str
    share: int
    since: int
    until: int
    steps: tuple[tuple[str, str, float], ...] = ()
    asked: bool = False
    case: bool = False


SENT: Final = (("dispatch", OPERATOR, 0.06),)
TAKEN: Final = (*SENT, ("accept", UNIT, 0.2))
PROMPT: Final = (*SENT, ("accept", UNIT, 0.1))
WORKED: Final = (*TAKEN, ("handle", UNIT, 0.5))
DONE: Final = (*TAKEN, ("reply", UNIT, 0.7))
SETTLED: Final = (*DONE, ("call_back:solved", OPERATOR, 0.85))

SCENES: Final[tuple[Scene, ...]] = (
    Scene("received", 12, 55, 2),
    Scene("answered", 10, 9 * DAY, DAY, (("answer", OPERATOR, 0.01), ("call_back:solved", OPERATOR, 0.6)), asked=True),
    Scene("answered_now", 8, 300, 20, (("answer", OPERATOR, 0.3),), asked=True),
    Scene("to_dispatch", 8, 170, 15, (("file", OPERATOR, 0.3),)),
    Scene("dispatched", 20, 400, 40, SENT),
    Scene("by_case", 6, 300, 60, SENT, case=True),
    Scene("accepted", 16, DAY, 200, TAKEN),
    Scene("handling", 18, 4 * DAY, 500, WORKED),
    Scene("returning", 5, 500, 120, (*PROMPT, ("return", UNIT, 0.2))),
    Scene("returned", 4, 2 * DAY, 400, (*PROMPT, ("return", UNIT, 0.15), ("review_return:yes", MANAGER, 0.5))),
    Scene("extending", 5, 4 * DAY, DAY, (*TAKEN, ("request_extension", UNIT, 0.8))),
    Scene("co", 4, 2 * DAY, 300, (("dispatch:co", OPERATOR, 0.06), ("accept", UNIT, 0.2))),
    Scene("replied", 18, 5 * DAY, DAY, DONE),
    Scene("calling", 6, 6 * DAY, 2 * DAY, (*DONE, ("call_back:missed", OPERATOR, 0.95))),
    Scene("unsolved", 4, 7 * DAY, 3 * DAY, (*DONE, ("call_back:unsolved", OPERATOR, 0.9))),
    Scene(
        "redo", 4, 7 * DAY, 3 * DAY,
        (*DONE, ("call_back:unsolved", OPERATOR, 0.85), ("redo", MANAGER, 0.9)),
    ),
    Scene("concluded", 34, 13 * DAY, 3 * DAY, SETTLED),
    Scene("archived", 12, 14 * DAY, 6 * DAY, (*SETTLED, ("archive", OPERATOR, 0.95))),
    Scene("voided", 3, 6 * DAY, 200, (("void", MANAGER, 0.1),)),
    Scene("police", 3, 2 * DAY, 100, (("hand_over", MANAGER, 0.05),)),
)  # fmt: skip
