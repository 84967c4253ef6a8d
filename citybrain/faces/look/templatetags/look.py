"""The components as template tags; each draws look/parts/<name>.html. The manual is look/README.md."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django import template
from django.core.paginator import Page
from django.template.context import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.faces.look import words
from citybrain.faces.look.charts import Chart
from citybrain.faces.look.shapes import SHAPES, Spark, spark
from citybrain.faces.look.tables import Table

register = template.Library()

STATES: Final = {
    "normal": gettext_lazy("正常"),
    "due_soon": gettext_lazy("即将到期"),
    "late": gettext_lazy("已超时"),
    "urgent": gettext_lazy("紧急"),
    "paused": gettext_lazy("已暂停"),
    "done": gettext_lazy("已办结"),
}
NOTE_ICONS: Final = {
    "empty": "inbox",
    "failed": "alert-triangle",
    "forbidden": "lock",
    "partial": "info-circle",
    "stale": "history",
    "offline": "wifi-off",
    "info": "info-circle",
    "done": "circle-check",
    "cover": "users",
}
HUES: Final = 5
HIDDEN: Final = SafeString('aria-hidden="true"')
FILLED: Final = SafeString(" data-filled")

register.filter("amount", words.amount)
register.filter("percent", words.percent)
register.filter("stamp", words.stamp)


@register.filter
def span(length: timedelta | int | None, mode: str = "") -> str:
    """Return a length of time in words; a whole number is minutes. `"working"` counts working days."""
    if length is None:
        return "–"
    delta = length if isinstance(length, timedelta) else timedelta(minutes=length)
    return words.span(delta, working=mode == "working")


@register.filter(name="json")
def as_json(value: Any) -> str:
    """Return JSON for a data- attribute (escaped there by the template)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@register.simple_tag
def icon(name: str, title: str = "") -> SafeString:
    """Draw an icon of the sprite; silent for screen readers unless it has a title."""
    label = format_html('role="img" aria-label="{}"', title) if title else HIDDEN
    filled = FILLED if name.endswith("-filled") else ""
    address = f"{static('vendor/icons.svg')}#{name}"
    return format_html('<svg class="cb-icon"{} {}><use href="{}"/></svg>', filled, label, address)


@register.simple_tag
def shape(tone: str) -> SafeString:
    """Draw the shape that goes with a tone."""
    drawing = SHAPES.get(tone, SHAPES["quiet"])
    return format_html('<svg viewBox="0 0 10 10" aria-hidden="true">{}</svg>', drawing)


@register.inclusion_tag("look/parts/state.html")
def state(tone: str, word: str = "", *, bare: bool = False, title: str = "") -> dict[str, Any]:
    """Draw a state: word, shape and colour. Without a word: the state's own."""
    return {"tone": tone, "word": word or STATES.get(tone, tone), "bare": bare, "title": title}


@register.inclusion_tag("look/parts/deadline.html")
def deadline(left: words.Left, *, wide: bool = False) -> dict[str, Any]:
    """Draw how a deadline stands: anything with level, words, share and stamp."""
    tones = {"done": "done", "none": "quiet", "paused": "paused"}
    return {"left": left, "tone": tones.get(left.level, left.level), "wide": wide}


@register.simple_tag
def when(at: datetime | None) -> SafeString:
    """Draw a time as people say it, with the full stamp on hover; kept fresh by times.js."""
    if at is None:
        return SafeString("–")
    return format_html(
        '<time datetime="{}" title="{}" data-when>{}</time>',
        at.isoformat(timespec="seconds"),
        words.stamp(at),
        words.ago(at, timezone.now()),
    )


@register.inclusion_tag("look/parts/person.html")
def person(name: str, more: str = "", *, mark_only: bool = False) -> dict[str, Any]:
    """Draw a person: a mark with the last character of the name, the name, agency or role beside it."""
    mark = name[-1:] if name and ord(name[0]) > 0x2E7F else name[:1].upper()
    return {
        "name": name,
        "more": more,
        "mark": mark,
        "hue": sum(map(ord, name)) % HUES,
        "mark_only": mark_only,
    }


@register.inclusion_tag("look/parts/path.html")
def area_path(parts: Sequence[Any]) -> dict[str, Any]:
    """Draw an area's path, widest first: names, or (name, url) pairs."""
    pairs = [part if isinstance(part, tuple) else (part, "") for part in parts]
    return {"parts": [pair for pair in pairs if pair[0]]}


