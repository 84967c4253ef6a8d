"""Numbers that tell who somebody is: papers by their check digit, cards, telephones, the speaker's own car and door.

A number that only looks long (a meter's, an order's) stays: the work may need it. So does the plate of another car and
the door where the trouble is; the speaker's own door goes where they asked to stay unknown.
"""

import re
from collections.abc import Callable
from typing import Final

PHONE: Final = "（电话已隐去）"
PAPER: Final = "（证件号已隐去）"
ADDRESS: Final = "（邮箱已隐去）"
ACCOUNT: Final = "（账号已隐去）"
PLATE: Final = "（车牌已隐去）"
DOOR: Final = "（门牌已隐去）"

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
_PROVINCES: Final = frozenset(
    map(
        str,
        (
            *range(11, 16),
            *range(21, 24),
            *range(31, 38),
            *range(41, 47),
            *range(50, 55),
            *range(61, 66),
            71,
            81,
            82,
        ),
    )
) | {"83", "91"}
_GAP: Final = r"[ \t.\-·—]?"
_LONG: Final = re.compile(rf"(?<![0-9A-Za-z])[0-9](?:{_GAP}[0-9]){{11,18}}[Xx]?(?![0-9A-Za-z])")
_CARD_BEFORE: Final = re.compile(r"(?:卡号|银行卡|账号|帐号|账户|帐户|存折)[^0-9，。；\n]{0,12}$")
_PAPER_BEFORE: Final = re.compile(r"(?:身份证|证件|公民身份|居住证|社保)[^0-9，。；\n]{0,12}$")
_RULES: Final = (
    (PHONE, re.compile(rf"(?<![0-9])(?:\+?86{_GAP})?1{_GAP}[3-9](?:{_GAP}[0-9]){{9}}(?![0-9])")),
    (PHONE, re.compile(r"(?<![0-9])0[0-9]{2,3}[ \-]?[2-9][0-9]{6,7}(?![0-9])")),
    (PHONE, re.compile(r"(?<=电话)[：:是为 ]{0,3}[0-9]{7,8}(?![0-9])")),
    (PHONE, re.compile(r"[一幺][零〇一二三四五六七八九幺]{10}")),
    (ADDRESS, re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,64}(?:\.[A-Za-z0-9\-]{1,64}){1,4}")),
    (ACCOUNT, re.compile(r"(?:微信|QQ|qq)号?[：:是为 ]{0,3}[A-Za-z0-9_\-]{5,20}")),
    (
        PAPER,
        re.compile(
            r"(?:护照|通行证|军官证)号?(?:码)?[：:是为 ]{0,3}[A-Za-z\u4e00-\u9fff]?字?第?[A-Za-z0-9]{7,10}号?"
        ),
    ),
)
_OWN_PLATE: Final = re.compile(
    r"(?P<lead>(?:我|本人|自己|我家|我们家)(?:的)?(?:小|轿|私家|汽|货|面包|电动|摩托)?车(?:辆)?(?:的)?(?:车牌|牌照|车号)?(?:号码|号)?"
    r"(?:[：:是为，, （(]{0,3}))"
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z]·?[A-Za-z0-9]{4,5}[A-Za-z0-9挂学警港澳]"
)
_OWN_DOOR: Final = re.compile(
    r"(?P<lead>(?:我家(?!庭)|我们家|本人家|家庭住址|家住|我住|我们住|本人住|现住|住址|现居|居住地址|联系地址|我是|我们是|本人是)"
    r"[^，。；！？\n0-9]{0,30}?)"
    r"(?P<door>(?:[0-9]{1,5}[A-Za-z]?|[A-Za-z][0-9]{0,4}|[一二三四五六七八九十]{1,3}(?=栋|幢|号|单元))"
    r"(?:号楼|栋|幢|座|号院|号(?!文|令|公告|线)|单元|门|室|房|-|－|—)"
    r"(?:[0-9A-Za-z一二三四五六七八九十]{1,5}(?:号楼|栋|幢|座|楼|单元|门|层|梯|室|房|户|号|-|－|—)?){0,4})"
)


def paper_holds(digits: str) -> bool:
    """Return whether 18 characters are a citizen's number: a province, and a day of birth or the check character.

    Either of the two: a slip of the pen leaves a number that still tells who it is. Source: GB 11643.
    """
    if len(digits) != 18 or digits[:2] not in _PROVINCES or not digits[:17].isdigit():
        return False
    year, month, day = int(digits[6:10]), int(digits[10:12]), int(digits[12:14])
    born = 1900 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= 31
    return born or check_holds(digits)


def check_holds(digits: str) -> bool:
    """Return whether the last of 18 characters is the check character of the others (ISO 7064, MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(digits[:17], _WEIGHTS, strict=True))
    return _CHECKS[total % 11] == digits[17].upper()


def card_holds(digits: str) -> bool:
    """Return whether the last digit is the check digit of a card's number (ISO/IEC 7812, the formula of Luhn)."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        worth = int(digit) * (1 + at % 2)
        total += worth - 9 if worth > 9 else worth
    return total % 10 == 0


def _is_card(digits: str) -> bool:
    """Return whether a long number is a card's: UnionPay's by how it begins, others by their check digit."""
    if not digits.isdigit() or not 16 <= len(digits) <= 19:
        return False
    return digits.startswith("62") or (digits[0] in "345" and card_holds(digits))


def hide(text: str, *, door: bool = False) -> str:
    """Return a text without such numbers. `door`: the speaker's own door goes, too."""
    found = _LONG.sub(_of(text), text)
    for mark, rule in _RULES:
        found = rule.sub(mark, found)
    found = _OWN_PLATE.sub(lambda hit: f"{hit['lead']}{PLATE}", found)
    return _OWN_DOOR.sub(lambda hit: f"{hit['lead']}{DOOR}", found) if door else found


def _of(text: str) -> Callable[[re.Match[str]], str]:
    def mark(hit: re.Match[str]) -> str:
        digits = re.sub(r"[^0-9Xx]", "", hit[0])
        before = text[max(0, hit.start() - 20) : hit.start()]
        if _CARD_BEFORE.search(before):
            return ACCOUNT
        if _PAPER_BEFORE.search(before) and len(digits) >= 15:
            return PAPER
        if paper_holds(digits):
            return PAPER
        return ACCOUNT if _is_card(digits) else hit[0]

    return mark
