"""A citizen's number and their account: proven under a grant or at the counter, guessed by nobody."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from citybrain.base.catalogue.models import Grant, Request
from citybrain.base.exchange import binding, naming
from citybrain.base.exchange.binding import Given, bind_at_counter, prove_oneself
from citybrain.base.exchange.delivery import readings, subjects
from citybrain.base.exchange.models import Receipt, SubjectOf
from citybrain.base.exchange.naming import RegisterChecker, plain_name
from citybrain.base.exchange.tests.lending import SHAPE, agency, dataset, serve
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor, actor_for
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import AuthProof, Person, RoleGrant
from citybrain.base.identity.proofs import DocumentSeen
from citybrain.base.ledger.models import Entry

pytestmark = pytest.mark.django_db
ZHANG, LI, NOBODY = "11010519491231002X", "34052419800101001X", "110101199003070134"
NOT_MATCHED = "没有核对上"


@pytest.fixture
def right(db: None) -> Grant:
    """The population set with two people, lent for identity checks."""
    people = dataset("ga_population", SHAPE)
    serve(
        "ga_population",
        SHAPE,
        [(ZHANG, "买买提·张三", "1", "1949-12-31", 1), (LI, "李四", "1", "1980-01-01", 1)],
    )
    asked = Request.objects.create(
        dataset=people, agency=agency("service"), purpose="市民实名", basis="x", scene="identity",
        fields=["id_no", "name"], modes=["key"], asked_at=timezone.now(), state="granted",
    )  # fmt: skip
    return Grant.objects.create(
        number="G1", request=asked, dataset=people, agency=agency("service"), fields=["id_no", "name"], masks={},
        modes=["key"], valid_from=timezone.now() - timedelta(days=1), granted_by="system", purpose="市民实名",
    )  # fmt: skip


def citizen(phone: str = "13800000001") -> Person:
    return Person.objects.create(kind="citizen", phone=phone, name="市民")


def given(name: str = "买买提•张三", id_no: str = ZHANG.lower(), network: str = "1.2.3.4") -> Given:
    return Given(name, id_no, True, network)


def prove(person: Person, told: Given | None = None, **more: Any) -> list[float]:
    """Try to prove; return the pauses made."""
    pauses: list[float] = []
    prove_oneself(
        actor_for(person),
        person,
        told or given(),
        RegisterChecker(),
        more.get("now", timezone.now()),
        sleep=pauses.append,
    )
    return pauses


def refusal(person: Person, told: Given, **more: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        prove(person, told, **more)
    return refused.value.problems[0]


def test_the_right_name_and_number_prove_the_account_and_leave_a_receipt(right: Grant) -> None:
    person = citizen()
    prove(person)
    person.refresh_from_db()
    assert (person.auth_level, binding.is_bound(person)) == ("L2", True)
    assert SubjectOf.objects.get().token == subjects.token_of(ZHANG)
    now = timezone.now()
    (reading,) = readings.of_person(actor_for(person), now - timedelta(days=1), now + timedelta(minutes=1))
    assert (reading.purpose, reading.fields, reading.grant_id) == ("市民实名", ("name",), right.pk)
    entries = list(Entry.objects.values_list("action", flat=True))
    assert {"identity.prove_level", "exchange.bind_subject", "exchange.deliver"} <= set(entries)


def test_the_number_is_kept_nowhere(right: Grant) -> None:
    person = citizen()
    prove(person)
    refusal(citizen("13800000002"), given("李五", LI))
    told = " ".join(
        [*Entry.objects.values_list("body", flat=True), *map(str, AuthProof.objects.values_list())]
    )
    assert ZHANG not in told
    assert LI not in told
    assert "张三" not in told


def test_every_way_not_to_match_is_answered_alike(right: Grant) -> None:
    prove(citizen())
    wrong = [("李五", LI), ("李四", NOBODY), ("买买提·张三", ZHANG), ("张三", ZHANG)]
    answers, pauses = set(), []
    for place, (name, id_no) in enumerate(wrong):
        person = citizen(f"1390000000{place}")
        with pytest.raises(Refused) as refused:
            prove_oneself(
                actor_for(person), person, given(name, id_no, f"5.5.5.{place}"), RegisterChecker(), timezone.now(),
                sleep=pauses.append,
            )  # fmt: skip
        answers.add(tuple(refused.value.problems[0]))
        person.refresh_from_db()
        assert (person.auth_level, person.proofs.count()) == ("L1", 0)
    assert len(answers) == 1
    assert NOT_MATCHED in answers.pop()[1]
    assert len(pauses) == 4
    assert all(0 < pause <= binding.FLOOR_SECONDS for pause in pauses)
    assert (SubjectOf.objects.count(), Receipt.objects.count()) == (1, 1)
    assert Entry.objects.filter(action="exchange.naming_refused").count() == 4


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (Given("李四", LI, False, ""), "agreed"),
        (given("", LI), "name"),
        (given("··", LI), "name"),
        (given("李四", "340524198001010011"), "id_no"),
        (given("李四", "34052419800230001X"), "id_no"),
        (given("李四", "' OR 1=1 --"), "id_no"),
    ],
)
def test_what_is_no_name_or_number_is_named_and_costs_no_try(right: Grant, told: Given, field: str) -> None:
    person = citizen()
    for _ in range(10):
        assert refusal(person, told)[0] == field
    prove(person)


def test_guessing_is_slowed_by_account_by_number_and_by_network(right: Grant) -> None:
    now = timezone.now()
    person = citizen()
    for _ in range(binding.ACCOUNT.free + 1):
        assert NOT_MATCHED in refusal(person, given("李五", LI), now=now)[1]
    assert "分钟" in refusal(person, given("李四", LI), now=now)[1], "even the right answer waits"
    prove(person, given("李四", LI), now=now + timedelta(minutes=11))
    many = [citizen(f"1370000000{n}") for n in range(10)]
    said = [refusal(one, given("猜的", ZHANG, f"9.9.9.{n}"), now=now)[1] for n, one in enumerate(many)]
    assert [NOT_MATCHED in text for text in said] == [True] * (binding.NUMBER.free + 1) + [False] * (
        9 - binding.NUMBER.free
    )


def test_without_a_grant_or_when_it_is_taken_back_nothing_is_compared(right: Grant) -> None:
    person = citizen()
    Grant.objects.update(revoked_at=timezone.now())
    assert "现在不能在线核验" in refusal(person, given())[1]
    Grant.objects.update(revoked_at=None, masks={"name": "name"})
    assert naming.right(timezone.now()) is None
    Grant.objects.update(masks={}, conditions=[{"field": "name", "op": "eq", "value": "李四"}])
    assert NOT_MATCHED in refusal(person, given())[1], "rows beyond the grant aren't there"


def test_only_the_person_themself_proves_online(right: Grant) -> None:
    person, other = citizen(), citizen("13800000002")
    with pytest.raises(Forbidden):
        prove_oneself(actor_for(other), person, given(), RegisterChecker(), timezone.now())
    with pytest.raises(Forbidden):
        prove_oneself(
            actor_for(person),
            person,
            given(),
            DocumentSeen(AuthProof.level.field.choices[1][0]),
            timezone.now(),
        )


def test_names_are_compared_as_people_write_them() -> None:
    assert plain_name("买买提•张 三") == plain_name("买买提·张三") == plain_name("买买提\uff0e张三")
    assert plain_name("\uff21\uff22") == "AB"


def officer(role: str = "people_manager") -> Actor:
    body = agency("service")
    person = Person.objects.create(kind="officer", login=f"o-{role}", name="办事员", agency=body)
    RoleGrant.objects.create(
        person=person, role=role, area=body.area, valid_from=timezone.localdate(), granted_at=timezone.now(),
        agency=body if role == "data_manager" else None,
    )  # fmt: skip
    return actor_for(person)


def test_an_officer_who_saw_the_document_binds_and_moves_a_number(right: Grant) -> None:
    old, new = citizen(), citizen("13800000002")
    prove(old)
    clerk = officer()
    bind_at_counter(
        clerk,
        binding.citizen_with(clerk, "138 0000 0002"),
        ZHANG,
        "居民身份证",
        seen=True,
        now=timezone.now(),
    )
    assert SubjectOf.objects.get().person_id == new.pk
    proof = AuthProof.objects.get(person=new)
    assert (proof.method, proof.reference, proof.verified_by) == ("document_seen", "居民身份证", clerk.key)
    assert Entry.objects.filter(action="exchange.unbind_subject", subject=f"person:{old.pk}").count() == 1
    with pytest.raises(Forbidden):
        readings.of_person(actor_for(old), timezone.now() - timedelta(days=1), timezone.now())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seen": False}, "seen"),
        ({"document": "自述"}, "document"),
        ({"id_no": "110105194912310021"}, "id_no"),
    ],
)
def test_at_the_counter_nothing_is_bound_without_document_person_and_a_right_number(
    right: Grant, change: dict[str, Any], field: str
) -> None:
    told = {"id_no": ZHANG, "document": "居民身份证", "seen": True, **change}
    with pytest.raises(Refused) as refused:
        bind_at_counter(
            officer(), citizen(), told["id_no"], told["document"], seen=told["seen"], now=timezone.now()
        )
    assert refused.value.problems[0].field == field
    assert not SubjectOf.objects.exists()


def test_who_does_not_manage_people_binds_nobody_and_learns_no_phone(right: Grant) -> None:
    person, clerk = citizen(), officer("data_manager")
    with pytest.raises(Forbidden):
        binding.citizen_with(clerk, person.phone)
    with pytest.raises(Forbidden):
        bind_at_counter(clerk, person, ZHANG, "居民身份证", seen=True, now=timezone.now())
