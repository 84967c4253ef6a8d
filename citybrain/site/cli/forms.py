"""`citybrain forms`: report forms, for the operator at the machine, who acts as the system.

Exit codes: 0 done, 1 something was refused, 2 wrong usage.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import django

from citybrain.site.cli.catalogue import AS_JSON, refusals

if TYPE_CHECKING:
    from citybrain.hub.forms.making.assessing import Assessment
    from citybrain.hub.forms.matching import Answer
    from citybrain.hub.forms.models import Form

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
CYCLES = click.Choice(["once", "day", "week", "month", "quarter", "year"])
LEVELS = {"city": 1, "district": 2, "street": 3, "community": 4, "grid": 5}


@click.group()
def forms() -> None:
    """One form (一张表): what a form's columns ask for, and how much of it the city knows.

    Exit codes: 0 done, 1 refused, 2 can't be used.
    """
    django.setup()


@forms.command("read")
@FILE
@click.option("--office", default="", help="Short name of the body that sends the form, such as 民政.")
@click.option("--sheet", default="", help="The sheet; needed where several hold a table.")
@AS_JSON
def read_form(file: Path, office: str, sheet: str, as_json: bool) -> None:
    """Say which fields of the catalogue the columns of FILE (.xlsx, .xls) ask for, and why. Nothing is stored."""
    from citybrain.hub.forms import matching
    from citybrain.hub.forms.making import meanings
    from citybrain.hub.forms.making.reading import read_table

    with refusals():
        read = read_table(file, file.name, sheet)
    found = read.layout
    columns = [matching.Column(one.letter, one.path, one.examples) for one in found.columns]
    answers = meanings.known(meanings.published()).answers(found.title, office, columns)
    if as_json:
        lines = [found.header_first, found.header_last]
        told = {"sheet": found.sheet, "title": found.title, "header_rows": lines, "begins": found.begins}
        notes, formulas = [str(one) for one in read.notes], sorted(read.formulas)
        columns_told = [_told(one) for one in answers]
        _print({**told, "notes": notes, "formulas": formulas, "columns": columns_told})
        return
    click.echo(f"{found.title} ({found.sheet}, rows {found.header_first}-{found.header_last})")
    for one in answers:
        best = one.matches[0] if one.matches else None
        what = one.computed or (f"{best.known.key} {best.confidence:.0%}" if best else "?")
        click.echo(f"  {one.column.letter:3} {'/'.join(one.column.path)}  →  {what}")
    for note in read.notes:
        click.echo(f"  ! {note}")


def _print(data: Any) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _told(one: "Answer") -> dict[str, Any]:
    return {
        "letter": one.column.letter,
        "path": one.column.path,
        "computed": one.computed,
        "unit": one.heading.unit,
        "matches": [
            {"field": match.known.key, "confidence": round(match.confidence, 3), "why": match.why}
            for match in one.matches
        ],
    }


@forms.command("draft")
@FILE
@click.argument("office")
@click.option("--title", default="", help="Default: the title in the workbook.")
@click.option("--purpose", default="", help="What it is for.")
@click.option("--basis", default="", help="The document it is based on.")
@click.option("--cycle", type=CYCLES, default="once", show_default=True)
@click.option("--fillers", type=click.Choice(list(LEVELS)), default="community", show_default=True)
@click.option("--sheet", default="", help="The sheet; needed where several hold a table.")
@click.option("--confirm", is_flag=True, help="Take all columns as they were matched.")
@click.option("--ask", is_flag=True, help="Ask for admission at once.")
@AS_JSON
def draft(file: Path, office: str, sheet: str, confirm: bool, ask: bool, as_json: bool, **about: Any) -> None:
    """Draft a form of OFFICE (its key) from FILE; print its number, and the columns that must be confirmed."""
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.models import Agency
    from citybrain.hub.forms.making import actions

    body = Agency.objects.select_related("kind").filter(key=office).first()
    if body is None:
        raise click.UsageError(f"no agency has the key {office!r}")
    about["fillers"] = LEVELS[about["fillers"]]
    with refusals():
        form = actions.draft_form(
            SYSTEM, body, actions.About(**about), file=file, name=file.name, sheet=sheet
        )
        if confirm:
            actions.confirm_columns(SYSTEM, form)
            form.refresh_from_db()
        shape = form.current.shape if form.current else ()
        waiting = actions.unsettled(shape)
        if ask:
            form = actions.ask_admission(SYSTEM, form)
    told = _form(form) | {"unsettled": [one.letter for one in waiting]}
    if as_json:
        _print(told)
        return
    click.echo(f"{form.number}  {form.title}  {form.state}  {len(shape)} columns")
    for one in waiting:
        click.echo(f"  to be confirmed: {one.letter} {one.name}  →  {one.field} {one.confidence:.0%}")


def _form(form: "Form") -> dict[str, Any]:
    return {
        "number": form.number,
        "title": form.title,
        "office": form.office.key,
        "state": str(form.state),
        "cycle": str(form.cycle),
        "fillers": form.fillers,
        "columns": len(form.current.shape) if form.current else 0,
        "due_at": form.due_at.isoformat() if form.due_at else None,
        "reason": form.reason,
    }


@forms.command("list")
@click.option("--text", default="", help="Words of title, number or office.")
@click.option("--state", default="", help="draft, asking, admitted, refused or retired.")
@click.option("--abolish", is_flag=True, help="Only admitted forms that could be ended, with the reasons.")
@AS_JSON
def list_forms(text: str, state: str, abolish: bool, as_json: bool) -> None:
    """List the forms, the newest first."""
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.forms.making import lists, saved

    rows: list[dict[str, Any]]
    if abolish:
        rows = [
            _form(one.form) | {"why": [str(why) for why in one.why], "instead": one.instead}
            for one in saved.abolishable(SYSTEM)
        ]
    else:
        page, rows = 1, []
        while page:
            found = lists.search(SYSTEM, lists.Sought(words=text, state=state, page=page))
            rows += [_form(one) for one in found.rows]
            page = page + 1 if page < found.pages else 0
    if as_json:
        _print(rows)
        return
    for row in rows:
        why = f"  {', '.join(row['why'])} {row['instead']}" if abolish else ""
        click.echo(
            f"{row['number']}  {row['state']:9} {row['columns']:3} columns  {row['office']}  {row['title']}{why}"
        )


@forms.command("assess")
@click.argument("what")
@click.option("--office", default="", help="Key of the body that would ask; needed for a file.")
@click.option("--sheet", default="", help="The sheet; needed where several hold a table.")
@AS_JSON
def assess(what: str, office: str, sheet: str, as_json: bool) -> None:
    """Say how much of WHAT (a form's number, or a workbook) the city knows, and which forms ask the same.

    Of a workbook nothing is stored.
    """
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.models import Agency
    from citybrain.hub.forms.making import actions, assessing
    from citybrain.hub.forms.models import Form

    form = Form.objects.select_related("office", "current").filter(number=what).first()
    if form is not None:
        _say_assessment(assessing.assess(SYSTEM, form), as_json)
        return
    body = Agency.objects.select_related("kind").filter(key=office).first()
    if body is None or not Path(what).is_file():
        raise click.UsageError(
            f"no form has the number {what!r}, and a file needs --office with an agency's key"
        )
    with refusals():
        form = actions.preview(SYSTEM, body, actions.About(), file=Path(what), sheet=sheet)
    _say_assessment(assessing.assess(SYSTEM, form), as_json)


def _say_assessment(found: "Assessment", as_json: bool) -> None:
    if as_json:
        _print(found.to_json())
        return
    for one in found.columns:
        known = f"{one.share:.0%} {one.field} ({one.provider})" if one.field else ""
        right = one.grant or (f"ask {one.ask}" if one.ask else "")
        click.echo(
            f"  {one.letter:3} {one.name}  {one.knows}  {known}  {right}{'  late' if one.late else ''}".rstrip()
        )
    for same in found.same:
        covers = "  covers it" if same.covers else ""
        click.echo(f"  {same.share:.0%} also in {same.number} {same.title} ({same.office}){covers}")
    for reason in found.reasons():
        click.echo(reason)
