"""Calls as the door commits them: one body per grant and group. Pure.

A body is the length of a JSON head, the head, then the tokens (16 bytes each) of all calls. The head has the
`what`s (data set, version, mode, fields … said once) and a line per call: [at, what, rows, tokens].
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from citybrain.base.exchange.delivery.keyed import Tokens, hash_few

_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class What:
    """What a call was about. `asked` names fields and comparisons of a filter, never their values."""

    agency_id: int
    number: str
    dataset: str
    version: int
    mode: str
    fields: tuple[str, ...]
    key_id: int
    kind: str
    asked: tuple[tuple[str, str], ...] = ()
    since: int | None = None

    def to_json(self) -> list[Any]:
        return [
            self.agency_id, self.number, self.dataset, self.version, self.mode, self.fields, self.key_id,
            self.kind, self.asked, self.since,
        ]  # fmt: skip

    @staticmethod
    def from_json(data: Sequence[Any]) -> "What":
        agency, number, dataset, version, mode, fields, key_id, kind, asked, since = data
        pairs = tuple((field, op) for field, op in asked)
        return What(agency, number, dataset, version, mode, tuple(fields), key_id, kind, pairs, since)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: when (µs since 1970), what, how many rows, and whose: texts that are kept as tokens only."""

    at: int
    what: What
    rows: int
    whose: tuple[str, ...]


def pack(calls: Iterable[Call], secret: Callable[[What], bytes]) -> bytes:
    """Return calls as one body; `secret` tells the key their texts are hashed with."""
    whats: dict[What, int] = {}
    lines: list[list[int]] = []
    texts: dict[bytes, list[str]] = {}
    order: list[bytes] = []
    for call in calls:
        lines.append([call.at, whats.setdefault(call.what, len(whats)), call.rows, len(call.whose)])
        if call.whose:
            key = secret(call.what)
            texts.setdefault(key, []).extend(call.whose)
            order += [key] * len(call.whose)
    tokens = {key: iter(hash_few(some, key)) for key, some in texts.items()}
    head = orjson.dumps({"what": [what.to_json() for what in whats], "calls": lines})
    return _LENGTH.pack(len(head)) + head + b"".join([next(tokens[key]) for key in order])


def unpack(body: bytes) -> list[tuple[int, What, int, Tokens]]:
    """Return (at, what, rows, tokens) per call, in their order."""
    (length,) = _LENGTH.unpack_from(body)
    head = orjson.loads(body[_LENGTH.size : _LENGTH.size + length])
    tokens = np.frombuffer(body, ">u8", -1, _LENGTH.size + length).reshape(-1, 2).astype(np.uint64)
    whats = [What.from_json(one) for one in head["what"]]
    found, start = [], 0
    for at, what, rows, count in head["calls"]:
        found.append((at, whats[what], rows, tokens[start : start + count]))
        start += count
    return found
