"""Columns of text made at once: numbers with leading zeros, check digits, times.

Source of the digits: GB 11643, GB 32100, GB 11714, ISO 7064.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ORG_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
ORG_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
USCC_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
ID_CHECKS = np.array(list("10X98765432"))


def joined(*parts: Any) -> Array:
    """Return the texts of several columns (or single texts) put together row by row."""
    whole = np.asarray(parts[0], dtype=np.str_)
    for part in parts[1:]:
        whole = np.strings.add(whole, np.asarray(part, dtype=np.str_))
    return whole


def zeros(numbers: Array, width: int) -> Array:
    """Return whole numbers as text of at least `width` digits."""
    return np.strings.zfill(np.asarray(numbers).astype(np.str_), width)


def numbered(prefix: str, count: int, width: int, start: int = 1) -> Array:
    """Return prefix + running number: K000001, K000002 …"""
    return joined(prefix, zeros(np.arange(start, start + count), width))


def values_of(texts: Array, signs: str) -> Array:
    """Return the place of each letter in `signs`, a row per text; all texts are of one length."""
    length = int(np.strings.str_len(texts).max()) if len(texts) else 1
    plain = np.ascontiguousarray(texts.astype(f"U{length}"))
    places = np.zeros(128, dtype=np.int64)
    places[[ord(sign) for sign in signs]] = np.arange(len(signs))
    return np.asarray(places[plain.view(np.uint32).reshape(len(plain), length)])


def days_text(days: Array) -> Array:
    """Return dates as YYYYMMDD."""
    return np.strings.replace(np.datetime_as_string(days.astype("datetime64[D]")), "-", "")


def identity_numbers(region: str, births: Array, male: Array) -> Array:
    """Return 18-digit numbers with right check digits, none twice: the order number counts within a day and sex."""
    count = len(births)
    order = np.lexsort((male, births))
    groups = births[order].astype(np.int64) * 2 + male[order]
    starts = (
        np.concatenate([[0], np.flatnonzero(np.diff(groups)) + 1]) if count else np.zeros(0, dtype=np.int64)
    )
    lengths = np.diff(np.concatenate([starts, [count]]))
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count) - np.repeat(starts, lengths)
    if count and rank.max() >= 499:
        raise ValueError("more than 499 births of one sex on one day: make a smaller population")
    body = joined(region, days_text(births), zeros(rank * 2 + 1 + ~male.astype(bool), 3))
    total = values_of(body, "0123456789") @ ID_WEIGHTS % 11
    return joined(body, ID_CHECKS[total])


def organisation_codes(numbers: Array) -> Array:
    """Return nine signs: eight digits and the check digit of GB 11714."""
    body = zeros(numbers, 8)
    rest = 11 - values_of(body, ORG_SIGNS) @ ORG_WEIGHTS % 11
    signs = np.where(rest == 10, "X", np.where(rest == 11, "0", rest.astype(np.str_)))
    return joined(body, signs)


def credit_codes(kind: str, region: str, numbers: Array) -> Array:
    """Return unified social credit codes (GB 32100): kind of body, region, organisation code, check digit.

    Source: GB 32100-2015; letters I, O, S, V, Z don't occur, so the organisation code's X may.
    """
    body = joined(kind, region, organisation_codes(numbers))
    rest = (31 - values_of(body, USCC_SIGNS) @ USCC_WEIGHTS % 31) % 31
    return joined(body, np.array(list(USCC_SIGNS))[rest])


def certificate_check(body: str) -> str:
    """Return the check sign of an electronic certificate's number: ISO 7064 MOD 37,36."""
    rest = 36
    for sign in body:
        rest = (rest + ORG_SIGNS.index(sign)) % 36 or 36
        rest = rest * 2 % 37
    return ORG_SIGNS[(37 - rest) % 36]


def points(spots: Array) -> Array:
    """Return WKT points of longitudes and latitudes (n × 2)."""
    lon, lat = np.round(spots, 6).astype(np.str_).T
    return joined("POINT (", lon, " ", lat, ")")
