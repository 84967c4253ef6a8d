"""One item changed by a person: new versions from a day on, never a change of what held."""

from datetime import date, timedelta

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases import items, registry
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import Item
from citybrain.hub.cases.revisions import revise_item, withdraw_revision
from citybrain.hub.cases.tests.conftest import Village

TODAY = date(2026, 11, 19)
LAMP = "020301"


def revise(
    village: Village, start: date, *, who: str = "system", known: int | None = None, **values: object
) -> Item:
    newest = Item.objects.get(code=LAMP, valid_until=None)
    return revise_item(
        village.actor(who), LAMP, values, start, known=newest.pk if known is None else known, today=TODAY
    )


def test_a_change_is_a_version_from_its_day_and_the_one_before_ends_there(village: Village) -> None:
    old = Item.objects.get(code=LAMP)
    start = TODAY + timedelta(days=1)
    fresh = revise(village, start, keywords="路灯不亮\n 灯坏了 ", disposal_minutes=480)
    old.refresh_from_db()
    assert (old.valid_until, fresh.valid_from, fresh.valid_until) == (start, start, None)
    assert (fresh.keywords, fresh.disposal_minutes, fresh.working) == ("路灯不亮 灯坏了", 480, old.working)
    assert fresh.disposal_limit == ("8工作时" if old.working else "8小时")
    assert fresh.accept_limit == old.accept_limit
    assert list(Item.objects.in_force(TODAY).filter(code=LAMP)) == [old]
    assert list(Item.objects.in_force(start).filter(code=LAMP)) == [fresh]
    assert Entry.objects.filter(action="items.revise", subject=f"item:{LAMP}").count() == 1


def test_a_version_still_to_come_is_replaced_or_withdrawn(village: Village) -> None:
    old = Item.objects.get(code=LAMP)
    revise(village, TODAY + timedelta(days=5), first_level="区")
    second = revise(village, TODAY + timedelta(days=3), first_level="市")
    assert [one.valid_from for one in Item.objects.filter(code=LAMP).order_by("valid_from")] == [
        old.valid_from, TODAY + timedelta(days=3),
    ]  # fmt: skip
    withdraw_revision(village.actor("system"), LAMP, known=second.pk, today=TODAY)
    old.refresh_from_db()
    assert (old.valid_until, Item.objects.filter(code=LAMP).count()) == (None, 1)
    with pytest.raises(BadInput, match="已生效"):
        withdraw_revision(village.actor("system"), LAMP, known=old.pk, today=TODAY)


@pytest.mark.parametrize(
    ("start", "values", "field"),
    [
        (-1, {"keywords": "灯"}, "valid_from"),
        (1, {"lead_kind": "nobody"}, "lead_kind"),
        (1, {"name_zh": ""}, "name_zh"),
        (1, {"keywords": "灯" * 401}, "keywords"),
        (1, {"accept_minutes": 0}, "accept_minutes"),
        (1, {"first_level": "国"}, "first_level"),
        (1, {"code": "999999"}, ""),
        (1, {}, ""),
    ],
)
def test_what_can_not_be_is_refused_and_nothing_changes(
    village: Village, start: int, values: dict[str, object], field: str
) -> None:
    newest = Item.objects.get(code=LAMP)
    with pytest.raises(BadInput) as refused:
        revise_item(
            village.actor("system"), LAMP, values, TODAY + timedelta(days=start), known=newest.pk, today=TODAY
        )
    assert refused.value.field == field
    assert Item.objects.get(code=LAMP).valid_until is None


def test_a_second_version_from_the_day_one_holds_is_refused(village: Village) -> None:
    revise(village, TODAY, first_level="区")
    with pytest.raises(BadInput, match="须晚于"):
        revise(village, TODAY, first_level="市")


def test_who_was_slower_is_told(village: Village) -> None:
    old = Item.objects.get(code=LAMP)
    revise(village, TODAY + timedelta(days=1), first_level="区")
    with pytest.raises(BadInput, match="他人修改"):
        revise(village, TODAY + timedelta(days=2), known=old.pk, first_level="市")


@pytest.mark.parametrize("who", ["chief", "acceptor", "security", "audit", "citizen"])
def test_others_may_not(village: Village, who: str) -> None:
    with pytest.raises(Forbidden):
        revise(village, TODAY + timedelta(days=1), who=who, first_level="区")
    with pytest.raises(Forbidden):
        withdraw_revision(village.actor(who), LAMP, known=1, today=TODAY)


def test_a_trial_counts_and_writes_nothing(village: Village) -> None:
    row = {name: getattr(Item.objects.get(code=LAMP), name, "") for name in registry._TEXTS}
    row |= {
        "code": LAMP,
        "lead_agency": "城管",
        "priority": "普通",
        "accept_minutes": "60",
        "disposal_minutes": "60",
    }
    row |= {"disposal_clock": "clock", "accept_limit": "1", "accept_unit": "小时", "disposal_limit": "1"}
    row |= {"disposal_unit": "小时", "grid_self_handle": "是", "whistle_allowed": "否"}
    actor = village.actor("system")
    receipt = registry.load(actor, [row, {**row, "code": "12"}], TODAY, trial=True)
    assert (receipt.changed, receipt.errors) == (1, ((3, "事项编码“12”应为六位数字。"),))
    assert Item.objects.get(code=LAMP).valid_until is None
    assert not Entry.objects.filter(action="items.load", subject=f"items:{TODAY}").exists()


def test_a_whole_table_with_a_faulty_row_or_none_ends_nothing(village: Village) -> None:
    actor = village.actor("system")
    in_force = Item.objects.filter(valid_until=None).count()
    receipt = registry.load(actor, [{"code": LAMP, "line": "7"}], TODAY, whole=True)
    assert (receipt.ended, [line for line, _wrong in receipt.errors]) == (0, [7])
    with pytest.raises(BadInput):
        registry.load(actor, [], TODAY, whole=True)
    assert Item.objects.filter(valid_until=None).count() == in_force


def test_an_item_that_ended_comes_back_no_sooner_than_it_ended(village: Village) -> None:
    actor, rows = village.actor("system"), items.shipped_rows()
    [lamp] = [row for row in rows if row["code"] == LAMP]
    ends = TODAY + timedelta(days=9)
    assert registry.load(actor, [row for row in rows if row is not lamp], ends, whole=True).ended == 1
    with pytest.raises(BadInput) as early:
        registry.load(actor, [lamp])
    assert early.value.field == "valid_from"
    assert registry.load(actor, [lamp], ends).added == 1
    assert Item.objects.filter(code=LAMP).count() == 2
