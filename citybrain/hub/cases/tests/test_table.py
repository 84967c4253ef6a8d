"""The table of transitions itself: every state can be left or is terminal, every permission has a holder."""

from pathlib import Path

import pytest
from django.utils import translation

from citybrain.base.identity.roles import all_permissions, roles_with
from citybrain.hub.cases import diagram
from citybrain.hub.cases.effects import EFFECTS
from citybrain.hub.cases.guards import GUARDS
from citybrain.hub.cases.lifecycle import TRANSITIONS, Kind
from citybrain.hub.cases.states import OPEN, TERMINAL, State

PAGE = Path(__file__).resolve().parents[4] / "docs" / "lifecycle.md"


def test_every_open_state_leads_on_and_every_state_is_reached() -> None:
    for state in OPEN:
        assert any(state in one.sources and one.to not in {None, state} for one in TRANSITIONS.values()), (
            state
        )
    reached = {one.to for one in TRANSITIONS.values()} | {State.REPORTED}
    assert set(State) <= reached


def test_from_every_open_state_a_case_can_be_closed() -> None:
    ends = set(TERMINAL)
    for _ in State:
        ends |= {state for one in TRANSITIONS.values() if one.to in ends for state in one.sources}
    assert set(OPEN) <= ends


@pytest.mark.parametrize("key", sorted(TRANSITIONS))
def test_who_may_take_a_step_is_someone(key: str) -> None:
    one = TRANSITIONS[key]
    assert one.by_owner or roles_with(one.permission)
    assert one.by_officer or one.by_owner


def test_every_effect_and_guard_belongs_to_a_step() -> None:
    assert set(EFFECTS) <= set(TRANSITIONS)
    assert set(GUARDS) <= set(TRANSITIONS)


def test_needs_are_named_once_and_choices_have_values() -> None:
    for one in TRANSITIONS.values():
        names = [need.name for need in one.needs]
        assert len(names) == len(set(names)), one.key
        for need in one.needs:
            assert (need.kind is Kind.CHOICE) == bool(need.choices), (one.key, need.name)


def test_a_batch_step_needs_nothing_that_differs_from_case_to_case() -> None:
    for one in TRANSITIONS.values():
        if one.batch:
            assert Kind.PHOTOS not in {need.kind for need in one.needs if need.required}, one.key


def test_permissions_for_cases_name_steps_that_exist() -> None:
    others = {
        "cases.view",
        "cases.view_contact",
        "cases.export",
        "cases.report",
        "cases.import",
    }
    for permission in all_permissions():
        if permission.startswith("cases.") and permission not in others:
            assert permission.removeprefix("cases.") in TRANSITIONS, permission


def test_the_page_of_the_documentation_is_the_table() -> None:
    with translation.override("zh-hans"):
        assert PAGE.read_text(encoding="utf-8") == diagram.page()
