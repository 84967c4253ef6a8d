"""Receipts, their proof, and who read mine."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from citybrain.base.exchange.delivery import calls, coding, folding, proving, readings, receipts, subjects
from citybrain.base.exchange.models import (
    CallGroup,
    KeySet,
    ReadingLook,
    Receipt,
    Segment,
    Subject,
    SubjectOf,
)
from citybrain.base.exchange.tests import lending
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM, Actor, Hat
from citybrain.base.identity.models import Person
from citybrain.base.ledger.sealer import seal_pending

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
NUMBERS = [row[0] for row in lending.PEOPLE]


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path
    subjects.forget_copy()


def what(mode="key", key_id=1, fields=("name", "sex")):
    return calls.What(lending.agency("civil").pk, "G1", "ga_population", 7, mode, fields, key_id, "subject")


def called(grant, people, at, **more):
    """Commit calls as the door does."""
    stamp = receipts.now_us(at)
    made = [calls.Call(stamp + n, what(**more), 1, (one,)) for n, one in enumerate(people)]
    return CallGroup.objects.create(
        grant_id=grant, calls=len(made), rows=len(made), body=calls.pack(made, subjects.secret_of), at=at
    )


def delivered(people, at, grant=1, version=7):
    members = receipts.members_of("subject", subjects.tokens_of(people))
    one = receipts.Delivered(grant, what("batch"), at, at, len(people), members)
    return receipts.write([one])[0]


def see(id_no, since=NOW - timedelta(days=400), until=NOW + timedelta(days=1)):
    return readings.of_subject(SYSTEM, id_no, since, until, "检查")


def test_people_get_numbers_without_gaps_once_and_the_ledger_has_them():
    first = subjects.ordinals(subjects.tokens_of([NUMBERS[2], NUMBERS[0], NUMBERS[2]]))
    second = subjects.ordinals(subjects.tokens_of([NUMBERS[1], NUMBERS[0]]))
    assert sorted({*first.tolist(), *second.tolist()}) == [1, 2, 3]
    assert first[0] == first[2]
    assert second[1] == first[1]
    assert subjects.ordinal_of(f" {NUMBERS[0]} ") == first[1]
    assert proving.verify().allotments == 2


def test_a_small_x_at_the_end_is_the_same_person():
    assert subjects.token_of("98010119900101123x") == subjects.token_of("98010119900101123X")


def test_many_people_at_once_get_the_same_numbers_as_one_by_one(monkeypatch):
    monkeypatch.setattr(subjects, "MANY", 5)
    monkeypatch.setattr(subjects, "TAIL_MOST", 4)
    tokens = subjects.tokens_of(NUMBERS)
    first = subjects.ordinals(tokens)
    assert sorted(first.tolist()) == list(range(1, 41))
    assert subjects.ordinals(tokens[::-1]).tolist() == first.tolist()[::-1]
    assert (folding.folder() / "subjects.bin").stat().st_size == 40 * 24
    Subject.objects.all().delete()
    assert sorted(subjects.ordinals(tokens[:10]).tolist()) == list(range(1, 11))


def test_calls_of_an_hour_become_one_receipt_in_which_each_call_is_found():
    groups = [called(5, NUMBERS[:3], NOW), called(5, NUMBERS[1:2], NOW + timedelta(minutes=1), key_id=2)]
    assert receipts.group(NOW + timedelta(minutes=5)) == 0
    assert receipts.group(NOW + timedelta(hours=1)) == 4
    one = Receipt.objects.get()
    assert (one.grant_id, one.calls, one.rows, one.keys, one.key_ids) == (5, 4, 4, 3, [1, 2])
    receipt, call = receipts.find_call(f"{groups[0].pk}.1")
    assert receipt == one
    assert call.members == (subjects.ordinal_of(NUMBERS[1]),)
    assert call.at == NOW + timedelta(microseconds=1)
    assert not CallGroup.objects.exists()


def test_calls_of_other_fields_or_another_hour_have_another_receipt():
    called(5, NUMBERS[:1], NOW)
    called(5, NUMBERS[:1], NOW, fields=("name",))
    called(5, NUMBERS[:1], NOW + timedelta(hours=1))
    called(6, NUMBERS[:1], NOW)
    assert receipts.group(NOW, everything=True) == 4
    assert Receipt.objects.count() == 4


def test_a_call_that_is_not_folded_yet_is_provable_too():
    group = called(5, NUMBERS[:3], NOW)
    receipt, call = receipts.find_call(f"{group.pk}.2")
    assert receipt is None
    assert call.members == (subjects.ordinal_of(NUMBERS[2]),)


def test_who_read_mine_is_the_same_before_during_and_after_folding():
    delivered(NUMBERS[:10], NOW - timedelta(days=2))
    delivered(NUMBERS[5:], NOW)
    called(5, [NUMBERS[0], NUMBERS[7], NUMBERS[7]], NOW + timedelta(minutes=1))

    def seen():
        return {
            number: [(one.mode, one.times, one.fields) for one in see(number)]
            for number in (NUMBERS[0], NUMBERS[7], NUMBERS[20], "980101190001010000")
        }

    fields = ("name", "sex")
    expected = {
        NUMBERS[0]: [("key", 1, fields), ("batch", 1, fields)],
        NUMBERS[7]: [("key", 2, fields), ("batch", 1, fields), ("batch", 1, fields)],
        NUMBERS[20]: [("batch", 1, fields)],
        "980101190001010000": [],
    }
    assert seen() == expected
    receipts.group(NOW, everything=True)
    assert seen() == expected
    assert folding.fold(NOW + timedelta(hours=2)) == 4  # three, and the one of the day that is over once more
    assert not Receipt.objects.filter(folded=None).exists()
    assert seen() == expected
    folding.fold(NOW + timedelta(days=2))
    assert Segment.objects.filter(closed=True).count() == 2
    assert seen() == expected
    assert proving.verify().well


def test_a_day_s_segments_become_one_and_the_old_files_go():
    for minute in (0, 1):
        delivered(NUMBERS[minute : minute + 5], NOW + timedelta(minutes=minute))
        folding.fold(NOW + timedelta(hours=2, minutes=minute))
    assert Segment.objects.count() == 2
    folding.fold(NOW + timedelta(days=2))
    one = Segment.objects.get()
    assert (one.closed, one.receipts, one.entries) == (True, 2, 10)
    assert [path.name for path in folding.folder().rglob("*.seg")] == [one.path.rsplit("/")[-1]]


def test_a_reading_says_who_what_for_and_which_fields():
    data = lending.dataset()
    grant, _ = lending.lend(data, ["name", "sex"])
    delivered(NUMBERS[:3], NOW, grant=grant.pk)
    (one,) = see(NUMBERS[0])
    assert (one.agency, one.purpose, one.dataset_name) == ("civil", "高龄津贴核验", "数据集ga_population")
    assert (one.field_names, one.version, one.last_at) == (("姓名", "性别"), 7, NOW)


def test_the_number_of_statements_does_not_grow_with_the_readings(django_assert_num_queries):
    for n in range(3):
        delivered(NUMBERS[:3], NOW - timedelta(days=n))
    with django_assert_num_queries(13):
        see(NUMBERS[0])
    for n in range(3, 9):
        delivered(NUMBERS[:3], NOW - timedelta(days=n))
    with django_assert_num_queries(13):
        assert len(see(NUMBERS[0])) == 9


def test_the_single_moments_of_a_reading_are_there_without_anybody_else():
    called(5, [NUMBERS[0], NUMBERS[1], NUMBERS[0]], NOW)
    receipts.group(NOW, everything=True)
    (one,) = see(NUMBERS[0])
    found = readings.moments(one, NUMBERS[0])
    assert [call.at for call in found] == [NOW, NOW + timedelta(microseconds=2)]
    assert {call.members for call in found} == {(subjects.ordinal_of(NUMBERS[0]),)}


def citizen(level, number=None):
    person = Person.objects.create(
        kind="citizen", phone=f"1380000{Person.objects.count():04d}", name="张", auth_level=level
    )
    if number:
        SubjectOf.objects.create(person=person, token=subjects.token_of(number), bound_by="system")
    return Actor(person.pk, "张", "citizen")


def auditor(role="auditor"):
    hat = Hat(role, None, 1, (), None, "area", frozenset({readings.SEE}))
    return Actor(
        Person.objects.create(kind="officer", login=role, name=role).pk, role, "officer", None, (hat,)
    )


def test_a_proven_person_sees_their_own_readings_and_the_look_is_recorded():
    delivered(NUMBERS[:3], NOW)
    me = citizen("L2", NUMBERS[0])
    span = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert len(readings.of_person(me, *span)) == 1
    assert len(readings.of_subject(me, NUMBERS[0], *span)) == 1
    assert {look.actor for look in ReadingLook.objects.all()} == {me.key}


@pytest.mark.parametrize("who", ["unproven", "unbound", "anonymous", "other", "manager"])
def test_nobody_else_sees_who_read_a_person_s_data(who):
    delivered(NUMBERS[:3], NOW)
    actor = {
        "unproven": lambda: citizen("L1", NUMBERS[0]),
        "unbound": lambda: citizen("L3"),
        "anonymous": lambda: ANONYMOUS,
        "other": lambda: citizen("L3", NUMBERS[1]),
        "manager": lambda: auditor("data_manager"),
    }[who]()
    with pytest.raises(Forbidden):
        readings.of_subject(actor, NUMBERS[0], NOW - timedelta(days=1), NOW, "想看")
    assert not ReadingLook.objects.exists()


def test_an_auditor_needs_a_reason_and_it_is_kept():
    delivered(NUMBERS[:3], NOW)
    actor = auditor()
    span = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    with pytest.raises(ValueError, match="理由"):
        readings.of_subject(actor, NUMBERS[0], *span, "  ")
    assert len(readings.of_subject(actor, NUMBERS[0], *span, "信访核查")) == 1
    assert ReadingLook.objects.get().reason == "信访核查"


def test_a_receipt_proves_that_it_holds_a_person_and_that_it_does_not():
    one = delivered(NUMBERS[:3], NOW)
    delivered(NUMBERS[3:6], NOW)
    seal_pending(1000)
    assert proving.prove(one, NUMBERS[0]).holds
    assert not proving.prove(one, NUMBERS[4]).holds
    assert not proving.prove(one, "980101190001010000").holds
    assert proving.prove(one, NUMBERS[0]).well


TAMPERED = {
    "rows": lambda one: Receipt.objects.filter(pk=one.pk).update(rows=1),
    "agency": lambda one: Receipt.objects.filter(pk=one.pk).update(agency_id=99),
    "members": lambda one: KeySet.objects.filter(pk=one.pk).update(
        members=coding.pack_sorted(np.array([2, 3], np.uint64))
    ),
    "gone": lambda one: (
        KeySet.objects.filter(pk=one.pk).delete(),
        Receipt.objects.filter(pk=one.pk).delete(),
    ),
    "people": lambda one: connection.cursor().execute(
        "UPDATE exchange_subject SET ordinal = CASE ordinal WHEN 1 THEN -2 WHEN 2 THEN -1 END WHERE ordinal < 3;"
    ),
}


@pytest.mark.parametrize("part", TAMPERED)
def test_whatever_is_changed_behind_the_receipts_back_shows(part):
    one = delivered(NUMBERS[:3], NOW)
    assert proving.verify().well
    TAMPERED[part](one)
    assert not proving.verify().well


def test_a_changed_segment_shows():
    delivered(NUMBERS[:3], NOW)
    folding.fold(NOW + timedelta(hours=2))
    path = folding.folder() / Segment.objects.get().path
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert [fault.subject.split(":")[0] for fault in proving.verify().faults] == ["segment"]
