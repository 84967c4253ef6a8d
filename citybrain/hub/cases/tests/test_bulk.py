"""Past cases in bulk: packed without a database, they read like what the database makes itself."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases import bulk, search
from citybrain.hub.cases.bulk import PastCase
from citybrain.hub.cases.intake import CODE_LETTERS
from citybrain.hub.cases.models import Case, CaseClock, CaseContact, CaseEvent
from citybrain.hub.cases.tests.conftest import Village

AT = datetime(2025, 3, 31, 16, 0, 0, 123456, tzinfo=UTC)  # the first of April in the city
WORDS = "SELECT words = cases_bigrams(number || ' ' || address || ' ' || description) FROM cases_case WHERE id = %s"


def past(**values: Any) -> PastCase:
    return PastCase({"state": 10, "reported_at": AT, "changed_at": AT, **values})


def test_every_kind_of_column_comes_back_as_it_went_in(village: Village) -> None:
    key, grid = uuid.uuid4(), village.areas["129801001001001"].pk
    values = {
        "submission_key": key, "external_ref": "x:1", "version": 70_000, "is_open": False, "source": "03",
        "description": "路灯\n“不亮”\t\\N", "address": "a\\b", "lon": -0.5, "lat": 38.25,
        "cell": 617_700_169_958_293_503,
        "grid_id": grid, "closed_at": AT, "on_time": False, "solved": None, "rating": 5, "extra": {"k": ["é", None]},
    }  # fmt: skip
    event = {"action": "import", "to_state": 10, "at": AT, "data": {"ref": "x:1"}}
    clock = {
        "step": 3, "started_at": AT, "limit_minutes": 90, "working": True, "due_at": None, "stopped_at": AT,
        "rule": "r", "pauses": [["a", None, "b"]],
    }  # fmt: skip
    (case_id,) = bulk.store(
        SYSTEM, [PastCase(past(**values).values, [event], [clock], ("王", "1", True))], "test"
    )
    case = Case.objects.get(pk=case_id)
    assert {name: getattr(case, name) for name in values} == values
    assert case.number == f"202504018{case_id % 10_000_000:07d}"
    assert (case.reported_at, case.report_count, case.supervised, case.handler_id) == (AT, 1, False, None)
    told = CaseEvent.objects.get(case=case)
    assert (told.seq, told.action, told.from_state, told.reason, told.data) == (
        1,
        "import",
        None,
        "",
        {"ref": "x:1"},
    )
    ran = CaseClock.objects.get(case=case)
    assert (ran.limit_minutes, ran.working, ran.stopped_at, ran.pauses) == (90, True, AT, [["a", None, "b"]])
    assert CaseContact.objects.get(case=case).name == "王"


def test_a_batch_is_written_whole_or_not_at_all(village: Village) -> None:
    bulk.store(SYSTEM, [past(external_ref="x:1")], "test")
    entries = Entry.objects.count()
    with pytest.raises(IntegrityError):
        bulk.store(SYSTEM, [past(external_ref="x:2"), past(external_ref="x:1")], "test")
    assert list(Case.objects.values_list("external_ref", flat=True)) == ["x:1"]
    assert Entry.objects.count() == entries


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
def test_words_brought_along_are_those_the_database_makes(village: Village, text: str) -> None:
    for body in (text, f"路灯 A1，{text}井"):
        (case_id,) = bulk.store(SYSTEM, [past(description=body)], "test")
        with connection.cursor() as cursor:
            cursor.execute(WORDS, [case_id])
            assert cursor.fetchone() == (True,)


def test_letters_of_other_scripts_are_left_to_the_database() -> None:
    assert search.words("路灯 A1，井。") == {"路灯", "a1", "井"}
    assert search.words("İstanbul") is None
    assert search.words("Ａ座") is None


def test_an_update_makes_the_words_anew_and_cannot_bring_its_own(village: Village) -> None:
    (case_id,) = bulk.store(SYSTEM, [past(description="路灯不亮")], "test")
    Case.objects.filter(pk=case_id).update(description="井盖松动")
    with connection.cursor() as cursor:
        cursor.execute(WORDS, [case_id])
        assert cursor.fetchone() == (True,)
    Case.objects.filter(pk=case_id).update(words="'别的'")
    assert "井盖" in Case.objects.get(pk=case_id).words
    assert "别的" not in Case.objects.get(pk=case_id).words


def test_query_codes_are_drawn_from_the_same_letters() -> None:
    codes = bulk.query_codes(2000)
    assert (len(codes), {len(code) for code in codes}) == (2000, {bulk.CODE_LENGTH})
    assert set("".join(codes)) == set(CODE_LETTERS)
    assert len(set(codes)) > 1990
