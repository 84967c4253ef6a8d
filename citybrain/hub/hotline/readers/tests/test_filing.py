"""A ticket is read and dispatched where the promise stands; every doubt gives it to a person; none is lost."""

from typing import Any

import pytest

from citybrain.hub.hotline.models.reader import ModelInUse, ShiftNotice, TicketReading, Watch
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.readers import filing, using
from citybrain.hub.hotline.readers.tests.conftest import HEATING, Line
from citybrain.hub.hotline.reading import shipped
from citybrain.hub.hotline.reading.errors import BadMessages
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.sweep import read_new

pytestmark = pytest.mark.django_db
QUERIES = (
    40  # 33 to read, keep, decide and dispatch one ticket, savepoints included; some more after two seconds
)


def filed(line: Line, text: str = HEATING, **more: Any) -> tuple[Ticket, TicketReading]:
    ticket = line.hear(text, **more)
    filing.file_ticket(ticket, line.now)
    return line.ticket(ticket.pk), TicketReading.objects.get(pk=ticket.pk)


def test_a_sure_class_with_a_place_and_a_body_is_dispatched_by_itself(line: Line, model: ModelInUse) -> None:
    ticket, reading = filed(line)
    assert (reading.label, reading.reasons, reading.automatic) == ("供热", [], True)
    assert ticket.state == State.DISPATCHED
    assert reading.confidence >= model.threshold
    assert list(ticket.events.order_by("seq").values_list("action", flat=True)[1:]) == ["read", "dispatch"]


def test_out_of_the_box_everything_goes_to_a_person_with_suggestions(line: Line) -> None:
    ticket, reading = filed(line, "建国道12号门前的路灯连着三天不亮，晚上看不清路，请派人来修。")
    assert ticket.state == State.RECEIVED
    assert ticket.needs_person
    assert ticket.person_reason == "本市尚未用自己的工单训练模型，识别结果仅供参考"
    assert (reading.label, reading.reasons) == ("城乡建设", ["out_of_the_box"])
    assert reading.whole["items"]["guesses"][0]["code"] == "020301"
    assert "路灯" in "".join(reading.whole["items"]["guesses"][0]["words"])
    assert reading.agencies[0][0] == line.agency("east_cm")


@pytest.mark.parametrize(
    ("more", "doubt"),
    [
        ({"text": "我想说一件事情，谢谢你们了。"}, "unsure"),
        ({"kind": "1"}, "to_answer"),
        ({"area_id": None, "text": HEATING.replace("花园社区", "")}, "no_place"),
        ({"text": HEATING + "有人被困，煤气爆炸起火了，快救命！"}, "danger"),
        ({"text": "请问" + HEATING, "kind": ""}, "kind_unknown"),
    ],
)
def test_a_doubt_has_a_name_and_goes_to_a_person(
    line: Line, model: ModelInUse, more: dict[str, Any], doubt: str
) -> None:
    ticket, reading = filed(line, **more)
    assert doubt in reading.reasons
    assert not reading.automatic
    assert (ticket.state, ticket.needs_person) == (State.RECEIVED, True)


def test_a_class_that_is_switched_off_goes_to_a_person(line: Line, model: ModelInUse) -> None:
    Watch.objects.filter(label="供热").update(on=False)
    assert filed(line)[1].reasons == ["switched_off"]


def test_while_a_shift_is_not_looked_at_nothing_is_dispatched(line: Line, model: ModelInUse) -> None:
    ShiftNotice.objects.create(model=model, at=line.now, first=line.now, messages=100)
    assert filed(line)[1].reasons == ["shifted"]


def test_a_damaged_model_is_named_and_the_city_goes_on(line: Line, model: ModelInUse) -> None:
    ModelInUse.objects.filter(pk=model.pk).update(content=bytes(model.content)[:-9])
    using.forget()
    ticket, reading = filed(line)
    model.refresh_from_db()
    assert model.trouble.startswith("model class version 1: damaged")
    assert reading.reasons == ["refused"]
    assert reading.model_id is None
    assert "使用中的模型无法读取" in ticket.person_reason


def test_a_model_of_another_version_is_named(line: Line, model: ModelInUse) -> None:
    content = bytes(model.content).replace(b'"version":', b'"version":9', 1)
    ModelInUse.objects.filter(pk=model.pk).update(content=content)
    using.forget()
    assert filed(line)[1].reasons == ["refused"]
    model.refresh_from_db()
    assert model.trouble.startswith("model class version 1: of version 9")


def test_without_any_model_a_ticket_still_goes_to_a_person(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise BadMessages("examples: none there")

    monkeypatch.setattr(shipped, "items", none)
    monkeypatch.setattr(shipped, "classes", none)
    ticket, reading = filed(line)
    assert "no_model" in reading.reasons
    assert ticket.needs_person


def test_a_reader_that_breaks_loses_no_ticket(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_given: Any, **_more: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(using.current().reader, "read", breaks, raising=False)
    ticket, reading = filed(line)
    assert "failed" in reading.reasons
    assert ticket.needs_person


@pytest.mark.parametrize("text", ["😀😀😀", "<b></b>…", "a", "0" * 50, "喂" * 20_000, "滚！！！骂人的话" * 3])
def test_odd_messages_are_read_or_given_to_a_person(line: Line, model: ModelInUse, text: str) -> None:
    ticket, reading = filed(line, text)
    assert ticket.text == text
    assert ticket.needs_person
    assert reading.reasons


def test_a_dispatch_that_is_refused_goes_to_a_person(
    line: Line, model: ModelInUse, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = filing.take

    def refuse(actor: Any, ticket_id: int, step: str, *given: Any, **more: Any) -> Any:
        if step == "dispatch":
            raise filing.TicketError("单位停用")
        return done(actor, ticket_id, step, *given, **more)

    monkeypatch.setattr(filing, "take", refuse)
    ticket, reading = filed(line)
    assert (ticket.state, reading.automatic, reading.reasons) == (State.RECEIVED, False, ["not_dispatched"])
    assert ticket.person_reason == "自动派单未成功：单位停用"


def test_what_a_person_has_begun_is_read_and_left_where_it_is(line: Line, model: ModelInUse) -> None:
    ticket = line.do(line.hear(HEATING), "operator", "file")
    filing.file_ticket(ticket, line.now)
    assert line.ticket(ticket.pk).state == State.TO_DISPATCH
    assert not line.ticket(ticket.pk).needs_person


def test_the_loop_reads_new_tickets_once(line: Line, model: ModelInUse) -> None:
    ticket = line.hear(HEATING)
    assert read_new(line.now) == 1
    assert read_new(line.now) == 0
    assert line.ticket(ticket.pk).read_at == line.now


def test_reading_and_dispatching_asks_the_database_forty_times_at_most(
    line: Line, model: ModelInUse, django_assert_max_num_queries: Any
) -> None:
    filed(line)  # fills what is kept in memory
    ticket = line.hear(HEATING)
    with django_assert_max_num_queries(QUERIES):
        filing.file_ticket(ticket, line.now)
