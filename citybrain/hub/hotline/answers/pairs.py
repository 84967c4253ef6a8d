"""Messages with their official replies, from .csv and .csv.gz: `text` and `reply`, with `title` where it is there."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from citybrain.hub.hotline.answers.substance import substance
from citybrain.hub.hotline.reading.errors import BadMessages
from citybrain.hub.hotline.reading.labelled import GROUP, MOST_FIELD, decoded
from citybrain.hub.hotline.reading.normal import normalise

FEWEST = 2  # replies that can be told apart


@dataclass(frozen=True)
class Told:
    """A message: what the person wrote above it ("" where there is nothing), and what they wrote."""

    title: str
    text: str

    @property
    def whole(self) -> str:
        return f"{self.title} {self.text}"

    @property
    def heading(self) -> str:
        """Return the title, the first 40 characters where there is none."""
        return self.title.strip() or self.text.strip()[:40]


@dataclass(frozen=True)
class Pairs:
    """Messages and what the city answered to each, title and greeting taken out; "" in `groups`: no group given."""

    messages: list[Told]
    replies: list[str]
    groups: list[str]
    without_message: int = 0
    without_reply: int = 0

    def __len__(self) -> int:
        return len(self.messages)


def paired(rows: Sequence[tuple[str, str, str, str]]) -> Pairs:
    """Return the pairs of rows of title, text, reply and group; rows without words on either side are counted only."""
    found = Pairs([], [], [])
    no_message = no_reply = 0
    for title, text, reply, group in rows:
        if normalise(f"{title} {text}").reason:
            no_message += 1
        elif normalise(reply).reason:
            no_reply += 1
        else:
            found.messages.append(Told(title, text))
            found.replies.append(substance(reply, title))
            found.groups.append(group)
    return Pairs(found.messages, found.replies, found.groups, no_message, no_reply)


def read_pairs(path: Path) -> Pairs:
    """Return the messages and replies of a file.

    Raises `BadMessages` where it can't be read, lacks a column or holds too few messages with a reply.
    """
    csv.field_size_limit(MOST_FIELD)
    try:
        rows = csv.DictReader(io.StringIO(decoded(path).replace("\0", ""), newline=""))
        header = [name.strip() for name in rows.fieldnames or ()]
        missing = [name for name in ("text", "reply") if name not in header]
        if missing:
            have = ", ".join(header) or "none"
            raise BadMessages(f"{path}: no column {' and '.join(missing)}; its columns are: {have}")
        rows.fieldnames = header
        told = paired([_cells(row) for row in rows])
    except csv.Error as error:
        raise BadMessages(f"{path}: no table after line {rows.line_num}: {error}") from error
    if len(told) < FEWEST:
        raise BadMessages(
            f"{path}: {len(told)} messages with a reply ({told.without_message} rows without a message, "
            f"{told.without_reply} without a reply); at least {FEWEST} are needed"
        )
    return told


def _cells(row: dict[str, str]) -> tuple[str, str, str, str]:
    return (row.get("title") or "", row["text"] or "", row["reply"] or "", (row.get(GROUP) or "").strip())
