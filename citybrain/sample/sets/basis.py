"""Who and what there is in the made-up city: homes, people, firms, cars, hospitals … Every data set is told from it."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from citybrain.sample.agencies import AgencyRow, make_agencies
from citybrain.sample.city import City
from citybrain.sample.plan import stream
from citybrain.sample.sets.families import People, make_people
from citybrain.sample.sets.homes import Homes, make_homes
from citybrain.sample.sets.text import Array, credit_codes, joined, numbered, zeros

DISTRICT_REGION = "120198"
FIRM_WORDS = (
    "澜丰",
    "恒澜",
    "沐川",
    "星渚",
    "砚田",
    "云帆",
    "启棠",
    "汇桥",
    "朗汀",
    "禾润",
    "青屿",
    "长泊",
    "瑞澍",
    "合汀",
)
FIRM_TRADES = (
    ("餐饮管理", "H6210"), ("商贸", "F5211"), ("物流", "G5430"), ("建筑工程", "E4710"), ("信息技术", "I6510"),
    ("金属加工", "C3360"), ("物业管理", "K7020"), ("医药连锁", "F5251"), ("塑料", "C2651"), ("养老服务", "Q8514"),
)  # fmt: skip
HOSPITALS_PER_MILLION = 40
MODELS = ("枫桥A6", "鹿渚S3", "云澍EV", "听潮MPV", "雁汀L5", "砚桥V8")


@dataclass(frozen=True)
class Firms:
    """Columns of equal length, a row per firm; `legal` is the place of its legal person among the people."""

    uscc: Array
    name: Array
    industry: Array
    trade: Array
    legal: Array
    home: Array
    founded: Array

    def __len__(self) -> int:
        return len(self.uscc)


@dataclass(frozen=True)
class Cars:
    """Columns of equal length, a row per car; `owner` is a place among the people."""

    plate: Array
    vin: Array
    owner: Array
    electric: Array
    model: Array
    first_reg: Array

    def __len__(self) -> int:
        return len(self.plate)


@dataclass(frozen=True)
class Basis:
    """The city, its last known day, and everything in it."""

    city: City
    until: date
    size: int

    @property
    def seed(self) -> int:
        return self.city.plan.seed

    def stream(self, subject: str) -> np.random.Generator:
        return stream(self.seed, f"sets.{subject}")

    @cached_property
    def people(self) -> People:
        return make_people(self.seed, self.size, self.until)

    @cached_property
    def homes(self) -> Homes:
        """A home per household, and some that stand empty."""
        households = int(self.people.household[-1]) + 1
        return make_homes(self.city, households + max(2, households // 20))

    @cached_property
    def home_of(self) -> Array:
        """The place of each household's home."""
        households = int(self.people.household[-1]) + 1
        return self.stream("home_of").permutation(len(self.homes))[:households]

    def home(self, people: Array) -> Array:
        """Return the homes of people given by place."""
        return np.asarray(self.home_of[self.people.household[people]])

    @cached_property
    def agencies(self) -> list[AgencyRow]:
        return make_agencies(self.city)

    @cached_property
    def firms(self) -> Firms:
        rng, count = self.stream("firms"), max(12, len(self.people) // 18)
        trade = rng.integers(0, len(FIRM_TRADES), count)
        names = np.array([name for name, _code in FIRM_TRADES])
        words = np.array(FIRM_WORDS)[rng.integers(0, len(FIRM_WORDS), (2, count))]
        return Firms(
            uscc=credit_codes("91", DISTRICT_REGION, 10_000_000 + np.arange(count) * 7),
            name=joined(
                self.city.areas[0].short,
                words[0],
                words[1],
                zeros(np.arange(count) % 97, 2),
                names[trade],
                "有限公司",
            ),
            industry=np.array([code for _name, code in FIRM_TRADES])[trade],
            trade=names[trade],
            legal=rng.choice(self.people.adults, count),
            home=rng.integers(0, len(self.homes), count),
            founded=np.datetime64(self.until) - rng.integers(200, 9_000, count).astype("timedelta64[D]"),
        )

    def firm_district(self, firms: Array) -> Array:
        """Return the codes of the districts where firms (given by place) have their seat."""
        return np.asarray(self.homes.district[self.firms.home[firms]])

    @cached_property
    def cars(self) -> Cars:
        rng, adults = self.stream("cars"), self.people.adults
        owner = np.sort(rng.choice(adults, max(6, int(len(adults) * 0.28))))
        count = len(owner)
        electric = rng.random(count) < 0.24
        letters = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ"))
        number = np.arange(count)
        body = joined(letters[number // 10_000 % 24], zeros(number % 10_000, 4))
        more = letters[number // 240_000 % 24]
        return Cars(
            plate=np.where(electric, joined("试", more, "D", body), joined("试", more, body)),
            vin=joined("LAL", zeros(rng.integers(0, 10**6, count), 6), zeros(number, 8)),
            owner=owner,
            electric=electric,
            model=np.array(MODELS)[rng.integers(0, len(MODELS), count)],
            first_reg=np.datetime64(self.until) - rng.integers(30, 4_300, count).astype("timedelta64[D]"),
        )

    @cached_property
    def hospitals(self) -> Array:
        """The 22-sign codes of hospitals and clinics."""
        count = max(4, len(self.people) * HOSPITALS_PER_MILLION // 1_000_000 + 4)
        return numbered(f"{DISTRICT_REGION}PDY", count, 13)

    @cached_property
    def venues(self) -> Array:
        return numbered("V", max(10, len(self.homes) // 30), 9)

    def body(self, kind: str) -> str:
        """Return the name of the city's body of a kind, or of the first body of that kind there is."""
        return next((agency.name for agency in self.agencies if agency.kind == kind), kind)
