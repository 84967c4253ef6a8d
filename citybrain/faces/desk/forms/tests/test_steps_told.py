"""What was done with a sheet is told in words."""

from citybrain.faces.desk.forms.reviewing import STEPS, step_line
from citybrain.hub.forms import collecting
from citybrain.hub.forms.models import SheetEvent
from citybrain.hub.forms.tests.rounds import Gathering, gathering  # noqa: F401  (fixture)
from citybrain.hub.forms.tests.town import city, town  # noqa: F401  (fixtures)


def test_every_step_of_a_sheet_has_its_word(gathering: Gathering) -> None:  # noqa: F811
    sheet = gathering.fill_all()
    collecting.submit(gathering.town.leader, sheet)
    collecting.send_back(gathering.town.reviewer, gathering.sheet(), "请核对")
    sheet = gathering.sheet()
    collecting.submit(gathering.town.leader, sheet)
    collecting.review(gathering.town.reviewer, gathering.sheet())
    collecting.accept(gathering.office, gathering.sheet())
    events = list(SheetEvent.objects.filter(sheet=sheet))
    assert {one.action for one in events} == set(STEPS)
    assert not {step_line(one)["what"] for one in events} & set(STEPS), "no step shows its key"
