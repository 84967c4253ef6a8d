"""A small city whose offices ask for forms, and the data sets that know much of what they ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from openpyxl import Workbook

from citybrain.base.catalogue.actions import publish_at_once
from citybrain.base.catalogue.models import DataSet, Grant, Request
from citybrain.base.catalogue.quality import measured
from citybrain.base.catalogue.shipped import shipped
from citybrain.base.identity import agencies
from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.base.identity.models import Agency
from citybrain.base.identity.tests.conftest import City, _agency, city  # noqa: F401  (a fixture)
from citybrain.hub.forms.making import actions, meanings
from citybrain.hub.forms.making.actions import About
from citybrain.hub.forms.models import Form

KEEPERS = {"ga_population": "police-98", "mz_key_elder": "civil_affairs-98", "cl_disabled": "disabled_fed-98"}
ELDERS = (
    "序号",
    "姓名*",
    "身份证号",
    "年龄",
    "是否独居",
    "失能等级",
    "紧急联系人电话",
    "所属社区",
    "希望的服务",
    "备注",
)
ABOUT = About(purpose="安排上门服务", basis="津民发 2026 年第 3 号")
Draw = Callable[..., Path]


def workbook(
    path: Path, sheets: Mapping[str, Sequence[Sequence[object]]], hidden: Sequence[str] = ()
) -> Path:
    """Write a workbook with these rows by sheet."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
    book.save(path)
    return path


def elders(names: Sequence[str] = ELDERS, title: str = "独居老年人巡访登记表") -> list[list[object]]:
    """The rows of a form as an office sends it: its title, header, and empty lines."""
    return [[title], list(names), [1], [2]]


@dataclass
class Hall:
    """The city, who asks for forms, who admits and who fills."""

    city: City
    civil: Actor
    health: Actor
    chief: Actor
    second: Actor
    reviewer: Actor
    leader: Actor
    files: Path

    def body(self, key: str) -> Agency:
        return self.city.agencies[key]

    def sets(self, *, data: bool = True) -> dict[str, DataSet]:
        """Publish three sets; two with data of yesterday, where half of the elders lack a contact's telephone."""
        made = {}
        for one in shipped():
            if one.meta.code in KEEPERS:
                made[one.meta.code], _ = publish_at_once(
                    SYSTEM, self.body(KEEPERS[one.meta.code]), one.meta, one.shape
                )
        if data:
            yesterday = timezone.now() - timedelta(days=1)
            measured("ga_population", 1, 1000, 0, yesterday, total=1000)
            measured("mz_key_elder", 1, 200, 0, yesterday, total=200, empty={"contact1_phone": 100})
        meanings.forget()
        return made

    def lend(
        self, dataset: DataSet, fields: Sequence[str], agency: str = "data_bureau-98", **more: object
    ) -> Grant:
        """Grant fields of a set for forms."""
        now = timezone.now()
        values = {"scene": "forms", "modes": ["filter"], **more}
        scene, modes = values.pop("scene"), values.pop("modes")
        request = Request.objects.create(
            dataset=dataset, agency=self.body(agency), purpose="报表", scene=scene, fields=list(fields), modes=modes,
            state="granted", asked_at=now,
        )  # fmt: skip
        grant = Grant.objects.create(
            request=request, dataset=dataset, agency=self.body(agency), fields=list(fields), modes=modes,
            valid_from=now - timedelta(days=1), granted_by="system", **values,
        )  # fmt: skip
        grant.number = f"GR{grant.pk}"
        grant.save()
        return grant

    def form(
        self,
        names: Sequence[str] = ELDERS,
        title: str = "独居老年人巡访登记表",
        *,
        actor: Actor | None = None,
        office: str = "civil_affairs-98",
        about: About = ABOUT,
    ) -> Form:
        """Draft a form from a workbook."""
        file = workbook(self.files / "form.xlsx", {"表": elders(names, title)})
        return actions.draft_form(actor or self.civil, self.body(office), about, file=file, name="表.xlsx")

    def admitted(self, *args: object, **more: object) -> Form:
        """Draft a form, and have it admitted."""
        form = self.form(*args, **more)
        actions.confirm_columns(SYSTEM, form)
        actions.ask_admission(SYSTEM, form)
        return actions.decide_admission(self.chief, form, admit=True, reason="确有需要")


@pytest.fixture
def hall(city: City, settings: object, tmp_path: Path) -> Hall:  # noqa: F811
    settings.HOME = tmp_path / "home"
    for kind, code, name in (
        ("police", "98", "津海市公安局"),
        ("civil_affairs", "98", "津海市民政局"),
        ("disabled_fed", "98", "津海市残联"),
        ("health", "980101", "和平区卫健委"),
        ("civil_affairs", "980102", "河东区民政局"),
    ):
        body = _agency(kind, city.areas[code], name)
        city.agencies[body.key] = body
    agencies.forget()
    meanings.forget()
    return Hall(
        city,
        city.officer("min", "form_manager", "98", "civil_affairs-98", with_agency=True),
        city.officer("wei", "form_manager", "980101", "health-980101", with_agency=True),
        city.officer("shou", "chief_data_officer", "98", "data_bureau-98"),
        city.officer("fu", "chief_data_officer", "980101", "data_bureau-98"),
        city.officer("jie", "form_reviewer", "980101001", "subdistrict-980101001"),
        city.officer("zhang", "grid_leader", "980101001001", "community-980101001001"),
        tmp_path,
    )
