"""Masks (脱敏): what is shown of a value that isn't to be shown whole. One table: Python and SQL side by side.

The SQL uses left, right, repeat, length and || only, so that PostgreSQL and DuckDB read the same text; both count
code points, as Python does. An empty value stays empty.

Source: our choice of how much stays, after the examples of GB/T 37964-2019; no length of stars is binding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

STAR: Final = "*"
ADDRESS_KEPT: Final = 6
ADDRESS_STARS: Final = "******"


@dataclass(frozen=True, slots=True)
class Mask:
    """One kind of mask with its names, and what it makes of an example."""

    key: str
    zh: str
    en: str
    show: Callable[[str], str | None]
    sql: Callable[[str], str]
    example: str


def _kept(first: int, last: int, shortest: int) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return both forms of: keep `first` and `last` letters, stars between; all stars below `shortest`."""

    def show(value: str) -> str:
        if len(value) < shortest:
            return STAR * len(value)
        return value[:first] + STAR * (len(value) - first - last) + (value[-last:] if last else "")

    def sql(column: str) -> str:
        parts = [f"left({column}, {first})"] if first else []
        parts.append(f"repeat('{STAR}', CAST(length({column}) - {first + last} AS integer))")
        parts += [f"right({column}, {last})"] if last else []
        whole = f"repeat('{STAR}', CAST(length({column}) AS integer))"
        return f"CASE WHEN length({column}) >= {shortest} THEN {' || '.join(parts)} ELSE {whole} END"

    return show, sql


def _address(value: str) -> str:
    return (value[:ADDRESS_KEPT] if len(value) > ADDRESS_KEPT else "") + ADDRESS_STARS


def _address_sql(column: str) -> str:
    return (
        f"CASE WHEN length({column}) > {ADDRESS_KEPT} THEN left({column}, {ADDRESS_KEPT}) || '{ADDRESS_STARS}'"
        f" WHEN {column} IS NULL THEN NULL ELSE '{ADDRESS_STARS}' END"
    )


def _nothing(_value: str) -> None:
    return None


def _nothing_sql(_column: str) -> str:
    return "CAST(NULL AS varchar)"


MASKS: Final[dict[str, Mask]] = {
    mask.key: mask
    for mask in (
        Mask("idcard", "证件号", "Identity number", *_kept(6, 2, 12), "120198199003072316"),
        Mask("name", "姓名", "Name", *_kept(1, 0, 2), "张小明"),
        Mask("phone", "电话", "Telephone", *_kept(3, 4, 11), "13800138000"),
        Mask("addr", "地址", "Address", _address, _address_sql, "津海市和平区建国街道友谊路12号"),
        Mask("plate", "号牌", "Number plate", *_kept(2, 2, 7), "津A12345"),
        Mask("bank", "银行账号", "Bank account", *_kept(0, 4, 10), "6217000010001234567"),
        Mask("remove", "不提供", "Removed", _nothing, _nothing_sql, "…"),
    )
}


class NoSuchMask(KeyError):
    """A mask of that key isn't known."""


def mask(key: str) -> Mask:
    """Return the mask. Raises NoSuchMask."""
    try:
        return MASKS[key]
    except KeyError as missing:
        raise NoSuchMask(key) from missing


def masked(value: str | None, kind: str) -> str | None:
    """Return what is shown of a value."""
    show = mask(kind).show
    return None if value is None else show(value)


def sql(column: str, kind: str) -> str:
    """Return the SQL expression over a text column (quoted as it must be) that shows what `masked` shows."""
    return mask(kind).sql(column)
