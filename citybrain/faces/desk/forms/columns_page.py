"""What each column of a form means: what was found, how sure it is, and what a person says instead."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from citybrain.base.catalogue.access import Side
from citybrain.base.catalogue.models import DataSet
from citybrain.base.catalogue.types import BadType, Type
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.data.shown import field_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.asking import about_of, rows_choices
from citybrain.faces.desk.forms.finding import found_form
from citybrain.faces.desk.forms.shown import (
    ASKS,
    SUMS,
    confidence,
    derived_name,
    figure_name,
    header,
    reasons,
)
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.forms import matching
from citybrain.hub.forms.access import DRAFT
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.figures import Counted, is_figure, known
from citybrain.hub.forms.making import actions, meanings
from citybrain.hub.forms.making.drawing import answers_of
from citybrain.hub.forms.making.reading import Read, read_table
from citybrain.hub.forms.making.workbooks import path_of
from citybrain.hub.forms.models import Form, FormState, Shaped, Version

MOST: Final = 30
TYPES: Final = {"text": "varchar(200)", "number": "decimal(18,2)", "date": "date"}
KINDS: Final = (
    ("text", gettext_lazy("文字")),
    ("number", gettext_lazy("数字")),
    ("date", gettext_lazy("日期")),
)
OPEN: Final = (FormState.DRAFT, FormState.REFUSED)
OWN: Final = frozenset({Asks.SERIAL, Asks.FORMULA, Asks.AREA, Asks.FILLER, Asks.DATE})
SPLIT: Final = str.maketrans(
    {",": "、", "，": "、", ";": "、", "；": "、", "\n": "、", "\r": "、", "/": "、"}
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Something a column may mean."""

    value: str
    label: str
    note: str = ""


@dataclass
class Line:
    """One column as it is drawn. `wrong`: what can't be, by what it is about."""

    column: Column
    chosen: str
    required: bool
    sums: str
    options: str
    kind: str = "text"
    candidates: list[Choice] = field(default_factory=list)
    examples: Sequence[str] = ()
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def header(self) -> str:
        return header(self.column)

    @property
    def tone(self) -> str:
        return confidence(self.column)[0]

    @property
    def word(self) -> str:
        return confidence(self.column)[1]

    @property
    def percent(self) -> int | None:
        """How sure the match is, where nobody has confirmed it."""
        return None if self.column.sure or not self.column.field else round(self.column.confidence * 100)

    @property
    def reasons(self) -> list[str]:
        return [] if self.column.sure else reasons(self.column.why)

    @property
    def unsettled(self) -> bool:
        """Whether somebody must say what the column means before admission is asked for."""
        return bool(actions.unsettled((self.column,)))

    @property
    def is_own(self) -> bool:
        return self.column.asks in OWN

    @property
    def is_answer(self) -> bool:
        return self.column.asks == Asks.ANSWER

    @property
    def options_count(self) -> int:
        return len(listed(self.options))


def listed(text: str) -> list[str]:
    """Return the values of a list as it was typed."""
    return [part.strip() for part in text.translate(SPLIT).split("、") if part.strip()]


def value_of(column: Column) -> str:
    """Return a column's meaning as the form sends it."""
    return "|".join((str(column.asks), column.field, column.derived))


def kinds() -> list[tuple[str, str]]:
    """Return what a column may be besides data."""
    return [(f"{kind}||", str(label)) for kind, label in ASKS.items() if kind not in actions.LOOKED_UP]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def columns_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """Look through the columns, correct and confirm them; what is said is remembered for the next form."""
    actor = actor_of(request)
    one = found_form(actor, form_id)
    require(actor, DRAFT, Side(one.office))
    if one.current is None:
        return redirect("desk:form", form_id)
    lines = [line_of(column) for column in one.current.shape]
    if request.method == "POST":
        changed = _rows_said(request, actor, one) + _save(request, actor, one, lines)
        if not any(line.wrong for line in lines):
            return _saved(request, actor, one, changed)
    found = read_again(one.current)
    _offer(one, found, lines)
    shape = one.current.shape
    unsure = len(actions.unsettled(shape))
    context = {
        "one": one,
        "notes": [str(note) for note in found.notes] if found else [],
        "lines": lines,
        "kinds": kinds(),
        "rows": rows_choices() if one.state in OPEN else [],
        "rows_chosen": request.POST.get("rows") or f"{one.shaped}:{one.roster}",
        "sums": list(SUMS.items()),
        "types": KINDS,
        "wrong": sum(bool(line.wrong) for line in lines),
        "unsure_tone": "due_soon" if unsure else "normal",
        "unsure_word": _("请核对") if unsure else _("已认出"),
        "counts": {
            "data": sum(column.asks in actions.LOOKED_UP for column in shape),
            "answer": sum(column.asks == Asks.ANSWER for column in shape),
            "rest": sum(column.asks in OWN for column in shape),
            "unsure": unsure,
        },
    }
    status = 422 if context["wrong"] else 200
    return shell_page(request, "desk/forms/columns.html", "forms", context, status=status)