@register.inclusion_tag("look/parts/item.html")
def item_chip(name: str, code: str = "", group: str = "") -> dict[str, Any]:
    """Draw an item; `group` (class and subclass) is said on hover."""
    return {"name": name, "code": code, "group": group}


@register.inclusion_tag("look/parts/note.html")
def note(
    kind: str, title: str, text: str = "", url: str = "", label: str = "", icon_name: str = ""
) -> dict[str, Any]:
    """Draw a written state in place of content. `kind`: empty, failed, forbidden, offline."""
    icon_shown = icon_name or NOTE_ICONS[kind]
    return {"kind": kind, "title": title, "text": text, "url": url, "label": label, "icon": icon_shown}


@register.inclusion_tag("look/parts/banner.html")
def banner(
    kind: str, text: str, at: datetime | None = None, url: str = "", label: str = "", *, hidden: bool = False
) -> dict[str, Any]:
    """Draw a line above content. `kind`: info, stale (give `at`), partial, failed, done, cover, offline."""
    return {
        "kind": kind,
        "text": text,
        "at": at,
        "url": url,
        "label": label,
        "icon": NOTE_ICONS[kind],
        "hidden": hidden,
    }


@register.inclusion_tag("look/parts/skeleton.html")
def skeleton(kind: str = "text", lines: int = 3) -> dict[str, Any]:
    """Draw the shape of what is loading. `kind`: text, rows or block."""
    return {"kind": kind, "lines": range(1 if kind == "block" else lines)}


@register.inclusion_tag("look/parts/case_row.html")
def case_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a case of a work list; the keys of `row` are in the manual."""
    return {"row": row}


@register.inclusion_tag("look/parts/timeline.html")
def timeline(events: Sequence[Mapping[str, Any]], *, newest_first: bool = True) -> dict[str, Any]:
    """Draw a history; the keys of an event are in the manual. Give them in the order they are shown."""
    return {"events": events, "newest_first": newest_first}


@register.inclusion_tag("look/parts/steps.html")
def steps(steps: Sequence[Mapping[str, Any]], *, why_url: str = "", sticky: bool = False) -> dict[str, Any]:
    """Draw what this person may do: the expected step first and filled."""
    return {"steps": steps, "why_url": why_url, "sticky": sticky}


@register.inclusion_tag("look/parts/photos.html")
def photos(
    photos: Sequence[Mapping[str, Any]], key: str = "photos", *, large: bool = False
) -> dict[str, Any]:
    """Draw a strip of photos that opens a lightbox; each has thumb, url, alt and perhaps caption."""
    return {"photos": photos, "key": key, "large": large}


@register.inclusion_tag("look/parts/tabs.html")
def tabs(tabs: Sequence[Mapping[str, Any]], label: str = "", target: str = "") -> dict[str, Any]:
    """Draw tabs with true counts; each has label, url, active, and perhaps count and tone."""
    return {"tabs": tabs, "label": label or _("分类"), "target": target}


@register.inclusion_tag("look/parts/filters.html")
def filters(
    filters: Sequence[Mapping[str, Any]],
    *,
    keep: Mapping[str, str] | None = None,
    clear_url: str = "",
    target: str = "",
) -> dict[str, Any]:
    """Draw a filter bar whose choices live in the address; the keys of a filter are in the manual."""
    return {
        "filters": filters,
        "keep": keep or {},
        "clear_url": clear_url,
        "target": target,
        "any_active": any(one.get("value") for one in filters),
    }


@register.inclusion_tag("look/parts/table.html")
def data_table(table: Table) -> dict[str, Any]:
    """Draw a table: sticky header, units in it, right-aligned numbers, column choice, Excel."""
    return {"table": table}


@register.inclusion_tag("look/parts/stat.html")
def stat(
    label: str,
    value: str,
    unit: str = "",
    *,
    change: str = "",
    change_tone: str = "",
    points: Sequence[float] = (),
    threshold: float | None = None,
    tone: str = "",
    word: str = "",
    foot: str = "",
    at: datetime | None = None,
    is_stale: bool = False,
    url: str = "",
    live: str = "",
    parts: Sequence[Any] = (),
) -> dict[str, Any]:
    """Draw one figure: value with unit, change (tone good or bad), spark line, time of the data.

    `parts` (text, url) stand in the foot, each opening its own; the rest of the card opens `url`.
    """
    drawn: Spark | None = spark(points, threshold)
    arrow = "trending-down" if change.startswith(("-", "\N{MINUS SIGN}")) else "trending-up"
    given = {"label": label, "value": value, "unit": unit, "change": change, "change_tone": change_tone}
    more = {"spark": drawn, "tone": tone, "word": word, "foot": foot, "at": at, "is_stale": is_stale}
    return {**given, **more, "url": url, "live": live, "arrow": arrow, "parts": parts}


@register.inclusion_tag("look/parts/field.html")
def field(bound: Any, label: str = "", help_text: str = "") -> dict[str, Any]:
    """Draw a form's field with label, help and error, each tied to the input."""
    many = getattr(
        bound.field.widget, "allow_multiple_selected", False
    )  # check boxes, whose input_type is one's
    kind = ("" if many else getattr(bound.field.widget, "input_type", "")) or type(
        bound.field.widget
    ).__name__.lower()
    base = "form-select" if kind == "select" else "" if kind in {"checkbox", "radio"} else "form-control"
    attrs = {"class": " ".join(filter(None, [bound.field.widget.attrs.get("class", ""), base]))}
    described = f"{bound.id_for_label}_help {bound.id_for_label}_error"
    attrs["aria-describedby"] = described
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return {
        "bound": bound,
        "widget": bound.as_widget(attrs=attrs),
        "kind": kind,
        "label": label or bound.label,
        "help": help_text or bound.help_text,
    }


