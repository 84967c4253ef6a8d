"""The lifecycle as a page of the documentation: diagram and table drawn from the one table of transitions."""

from citybrain.base.identity.roles import roles_with
from citybrain.hub.cases.lifecycle import TRANSITIONS, Clock, Transition
from citybrain.hub.cases.states import OPEN, STAGE_OF, TERMINAL, State, Step

HEAD = """# The lifecycle of a case (案件生命周期)

Drawn from `citybrain/hub/cases/lifecycle.py` by `citybrain cases lifecycle`; a test holds this page to the table.
"""


def page() -> str:
    """Return the whole page as Markdown: states, diagram, one row per transition."""
    return "\n".join([HEAD, _states(), _diagram(), _table()])


def _states() -> str:
    rows = [
        f"| {state:02d} | `{state.name.lower()}` | {state.label} | {STAGE_OF[state].label} | {_kind(state)} |"
        for state in State
    ]
    return "\n".join(["## States", "", "| code | key | 中文 | stage | |", "|---|---|---|---|---|", *rows, ""])


def _kind(state: State) -> str:
    return "terminal" if state in TERMINAL else ""


def _diagram() -> str:
    lines = ["## Diagram", "", "```mermaid", "stateDiagram-v2", "    [*] --> REPORTED: report 上报"]
    for transition in TRANSITIONS.values():
        if transition.to is None:
            continue
        lines += [
            f"    {state.name} --> {transition.to.name}: {transition.key} {transition.label}"
            for state in State
            if state in transition.sources and state != transition.to
        ]
    lines += [f"    {state.name} --> [*]" for state in State if state in TERMINAL]
    return "\n".join([*lines, "```", ""])


def _table() -> str:
    head = "| step | 中文 | from | to | who | needs | clock |\n|---|---|---|---|---|---|---|"
    return "\n".join(["## Transitions", "", head, *(_row(one) for one in TRANSITIONS.values()), ""])


def _row(one: Transition) -> str:
    sources = _sources(one)
    to = one.to.name.lower() if one.to is not None else "(stays)"
    needs = "; ".join(
        f"{need.name}{'' if need.required else '?'}"
        + (f" ({', '.join(kind.value for kind in need.photos)})" if need.photos else "")
        for need in one.needs
    )
    return f"| `{one.key}` | {one.label} | {sources} | {to} | {_who(one)} | {needs} | {_clock(one.clock)} |"


def _sources(one: Transition) -> str:
    if one.sources == frozenset(State):
        return "any"
    if one.sources == OPEN:
        return "any open"
    return ", ".join(state.name.lower() for state in State if state in one.sources)


def _who(one: Transition) -> str:
    holders = [role.zh for role in roles_with(one.permission)] if one.by_officer else []
    return "、".join(["上报人"] * one.by_owner + holders)


def _clock(clock: Clock) -> str:
    return f"start {clock.value.name.lower()}" if isinstance(clock.value, Step) else clock.value
