"""The made-up hotline in the database: every ticket by the hotline's own actions, so that history and ledger agree."""

import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from citybrain.base.identity.actor import Actor, actor_for
from citybrain.base.identity.models import Person
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.callers.known import note_caller
from citybrain.hub.hotline.errors import NotNow
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.states import Channel
from citybrain.sample.cast import CAST
from citybrain.sample.city import COMMUNITY
from citybrain.sample.hotline.knowledge import make_knowledge
from citybrain.sample.hotline.scenes import MANAGER, OPERATOR, SCENES, Scene
from citybrain.sample.names import DATA
from citybrain.sample.people import cast_places
from citybrain.sample.plan import stream
from citybrain.sample.reports import HOTLINE, ReportMaker, Told
from citybrain.sample.subjects import subjects
from citybrain.sample.world import World

TICKETS: Final = 186
HEATING: Final = ("暖气不热", 14)
PEOPLE: Final = {OPERATOR: "hotline_operator", MANAGER: "hotline_manager"}
KINDS: Final = ("2", "3", "3", "3", "4")
CHANNELS: Final = (Channel.PHONE,) * 7 + (Channel.PORTAL, Channel.EMAIL, Channel.HOOK)


@dataclass(frozen=True, slots=True)
class Said:
    """One message: what was said, where, by which of the citizens, about which item (empty: none)."""

    text: str
    at: datetime
    address: str
    lon: float | None
    lat: float | None
    caller: int
    kind: str
    item: str
    grid: int
    reply: str = ""


@cache
def wording() -> dict[str, Any]:
    """Return the made-up hotline's sentences (data/hotline.toml)."""
    return tomllib.loads((DATA / "hotline.toml").read_text(encoding="utf-8"))


