"""The promise is watched by what officers put right; broken, a class switches itself off; a person switches it on."""

from datetime import datetime, timedelta

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases.models import Outbox
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.reader import (
    Correction,
    ModelInUse,
    ReaderEvent,
    ReaderLook,
    ShiftNotice,
    TicketReading,
    Watch,
)
from citybrain.hub.hotline.models.ticket import Ticket, TicketEvent
from citybrain.hub.hotline.readers import corrections, filing, news, shifting, using, watching
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


def told(kind: str) -> list[ReaderEvent]:
    return list(ReaderEvent.objects.filter(kind=kind))


def test_the_managers_are_told_when_a_class_switches_off_and_when_it_comes_on_again(
    line: Line, model: ModelInUse
) -> None:
    for ticket in [sent(line) for _ in range(4)]:
        line.do(ticket, "operator", "correct", class_label="噪声", reason="不是供热")
    Outbox.objects.all().delete()
    watching.tick(line.later(minutes=1))
    assert Outbox.objects.filter(topic="reading").count() == 1
    assert news.waiting(line.actor("operator")) == []
    (off,) = news.waiting(line.actor("manager"))
    assert (off.label, off.by, off.why) == ("供热", "system", "近 4 件自动派单中 0 件正确，低于承诺的 90%")
    assert Entry.objects.filter(action="hotline.auto_dispatch", subject="class:class:供热").count() == 1
    watching.switch(line.actor("manager"), "供热", True, "已核对分类标准", now=line.later(minutes=5))
    assert news.count(line.actor("manager")) == 0
    off.refresh_from_db()
    assert (off.waits, off.ended_at, off.ended_by) == (False, line.now, line.actor("manager").key)
    (on,) = told("class_on")
    assert (on.label, on.why, on.by) == ("供热", "已核对分类标准", line.actor("manager").key)
    assert Outbox.objects.filter(topic="reading").count() == 2
    recent = news.recent(line.actor("manager"), line.now)
    assert [one.kind for one in recent] == ["class_on", "class_off", "model"]
    assert news.names(recent) == {line.actor("manager").key: line.actor("manager").name}
    with pytest.raises(Forbidden):
        news.recent(line.actor("operator"), line.now)


def test_a_manager_may_leave_a_class_off_with_a_reason(line: Line, model: ModelInUse) -> None:
    made = news.tell(news.Kind.CLASS_OFF, "system", "不准", line.now, label="供热", waits=True)
    with pytest.raises(Forbidden):
        news.acknowledge(line.actor("operator"), made.pk, "看过")
    with pytest.raises(BadInput):
        news.acknowledge(line.actor("manager"), made.pk, " ")
    news.acknowledge(line.actor("manager"), made.pk, "供暖季后再开", now=line.now)
    assert news.waiting(line.actor("manager")) == []
    with pytest.raises(BadInput):
        news.acknowledge(line.actor("manager"), made.pk, "再来一次")
    assert Entry.objects.filter(action="hotline.auto_seen", subject="class:class:供热").count() == 1


def test_a_shift_is_told_and_ends_with_the_word_of_a_manager_or_with_another_model(
    line: Line, model: ModelInUse
) -> None:
    many(line, model, sum(Profile.from_json(model.about["profile"]).confidence) / 101 - 0.2, "供热")
    shifting.look(line.now)
    (shift,) = news.waiting(line.actor("manager"))
    assert (shift.kind, shift.why) == ("shift", "近期 100 件来件与训练所用的明显不同")
    with pytest.raises(BadInput):
        news.acknowledge(line.actor("manager"), shift.pk, "看过")
    notice = shifting.standing()
    assert notice is not None
    shifting.set_aside(line.actor("manager"), notice.pk, "来件集中", now=line.later(minutes=1))
    assert [one.why for one in told("shift_seen")] == ["来件集中"]
    news.tell(news.Kind.SHIFT, "system", "又变了", line.now, waits=True)
    using.out_of_the_box(line.actor("manager"), now=line.later(minutes=1))
    assert news.count(line.actor("manager")) == 0
    assert [one.why for one in told("model")] == ["自带模型，不自动派单", "第 1 版"]
