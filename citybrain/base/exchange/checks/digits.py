"""Check digits as expressions: 公民身份号码, 统一社会信用代码, 组织机构代码. True where the number is right.

Only `substr`, `ascii` and arithmetic: every engine agrees on them. Texts come trimmed and in capitals.
"""

from typing import Any, Final

import ibis

ID_FORM: Final = r"^[1-9][0-9]{16}[0-9X]$"
CREDIT_FORM: Final = r"^[0-9A-HJ-NPQRTUWXY]{18}$"
ORGANISATION_FORM: Final = r"^[0-9A-Z]{8}[0-9X]$"
ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ZERO, CAPITAL, X = 48, 55, 88  # "0"; "A" less 10; "X"


def code_at(text: Any, position: int) -> Any:
    """Return the ASCII code of a letter, from 0."""
    return text.substr(position, 1).ascii_str()


def _sum(parts: list[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def number_of(text: Any) -> Any:
    """Return the first 17 digits of a text in the form of a person's number, as a whole number; else null."""
    return ibis.ifelse(text.re_search(ID_FORM), text.substr(0, 17), ibis.null("string")).try_cast("int64")


def gb11643(text: Any, number: Any) -> Any:
    """GB 11643-1999: 17 digits and a check digit by ISO 7064 MOD 11-2, with a day of birth that exists.

    Without taking the digits apart: of n mod 10^k, modulo 11, the k-th digit from the right is (-1)^(k-1) times the
    difference to n mod 10^(k-1), for 10 is -1 modulo 11. A column divided twice beats seventeen substrings fourfold.
    `number` is `number_of(text)`, best a column of its own; null where the text has another form.
    """
    parts = []
    for k in range(1, 18):
        weight, following = _signed(k), _signed(k + 1) if k < 17 else 0
        rest = number if k == 17 else number % 10**k
        parts.append((rest % 11) * ((weight - following) % 11))
    last = code_at(text, 17)
    check = ibis.ifelse(last == X, 10, last - ZERO)
    return ((_sum(parts) + check) % 11 == 1) & _born(number)


def _signed(k: int) -> int:
    """Return the weight of the k-th digit from the right with the sign of its power of ten modulo 11."""
    weight = ID_WEIGHTS[17 - k]
    return weight if k % 2 else -weight


def _born(number: Any) -> Any:
    """Whether the digits 7 to 14 are a day of the calendar from 1850 to 2199."""
    rest = number % 10**11
    day = rest % 10**5 - rest % 10**3
    month = rest % 10**7 - rest % 10**5
    year = rest - rest % 10**7
    m, y = 10**5, 10**7  # a month, a year; a day is 1000
    leap = ((year % (4 * y)) == 0) & (((year % (100 * y)) != 0) | ((year % (400 * y)) == 0))
    short = month.isin([4 * m, 6 * m, 9 * m, 11 * m])
    longest = ibis.cases((month == 2 * m, ibis.ifelse(leap, 29_000, 28_000)), (short, 30_000), else_=31_000)
    return year.between(1850 * y, 2199 * y) & month.between(m, 12 * m) & (day >= 1000) & (day <= longest)


def gb32100(text: Any, number: Any = None) -> Any:
    """GB 32100-2015: 18 signs of 31 (no I O S V Z); weights are powers of 3 modulo 31."""
    values = [_credit_value(text, i) * pow(3, i, 31) for i in range(17)]
    right = ((_sum(values) + _credit_value(text, 17)) % 31) == 0
    return ibis.ifelse(text.re_search(CREDIT_FORM), right, False)


def _credit_value(text: Any, position: int) -> Any:
    return ibis.literal(CREDIT_LETTERS).find(text.substr(position, 1))


def gb11714(text: Any, number: Any = None) -> Any:
    """GB 11714-1997: 8 signs and a check digit, X for 10, 0 for 11."""
    values = []
    for i, weight in enumerate(ORGANISATION_WEIGHTS):
        code = code_at(text, i)
        values.append(ibis.ifelse(code > 57, code - CAPITAL, code - ZERO) * weight)
    last = code_at(text, 8)
    check = ibis.ifelse(last == X, 10, last - ZERO)
    right = ((_sum(values) + check) % 11) == 0
    return ibis.ifelse(text.re_search(ORGANISATION_FORM), right, False)


CHECKS: Final = {"gb11643": gb11643, "gb32100": gb32100, "gb11714": gb11714}
