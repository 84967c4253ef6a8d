"""The lives of cases: what happened to each report, step by step, as a script. Pure: nothing is done here.

Each act names who, when, the step of the lifecycle table and its inputs; agencies and people by their place in
the city's lists, the main case of a merge by its matter, photos by kind. `load` turns scripts into rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from citybrain.base.worktime.calendar import MissingYear, WorkCalendar
from citybrain.base.worktime.clock import Clock
from citybrain.sample.names import wording
from citybrain.sample.reports import CITIZEN, HOTLINE, WORKER, Told
from citybrain.sample.staff import Staff
from citybrain.sample.subjects import Subject, subjects


@dataclass(frozen=True, slots=True)
class Act:
    """One step of one case. `who` is a place in the list of people, None for the reporter without a name."""

    at: datetime
    who: int | None
    step: str
    inputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Life:
    """A report with everything that followed; `owner` is the body whose job it truly is."""

    told: Told
    owner: int
    acts: tuple[Act, ...]


class _Script:
    """A case being written: the hour hand, the acts so far."""

    def __init__(self, told: Told, staff: Staff, cal: WorkCalendar, rng: np.random.Generator) -> None:
        self.told = told
        self.staff = staff
        self.rng = rng
        self.subject: Subject = subjects()[told.matter.item]
        self.grid = told.matter.grid
        self.at = told.at
        self.acts: list[Act] = []
        self._cal = cal

    def chance(self, share: float) -> bool:
        return bool(self.rng.uniform() < share)

    def wait(self, minutes: float, *, working: bool | None = None) -> None:
        """Move the hour hand on, through working hours only unless the item's clock runs on."""
        runs_on = not (self.subject.working if working is None else working)
        whole = max(1, round(minutes))
        seconds = timedelta(seconds=int(self.rng.integers(0, 60)))
        self.at = later(self._cal, self.at, whole, working=not runs_on) + seconds

    def some(self, typical: float) -> float:
        """Return a duration around the typical one: half of all are shorter, a few much longer."""
        return float(typical * self.rng.lognormal(0, 0.55))

    def act(self, who: int | None, step: str, **inputs: Any) -> None:
        self.acts.append(Act(self.at, who, step, inputs))

    def due(self) -> datetime:
        """Return a moment by which the limit is surely used up, were it to start now."""
        minutes = self.subject.disposal_minutes
        return later(self._cal, self.at, minutes, working=self.subject.working)

    def officer(self, role: str) -> int:
        return self.staff.officer(role, self.grid, self.rng)

    def words(self, key: str) -> str:
        """Return one of the sentences kept for a step."""
        choices = wording()[key]
        return choices[int(self.rng.integers(len(choices)))]


def later(cal: WorkCalendar, at: datetime, minutes: int, *, working: bool) -> datetime:
    """Return the moment after so many minutes, of working time where asked; where a calendar's year is missing,
    three times as many minutes of any time."""
    try:
        due = Clock(at, minutes, "working" if working else "clock").due_at(cal)
    except MissingYear:
        due = None
    return due or at + timedelta(minutes=3 * minutes)


def live(told: Told, staff: Staff, cal: WorkCalendar, rng: np.random.Generator) -> Life:
    """Return the whole life of a report, as far as it goes; the caller cuts it off at its own now."""
    script = _Script(told, staff, cal, rng)
    owner = staff.owner(script.subject, script.grid)
    if _received(script):
        _worked(script, owner)
    return Life(told, owner, tuple(script.acts))


def _received(script: _Script) -> bool:
    """Write what happens until it is filed; return whether it was."""
    told, subject = script.told, script.subject
    if told.again and script.chance(0.75):
        script.wait(script.some(25))
        script.act(script.officer("acceptor"), "merge", main=told.matter.number)
        return False
    if told.source == WORKER and told.claimed and subjects()[told.claimed].self_handle and script.chance(0.3):
        script.wait(script.some(18), working=False)
        script.act(
            told.reporter, "self_handle", reason=script.words("self_handle"), photos=("before", "after")
        )
        _rated(script)
        return False
    if told.source in {CITIZEN, HOTLINE} and script.chance(0.14) and not _verified(script):
        return False
    script.wait(script.some(0.32 * subject.accept_minutes))
    if script.chance(0.035):
        script.act(
            script.officer("acceptor"), "reject", cause="below_standard", reason=script.words("reject")
        )
        return False
    if told.source == CITIZEN and script.chance(0.015):
        script.act(script.officer("acceptor"), "cancel", cause="mistake", reason=script.words("cancel"))
        return False
    script.act(script.officer("acceptor"), "file", item=subject.code)
    return True


def _verified(script: _Script) -> bool:
    """Write a look at the place before filing; return whether the matter was there."""
    script.wait(script.some(20))
    script.act(script.officer("acceptor"), "request_verify", reason=script.words("request_verify"))
    script.wait(script.some(45))
    there = script.chance(0.86)
    words = script.words("found" if there else "not_found")
    script.act(script.officer("grid_worker"), "verify", found=there, reason=words)
    if not there:
        script.wait(script.some(15))
        script.act(script.officer("acceptor"), "reject", cause="not_found", reason=script.words("reject"))
    return there


