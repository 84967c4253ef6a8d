"""Messages and hand-made topics from .csv and .csv.gz, whatever their columns are called among the usual names."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from citybrain.hub.hotline.reading.errors import BadMessages
from citybrain.hub.hotline.reading.labelled import MOST_FIELD, decoded
from citybrain.hub.hotline.topics.terms import Message

COLUMNS: Final = {
    "id": ("id", "key", "number", "编号", "留言编号", "工单编号", "序号"),
    "person": ("user", "person", "caller", "phone", "user_id", "用户", "留言用户", "来电人", "电话"),
    "title": ("title", "subject", "标题", "主题", "留言主题"),
    "text": ("text", "content", "message", "body", "内容", "留言详情", "详情", "诉求内容"),
    "at": ("time", "date", "at", "received_at", "created", "时间", "日期", "留言时间", "来电时间"),
    "topic": ("topic", "label", "cluster", "问题", "热点", "问题id"),
}
_NUMBERS = re.compile(r"\d+")


def columns(header: Sequence[str]) -> dict[str, str]:
    """Return which of a file's columns holds what; what isn't there is left out."""
    plain = {name.strip().lower(): name for name in header}
    found = {
        what: next((plain[one] for one in names if one in plain), None) for what, names in COLUMNS.items()
    }
    return {what: name for what, name in found.items() if name is not None}


def read_messages(path: Path) -> list[Message]:
    """Return a file's messages in the order of their times; one without a time stays after the one before it.

    Needs a column of texts or titles. Without one of ids the number of the row, from 1, is the id; without one of
    people each message is a person's of its own, near-copies alone are one's. Raises `BadMessages`.
    """
    rows, held = _rows(path)
    if "text" not in held and "title" not in held:
        have = ", ".join(held.values()) or "none it knows"
        raise BadMessages(f"{path}: no column text or title; of its columns it knows: {have}")
    told, before = [], float("-inf")
    for number, row in enumerate(rows, 1):
        at = seconds(_cell(row, held, "at"))
        before = at if at is not None else before
        message = Message(
            key=_cell(row, held, "id") or str(number),
            title=_cell(row, held, "title"),
            text=_cell(row, held, "text"),
            person=_cell(row, held, "person"),
            at=at,
        )
        told.append((before, number, message))
    if not told:
        raise BadMessages(f"{path}: no row with a message")
    return [message for _, _, message in sorted(told, key=lambda one: one[:2])]


def read_gold(path: Path) -> dict[str, str]:
    """Return the topic of each message that a person gave one; rows without one are left out. Raises `BadMessages`."""
    rows, held = _rows(path)
    missing = [name for name in ("id", "topic") if name not in held]
    if missing:
        raise BadMessages(
            f"{path}: no column {' and '.join(missing)}; a row says which message has which topic"
        )
    told = {_cell(row, held, "id"): _cell(row, held, "topic") for row in rows}
    told = {key: topic for key, topic in told.items() if key and topic}
    if not told:
        raise BadMessages(f"{path}: no row with an id and a topic")
    return told


def seconds(text: str) -> float | None:
    """Return a written time as seconds since 1970, None where it is none; without a zone it counts as UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        parts = [int(one) for one in _NUMBERS.findall(text)[:6]]
        try:
            at = datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]
        except (TypeError, ValueError, OverflowError):
            return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _rows(path: Path) -> tuple[list[dict[str, str]], dict[str, str]]:
    csv.field_size_limit(MOST_FIELD)
    try:
        table = csv.DictReader(io.StringIO(decoded(path).replace("\0", ""), newline=""))
        return list(table), columns(table.fieldnames or ())
    except csv.Error as error:
        raise BadMessages(f"{path}: no table: {error}") from error


def _cell(row: dict[str, str], held: dict[str, str], what: str) -> str:
    return (row.get(held.get(what, "")) or "").strip()
