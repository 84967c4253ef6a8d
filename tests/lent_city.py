"""Data that two agencies exchange, for looking at every page of it: sources, a conflict, lists, a grant with a file."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from citybrain.base.areas.models import Area
from citybrain.base.catalogue import actions as catalogue
from citybrain.base.catalogue.load import load
from citybrain.base.catalogue.models import DataSet, Demand, Grant, Request, Supply, System
from citybrain.base.exchange import actions, runs
from citybrain.base.exchange.delivery import batch
from citybrain.base.exchange.delivery.compile import Asked
from citybrain.base.exchange.models import Conflict, Receipt, Run, Source
from citybrain.base.identity.actor import SYSTEM, actor_for
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.lake.pytest_lake import clear_lake
from citybrain.sample.cast import PASSWORD

PURPOSE = "每月核验津贴对象是否在册"
HEAD = "公民身份号码,姓名,性别,出生日期,户籍区划,是否在册,更新时间"
PEOPLE = (("12980119900307231", "周晓棠"), ("12980119410508233", "李守田"))


def id_number(first: str) -> str:
    """Return 17 digits with their check digit (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(one) * weight for one, weight in zip(first, weights, strict=True))
    return first + "10X98765432"[total % 11]


def officer(login: str, name: str, agency: Agency, role: str) -> Person:
    """Make somebody who signs in like the cast."""
    person = Person(login=login, name=name, agency=agency, kind="officer", auth_level="L2")
    person.set_password(PASSWORD)
    person.save()
    body = agency if role == "data_manager" else None
    RoleGrant.objects.create(
        person=person, role=role, area_id=agency.area_id, agency=body, valid_from=date(2026, 1, 1)
    )
    return person


@dataclass(frozen=True)
class Lent:
    """What there is to look at. `supplier`, `asker` and `chief` sign in."""

    run: Run
    source: Source
    conflict: Conflict
    demand: Demand
    supply: Supply
    request: Request
    grant: Grant
    file: str
    receipt: Receipt


def _rows(sign: str, wrong: bool) -> bytes:
    region = Area.objects.filter(level=4).order_by("id")[0].code
    lines = [HEAD]
    for first, name in PEOPLE:
        born = f"{first[6:10]}-{first[10:12]}-{first[12:14]}"
        lines.append(f"{id_number(first)},{name}{sign},1,{born},{region},是,2026-11-01 08:00:00")
    if wrong:
        lines.append(f"129801195202032351,王建国,1,1952-02-03,{region},是,2026-11-01 08:00:00")
    return "\n".join(lines).encode()


def _take(source: Source, content: bytes, name: str) -> Run:
    run = actions.receive_file(SYSTEM, source, [content], name)
    while runs.work_one(timezone.now() + timedelta(hours=2)):
        pass
    return Run.objects.get(pk=run.pk)


def _failing(people: DataSet, supply: Supply) -> Source:
    """Make an interface whose last run failed."""
    told = {
        "url": "https://api.example.cn/v2/people",
        "paging": "page",
        "rows": "data.list",
        "params": {"kind": "all"},
    }
    source = actions.add_source(
        SYSTEM, people, people.provider, name="人口库接口", kind="http", supply=supply, secret="x",
        settings=told, mapping={"证件号码": "id_no"},
    )  # fmt: skip
    Run.objects.create(
        source=source, dataset=people, ingest="failed", mode="upsert", state="failed", asked_by="system",
        error={"key": "failed", "params": {"step": "land", "detail": "no answer: timed out"}},
    )  # fmt: skip
    return source


def lent() -> Lent:
    """Load the catalogue, let two suppliers disagree, lend the set to the second one."""
    clear_lake()
    load(SYSTEM, ["ga_population", "mz_subsistence", "jt_bridge", "wx_data_filing"])
    people = DataSet.objects.select_related("provider", "current").get(code="ga_population")
    welfare = (
        Agency.objects.filter(area_id=people.provider.city_id)
        .exclude(pk=people.provider_id)
        .order_by("id")[0]
    )
    officer("supplier", "陈予安", people.provider, "data_manager")
    asker = officer("asker", "冯知夏", welfare, "data_manager")
    officer("chief", "苏望舒", welfare, "chief_data_officer")
    supply = Supply.objects.select_related("system__agency").get(dataset=people)
    other = Supply.objects.create(
        dataset=people, system=System.objects.create(agency=welfare, key="allowance", name="津贴发放系统"), mode="file",
        update_cycle=2, rank=2,
    )  # fmt: skip
    first = actions.add_source(SYSTEM, people, people.provider, name="公安上传", supply=supply)
    second = actions.add_source(SYSTEM, people, welfare, name="津贴台账", supply=other)
    run = _take(first, _rows("", wrong=True), "户籍.csv")
    _take(second, _rows("儿", wrong=False), "津贴.csv")
    source = _failing(people, supply)
    item = catalogue.add_item(
        SYSTEM, welfare, key="elder-care", name_zh="高龄津贴发放", basis="条例第三十三条"
    )
    demand = catalogue.add_demand(
        SYSTEM, item, title="津贴对象户籍", purpose=PURPOSE, dataset=people, update_cycle=2,
        fields=[{"name": "id_no"}, {"name": "hukou_address"}],
    )  # fmt: skip
    request = catalogue.ask(
        actor_for(asker),
        people,
        welfare,
        catalogue.Asked(PURPOSE, ["id_no", "name"], modes=["key", "filter"]),
    )
    grant = Grant.objects.create(
        number="GR20260001", dataset=people, agency=welfare, purpose=PURPOSE, granted_by="system",
        fields=["id_no", "name", "sex"], masks={"name": "name"}, modes=["key", "filter", "batch", "changes"],
        valid_from=timezone.now() - timedelta(days=1), valid_until=timezone.now() + timedelta(days=90),
    )  # fmt: skip
    file = batch.ask_file(actor_for(asker), grant, "xlsx", Asked(), None)
    batch.tick(timezone.now())
    return Lent(
        run,
        source,
        Conflict.objects.order_by("id")[0],
        demand,
        supply,
        request,
        grant,
        file.number,
        Receipt.objects.get(),
    )


def pages(there: Lent) -> dict[str, list[str]]:
    """Return the addresses of the data pages by who looks at them."""
    grant, supplied = f"grants/{there.grant.number}/", "sets/ga_population/"
    found = {
        "supplier": [
            "sets/", supplied, f"{supplied}upload/", f"{supplied}sources/add/?kind=sql", f"{supplied}supplies/add/",
            "import/", "entries/ga_population/", "entries/add/", "intake/", f"intake/runs/{there.run.pk}/",
            f"intake/runs/{there.run.pk}/bad/", f"sources/{there.source.pk}/", f"sources/{there.source.pk}/edit/",
            "conflicts/?list=open", "lists/supplies/", f"lists/supplies/{there.supply.pk}/", "requests/",
            f"requests/{there.request.number}/", "uses/", f"{grant}receipts/", f"receipts/{there.receipt.pk}/",
        ],
        "asker": [
            f"{supplied}ask/", f"conflicts/{there.conflict.pk}/", "lists/items/", "lists/items/add/", "lists/demands/",
            f"lists/demands/{there.demand.pk}/", "lists/unmet/", "lists/import/", "grants/", grant, f"{grant}files/",
            f"files/{there.file}/",
        ],
        "chief": ["sets/?list=approve", "conflicts/?list=settle"],
    }  # fmt: skip
    return {who: [f"/desk/data/{one}" for one in addresses] for who, addresses in found.items()}
