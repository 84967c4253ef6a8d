"""Streets are merged, split and renamed: each case stays with who worked on it, or goes to who follows."""

import pytest

from citybrain.base.areas.actions import Part, merge_areas, rename_area, split_area
from citybrain.base.areas.doer import OPERATOR
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actions import follow_areas, revoke_role
from citybrain.base.identity.actor import SYSTEM, actor_for
from citybrain.hub.cases import actions, lists
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.tests.conftest import GRIDS, Village

JIANGUO, HEPING = "129801001", "129801002"


class Cases:
    """Cases by a name of ours, and who sees which of them now."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.names: dict[str, str] = {}

    def report(self, name: str, grid: str) -> None:
        receipt = actions.report(
            self.village.actor("citizen"), self.village.report(f"{name}路灯不亮", grid=grid)
        )
        self.names[Case.objects.get(pk=receipt.case_id).number] = name

    def seen_by(self, login: str) -> list[str]:
        """Return the names in the list of all, which `visible_to` must agree with."""
        actor = actor_for(self.village.people[login])
        listed = {row.number for row in lists.page(actor, "all", Filters()).rows}
        assert listed == set(Case.objects.visible_to(actor).values_list("number", flat=True))
        return sorted(self.names[number] for number in listed)


@pytest.fixture
def cases(village: Village) -> Cases:
    """One old case in each of three streets; acceptors stand in 建国 and in 西关."""
    made = Cases(village)
    for name, grid in (("old", "east1"), ("old_neighbour", "east3"), ("old_foreign", "west1")):
        made.report(name, grid)
    assert made.seen_by("acceptor") == ["old"]
    return made


def test_a_merged_streets_acceptor_sees_the_old_cases_and_the_new_ones(
    village: Village, cases: Cases
) -> None:
    streets = [village.areas[code].pk for code in (JIANGUO, HEPING)]
    merge_areas(OPERATOR, streets, "129801009", "建和街道")
    cases.report("new", "east1")
    cases.report("new_neighbour", "east3")
    cases.report("new_foreign", "west1")
    assert cases.seen_by("acceptor") == ["old"]
    follow_areas(SYSTEM)
    assert cases.seen_by("acceptor") == ["new", "new_neighbour", "old", "old_neighbour"]
    assert cases.seen_by("acceptor_west") == ["new_foreign", "old_foreign"]


def test_a_split_streets_acceptor_sees_both_parts_until_one_is_taken_back(
    village: Village, cases: Cases
) -> None:
    communities = [child.id for child in tree().children(village.areas[JIANGUO].pk)]
    east1, east2 = (village.areas[GRIDS[name][0]].pk for name in ("east1", "east2"))
    split_area(
        OPERATOR, communities[0],
        [Part("129801001001", "花园社区", children=[east1]), Part("129801001002", "花园东社区", children=[east2])],
    )  # fmt: skip
    west, east = tree().children(village.areas[JIANGUO].pk)
    split_area(
        OPERATOR, village.areas[JIANGUO].pk,
        [Part(JIANGUO, "建国街道", children=[west.id]), Part("129801008", "友谊街道", children=[east.id])],
    )  # fmt: skip
    cases.report("new_kept", "east1")
    cases.report("new_gone", "east2")
    assert cases.seen_by("acceptor") == ["old"]
    follow_areas(SYSTEM)
    assert cases.seen_by("acceptor") == ["new_gone", "new_kept", "old"]
    assert cases.seen_by("acceptor_west") == ["old_foreign"]
    half = village.people["acceptor"].grants.get(area__code="129801008")
    revoke_role(SYSTEM, half, "留在建国街道")
    assert cases.seen_by("acceptor") == ["new_kept", "old"]


def test_a_renamed_streets_acceptor_notices_nothing(village: Village, cases: Cases) -> None:
    rename_area(OPERATOR, village.areas[JIANGUO].pk, "建国门街道")
    cases.report("new", "east2")
    assert cases.seen_by("acceptor") == ["new", "old"]
    assert follow_areas(SYSTEM) == 0
    assert cases.seen_by("acceptor") == ["new", "old"]
