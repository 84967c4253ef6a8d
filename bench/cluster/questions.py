"""What is asked of every engine: the checks of four data sets, two joins, three aggregates, as Ibis expressions.

`tables` are Ibis tables by name: texts under a data set's code, checked rows under `good_` and its code.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import ibis

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.checks import compile_checks
from citybrain.base.lake.portable import epoch_seconds, portable, whole

CHECKED = ("ga_population", "gy_power_usage", "gy_water_usage", "wj_health_code")
GOOD = (*CHECKED, "gy_water_account")
Tables = Mapping[str, Any]


def used_homes(tables: Tables) -> Any:
    """Every reading of a water meter with whose it is."""
    usage, account = tables["good_gy_water_usage"], tables["good_gy_water_account"]
    return usage.join(account, "meter_no").select(
        usage.meter_no, usage.ts, usage.usage, account.account_no, account.status
    )


def people_without_code(tables: Tables) -> Any:
    """People in the register for whom there is no health code."""
    people, code = tables["good_ga_population"], tables["good_wj_health_code"]
    return people.anti_join(code, "id_no").select("id_no", "name", "birth_date", "hukou_region")


def water_by_home(tables: Tables) -> Any:
    """How much water each home used: readings, sum, mean, spread, most, hours of the first and the last one."""
    homes = used_homes(tables)
    litres = homes.usage.cast("float64") * 1000
    return homes.group_by("account_no").aggregate(
        readings=homes.count(), total=homes.usage.sum(), mean=litres.mean(), spread=litres.std(how="sample"),
        most=litres.max(), rounded=whole(litres.mean()),
        hours=(epoch_seconds(homes.ts.max()) - epoch_seconds(homes.ts.min())) // 3600,
    )  # fmt: skip


def people_by_region(tables: Tables) -> Any:
    """People of each region and sex: how many, in how many households, years of birth, a median."""
    people = tables["good_ga_population"]
    year = people.birth_date.year()
    return people.group_by("hukou_region", "sex").aggregate(
        people=people.count(), households=people.household_no.nunique(), eldest=year.min(), mean=year.mean(),
        median=year.cast("float64").quantile(0.5), living=people.alive.sum(),
    )  # fmt: skip


def power_by_day(tables: Tables) -> Any:
    """Power by day: sum, mean change to the reading before, how many readings rose."""
    usage = tables["good_gy_power_usage"]
    ordered = ibis.window(group_by="meter_no", order_by="ts")
    before = usage.usage.lag().over(ordered)
    stepped = usage.mutate(step=(usage.usage - before).cast("float64"), day=usage.ts.date())
    return stepped.group_by("day").aggregate(
        total=stepped.usage.sum(), change=stepped.step.mean(), rises=(stepped.step > 0).sum(),
        meters=stepped.meter_no.nunique(),
    )  # fmt: skip


ASKED: Mapping[str, Callable[[Tables], Any]] = {
    "join: readings with homes": used_homes,
    "join: people without code": people_without_code,
    "aggregate: water by home": water_by_home,
    "aggregate: people by region": people_by_region,
    "aggregate: power by day": power_by_day,
}


def check_of(shape: Shape, codes: Mapping[str, Collection[str]], texts: Any) -> Any:
    """Return the checks of a set over its texts: typed rows, what is wrong, the cells as they came."""
    return compile_checks(shape, {name: name for name in shape.names}, codes=codes).apply(texts)


def questions(
    shapes: Mapping[str, Shape], codes: Mapping[str, Collection[str]], tables: Tables
) -> dict[str, Any]:
    """Return everything asked, by name; each is told to be portable before it is run."""
    found = {f"check: {code}": check_of(shapes[code], codes, tables[code]) for code in CHECKED}
    found |= {name: ask(tables) for name, ask in ASKED.items()}
    return {name: portable(expression) for name, expression in found.items()}