def _rows_said(request: HttpRequest, actor: Actor, one: Form) -> int:
    """Keep what a row is, where that was changed; return how many changes that makes."""
    said = request.POST.get("rows", "")
    if one.state not in OPEN or said not in dict(rows_choices()) or said == f"{one.shaped}:{one.roster}":
        return 0
    shaped, _colon, roster = said.partition(":")
    actions.change_form(actor, one, about_of(one, shaped=shaped, roster=roster))
    return 1


def line_of(column: Column) -> Line:
    """Return a column as it stands."""
    return Line(
        column,
        value_of(column),
        column.required,
        str(column.sums),
        "、".join(column.options),
        kind_of(column),
    )


def kind_of(column: Column) -> str:
    """Return how an answer is written: number, date or text."""
    try:
        wanted = Type.parse(column.type)
    except BadType:
        return "text"
    return "number" if wanted.is_number else "date" if wanted.kind == "date" else "text"


def _offer(one: Form, found: Read | None, lines: Sequence[Line]) -> None:
    """Give each line what it may mean, likeliest first, what it means now always among them."""
    sets = meanings.published()
    examples = {each.letter: each.examples for each in found.layout.columns} if found else {}
    asked = [
        matching.Column(line.column.letter, line.column.path, examples.get(line.column.letter, ()))
        for line in lines
    ]
    kind = one.office.kind
    answers, counts = answers_of(sets, one.title, kind.name_zh, kind.pk, asked)
    for line, answer, count in zip(lines, answers, counts, strict=True):
        line.examples = answer.column.examples[:3]
        offered = (
            {value_of(line.column): _own(line.column, sets)}
            if line.column.field or line.column.derived
            else {}
        )
        if count is not None and one.shaped == Shaped.FIGURES:
            offered = _figures(count, offered) | offered
        for match in answer.matches:
            key = f"{Asks.DATA}|{match.known.key}|"
            note = _("%(n)d %%") % {"n": round(match.confidence * 100)}
            offered.setdefault(key, Choice(key, _called(sets, match.known.key), note))
        typed = line.chosen.split("|")
        if len(typed) == 3 and typed[1] and line.chosen not in offered:
            offered[line.chosen] = Choice(line.chosen, _called(sets, typed[1]))
        line.candidates = list(offered.values())


def _figures(match: matching.CountMatch, offered: dict[str, Choice]) -> dict[str, Choice]:
    """Return the figure that a column may count, and the same without age and sex."""
    found: dict[str, Choice] = {}
    for key, sure in ((match.counted.key, match.confidence), (Counted(match.counted.figure).key, 0.0)):
        value = f"{Asks.COUNT}|{key}|"
        note = _("%(n)d %%") % {"n": round(sure * 100)} if sure else ""
        found.setdefault(value, offered.get(value) or Choice(value, figure_name(key), note))
    return found


def read_again(version: Version) -> Read | None:
    """Return what a form's workbook holds; None where there is none, or it can't be read any more."""
    if version.workbook is None:
        return None
    try:
        return read_table(path_of(version.workbook), version.workbook.name, version.sheet)
    except (Refused, OSError):
        return None


def _own(column: Column, sets: dict[str, DataSet]) -> Choice:
    name = derived_name(column)
    told = _called(sets, column.field) if column.field else ""
    return Choice(value_of(column), " · ".join(filter(None, (name, told))))


def _called(sets: dict[str, DataSet], key: str) -> str:
    if is_figure(key):
        return figure_name(key)
    found = meanings.field_of(sets, key)
    return key if found is None else f"{field_name(found[1])} · {found[0].name}"


def _save(request: HttpRequest, actor: Actor, one: Form, lines: Sequence[Line]) -> int:
    """Keep what was changed, line by line; what can't be stands at its line and nothing typed is lost."""
    changed = 0
    for line in lines:
        changes = _changes(request, line)
        if not changes:
            continue
        try:
            actions.correct_column(actor, one, line.column.letter, **changes)
            changed += 1
        except Refused as refused:
            line.wrong |= {problem.field: problem.reason for problem in refused.problems}
    return changed


