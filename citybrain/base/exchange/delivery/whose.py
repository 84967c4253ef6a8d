"""Whose rows left in bulk: the keys of millions of rows as the numbers a receipt keeps."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citybrain.base.exchange.delivery import keyed, subjects
from citybrain.base.exchange.delivery.keyed import Tokens, Whole
from citybrain.base.exchange.models import SetKind
from citybrain.base.lake.serving import SEPARATOR


def tokens_of(texts: Any, key: bytes) -> Tokens:
    """Return the tokens of an Arrow array of texts; empty ones are left out."""
    kept = pc.drop_null(pc.cast(texts, pa.string()))
    if isinstance(kept, pa.ChunkedArray):
        parts = [tokens_of(chunk, key) for chunk in kept.chunks]
        return np.concatenate(parts) if parts else np.zeros((0, 2), np.uint64)
    if not len(kept):
        return np.zeros((0, 2), np.uint64)
    _, offsets, data = kept.buffers()
    ends = np.frombuffer(offsets, np.int32, len(kept) + 1, kept.offset * 4).astype(np.int64)
    return keyed.hash_joined(data[int(ends[0]) : int(ends[-1])] if data else b"", np.diff(ends), key)


def _subjects(batch: Any) -> Any:
    return pc.utf8_upper(pc.utf8_trim_whitespace(pc.cast(batch.column(0), pa.string())))


def _text(column: Any) -> Any:
    """Return a column as texts. Of times and numbers each different one is written once: writing them is dear."""
    if pa.types.is_string(column.type):
        return column
    coded = column.dictionary_encode()
    return pc.cast(coded.dictionary, pa.string()).take(coded.indices)


def _keys(batch: Any) -> Any:
    columns = [pc.fill_null(_text(column), "") for column in batch.columns]
    return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, SEPARATOR)


def members(batches: Iterable[Any], kind: str, dataset: str) -> Whole:
    """Return the distinct, rising numbers of the rows of record batches.

    For people the first column is the identity number, otherwise the columns are the key's.
    """
    if kind == SetKind.SUBJECT:
        secret, text = keyed.site_key(subjects.PURPOSE), _subjects
    else:
        secret, text = keyed.site_key(f"exchange.keys.{dataset}"), _keys
    parts: Sequence[Tokens] = [tokens_of(text(batch), secret) for batch in batches]
    tokens = np.concatenate(parts) if parts else np.zeros((0, 2), np.uint64)
    if kind == SetKind.SUBJECT:
        return keyed.rising(subjects.ordinals(tokens))
    return keyed.rising(tokens[:, 0])
