"""A form of 民政局 sent to the communities of 津海市: what the tests of collecting stand on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from citybrain.base.identity.actor import Actor
from citybrain.hub.forms import collecting
from citybrain.hub.forms.collecting import CellEdit
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.models import Form, Round, Sheet, Version
from citybrain.hub.forms.tests.town import AT, YOUYI, Town, column

COLUMNS = (
    column("A", "", "序号", asks=Asks.SERIAL),
    column(
        "B",
        "ga_population.name",
        "姓名",
        type="varchar(50)",
        personal="personal",
        required=True,
        sums=Sums.COUNT,
    ),
    column("C", "ga_population.id_no", "证件号", type="char(18)", personal="sensitive", check="gb11643"),
    column(
        "D", "mz_subsistence.amount", "低保金额", type="decimal(12,2)", personal="sensitive", sums=Sums.SUM
    ),
    column("E", "", "是否养犬", asks=Asks.ANSWER, options=("是", "否"), required=True),
    column(
        "F", "", "走访次数", asks=Asks.ANSWER, type="integer", minimum=0, maximum=99, unit="次", sums=Sums.SUM
    ),
    column("G", "", "社区", asks=Asks.AREA),
    column("H", "", "填报人", asks=Asks.FILLER),
)


@dataclass
class Gathering:
    """The town with an admitted form and a round of it; `office` asks, `chief` only looks."""

    town: Town
    office: Actor
    other_office: Actor
    chief: Actor
    form: Form
    round: Round

    def sheet(self, code: str = YOUYI) -> Sheet:
        return Sheet.objects.get(round=self.round, area__code=code)

    def opened(self, actor: Actor | None = None, code: str = YOUYI) -> Sheet:
        return collecting.open_sheet(actor or self.town.leader, self.sheet(code))

    def key(self, who: str) -> str:
        from citybrain.hub.forms.collecting.rows import key_of

        return key_of(self.town.tokens[who], self.round.key_seed)

    def type_in(
        self,
        row: str,
        letter: str,
        value: str,
        *,
        base: int = 0,
        actor: Actor | None = None,
        client: UUID | None = None,
    ) -> collecting.EditDone:
        """Change one cell of the sheet of 友谊社区."""
        one = CellEdit(row, letter, value, base, client or uuid4())
        return collecting.edit(actor or self.town.leader, self.sheet(), [one]).results[0]

    def fill_all(self) -> Sheet:
        """Open the sheet of 友谊社区 and answer what nobody knows."""
        sheet = self.opened()
        edits = [
            CellEdit(self.key(who), "E", "否", sheet.stamp, uuid4()) for who in ("wang", "li", "zhao", "qian")
        ]
        collecting.edit(self.town.leader, sheet, edits)
        return self.sheet()


def make_form(office: Any, columns: tuple[Column, ...] = COLUMNS, **more: Any) -> Form:
    """Make a form as admission leaves it."""
    values = {
        "title": "社区居民情况表",
        "state": "admitted",
        "shaped": "roster",
        "number": f"BB{uuid4().hex[:8]}",
    }
    form = Form.objects.create(office=office, **{**values, **more})
    form.current = Version.objects.create(
        form=form, number=1, columns=[one.to_json() for one in columns], changed_by="system"
    )
    form.save(update_fields=["current"])
    return form


@pytest.fixture
def gathering(town: Town) -> Gathering:
    civil = town.city.agencies["civil_affairs-98"]
    office = town.city.officer("mei", "form_manager", "98", civil.key, with_agency=True)
    other = town.city.officer("shui", "form_manager", "98", "water_co-98", with_agency=True)
    chief = town.city.officer("zhi", "commander", "98", "data_bureau-98")
    form = make_form(civil)
    made = collecting.issue(
        office, form, town.city.areas["98"], 4, AT + timedelta(days=3), period="2026年11月"
    )
    return Gathering(town, office, other, chief, form, made)
