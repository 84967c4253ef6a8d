"""People in households: ages that fit each other, one family name for parents and children, a home each."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from citybrain.sample.names import people_names
from citybrain.sample.people import ID_REGION, PHONE_PREFIX
from citybrain.sample.plan import stream
from citybrain.sample.sets.text import Array, identity_numbers, joined, zeros

SIZES = (0.25, 0.33, 0.26, 0.11, 0.05)
"""Shares of households of one to five people. Our choice, near a large city's census."""
HEAD, SPOUSE, SON, DAUGHTER, FATHER, MOTHER = "02", "10", "20", "30", "51", "52"
"""Relations to the head of the household. Source: GB/T 4761 (main groups)."""
FLOATING = 0.12
OLD, ADULT, SCHOOL = 60, 18, 6
PHONES_FROM = 20_000_000


@dataclass(frozen=True)
class People:
    """Columns of equal length, a row per person, households together and the head first."""

    id_no: Array
    name: Array
    male: Array
    birth: Array
    age: Array
    household: Array
    relation: Array
    head: Array
    phone: Array
    floating: Array

    def __len__(self) -> int:
        return len(self.id_no)

    @property
    def adults(self) -> Array:
        return np.flatnonzero(self.age >= ADULT)

    @property
    def old(self) -> Array:
        return np.flatnonzero(self.age >= OLD)

    @property
    def children(self) -> Array:
        return np.flatnonzero(self.age < ADULT)

    def alone(self) -> Array:
        """Return True for people who live in a household of one."""
        return np.asarray(np.bincount(self.household)[self.household] == 1)

    def spouses(self) -> tuple[Array, Array]:
        """Return the places of husbands and of their wives, pair by pair."""
        second = np.flatnonzero(self.relation == SPOUSE)
        first = self.head[second]
        swap = self.male[second]
        return np.where(swap, second, first), np.where(swap, first, second)


def make_people(seed: int, count: int, until: date) -> People:
    """Return about `count` people in whole households (never more)."""
    rng = stream(seed, "families")
    sizes = rng.choice(np.arange(1, 6), size=max(1, count), p=SIZES)
    sizes = sizes[: max(1, int(np.searchsorted(np.cumsum(sizes), count, side="right")))]
    household = np.repeat(np.arange(len(sizes)), sizes)
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(household)) - starts[household]
    head = starts[household]
    relation, age, male = _roles(rng, sizes, household, place)
    today = np.datetime64(until)
    days = (age * 365.2425).astype(np.int64) + rng.integers(1, 365, len(age))
    birth = today - days.astype("timedelta64[D]")
    names = np.array(people_names(stream(seed, "population"), len(age)))
    kin = np.isin(relation, (SON, DAUGHTER)) & male[head]
    given = np.array([name[1:] for name in names.tolist()])
    family = np.array([name[0] for name in names.tolist()])
    return People(
        id_no=identity_numbers(ID_REGION, birth, male),
        name=joined(np.where(kin, family[head], family), given),
        male=male,
        birth=birth,
        age=(days // 365.2425).astype(np.int64),
        household=household,
        relation=relation,
        head=head,
        phone=joined(PHONE_PREFIX, zeros(PHONES_FROM + np.arange(len(age)), 8)),
        floating=rng.random(len(sizes))[household] < FLOATING,
    )


def _roles(
    rng: np.random.Generator, sizes: Array, household: Array, place: Array
) -> tuple[Array, Array, Array]:
    """Return relation, age in years and sex of each member."""
    total = len(household)
    alone = sizes == 1
    head_age = np.where(alone, rng.normal(58, 18, len(sizes)), rng.normal(47, 13, len(sizes)))
    head_age = np.clip(head_age, 22, 96)
    head_male = rng.random(len(sizes)) < 0.62
    paired = rng.random(len(sizes)) < 0.86
    age, male = head_age[household], head_male[household]
    relation = np.full(total, HEAD)
    spouse = (place == 1) & paired[household]
    relation[spouse] = SPOUSE
    age = np.where(spouse, np.clip(age + rng.normal(-1, 3, total), 20, 98), age)
    male = np.where(spouse, ~male, male)
    other = (place >= 1) & ~spouse
    child_age = head_age[household] - rng.uniform(23, 36, total)
    parent = other & ((child_age < 0) | (rng.random(total) < 0.18)) & (head_age[household] < 68)
    child = other & ~parent
    sex = rng.random(total) < 0.5
    age = np.where(child, np.clip(child_age, 0.1, 60), age)
    age = np.where(parent, np.clip(head_age[household] + rng.uniform(22, 32, total), 45, 99), age)
    male = np.where(child | parent, sex, male)
    relation[child] = np.where(sex[child], SON, DAUGHTER)
    relation[parent] = np.where(sex[parent], FATHER, MOTHER)
    return relation, age, male.astype(bool)