class _Hotline:
    """Plays the scenes: who speaks, who takes which step, when."""

    def __init__(self, world: World, now: datetime) -> None:
        self.world = world
        self.now = now
        seed = world.city.plan.seed
        self.rng = stream(seed, "hotline")
        self.maker = ReportMaker(world.city, world.people, stream(seed, "hotline-reports"))
        self.words = wording()
        self._actors: dict[int, Actor] = {}
        self._cast = {member.key: place for place, member in enumerate(CAST)}
        self._callers = [int(one) for one in self.rng.permutation(world.staff.citizens)]

    def actor(self, place: int) -> Actor:
        """Return a person of the city as who they are by their grants; asked once."""
        person = self.world.persons[place]
        if person not in self._actors:
            self._actors[person] = actor_for(Person.objects.get(pk=person), self.now)
        return self._actors[person]

    def of_cast(self, key: str) -> Actor:
        return self.actor(self._cast[key])

    def one_of(self, sentences: list[str]) -> str:
        return sentences[int(self.rng.integers(len(sentences)))]

    def problem(self, at: datetime, number: int) -> Said:
        """Return something that is wrong somewhere, as somebody tells it; near the cast more often."""
        home = self.rng.uniform() < 0.3
        near = [one.index for one in self.world.city.children(cast_places(self.world.city)["community"])]
        matter = self.maker.matter(at, grid=near[number % len(near)] if home else None)
        told: Told = self.maker.tell(matter, HOTLINE, reporter=None, claimed=False)
        kind = KINDS[number % len(KINDS)]
        return Said(
            told.text, at, told.address or matter.place.address, told.lon, told.lat, self._caller(number), kind,
            matter.item, matter.grid,
        )  # fmt: skip

    def question(self, at: datetime, number: int) -> Said:
        """Return something that is answered at once."""
        one = self.words["asked"][number % len(self.words["asked"])]
        matter = self.maker.matter(at)
        text = one["text"].replace("{p}", matter.place.address)
        return Said(
            text, at, "", None, None, self._caller(number), one["kind"], "", matter.grid, one["reply"]
        )

    def _caller(self, number: int) -> int:
        """Return who speaks: mostly somebody new, the first few again and again."""
        again = number % 9 == 0
        return self._callers[(number // 9) % 3 if again else number % len(self._callers)]

    def receive(self, said: Said, number: int, *, sure: bool = False) -> int:
        """Let a message come in at its time and return its ticket's id; `sure`: its item was named."""
        person = self.world.people[said.caller]
        channel = CHANNELS[number % len(CHANNELS)]
        title = f"{person.name[0]}{'先生' if number % 2 else '女士'}"
        caller = note_caller(person.phone, said.at, messages=1, calls=1 if channel == Channel.PHONE else 0)
        message = Message(
            channel=channel, text=said.text, kind=said.kind, phone=person.phone, name=title,
            shared=number % 5 < 3, secret=number % 23 == 0, place_text=said.address, lon=said.lon, lat=said.lat,
            item_code=said.item if sure or number % 4 else "",
            submission_key=uuid.UUID(int=int(self.rng.integers(2**62))), received_at=said.at, caller_id=caller,
        )  # fmt: skip
        receipt = actions.receive(self.of_cast("hotline_operator"), message, now=said.at)
        return receipt.ticket_id

    def play(self, scene: Scene, number: int) -> None:
        """Let one ticket live its scene."""
        ago = scene.until + float(self.rng.uniform()) * (scene.since - scene.until)
        at = self.now - timedelta(minutes=ago)
        said = self.question(at, number) if scene.asked else self.problem(at, number)
        ticket = self.receive(said, number, sure=scene.case)
        agency, co = self._unit(said)
        for step, who, share in scene.steps:
            when = at + (self.now - at) * share
            actor = self._who(who, agency)
            if actor is None:
                return
            key, _, way = step.partition(":")
            given = self._given(key, way, said, agency, co, scene)
            try:
                actions.take(actor, ticket, key, given, now=when)
            except NotNow:  # the hour or the day of the first start doesn't allow it: this life stops here
                return

    def _unit(self, said: Said) -> tuple[int, int | None]:
        """Return the places of the unit whose job it is and of one that could help."""
        code = said.item if said.item in subjects() else next(iter(subjects()))
        lead = self.world.staff.owner(subjects()[code], said.grid)
        lineage = self.world.city.lineage(said.grid)
        others = (self.world.staff.body(kind, lineage) for kind in ("subdistrict", "city_mgmt"))
        return lead, next((one for one in others if one is not None and one != lead), None)

    def _who(self, who: str, agency: int) -> Actor | None:
        if who in PEOPLE:
            return self.of_cast(PEOPLE[who])
        return self.actor(self.world.staff.handler(agency, self.rng))

    def _given(
        self, key: str, way: str, said: Said, agency: int, co: int | None, scene: Scene
    ) -> dict[str, Any]:
        """Return what a step is given."""
        bodies, replies = self.world.agencies, self.words["replies"]
        known: dict[str, dict[str, Any]] = {
            "file": {"item": said.item} if said.item else {},
            "answer": {"reply": said.reply},
            "dispatch": {"agency": bodies[agency], "by_case": scene.case},
            "handle": {"reason": self.one_of(replies["progress"])},
            "return": {"cause": "not_ours", "reason": self.one_of(replies["returned"])},
            "review_return": {"approve": way == "yes", "reason": "情况属实，另行派单。"},
            "request_extension": {
                "until": self.now + timedelta(days=9), "reason": self.one_of(replies["longer"]),
            },
            "reply": {
                "reply": self.one_of(replies["thin" if self.rng.uniform() < 0.15 else "done"]).replace(
                    "{p}", said.address or "现场"
                ),
                "contacted": True,
            },
            "redo": {"reason": "来电人反映没有解决，请到现场核实后重新办理。"},
            "void": {"cause": "silent", "reason": "接通后无人说话。"},
            "hand_over": {"to": "110 报警服务台", "reason": "涉及人身安全，已先电话告知。"},
            "call_back": self._call(way),
        }  # fmt: skip
        given = dict(known.get(key, {}))
        if key == "dispatch" and way == "co" and co is not None:
            given["co"] = [bodies[co]]
        return given

    def _call(self, way: str) -> dict[str, Any]:
        replies = self.words["replies"]
        if way == "missed":
            return {"reached": "no_answer"}
        solved = way == "solved"
        return {
            "reached": "reached", "contacted": solved, "solved": solved,
            "rating": int(self.rng.choice([5, 4, 4, 3])) if solved else int(self.rng.choice([1, 2])),
            "reason": self.one_of(replies["said" if solved else "unsaid"]),
        }  # fmt: skip

    def many(self) -> Iterator[Said]:
        """Yield what many different people of the home street say now: their heating is cold."""
        code = next((one.code for one in subjects().values() if "供暖" in one.name or "供热" in one.name), "")
        places = cast_places(self.world.city)
        street = [one for one in self.world.city.at_level(COMMUNITY) if one.parent == places["street"]]
        for number in range(HEATING[1]):
            home = street[number % len(street)]
            grids = self.world.city.children(home.index)
            at = self.now - timedelta(minutes=12 * (HEATING[1] - number) + 7)
            matter = self.maker.matter(at, grid=grids[number % len(grids)].index)
            texts = self.words["topic"]["texts"]
            text = texts[number % len(texts)].replace("{p}", home.name)
            caller = self._callers[(number + 40) % len(self._callers)]
            yield Said(text, at, home.name, matter.lon, matter.lat, caller, "2", code, matter.grid)


def make_hotline(world: World, now: datetime, count: int = TICKETS) -> int:
    """Write about `count` tickets of the last fortnight, in every state, with what goes with them; return how many.

    By the hotline's own actions, each at its own time: history, clocks and ledger are what they would have been.
    """
    played = _Hotline(world, now)
    people = (played.of_cast("knowledge_manager"), played.of_cast("hotline_manager"))
    make_knowledge(world, played.words["knowledge"], *people, now)
    shares = sum(scene.share for scene in SCENES)
    number = 0
    for scene in SCENES:
        for _ in range(max(1, round(scene.share * count / shares))):
            played.play(scene, number)
            number += 1
    for said in played.many():
        played.receive(said, number)
        number += 1
    return number