@register.inclusion_tag("look/parts/errors.html")
def form_errors(form: Any) -> dict[str, Any]:
    """Draw what is wrong with a form as a whole, with links to its fields."""
    return {"form": form}


@register.inclusion_tag("look/parts/drop.html")
def file_drop(
    name: str,
    label: str,
    *,
    help_text: str = "",
    accept: str = "image/jpeg,image/png,image/webp",
    multiple: bool = False,
    camera: bool = False,
    most: int = 6,
    required: bool = False,
) -> dict[str, Any]:
    """Draw a place to drop or take files; photos are made smaller in the browser before they are sent."""
    return {
        "name": name,
        "label": label,
        "help": help_text,
        "accept": accept,
        "multiple": multiple,
        "camera": camera,
        "most": most,
        "required": required,
        "is_photo": accept.startswith("image/"),
    }


@register.inclusion_tag("look/parts/pager.html", takes_context=True)
def pager(
    context: Context,
    page: Page[Any] | None = None,
    *,
    prev_url: str = "",
    next_url: str = "",
    first: int = 0,
    last: int = 0,
    total: int | None = None,
    target: str = "",
) -> dict[str, Any]:
    """Draw "第 1–50 条, 共 1,204 条" with the way back and on; takes Django's Page, or the parts."""
    if page is not None:
        query = context["request"].GET.copy()

        def address(number: int) -> str:
            query["page"] = str(number)
            return f"?{query.urlencode()}"

        prev_url = address(page.previous_page_number()) if page.has_previous() else ""
        next_url = address(page.next_page_number()) if page.has_next() else ""
        first, last, total = page.start_index(), page.end_index(), page.paginator.count
    return {
        "prev": prev_url,
        "next": next_url,
        "first": first,
        "last": last,
        "total": total,
        "target": target,
    }


@register.inclusion_tag("look/parts/crumbs.html")
def crumbs(*parts: Any) -> dict[str, Any]:
    """Draw where a page lies: label, url, label, url, …, label; or one list of (label, url)."""
    if len(parts) == 1 and not isinstance(parts[0], str):
        return {"parts": parts[0]}
    pairs = [(parts[i], parts[i + 1] if i + 1 < len(parts) else "") for i in range(0, len(parts), 2)]
    return {"parts": pairs}


@register.inclusion_tag("look/parts/chart.html")
def chart(chart: Chart) -> dict[str, Any]:
    """Draw a chart with its table one click away."""
    return {"chart": chart}


@register.inclusion_tag("look/parts/map.html", takes_context=True)
def area_map(context: Context, key: str, label: str, **options: Any) -> dict[str, Any]:
    """Draw a map; its options are in the manual."""
    return {"key": key, "label": label, "look": context.get("look"), **options}


@register.simple_block_tag(end_name="enddialog")
def dialog(content: str, key: str, title: str, *, wide: bool = False) -> str:
    """Draw a native dialog around its content; open it by a button with data-open="key"."""
    return render_to_string(
        "look/parts/dialog.html", {"key": key, "title": title, "wide": wide, "content": content}
    )
