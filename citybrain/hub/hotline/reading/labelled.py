"""Labelled messages from .csv and .csv.gz: columns `text` (with `title` where there is one) or `seg`, and `label`."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from citybrain.hub.hotline.reading.errors import BadMessages

MOST_FIELD = 10_000_000  # characters of one field; csv's own limit is 131,072
GROUP = "dup_group"


@dataclass(frozen=True)
class Labelled:
    """Messages with their labels, and the group each file gives them ("" where it gives none).

    `unlabelled` rows were left out. A message with a label and without text is kept: it must be answered too.
    """

    messages: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    unlabelled: int = 0

    def __len__(self) -> int:
        return len(self.messages)


def decoded(path: Path) -> str:
    """Return a file's text: UTF-8, with or without a mark, or GB18030."""
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except OSError as error:
        raise BadMessages(f"{path}: can't be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise BadMessages(
            f"{path}: the compressed file is damaged or cut short ({error}); fetch it anew"
        ) from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadMessages(f"{path}: neither UTF-8 nor GB18030; save it as CSV in UTF-8")


def columns_of(path: Path, header: Sequence[str]) -> list[str]:
    """Return the columns that make up a message: title and text, text, or seg."""
    have = ", ".join(header) or "none"
    text = [name for name in ("title", "text") if name in header] if "text" in header else []
    text = text or [name for name in ("seg",) if name in header]
    missing = [*([] if text else ["text (or seg)"]), *([] if "label" in header else ["label"])]
    if missing:
        raise BadMessages(f"{path}: no column {' and '.join(missing)}; its columns are: {have}")
    return text


def read_labelled(path: Path) -> Labelled:
    """Return the messages of a file.

    Raises `BadMessages` where it can't be read, has other columns or holds no labelled message.
    """
    csv.field_size_limit(MOST_FIELD)
    found = Labelled()
    unlabelled = 0
    try:
        rows = csv.DictReader(io.StringIO(decoded(path).replace("\0", ""), newline=""))
        text = columns_of(path, [name.strip() for name in rows.fieldnames or ()])
        rows.fieldnames = [name.strip() for name in rows.fieldnames or ()]
        for row in rows:
            label = (row["label"] or "").strip()
            unlabelled += not label
            if label:
                found.messages.append(" ".join(row[name] or "" for name in text))
                found.labels.append(label)
                found.groups.append((row.get(GROUP) or "").strip())
    except csv.Error as error:
        raise BadMessages(f"{path}: no table after line {rows.line_num}: {error}") from error
    if not found.messages:
        raise BadMessages(f"{path}: no row with a label")
    return Labelled(found.messages, found.labels, found.groups, unlabelled)


def read_all(paths: Iterable[Path]) -> Labelled:
    """Return the messages of several files as one; a group's name counts within its file."""
    every = [(path, read_labelled(path)) for path in paths]
    return Labelled(
        [one for _, held in every for one in held.messages],
        [one for _, held in every for one in held.labels],
        [f"{path} {one}" if one else "" for path, held in every for one in held.groups],
        sum(held.unlabelled for _, held in every),
    )
