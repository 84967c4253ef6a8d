"""The catalogue's form in Excel: written from visible entries, read back with a receipt for every row."""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.access import VIEW
from citybrain.base.catalogue.actions.entries import draft_dataset, revise
from citybrain.base.catalogue.cells import field_of, meta_of
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.headings import ENTRY, FIELD
from citybrain.base.catalogue.models import CatalogueImport, DataSet, OpenType, ShareType, UpdateCycle
from citybrain.base.catalogue.shape import BadShape, Field, Shape
from citybrain.base.catalogue.sheets import Form, Line, read_form
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused, refuse
from citybrain.base.identity.models import Agency
from citybrain.base.ledger import record

ENTRY_SHEET: Final = "信息资源"
FIELD_SHEET: Final = "信息项"
DANGEROUS: Final = re.compile(r"^[=+\-@\t\r]")
PERSONAL: Final = {"none": "否", "personal": "个人信息", "sensitive": "敏感个人信息"}
FORMATS: Final = {
    "1": "电子文件",
    "2": "电子表格",
    "3": "数据库",
    "4": "图形图像",
    "5": "流媒体",
    "6": "自描述格式",
    "7": "服务接口",
}
MODES: Final = {"1": "库表", "2": "文件", "3": "接口", "4": "消息"}


@dataclass(frozen=True, slots=True)
class RowReceipt:
    """What became of one row: added, changed, unchanged, refused (with the reason), or taken (a field)."""

    sheet: str
    row: int
    code: str
    outcome: str
    reason: str = ""


def export_excel(actor: Actor, datasets: Iterable[DataSet]) -> bytes:
    """Return published or drafted entries as .xlsx in the catalogue's form, all cells as text. Raises Forbidden."""
    from openpyxl import Workbook

    require(actor, VIEW)
    book = Workbook(write_only=True)
    entries = _sheet(book, ENTRY_SHEET, ENTRY)
    fields = _sheet(book, FIELD_SHEET, FIELD)
    rows = 0
    for dataset in datasets:
        revision = dataset.current or dataset.revisions.latest("number")
        meta, shape = Meta.from_json(revision.meta), revision.shaped
        entries.append([_cell(entries, value) for value in entry_row(dataset, meta)])
        for field in shape.fields:
            fields.append([_cell(fields, value) for value in field_row(dataset.code, field)])
        rows += 1
    out = io.BytesIO()
    book.save(out)
    record(actor.key, "catalogue.export", "catalogue", {"rows": rows})
    return out.getvalue()