def _changes(request: HttpRequest, line: Line) -> dict[str, Any]:
    """Return what was typed for a line that is not as it stands, and keep it on the line."""
    name = f"c-{line.column.letter}-"
    found: dict[str, Any] = {}
    picked = request.POST.get(f"{name}field", "").replace("\x00", "")[:120]
    kind = Asks.COUNT if is_figure(picked) else Asks.DATA
    means = f"{kind}|{picked}|" if picked else request.POST.get(f"{name}means", line.chosen)
    if means.count("|") == 2 and means != value_of(line.column):
        line.chosen = means
        asks, key, derived = means.split("|")
        found |= {"field": key, "derived": derived} if key else {"asks": asks, "field": ""}
    if f"{name}sums" not in request.POST:
        return found
    line.required = bool(request.POST.get(f"{name}required"))
    line.sums = request.POST.get(f"{name}sums", line.sums)
    line.options = request.POST.get(f"{name}options", "").replace("\x00", "")[:4000]
    found |= _kind_said(request.POST.get(f"{name}kind", ""), line)
    if line.required != line.column.required:
        found["required"] = line.required
    if line.sums != str(line.column.sums):
        found["sums"] = line.sums
    if listed(line.options) != list(line.column.options):
        found["options"] = listed(line.options)
    return found


def _kind_said(said: str, line: Line) -> dict[str, Any]:
    """Return the type that was chosen for an answer; what is to be added up is a number, whatever was chosen."""
    if not line.chosen.startswith(Asks.ANSWER):
        return {}
    line.kind = "number" if line.sums in {Sums.SUM, Sums.MEAN} else said if said in TYPES else line.kind
    return {"type": TYPES[line.kind]} if line.kind != kind_of(line.column) else {}


def _saved(request: HttpRequest, actor: Actor, one: Form, changed: int) -> HttpResponse:
    if request.POST.get("do") == "confirm":
        actions.confirm_columns(actor, found_form(actor, one.pk))
        messages.success(request, _("各列已确认，并记住了您的说法。"))
        return redirect("desk:form", one.pk)
    if changed:
        messages.success(request, _("改动已保存，以后遇到同样的列名会自动这样对应。"))
    return redirect("desk:form_columns", one.pk)


@lru_cache(maxsize=4)
def _sounds(names: tuple[str, ...]) -> dict[str, str]:
    """Return name → pinyin and initials, for typing without a Chinese keyboard."""
    from pypinyin import Style, lazy_pinyin  # a dictionary of 50,000 phrases: loaded by those who need it

    return {
        name: f"{''.join(lazy_pinyin(name))} {''.join(lazy_pinyin(name, style=Style.FIRST_LETTER))}".lower()
        for name in names
    }


@officers
def fields_view(request: HttpRequest) -> JsonResponse:
    """Fields of the catalogue for typed words, by name, pinyin or data set."""
    require(actor_of(request), DRAFT)
    words = request.GET.get("q", "").replace("\x00", "").lower().split()[:6]
    pairs = [(one, named) for one in meanings.published().values() for named in one.shape.fields]
    sounds = _sounds(tuple(dict.fromkeys(named.zh for _one, named in pairs)))
    found = [
        {"value": f"{one.code}.{named.name}", "label": field_name(named), "note": one.name}
        for one, named in pairs
        if all(
            word in f"{named.zh} {named.en} {named.name} {one.name_zh} {sounds[named.zh]}".lower()
            for word in words
        )
    ]
    found.sort(key=lambda one: (len(one["label"]), one["label"], one["note"]))
    return JsonResponse({"choices": [*figures_for(request.GET.get("q", "")), *found][:MOST]})


def figures_for(typed: str) -> list[dict[str, str]]:
    """Return the figures of live rosters that typed words ask for: by a column's words, by name or by pinyin."""
    wanted = typed.replace("\x00", "").lower().split()[:6]
    every = known().figures
    sounds = _sounds(tuple(one.zh for one in every.values()))
    meant = matching.by_words("".join(wanted))
    keys = [meant.key] if meant else []
    keys += [
        Counted(key).key
        for key, one in every.items()
        if wanted and all(word in f"{one.zh} {one.en} {sounds[one.zh]}".lower() for word in wanted)
    ]
    return [{"value": key, "label": figure_name(key), "note": ""} for key in dict.fromkeys(keys)]
