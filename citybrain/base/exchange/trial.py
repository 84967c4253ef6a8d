"""Trying a source (测试连接): is it there, may we in, what columns has it, and do they fit. Nothing is stored."""

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
import sqlalchemy as sa
from django.utils.translation import gettext as _

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange import telling
from citybrain.base.exchange.mapping import match
from citybrain.base.exchange.models import Source
from citybrain.base.exchange.models.intake import SOURCES
from citybrain.base.exchange.reading import Options, Unreadable, read
from citybrain.base.exchange.reading.report import REASONS
from citybrain.base.exchange.sealing import opened
from citybrain.base.exchange.sources import SourceError, folders, interfaces, tables
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused

READ_MOST: Final = 30_000_000  # bytes of a file whose columns are looked at
LISTED_MOST: Final = 10_000
SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. `text` says it to the reader, `detail` is the other side's own answer, without secrets.

    `columns`: those seen; `fields`: (field, column or empty) of the set; `lacking`: needed fields without a column.
    """

    ok: bool
    text: str
    detail: str = ""
    columns: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    lacking: tuple[str, ...] = ()


class _Failed(Exception):
    def __init__(self, text: str, detail: str = "") -> None:
        super().__init__(text)
        self.text, self.detail = text, detail


def try_source(actor: Actor, source: Source, shape: Shape, *, client: httpx.Client | None = None) -> Trial:
    """Return what a source, saved or not, answers now. At most `SECONDS` a step. Raises Forbidden."""
    require(actor, SOURCES, source.guard())
    kinds: dict[str, Callable[[Source], tuple[str, Sequence[str]]]] = {
        "folder": _folder,
        "sql": _table,
        "http": lambda one: _interface(one, client),
    }
    found = kinds.get(source.kind)
    if found is None:
        return Trial(True, _("此来源由提供方送来数据，无需测试连接。"))
    try:
        telling.verify(source.kind, source.settings)
        text, columns = found(source)
    except Refused as refused:
        return Trial(False, str(refused))
    except _Failed as failed:
        return Trial(False, failed.text, _without(source, failed.detail))
    except (OSError, ValueError) as bad:
        return Trial(False, _("没有连上。"), _without(source, str(bad)))
    return _fitted(Trial(True, text, columns=tuple(columns)), shape, source.mapping)


def _without(source: Source, detail: str) -> str:
    """Return an answer of the other side without the source's secret in it."""
    try:
        secret = opened(source.secret)
    except ValueError:
        secret = ""
    return (detail.replace(secret, "***") if secret else detail)[:400]


def _fitted(trial: Trial, shape: Shape, told: Mapping[str, str]) -> Trial:
    """Say which columns hold which fields; columns not seen (an empty folder) say nothing."""
    if not trial.columns:
        return trial
    mapping = match(trial.columns, shape, told)
    lacking = [one.zh for one in shape.fields if (one.key or one.required) and one.name not in mapping]
    return replace(
        trial,
        fields=tuple((one.name, mapping.get(one.name, "")) for one in shape.fields),
        lacking=tuple(lacking),
    )


def _folder(source: Source) -> tuple[str, Sequence[str]]:
    told = source.settings
    try:
        files = sorted(
            (path for _place, path in zip(range(LISTED_MOST), folders.fitting(source), strict=False)),
            key=lambda path: path.stat().st_mtime,
        )
    except SourceError as bad:
        text = _("服务器上没有文件夹 %(folder)s，或不允许读取，请先建立、开放或改正路径。")
        raise _Failed(text % {"folder": told.get("folder", "")}, str(bad)) from bad
    pattern = str(told.get("pattern") or "*")
    if not files:
        text = _("文件夹可以读取，目前没有符合“%(pattern)s”的文件。")
        return text % {"pattern": pattern}, ()
    text = _("文件夹可以读取，有 %(count)s 个符合“%(pattern)s”的文件，最早的是 %(name)s。")
    return text % {"count": len(files), "pattern": pattern, "name": files[0].name}, _columns(files[0], told)


def _columns(path: Path, told: Mapping[str, Any]) -> tuple[str, ...]:
    if path.stat().st_size > READ_MOST:
        return ()
    options = Options(
        encoding=told.get("encoding", ""), delimiter=told.get("delimiter", ""), sheet=told.get("sheet", ""),
        header_row=told.get("header_row"),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="citybrain-try-") as work:
        try:
            return tuple(read(path, Path(work), name=path.name, options=options).names)
        except Unreadable as bad:
            why = str(REASONS[bad.key]) % bad.params
            raise _Failed(_("文件 %(name)s 读不出来：%(why)s") % {"name": path.name, "why": why}) from bad


def _table(source: Source) -> tuple[str, Sequence[str]]:
    told = source.settings
    try:
        names = tables.columns(source, SECONDS)
    except SourceError as bad:
        raise _Failed(_unread(bad, told), str(bad)) from bad
    since = str(told.get("since_column") or "")
    if since and since not in names:
        raise _Failed(_("表里没有增量列“%(name)s”。") % {"name": since})
    text = _("连接成功：“%(table)s”有 %(count)s 列，可以读取。")
    return text % {"table": told["table"], "count": len(names)}, names


def _unread(bad: SourceError, told: Mapping[str, Any]) -> str:
    if isinstance(bad.__cause__, sa.exc.NoSuchTableError):
        return _("已连上数据库，但没有表或视图“%(table)s”。") % {"table": told["table"]}
    since = str(told.get("since_column") or "")
    if since and f"no column {since}" in str(bad):
        return _("表里没有增量列“%(name)s”。") % {"name": since}
    return _("没有连上数据库，请检查主机、端口、库名、用户名和密码。")


def _interface(source: Source, client: httpx.Client | None) -> tuple[str, Sequence[str]]:
    try:
        rows = interfaces.first_page(source, SECONDS, client)
    except SourceError as bad:
        raise _Failed(_refused(str(bad)), str(bad)) from bad
    if not rows:
        return _("接口可以访问，目前没有数据。"), ()
    if not isinstance(rows[0], dict):
        raise _Failed(_("接口有应答，但每行不是“名称：值”的对象。"))
    text = _("接口可以访问，第一页有 %(count)s 行。")
    return text % {"count": len(rows)}, list(dict.fromkeys(name for row in rows[:50] for name in row))


def _refused(told: str) -> str:
    """Return what an interface's answer means for who sets it up."""
    status = re.search(r"answers (\d{3})", told)
    if status and status[1] in {"401", "403"}:
        return _("接口拒绝访问（%(status)s），请检查密钥和请求头。") % {"status": status[1]}
    if status and status[1] == "404":
        return _("接口地址不存在（404），请检查地址。")
    if status:
        return _("接口应答出错（%(status)s）。") % {"status": status[1]}
    if "isn't JSON" in told:
        return _("接口有应答，但内容不是 JSON。")
    if "no answer" in told or "CITYBRAIN_SOURCE_HOSTS" in told:
        return _("没有连上接口，请检查地址和网络。")
    return _("接口应答与设置不符，请检查行所在位置和翻页方式。")
