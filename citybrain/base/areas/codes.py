"""Area codes: digits in groups of 2, 2, 2, 3, 3, 3 (province, city, district, street, community, grid).

Source: GB/T 2260 (six digits), GB/T 10114 (nine), the statistical bureau's twelve digits; the last three for a
grid are our choice, no national standard found.
"""

from django.utils.translation import gettext as _

from citybrain.base.areas.models import CODE_LENGTHS, Kind, Level

_LEVEL_BY_LENGTH = {
    2: Level.CITY,
    4: Level.CITY,
    6: Level.DISTRICT,
    9: Level.STREET,
    12: Level.COMMUNITY,
    15: Level.GRID,
}
_TAILS = ((15, 12), (12, 9), (9, 6), (6, 4), (4, 2))


class BadCode(ValueError):
    """Text that can't be an area's code; the message says why, in the reader's language."""


def normalise(text: str) -> str:
    """Return the code without blanks, a spreadsheet's ".0" and groups of padding zeros.

    "120101000000" is district "120101", "120000" city "12".

    Raises BadCode for anything but digits, a length that no level has, or an impossible province.
    """
    code = text.strip().removesuffix(".0").replace(" ", "")
    if not code:
        raise BadCode(_("代码为空。"))
    if not (code.isascii() and code.isdigit()):
        raise BadCode(_("代码“%(code)s”只能由数字组成。") % {"code": _visible(text.strip())})
    if len(code) not in CODE_LENGTHS:
        raise BadCode(
            _("代码“%(code)s”有 %(digits)d 位，应为 2、4、6、9、12 或 15 位。")
            % {"code": code, "digits": len(code)}
        )
    if code[0] == "0":
        raise BadCode(_("代码“%(code)s”以 0 开头，没有这样的省级代码。") % {"code": code})
    for whole, shorter in _TAILS:
        if len(code) == whole and not code[shorter:].strip("0"):
            code = code[:shorter]
    return code


def _visible(text: str) -> str:
    """Return the beginning of a text, control characters written out."""
    return repr(text[:40])[1:-1]


def level_of(code: str) -> Level:
    """Return the level that the code's length stands for."""
    return _LEVEL_BY_LENGTH[len(code)]


def likely_parents(code: str) -> list[str]:
    """Return the codes that could be its parent's where none is given, nearest first.

    Only a street of a city without districts (digits five and six are 00: 东莞's 441900003) skips a level.
    """
    whole = len(code)
    lengths = {6: (4, 2), 9: (6, 4, 2) if code[4:6] == "00" else (6,), 12: (9,), 15: (12,)}.get(whole, ())
    return [code[:length] for length in lengths]


_SUFFIX_KINDS: dict[Level, tuple[tuple[str, Kind], ...]] = {
    Level.DISTRICT: (
        ("县", Kind.COUNTY),
        ("旗", Kind.BANNER),
        ("市", Kind.COUNTY_CITY),
        ("开发区", Kind.ZONE),
        ("园区", Kind.ZONE),
        ("新区", Kind.DISTRICT),
    ),
    Level.STREET: (
        ("街道", Kind.SUBDISTRICT),
        ("街道办事处", Kind.SUBDISTRICT),
        ("镇", Kind.TOWN),
        ("乡", Kind.TOWNSHIP),
        ("苏木", Kind.TOWNSHIP),
    ),
    Level.COMMUNITY: (
        ("村委会", Kind.VILLAGE),
        ("村民委员会", Kind.VILLAGE),
        ("村", Kind.VILLAGE),
        ("嘎查", Kind.VILLAGE),
    ),
}
_PLAIN_KINDS = {
    Level.CITY: Kind.PREFECTURE,
    Level.DISTRICT: Kind.DISTRICT,
    Level.STREET: Kind.ZONE,
    Level.COMMUNITY: Kind.COMMUNITY,
    Level.GRID: Kind.GRID,
}


def kind_from_name(code: str, name: str, level: Level) -> Kind:
    """Return the sort of area its name tells of; a street with no known ending is a zone (开发区)."""
    if level == Level.CITY:
        if len(code) == 2:
            return Kind.MUNICIPALITY
        return Kind.COUNTY_CITY if len(code) == 6 else Kind.PREFECTURE
    for suffix, kind in _SUFFIX_KINDS.get(level, ()):
        if name.endswith(suffix):
            return kind
    return _PLAIN_KINDS[level]
