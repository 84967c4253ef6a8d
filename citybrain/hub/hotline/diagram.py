"""The life of a ticket as a page of the documentation: diagram and tables drawn from the one table of transitions."""

from datetime import date

from citybrain.base.identity.roles import roles_with
from citybrain.hub.hotline import limits
from citybrain.hub.hotline.lifecycle import RUNS, TRANSITIONS, By, Transition
from citybrain.hub.hotline.states import DONE, OPEN, State, Step, Urgency

HEAD = """# The life of a ticket (热线工单)

Drawn from `citybrain/hub/hotline/lifecycle.py` and `data/limits.toml` by `citybrain hotline lifecycle`; a test holds
this page to them. States, limits for signing and rules of return after `reference/codes.yaml`, `hotline`.
"""
WHO = {By.OWNER: "来电人", By.SYSTEM: "系统"}
PARTS = {By.LEAD: "主办", By.CO: "协办", By.UNIT: "主办或协办"}


def page(on: date) -> str:
    """Return the whole page as Markdown: states, diagram, limits in force on a day, one row per transition."""
    return "\n".join([HEAD, _states(), _diagram(), _limits(on), _table()])


def _states() -> str:
    rows = [
        f"| {state:02d} | `{state.name.lower()}` | {state.label} | "
        f"{'、'.join(str(step.label) for step in sorted(RUNS[state]))} | {'done' if state in DONE else ''} |"
        for state in State
    ]
    return "\n".join(
        ["## States", "", "| code | key | 中文 | limits that run | |", "|---|---|---|---|---|", *rows, ""]
    )


def _diagram() -> str:
    lines = ["## Diagram", "", "```mermaid", "stateDiagram-v2", "    [*] --> RECEIVED: receive 来件"]
    for one in TRANSITIONS.values():
        targets = sorted(one.may_become | ({one.to} if one.to is not None else frozenset()))
        lines += [
            f"    {state.name} --> {target.name}: {one.key} {one.label}"
            for state in State
            if state in one.sources
            for target in targets
            if state != target
        ]
    lines += ["    ARCHIVED --> [*]", "    VOIDED --> [*]"]
    return "\n".join([*lines, "```", ""])


def _limits(on: date) -> str:
    head = "| 时限 | 危及生命财产安全 | 水电气热 | 一般 | 复杂事项 |\n|---|---|---|---|---|"
    rows = []
    for step in Step:
        cells = [limits.limit_for(step, urgency, False, on).rule for urgency in Urgency]
        cells.append(limits.limit_for(step, Urgency.GENERAL, True, on).rule)
        rows.append(f"| {step.label} | " + " | ".join(cell.partition("：")[2] for cell in cells) + " |")
    return "\n".join(["## Limits", "", head, *rows, ""])


def _table() -> str:
    head = "| step | 中文 | from | to | who | needs |\n|---|---|---|---|---|---|"
    return "\n".join(["## Transitions", "", head, *(_row(one) for one in TRANSITIONS.values()), ""])


def _row(one: Transition) -> str:
    targets = sorted(one.may_become | ({one.to} if one.to is not None else frozenset()))
    to = " or ".join(state.name.lower() for state in targets) or "(stays)"
    needs = "; ".join(f"{need.name}{'' if need.required else '?'}" for need in one.needs)
    return f"| `{one.key}` | {one.label} | {_sources(one)} | {to} | {_who(one)} | {needs} |"


def _sources(one: Transition) -> str:
    if one.sources == frozenset(State):
        return "any"
    if one.sources == OPEN:
        return "any open"
    return ", ".join(state.name.lower() for state in State if state in one.sources)


def _who(one: Transition) -> str:
    holders = "、".join(role.zh for role in roles_with(one.permission)) if one.permission else ""
    part = PARTS.get(one.by, "")
    return WHO.get(one.by) or (f"{holders}（{part}）" if part else holders)
