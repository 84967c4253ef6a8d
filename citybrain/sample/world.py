"""The made-up city with the ids it has in the database: who brings in a report, who takes a step, with what."""

import uuid
from dataclasses import dataclass
from typing import Any

from citybrain.base.identity.actor import ANONYMOUS, SYSTEM, Actor
from citybrain.base.identity.roles import role_named
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.replay import Player
from citybrain.hub.cases.states import Source
from citybrain.sample.city import City
from citybrain.sample.lives import Act
from citybrain.sample.people import PersonRow
from citybrain.sample.reports import CITIZEN, HOTLINE, LEADER, WORKER, Told
from citybrain.sample.rows import Ids
from citybrain.sample.staff import Staff


@dataclass(frozen=True)
class World:
    """The plain city and the ids that its areas, bodies and people have in the database."""

    city: City
    people: list[PersonRow]
    staff: Staff
    areas: Ids
    agencies: Ids
    persons: Ids

    def actor(self, person: int | None) -> Actor:
        """Return the person as an actor without hats: enough to sign a report of the past."""
        if person is None:
            return ANONYMOUS
        row = self.people[person]
        agency = None if row.agency is None else self.agencies[row.agency]
        return Actor(self.persons[person], row.name, "officer" if row.login else "citizen", agency)

    def teller(self, told: Told) -> Actor:
        """Return who brings a report in: the worker, the citizen, the leader's office, or the system."""
        if told.source in {WORKER, CITIZEN}:
            return self.actor(told.reporter)
        if told.source == LEADER:
            return self.actor(self.staff.chief)
        return SYSTEM

    def player(self, act: Act) -> Player:
        """Return who takes a step, in the role that lets them."""
        if act.who is None:
            return Player(None, ANONYMOUS.name)
        row = self.people[act.who]
        permission = f"cases.{act.step}"
        role = next(
            (post.role for post in row.posts if permission in role_named(post.role).permissions), "citizen"
        )
        agency = None if row.agency is None else self.agencies[row.agency]
        return Player(self.persons[act.who], row.name, role, agency)

    def report(self, told: Told, photos: tuple[uuid.UUID, ...] = ()) -> Report:
        """Return a telling as the intake takes it."""
        name, phone = self._contact(told)
        return Report(
            source=Source(told.source),
            description=told.text,
            lon=told.lon,
            lat=told.lat,
            address=told.address,
            item_code=told.claimed,
            contact_name=name,
            contact_phone=phone,
            contact_shared=bool(phone) and told.matter.number % 5 < 3,
            photos=photos,
        )

    def _contact(self, told: Told) -> tuple[str, str]:
        if told.source == CITIZEN and told.reporter is not None:
            row = self.people[told.reporter]
            return row.name, row.phone
        if told.source == HOTLINE:
            row = self.people[self.staff.citizens[told.matter.number % len(self.staff.citizens)]]
            return f"{row.name[0]}先生" if told.matter.number % 2 else f"{row.name[0]}女士", row.phone
        return "", ""

    def inputs(self, act: Act) -> dict[str, Any]:
        """Return an act's inputs with the database's id for its agency, photos left out."""
        given = {name: value for name, value in act.inputs.items() if name != "photos"}
        if "agency" in given:
            given["agency"] = self.agencies[given["agency"]]
        return given
