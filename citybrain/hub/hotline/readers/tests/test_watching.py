"""The promise is watched by what officers put right; broken, a class switches itself off; a person switches it on."""

from datetime import datetime, timedelta

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.reader import (
    Correction,
    ModelInUse,
    ReaderLook,
    ShiftNotice,
    TicketReading,
    Watch,
)
from citybrain.hub.hotline.models.ticket import Ticket, TicketEvent
from citybrain.hub.hotline.readers import corrections, filing, shifting, watching
from citybrain.hub.hotline.readers.tests.conftest import HEATING, Line
from citybrain.hub.hotline.reading.shift import Profile

pytestmark = pytest.mark.django_db


def sent(line: Line) -> Ticket:
    ticket = line.hear(HEATING)
    filing.file_ticket(ticket, line.now)
    return line.ticket(ticket.pk)


def test_a_class_put_right_is_found_once(line: Line, model: ModelInUse) -> None:
    ticket = sent(line)
    line.later(minutes=5)
    line.do(ticket, "operator", "correct", class_label="噪声", reason="说的是水泵声")
    assert corrections.look(line.now) == 1
    corrections.look(line.now)
    found = Correction.objects.get()
    assert (found.kind, found.was, found.now, found.automatic) == ("class", "供热", "噪声", True)
    assert found.by == line.village.people["operator"]


def test_the_same_class_said_again_is_no_correction(line: Line, model: ModelInUse) -> None:
    line.do(sent(line), "operator", "correct", class_label="供热", reason="核对")
    corrections.look(line.now)
    assert not Correction.objects.filter(kind="class").exists()


def put_right(line: Line, many: int) -> None:
    """Put the class of many tickets right, the first three at one moment, the others a day apart."""
    tickets = [sent(line) for _ in range(many)]
    line.later(minutes=5)
    for at, ticket in enumerate(tickets):
        if at > 2:
            line.later(days=1)
        line.do(ticket, "operator", "correct", class_label="噪声", reason="说的是水泵声")


def test_a_look_finds_everything_however_much_came_since_the_last(
    line: Line, model: ModelInUse, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_right(line, 7)
    monkeypatch.setattr(corrections, "BATCH", 2)
    assert corrections.look(line.now) == Correction.objects.count() == 7
    assert ReaderLook.objects.get().at == line.now


def test_a_look_that_ends_early_says_how_far_it_came_and_the_next_goes_on(
    line: Line, model: ModelInUse, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_right(line, 7)
    monkeypatch.setattr(corrections, "BATCH", 4)
    whole = corrections._keep
    pages: list[datetime] = []

    def keep(events: list[TicketEvent]) -> int:
        if pages:
            raise ConnectionError
        pages.append(events[-1].at)
        return whole(events)

    monkeypatch.setattr(corrections, "_keep", keep)
    with pytest.raises(ConnectionError):
        corrections.look(line.now)
    assert [ReaderLook.objects.get().at] == pages
    assert pages[0] < line.now
    monkeypatch.setattr(corrections, "_keep", whole)
    corrections.look(line.now)
    assert Correction.objects.count() == 7


def test_broken_promises_switch_a_class_off_and_say_so(line: Line, model: ModelInUse) -> None:
    for ticket in [sent(line) for _ in range(4)]:
        line.do(ticket, "operator", "correct", class_label="噪声", reason="不是供热")
    assert watching.tick(line.later(minutes=1)) >= 5
    watch = Watch.objects.get(label="供热")
    assert (watch.on, watch.sent, watch.right, watch.changed_by) == (False, 4, 0, "system")
    assert watch.why == "近 4 件自动派单中 0 件正确，低于承诺的 90%"
    assert watching.switched_off() == [watch]
    assert Watch.objects.get(label="公交").on
    filing.file_ticket(line.hear(HEATING), line.now)
    assert TicketReading.objects.order_by("-ticket_id")[0].reasons == ["switched_off"]


def test_one_wrong_among_few_breaks_nothing(line: Line, model: ModelInUse) -> None:
    tickets = [sent(line) for _ in range(3)]
    line.do(tickets[0], "operator", "correct", class_label="噪声", reason="不是供热")
    line.later(days=4)
    watching.tick(line.now)
    watch = Watch.objects.get(label="供热")
    assert (watch.on, watch.sent, watch.right) == (True, 3, 2)


def test_young_dispatches_are_not_judged(line: Line, model: ModelInUse) -> None:
    sent(line)
    assert watching.judged(Watch.objects.get(label="供热"), line.now + timedelta(days=2)) == (0, 0)
    assert watching.judged(Watch.objects.get(label="供热"), line.now + timedelta(days=4)) == (1, 1)


def test_a_person_switches_it_on_again_and_it_counts_anew(line: Line, model: ModelInUse) -> None:
    Watch.objects.filter(label="供热").update(on=False, sent=9, right=1, high=0.4)
    with pytest.raises(BadInput):
        watching.switch(line.actor("manager"), "供热", True, " ", now=line.now)
    with pytest.raises(Forbidden):
        watching.switch(line.actor("operator"), "供热", True, "看过了", now=line.now)
    watch = watching.switch(line.actor("manager"), "供热", True, "已核对分类标准", now=line.now)
    assert (watch.on, watch.sent, watch.since) == (True, 0, line.now)
    with pytest.raises(BadInput):
        watching.switch(line.actor("manager"), "没有的分类", True, "看过了", now=line.now)


def many(line: Line, model: ModelInUse, confidence: float, label: str) -> None:
    tickets = [line.hear(f"第{at}件：{HEATING}") for at in range(100)]
    TicketReading.objects.bulk_create(
        TicketReading(ticket=one, at=line.now, model=model, label=label, confidence=confidence)
        for one in tickets
    )


def test_messages_unlike_those_of_training_are_noticed_once_and_set_aside(
    line: Line, model: ModelInUse
) -> None:
    mean = sum(Profile.from_json(model.about["profile"]).confidence) / 101
    many(line, model, mean - 0.2, "供热")
    assert shifting.look(line.now) == 1
    assert shifting.look(line.now) == 0
    notice = shifting.standing()
    assert notice is not None
    assert notice.measures["signs"] == ["confidence", "classes"]
    with pytest.raises(Forbidden):
        shifting.set_aside(line.actor("operator"), notice.pk, "看过")
    shifting.set_aside(line.actor("manager"), notice.pk, "供暖季开始，来件集中", now=line.later(minutes=1))
    assert shifting.standing() is None
    assert shifting.look(line.now) == 0
    assert ShiftNotice.objects.get().seen_by == line.actor("manager").key


def test_messages_like_those_of_training_are_not_noticed(line: Line, model: ModelInUse) -> None:
    steps = Profile.from_json(model.about["profile"]).confidence
    tickets = [line.hear(f"第{at}件：{HEATING}") for at in range(102)]
    labels = ["供热", "噪声", "公交"]
    TicketReading.objects.bulk_create(
        TicketReading(ticket=one, at=line.now, model=model, label=labels[at % 3], confidence=steps[at % 101])
        for at, one in enumerate(tickets)
    )
    measured = shifting.measure(model, line.now)
    assert measured is not None
    assert measured[0].signs == ()
    assert shifting.look(line.now) == 0