def _worked(script: _Script, owner: int) -> None:
    """Write dispatch, handling and what comes after."""
    script.wait(script.some(9 if script.subject.urgent else 22))
    if not _dispatched(script, owner):
        return
    script.wait(script.some(6 if script.subject.urgent else 25))
    handler = script.staff.handler(owner, script.rng)
    script.act(handler, "accept")
    _handled(script, handler)
    _checked(script, owner)


def _dispatched(script: _Script, owner: int) -> bool:
    """Write the way to the body whose job it is, past wrong ones now and then; False where it got stuck."""
    wrong = script.staff.mistaken(script.subject, script.grid)
    step, returns = "dispatch", 0
    while wrong != owner and returns < 3 and script.chance(0.09 if not returns else 0.25):
        script.act(script.officer("dispatcher"), step, agency=wrong)
        script.wait(script.some(40))
        who = script.staff.handler(wrong, script.rng)
        script.act(who, "return", cause="not_ours", reason=script.words("return"))
        script.wait(script.some(25))
        step, returns = "redispatch", returns + 1
    if returns >= 3:
        script.act(script.officer("duty_chief"), "designate", agency=owner, reason=script.words("designate"))
    else:
        script.act(script.officer("dispatcher"), step, agency=owner)
    return True


def _handled(script: _Script, handler: int, *, first: bool = True) -> None:
    """Write the handling: mostly within the limit, with progress, an extension or a suspension on the way."""
    limit = script.subject.disposal_minutes
    share = float(np.clip(script.rng.lognormal(-0.85, 0.62), 0.03, 3.0))
    script.wait(0.4 * share * limit)
    if script.chance(0.25):
        script.act(handler, "handle", reason=script.words("handle"))
    if first and limit >= 960 and script.chance(0.09):
        _asked(script, handler)
    elif first and share > 1 and script.chance(0.5):
        script.act(script.officer("supervisor"), "supervise", reason=script.words("supervise"))
    script.wait(0.6 * share * limit)
    script.act(handler, "feedback", reason=script.words("feedback"), photos=("after",))


def _asked(script: _Script, handler: int) -> None:
    """Write a request for more time, or for a pause, and what was decided."""
    ask = "suspension" if script.chance(0.4) else "extension"
    until = later_day(script.due(), int(script.rng.integers(2, 8)))
    script.act(handler, "request_extension", ask=ask, until=until, reason=script.words(ask))
    script.wait(script.some(90))
    approve = script.chance(0.75)
    script.act(script.officer("supervisor"), "decide_extension", approve=approve)
    if approve and ask == "suspension":
        script.at = until
        script.wait(script.some(60), working=True)
        script.act(handler, "resume", reason=script.words("resume"))


def later_day(at: datetime, days: int) -> datetime:
    """Return the same time so many days on, on the full hour."""
    return (at + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)


def _checked(script: _Script, owner: int) -> None:
    """Write the check, a second round where it was not solved, the closing and the reporter's word."""
    for _ in range(2):
        script.wait(script.some(50))
        if not script.chance(0.6):
            script.act(script.officer("acceptor"), "close", solved=True)
            break
        script.act(script.officer("acceptor"), "start_check")
        script.wait(script.some(70))
        solved = script.chance(0.92)
        script.act(
            script.officer("grid_worker"),
            "pass_check",
            solved=solved,
            reason=script.words("solved" if solved else "unsolved"),
        )
        script.wait(script.some(15))
        if solved:
            script.act(script.officer("acceptor"), "close", solved=True)
            break
        script.act(script.officer("acceptor"), "rework", reason=script.words("rework"))
        _again(script, owner)
    else:
        script.wait(script.some(60))
        script.act(script.officer("duty_chief"), "force_close", reason=script.words("force_close"))
        return
    _rated(script)
    if script.chance(0.012):
        script.wait(script.some(300))
        script.act(script.officer("acceptor"), "reopen", reason=script.words("reopen"))
        _again(script, owner)


def _again(script: _Script, owner: int) -> None:
    """Write another round of handling by the same body."""
    script.wait(script.some(30))
    handler = script.staff.handler(owner, script.rng)
    script.act(handler, "accept")
    _handled(script, handler, first=False)


def _rated(script: _Script) -> None:
    """Write the reporter's word, where a citizen signed in to give it."""
    told = script.told
    if told.source != CITIZEN or told.reporter is None or not script.chance(0.5):
        return
    script.wait(script.some(240), working=False)
    rating = int(script.rng.choice([5, 4, 3, 2, 1], p=[0.46, 0.28, 0.12, 0.09, 0.05]))
    script.act(told.reporter, "rate", rating=rating, reason=script.words(f"rate_{rating}"))


def lives(
    tellings: Iterator[Told], staff: Staff, cal: WorkCalendar, rng: np.random.Generator, now: datetime
) -> Iterator[Life]:
    """Yield the life of each report as far as it has come by `now`; reports yet to come are left out."""
    for told in tellings:
        if told.at >= now:
            continue
        life = live(told, staff, cal, rng)
        yield Life(told, life.owner, tuple(_until(life.acts, now)))


def _until(acts: tuple[Act, ...], now: datetime) -> Iterator[Act]:
    for act in acts:
        if act.at >= now:
            return
        yield act
