"""What the made-up city has of forms from the start: rights to data, three forms, a round in the cast's district."""

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.utils import timezone

from citybrain.base.areas.models import Area, Level
from citybrain.base.catalogue.actions import Asked as DataAsked
from citybrain.base.catalogue.actions import ask, decide
from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.identity.actor import SYSTEM, Actor, actor_for
from citybrain.base.identity.models import Agency, Person
from citybrain.hub.forms.collecting.rounds import issue
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing.rights import MODE, SCENE
from citybrain.hub.forms.making.actions import About, ask_admission, decide_admission, draft_form, revise
from citybrain.hub.forms.models import Form, Round
from citybrain.hub.forms.rosters import rosters
from citybrain.sample.forms.sheets import Asked, write

PURPOSE: Final = "社区报表自动填充和名册：按属地减少基层重复填报"
TABLE: Final = ("workbook", "sheet", "header_first", "header_last", "begins")
BASIS: Final = "《整治形式主义为基层减负若干规定》"
MASKS: Final = {"mz_key_elder": {"contact1_phone": "phone"}}
DAYS: Final = 5

ELDERS: Final = (
    Asked("序号", width=6),
    Asked("姓名", "基本信息", "ga_population.name", required=True),
    Asked("公民身份号码", "基本信息", "ga_population.id_no", 22),
    Asked("性别", "基本信息", "ga_population.sex", 6),
    Asked("出生日期", "基本信息", "ga_population.birth_date", 12),
    Asked("户籍地址", "基本信息", "ga_population.hukou_address", 32),
    Asked("是否独居", "关爱情况", "mz_key_elder.live_alone", 10),
    Asked("失能等级", "关爱情况", "mz_key_elder.disability_level", 10),
    Asked("联系人电话", "关爱情况", "mz_key_elder.contact1_phone", 16),
    Asked("低保金额（元/月）", "关爱情况", "mz_subsistence.amount", 12),
    Asked("助餐需求", "服务需求", width=12, options=("不需要", "每日一餐", "每日两餐"), required=True),
    Asked("备注", "服务需求", width=20),
)
AID: Final = (
    Asked("序号", width=6),
    Asked("姓名", "", "mz_subsistence.name"),
    Asked("救助类型", "", "mz_subsistence.type"),
    Asked("保障人数", "", "mz_subsistence.household_size"),
    Asked("月保障金额（元）", "", "mz_subsistence.amount"),
    Asked("家庭困难原因", width=30, required=True),
)
DISABLED: Final = (
    Asked("姓名", "", "cl_disabled.name"),
    Asked("残疾类别", "", "cl_disabled.category"),
    Asked("残疾等级", "", "cl_disabled.level"),
    Asked("残疾证有效期至", "", "cl_disabled.valid_until"),
)


def make_forms() -> Round | None:
    """Lend the office its data, draft three forms, admit one and issue it; None in a city without the cast."""
    people = {
        one.login: one for one in Person.objects.filter(login__in=("form_office", "data_chief", "leader"))
    }
    if len(people) < 3 or people["form_office"].agency is None:
        return None
    actor, chief = actor_for(people["form_office"]), actor_for(people["data_chief"])
    office = people["form_office"].agency
    lend(office)
    with tempfile.TemporaryDirectory() as folder:
        elders = draft(
            actor, office, Path(folder), "老年人助餐需求登记表", ELDERS, "安排社区助餐服务", roster="elders"
        )
        aid = draft(
            actor,
            office,
            Path(folder),
            "困难群众救助情况登记表",
            AID,
            "核对救助对象家庭困难原因",
            roster="aid",
        )
        draft(
            actor, office, Path(folder), "持证残疾人基本信息表", DISABLED, "更新残疾人台账", roster="disabled"
        )
    ask_admission(actor, aid)
    ask_admission(actor, elders)
    decide_admission(chief, elders, admit=True, reason="助餐需求无现有数据，准予填报。")
    elders.refresh_from_db()
    return _issued(actor, elders, people["leader"])


def _issued(actor: Actor, form: Form, leader: Person) -> Round | None:
    home = Area.objects.filter(
        pk__in=[hat.area_id for hat in actor_for(leader).hats], level=Level.COMMUNITY
    ).first()
    if home is None or home.parent is None or home.parent.parent is None:
        return None
    due = timezone.localtime().replace(hour=18, minute=0, second=0, microsecond=0) + timedelta(days=DAYS)
    return issue(
        actor, form, home.parent.parent, Level.COMMUNITY, due, period=f"{timezone.localdate().year} 年第四季度",
        note="姓名等基本信息已由数据填好，只需填写助餐需求；数据有误的请提出异议。",
    )  # fmt: skip


def lend(office: Agency) -> list[Grant]:
    """Grant the office, for its forms, the data sets that forms and rosters read; those that aren't loaded are left."""
    found = []
    for code in wanted():
        dataset = (
            DataSet.objects.select_related("provider", "current").filter(code=code, state="published").first()
        )
        if dataset is not None:
            found += _lend_one(dataset, office)
    return found


def wanted() -> list[str]:
    """Return the codes of the data sets that forms and rosters read."""
    fields = [one.field for one in (*ELDERS, *AID, *DISABLED) if one.field]
    for one in rosters().values():
        fields += [key for key, _zh, _en in one.columns]
        fields += [f"{member.dataset}." for member in one.members]
    return sorted({field.partition(".")[0] for field in fields})


def _lend_one(dataset: DataSet, office: Agency) -> list[Grant]:
    names = list(dataset.shape.names)
    masks = MASKS.get(dataset.code, {})
    asked = DataAsked(
        PURPOSE, names, (MODE,), BASIS, SCENE, plain=[name for name in names if name not in masks]
    )
    request = ask(SYSTEM, dataset, office, asked)
    if request.state != "granted":
        request = decide(SYSTEM, request, grant=True, reason="示例")
    return list(Grant.objects.filter(request=request))


def draft(
    actor: Actor,
    office: Agency,
    folder: Path,
    title: str,
    columns: Sequence[Asked],
    purpose: str,
    *,
    roster: str,
) -> Form:
    """Draft a form from its Excel and settle what each column asks for."""
    path = write(folder / f"{title}.xlsx", title, columns, "填报单位：                    填报日期：")
    about = About(title, purpose, "津民发 2026 年第 18 号", "quarter", Level.COMMUNITY, "roster", roster)
    form = draft_form(actor, office, about, file=path, name=path.name)
    drawn = form.current
    settled = [settled_as(one, columns) for one in (drawn.shape if drawn else ())]
    version = revise(actor, form, columns=settled, why="逐列核对")
    if drawn is not None:  # its columns were settled; the table is the same
        for name in TABLE:
            setattr(version, name, getattr(drawn, name))
        version.save(update_fields=TABLE)
    form.refresh_from_db()
    return form


def settled_as(column: Column, columns: Sequence[Asked]) -> Column:
    """Return a column with what the office said about it."""
    said = next((one for one in columns if one.name.startswith(column.name)), None)
    if said is None or column.asks == Asks.SERIAL:
        return column.changed(sure=True)
    asks = Asks.DATA if said.field else Asks.ANSWER
    return column.changed(
        asks=asks,
        field=said.field,
        sure=True,
        confidence=1.0,
        options=said.options or column.options,
        required=said.required,
    )
