"""A past case played through the lifecycle in memory, step by step, with the same table, effects and clocks.

Nothing is asked of rights and nothing is written: the result goes to `bulk.store`. Steps that the table does
not allow raise, so that a made-up history can't be an impossible one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases import clocks, deadlines, effects, intake, items, lifecycle, routing
from citybrain.hub.cases.bulk import CLOCK_COLUMNS, PastCase
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.lifecycle import Clock
from citybrain.hub.cases.models import Case, CaseClock
from citybrain.hub.cases.states import TERMINAL, State, Step
from citybrain.hub.cases.store import MUTABLE

NOT_COLUMNS = frozenset({"prefix", "code", "key", "ref"})


@dataclass(frozen=True, slots=True)
class Player:
    """Who took a past step: as it stands in the history."""

    person_id: int | None
    name: str
    role: str = ""
    agency_id: int | None = None


class Impossible(ValueError):
    """A step that the lifecycle does not allow at that point."""


class Replay:
    """One case from its report on. `play` takes a step, `past` gives what to store."""

    def __init__(self, actor: Actor, report: Report, at: datetime, reporter_role: str = "") -> None:
        row = intake.row_of(actor, report, at)
        item = items.index().by_id.get(row["item"]) if row["item"] else None
        self.case = Case(
            state=row["state"], source=row["source"], item=item, urgent=row["urgent"],
            description=row["description"], address=row["address"], lon=row["lon"], lat=row["lat"],
            cell=row["cell"], city_id=row["city"], district_id=row["district"], street_id=row["street"],
            community_id=row["community"], grid_id=row["grid"], reporter_id=row["reporter"],
            suggested_agency_id=row["suggested"], reported_at=at, changed_at=at, step=1, due_at=row["due"],
            remind_at=row["remind"], external_ref=row["ref"], extra=report.extra,
        )  # fmt: skip
        self.contact = (row["contact_name"], row["contact_phone"], row["contact_shared"])
        first = deadlines.new_clock(Step.FILING, self._guessed(row), at, None)
        self.clocks: list[CaseClock] = [first]
        self.events: list[dict[str, Any]] = []
        self._tell("report", None, at, Player(row["actor"], row["actor_name"], reporter_role or row["actor_role"],
                                              row["actor_agency"]), "", orjson.loads(row["data"]))  # fmt: skip

    @staticmethod
    def _guessed(row: dict[str, Any]) -> Any:
        if row["item"]:
            return items.index().by_id.get(row["item"])
        guesses = orjson.loads(row["data"])["guesses"]
        return items.index().by_code.get(guesses[0]["item"]) if guesses else None

    @property
    def state(self) -> State:
        return State(self.case.state)

    @property
    def running(self) -> CaseClock | None:
        last = self.clocks[-1] if self.clocks else None
        return last if last is not None and last.stopped_at is None else None

    def play(self, key: str, player: Player, at: datetime, inputs: dict[str, Any] | None = None) -> None:
        """Take a step at a time. `inputs` are typed already (agency: id, item: code, until: datetime).

        Raises Impossible when the state has no such step or time runs backwards.
        """
        transition = lifecycle.TRANSITIONS[key]
        given = inputs or {}
        if self.case.state not in transition.sources or at < self.case.changed_at:
            raise Impossible(f"{key} from {self.state.name} at {at.isoformat()}")
        before_state, before_agency = self.case.state, self.case.agency_id
        if transition.to is not None:
            self.case.state = transition.to
        running = self.running
        actor = Actor(player.person_id, player.name, "officer", player.agency_id)
        effects.apply(key, effects.Change(self.case, actor, at, given, running))
        mode = self._settle(key, transition.clock, given, running, at)
        told, fresh = clocks.turn(mode, self.case, running, at)
        if fresh is not None:
            self.clocks.append(fresh)
        self.case.is_open = State(self.case.state) not in TERMINAL
        data: dict[str, Any] = {"clock": told, **_plain(given)}
        if before_agency != self.case.agency_id:
            data["agency_before"] = before_agency
        self._tell(key, before_state, at, player, str(given.get("reason", "")), data)

    def _settle(
        self, key: str, mode: Clock, given: dict[str, Any], running: CaseClock | None, at: datetime
    ) -> Clock:
        if key == "file":
            self.case.suggested_agency_id = routing.best(self.case.item, self.case.guard_lineage())
        if key == "decide_extension" and given.get("approve"):
            asked = next(
                event["data"] for event in reversed(self.events) if event["action"] == "request_extension"
            )
            until = datetime.fromisoformat(asked["until"])
            if asked["ask"] == "suspension":
                self.case.state, self.case.suspended_until = State.SUSPENDED, until
                return Clock.PAUSE
            if running is not None:
                deadlines.extend_until(running, until, at, asked["ask"])
        return mode

    def _tell(
        self,
        action: str,
        from_state: int | None,
        at: datetime,
        player: Player,
        reason: str,
        data: dict[str, Any],
    ) -> None:
        self.case.version = len(self.events) + 1
        self.case.changed_at = at
        self.events.append(
            {
                "action": action,
                "from_state": from_state,
                "to_state": int(self.case.state),
                "at": at,
                "actor_id": player.person_id,
                "actor_name": player.name,
                "actor_role": player.role,
                "actor_agency_id": player.agency_id,
                "reason": reason,
                "data": data,
            }
        )

    def late_marks(self, now: datetime) -> None:
        """Leave the reminder where the sweep of `now` would have left it, without writing its history."""
        running = self.running
        if running is None or self.case.due_at is None:
            return
        on = deadlines.day_of(now)
        while (
            moment := deadlines.next_notice(running, self.case.escalation, on)
        ) is not None and moment <= now:
            self.case.escalation += 1
        self.case.remind_at = deadlines.next_notice(running, self.case.escalation, on)

    def past(self) -> PastCase:
        """Return the case with its history, ready to be stored."""
        fixed = ("source", "description", "address", "lon", "lat", "cell", "city_id", "district_id", "street_id",
                 "community_id", "grid_id", "reporter_id", "reported_at", "changed_at", "version", "external_ref",
                 "extra")  # fmt: skip
        values = {name: getattr(self.case, name) for name in (*MUTABLE, *fixed)}
        rows = [{name: getattr(clock, name) for name in CLOCK_COLUMNS[1:]} for clock in self.clocks]
        return PastCase(values, self.events, rows, self.contact if any(self.contact[:2]) else None)


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in given.items()
        if name not in {"reason", "photos"}
    }
