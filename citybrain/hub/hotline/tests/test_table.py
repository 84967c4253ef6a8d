"""The table of transitions itself: every state leads on, every step has its right, effect and guard by name."""

from datetime import date
from pathlib import Path

import pytest
from django.utils import translation

from citybrain.base.identity.roles import roles_with
from citybrain.hub.hotline import diagram
from citybrain.hub.hotline.effects import EFFECTS
from citybrain.hub.hotline.following import STEP_OF
from citybrain.hub.hotline.guards import GUARDS
from citybrain.hub.hotline.lifecycle import AT_UNIT, RUNS, SHOWN, TRANSITIONS, By
from citybrain.hub.hotline.states import DONE, OPEN, State, Step

PAGE = Path(__file__).resolve().parents[4] / "docs" / "hotline-lifecycle.md"


@pytest.mark.parametrize("key", sorted(TRANSITIONS))
def test_who_may_take_a_step_is_someone(key: str) -> None:
    one = TRANSITIONS[key]
    if one.by in {By.OWNER, By.SYSTEM}:
        assert not one.permission
    else:
        assert roles_with(one.permission)


def test_effects_and_guards_are_of_steps_that_exist() -> None:
    assert set(EFFECTS) <= set(TRANSITIONS)
    assert set(GUARDS) <= set(TRANSITIONS)
    assert set(STEP_OF.values()) <= set(TRANSITIONS)


def test_every_state_has_its_clocks_and_can_be_left_unless_it_is_the_end() -> None:
    assert set(RUNS) == set(State)
    assert set(SHOWN) == set(OPEN)
    for state in set(State) - {State.ARCHIVED, State.VOIDED}:
        assert any(state in one.sources and one.to not in {None, state} for one in TRANSITIONS.values()), (
            state
        )
    assert all(not RUNS[state] for state in DONE)
    assert {state for state, steps in RUNS.items() if Step.HANDLING in steps} == AT_UNIT


def test_from_every_open_state_a_ticket_can_be_concluded() -> None:
    ends = set(DONE)
    for _ in State:
        for one in TRANSITIONS.values():
            if one.may_become & ends or one.to in ends:
                ends |= one.sources
    assert set(OPEN) <= ends


def test_the_page_of_the_documentation_is_drawn_from_the_table() -> None:
    with translation.override("zh-hans"):
        assert PAGE.read_text(encoding="utf-8") == diagram.page(date(2026, 1, 1)), (
            "run: citybrain hotline lifecycle > docs/hotline-lifecycle.md"
        )
