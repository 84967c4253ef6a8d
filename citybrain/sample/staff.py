"""Who does what in the made-up city: the officer for a role at a place, and the body for an item."""

from collections import defaultdict

import numpy as np

from citybrain.sample.agencies import AgencyRow
from citybrain.sample.city import City
from citybrain.sample.people import PersonRow
from citybrain.sample.subjects import Subject

CAST_SHARE = 0.6
"""How often one of the cast takes a step in their own area, where others could."""


class Staff:
    """People by role and area, by agency; bodies by kind and area."""

    def __init__(self, city: City, agencies: list[AgencyRow], people: list[PersonRow]) -> None:
        self._city = city
        self.agencies = agencies
        self.people = people
        self._by_role: dict[tuple[str, int], list[int]] = defaultdict(list)
        self._handlers: dict[int, list[int]] = defaultdict(list)
        for person in people:
            for post in person.posts:
                self._by_role[post.role, post.area].append(person.index)
                if post.role == "handler" and post.agency is not None:
                    self._handlers[post.agency].append(person.index)
        self.citizens = [person.index for person in people if not person.login]
        self.chief = self._by_role["commander", 0][0]
        self._bodies: dict[tuple[str, int], int] = {}
        for agency in agencies:
            self._bodies.setdefault((agency.kind, agency.area), agency.index)

    def rest_the_cast(self) -> None:
        """Take the cast off all lists where somebody else can act, so that their work stays for the players."""
        for groups in (self._by_role, self._handlers):
            for group in groups.values():
                others = [who for who in group if not self.people[who].cast]
                if others:
                    group[:] = others
        self.citizens = [who for who in self.citizens if not self.people[who].cast]

    def officer(self, role: str, grid: int, rng: np.random.Generator) -> int:
        """Return a person with the role for the nearest area above a grid; the cast's own first, mostly.

        Raises LookupError where nobody up to the city has it.
        """
        lineage = self._city.lineage(grid)
        found = [who for area in reversed(lineage) for who in self._by_role.get((role, area), ())]
        if not found:
            raise LookupError(f"nobody is {role} for {self._city.areas[grid].code}")
        cast = [who for who in found if self.people[who].cast]
        if cast and rng.uniform() < CAST_SHARE:
            return cast[0]
        nearest = next(group for area in reversed(lineage) if (group := self._by_role.get((role, area))))
        return nearest[int(rng.integers(len(nearest)))]

    def handler(self, agency: int, rng: np.random.Generator) -> int:
        """Return a handler of a body, the cast's own mostly. Raises LookupError where it has none."""
        group = self._handlers[agency]
        if not group:
            raise LookupError(f"nobody handles for {self.agencies[agency].key}")
        cast = [who for who in group if self.people[who].cast]
        return cast[0] if cast and rng.uniform() < CAST_SHARE else group[int(rng.integers(len(group)))]

    def body(self, kind: str, lineage: tuple[int, ...]) -> int | None:
        """Return the body of a kind for the nearest area up a lineage, None where there is none."""
        return next(
            (self._bodies[kind, area] for area in reversed(lineage) if (kind, area) in self._bodies), None
        )

    def owner(self, subject: Subject, grid: int) -> int:
        """Return the body whose job a matter truly is: the leading kind, else the assisting, else the street.

        The same rule as `hub.cases.routing`: an item handled first at the street stays at the street.
        """
        lineage = self._city.lineage(grid)[: max(subject.finest, 3)]
        for kind in (subject.lead, subject.assist, "subdistrict"):
            found = self.body(kind, lineage)
            if found is not None and self._handlers[found]:
                return found
        raise LookupError(f"no body for {subject.code} in {self._city.areas[grid].code}")

    def mistaken(self, subject: Subject, grid: int) -> int:
        """Return a body that a hurried dispatcher would name: the assisting kind, else the street's."""
        lineage = self._city.lineage(grid)[: max(subject.finest, 3)]
        right = self.owner(subject, grid)
        for kind in (subject.assist, "subdistrict", "city_mgmt"):
            found = self.body(kind, lineage)
            if found is not None and found != right and self._handlers[found]:
                return found
        return right