def _sheet(book: Any, title: str, columns: Mapping[str, Sequence[str]]) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    sheet.freeze_panes = "B2"
    heads = []
    for place, titles in enumerate(columns.values(), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = 18
        cell = WriteOnlyCell(sheet, value=titles[0])
        cell.font = Font(bold=True)
        heads.append(cell)
    sheet.append(heads)
    return sheet


def _cell(sheet: Any, value: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type, cell.number_format = "s", "@"
    return cell


def entry_row(dataset: DataSet, meta: Meta) -> list[str]:
    """Return the cells of an entry in the order of headings.ENTRY."""
    told = {
        "provider": dataset.provider.name,
        "provider_code": dataset.provider.key,
        "formats": "、".join(FORMATS.get(one, one) for one in meta.formats),
        "share_modes": "、".join(MODES.get(one, one) for one in meta.share_modes),
        "share_type": str(ShareType(meta.share_type).label),
        "open_type": str(OpenType(meta.open_type).label),
        "update_cycle": str(UpdateCycle(meta.update_cycle).label),
        "grade": f"{dataset.grade}级",
        "published_at": timezone.localtime(dataset.published_at).strftime("%Y-%m-%d")
        if dataset.published_at
        else "",
    }
    found = []
    for name in ENTRY:
        value = told[name] if name in told else getattr(meta, name)
        found.append("、".join(value) if isinstance(value, tuple) else str(value))
    return found


def field_row(code: str, field: Field) -> list[str]:
    """Return the cells of a field in the order of headings.FIELD."""
    said = {True: "是", False: "否"}
    told = {
        "dataset": code,
        "type": field.type.text,
        "length": str(field.type.length or ""),
        "grade": str(field.grade),
        "personal": PERSONAL[field.personal],
        "key": said[field.key],
        "required": said[field.required],
    }
    return [told[name] if name in told else _text(getattr(field, name)) for name in FIELD]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def import_excel(
    actor: Actor, content: bytes, file_name: str, *, provider: Agency | None = None, trial: bool = False
) -> CatalogueImport:
    """Draft or revise the entries of a form; nothing is published by it. Each row has its receipt.

    `provider`: whose entries they are where the file names nobody. An entry is written whole or not at all.
    `trial`: nothing is kept, the receipt is what it would be. Raises Refused for a file that is no form.
    """
    form = read_form(content)
    receipts: list[RowReceipt] = []
    bodies = {body.name: body for body in Agency.objects.in_force()} | {
        body.key: body for body in Agency.objects.in_force()
    }
    with transaction.atomic():
        by_set, entries = _gathered(form, receipts)
        for line in entries:
            receipts += _one(actor, line, by_set.pop(_key(line), []), bodies, provider)
        for lines in by_set.values():
            reason = _("文件里没有这一信息项所属的数据资源。")
            receipts += [
                RowReceipt(one.sheet, one.number, one.get("dataset"), "refused", reason) for one in lines
            ]
        done = CatalogueImport(
            person_id=actor.person_id,
            at=timezone.now(),
            file_name=file_name[:200],
            digest=_digest(content),
            counts=dict(Counter(one.outcome for one in receipts)),
            receipt=[asdict(one) for one in receipts],
        )
        if trial:
            transaction.set_rollback(True)
            return done
        done.save()
        record(actor.key, "catalogue.import", f"import:{done.pk}", {"file": done.file_name, **done.counts})
    return done


def _digest(content: bytes) -> str:
    return hashlib.new("sm3", content).hexdigest()


def _key(line: Line) -> str:
    return line.get("code") or line.get("name_zh")


def _gathered(form: Form, receipts: list[RowReceipt]) -> tuple[dict[str, list[Line]], list[Line]]:
    """Return the rows of fields by entry, and the rows of entries, each entry once."""
    names = {line.get("name_zh"): _key(line) for line in form.entries}
    by_set: dict[str, list[Line]] = {}
    for line in form.fields:
        owner = line.get("dataset")
        by_set.setdefault(names.get(owner, owner), []).append(line)
    entries: dict[str, Line] = {}
    for line in form.entries:
        if _key(line) in entries:
            reason = _("第 %(row)d 行已有这个数据资源。") % {"row": entries[_key(line)].number}
            receipts.append(RowReceipt(line.sheet, line.number, _key(line), "refused", reason))
            continue
        entries[_key(line)] = line
    return by_set, list(entries.values())


def _one(
    actor: Actor, line: Line, fields: list[Line], bodies: Mapping[str, Agency], provider: Agency | None
) -> list[RowReceipt]:
    """Write one entry with its fields; return the receipts of its rows."""
    code = _key(line)
    try:
        with transaction.atomic():
            outcome, code = _written(actor, line, fields, bodies, provider)
    except BadField as bad:
        head = RowReceipt(line.sheet, line.number, code, "refused", _("有信息项不能读入。"))
        return [head, *(_field_receipt(one, code, bad) for one in fields)]
    except Refused as refused:
        return _refused(line, fields, code, str(refused))
    except Forbidden as forbidden:
        return _refused(line, fields, code, forbidden.reason_zh)
    head = RowReceipt(line.sheet, line.number, code, outcome)
    return [head, *(RowReceipt(one.sheet, one.number, code, "taken") for one in fields)]


def _refused(line: Line, fields: list[Line], code: str, reason: str) -> list[RowReceipt]:
    head = RowReceipt(line.sheet, line.number, code, "refused", reason)
    left = _("所属数据资源未导入。")
    return [head, *(RowReceipt(one.sheet, one.number, code, "refused", left) for one in fields)]


class BadField(Exception):
    """A row of a field that can't be read."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def _field_receipt(line: Line, code: str, bad: BadField) -> RowReceipt:
    reason = str(bad) if line.number == bad.row else _("所属数据资源未导入。")
    return RowReceipt(line.sheet, line.number, code, "refused", reason)


def _written(
    actor: Actor, line: Line, fields: list[Line], bodies: Mapping[str, Agency], provider: Agency | None
) -> tuple[str, str]:
    known = _known(line)
    shape = _shape(fields, known)
    meta = meta_of(line, shape, known)
    if known is None:
        draft_dataset(actor, _provider(line, bodies, provider), meta, shape)
        return "added", meta.code
    last = known.revisions.order_by("-number").first()
    if last is not None and last.meta == meta.to_json() and last.shape == shape.to_json():
        return "unchanged", meta.code
    revise(actor, known, meta, shape)
    return "changed", meta.code


def _known(line: Line) -> DataSet | None:
    sets = DataSet.objects.select_related("provider", "current")
    if line.get("code"):
        return sets.filter(code=line.get("code")).first()
    named = list(sets.filter(name_zh=line.get("name_zh"))[:2])
    return named[0] if len(named) == 1 else None


def _provider(line: Line, bodies: Mapping[str, Agency], provider: Agency | None) -> Agency:
    named = line.get("provider_code") or line.get("provider")
    found = bodies.get(named) or bodies.get(line.get("provider")) or (None if named else provider)
    if found is None:
        raise refuse("provider", _("没有单位“%(name)s”。") % {"name": named})
    return found


def _shape(fields: list[Line], known: DataSet | None) -> Shape:
    """Return the shape of the rows; rules and subject of a known set stay where their fields do."""
    made = []
    for line in fields:
        try:
            made.append(field_of(line))
        except (BadShape, Refused) as bad:
            raise BadField(line.number, str(bad)) from bad
    if not made:
        raise refuse("fields", _("没有信息项。"))
    last = known.revisions.order_by("-number").first() if known else None
    names = {field.name for field in made}
    rules = tuple(rule for rule in last.shaped.rules if names.issuperset(rule.fields)) if last else ()
    subject = last.shaped.subject_name if last else None
    shape = Shape(tuple(made), rules, subject if subject in names else None)
    try:
        shape.verify()
    except BadShape as bad:
        raise refuse(bad.field or "fields", str(bad)) from bad
    return shape
