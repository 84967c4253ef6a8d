"""What a unit, a list, a search or a case may read of a message: no markup, no numbers, no names of callers.

The whole message stays with the hotline (`Ticket.text`). Every pass is linear in the length of the text.
"""

import html
import re
from typing import Final

PHONE: Final = "（电话已隐去）"
NAME: Final = "（姓名已隐去）"
PAPER: Final = "（证件号已隐去）"
ADDRESS: Final = "（邮箱已隐去）"
ACCOUNT: Final = "（账号已隐去）"

_WIDE_ZERO: Final = 0xFF10
_WIDE = {_WIDE_ZERO + digit: ord("0") + digit for digit in range(10)} | {0xFF0D: "-", 0x3000: " "}
_WIDE_LETTER = re.compile("[\uff0d\uff10-\uff19\u3000]")
_GAP = r"[ \t.\-·—]?"
_RULES: Final = (
    (PAPER, re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")),
    (ACCOUNT, re.compile(r"(?<![0-9])[0-9]{16,19}(?![0-9])")),
    (PHONE, re.compile(rf"(?<![0-9])(?:\+?86{_GAP})?1{_GAP}[3-9](?:{_GAP}[0-9]){{9}}(?![0-9])")),
    (PHONE, re.compile(r"(?<![0-9])0[0-9]{2,3}[ \-]?[2-9][0-9]{6,7}(?![0-9])")),
    (PHONE, re.compile(r"(?<=电话)[：:是为 ]{0,3}[0-9]{7,8}(?![0-9])")),
    (PHONE, re.compile(r"[一幺][零〇一二三四五六七八九幺]{10}")),
    (ADDRESS, re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,64}(?:\.[A-Za-z0-9\-]{1,64}){1,4}")),
    (ACCOUNT, re.compile(r"(?:微信|QQ|qq)号?[：:是为 ]{0,3}[A-Za-z0-9_\-]{5,20}")),
)
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛范彭郎鲁韦昌马苗"
    "方俞任袁柳鲍史唐费廉岑薛雷贺倪汤罗郝安常于傅齐康伍余元顾孟黄和萧尹姚邵汪祁毛米贝戴宋庞熊纪舒项祝董梁杜"
    "阮蓝季贾江童郭梅林钟徐邱骆高夏蔡田樊胡凌霍万柯卢莫房丁邓洪包石崔吉龚程邢裴陆翁甄储靳段焦侯全班宁仇甘武"
    "刘景龙叶黎白赖卓蒙乔闻党谭申温庄柴阎易文廖曾关游岳丛欧阳司徒上官诸葛肖闫代"
)
_SELF = re.compile(
    r"(?P<lead>我叫|我的名字[是叫]|我名叫|本人姓名|姓名|联系人|来电人|反映人|投诉人|举报人)"
    r"(?P<gap>[：:是为叫 ]{0,3})"
    rf"(?P<name>[{_SURNAMES}][\u4e00-\u9fff·]{{1,2}})"
)
_CALLED = r"(?:先生|女士|小姐|老师|同志|师傅|阿姨|大爷|大妈|叔叔|某某?)"


def strip_markup(text: str) -> str:
    """Return a text without tags, scripts and styles, entities written out; a text without tags as it is."""
    if "<" not in text:
        return html.unescape(text) if "&" in text else text
    lower = text.lower()
    parts: list[str] = []
    place, missing = 0, set()
    while True:
        start = text.find("<", place)
        end = text.find(">", start + 1) if start >= 0 else -1
        if start < 0 or end < 0:
            parts.append(text[place:])
            break
        if not _opens_tag(lower, start):
            parts.append(text[place : start + 1])
            place = start + 1
            continue
        parts.append(text[place:start])
        name = next((one for one in ("script", "style") if lower.startswith(one, start + 1)), "")
        close = lower.find(f"</{name}", end) if name and name not in missing else -1
        if name and close < 0:
            missing.add(name)
        place = close if close > 0 else end + 1
        parts.append(
            "\n" if lower.startswith(("<p", "<br", "<div", "</p", "</div", "<li", "<tr"), start) else ""
        )
    return html.unescape("".join(parts))


def _opens_tag(lower: str, start: int) -> bool:
    after = lower[start + 1 : start + 2]
    return after in {"/", "!"} or ("a" <= after <= "z")


def redact(text: str, *, name: str = "", phone: str = "") -> str:
    """Return a text without telephone and paper numbers, addresses, and the names callers gave of themselves.

    `name` and `phone` are the caller's own, taken out wherever they stand ("李先生" too, where the name is 李…).
    """
    found = text.translate(_WIDE) if _WIDE_LETTER.search(text) else text
    found = _without_number(found, phone)
    for mark, rule in _RULES:
        found = rule.sub(mark, found)
    found = _SELF.sub(lambda hit: f"{hit['lead']}{hit['gap']}{NAME}", found)
    return _without_name(found, name.strip())


def without_contact(text: str, *, name: str, phone: str) -> str:
    """Return a text without one caller's name and number; all other numbers, such as an office's, stay."""
    return _without_name(_without_number(text, phone), name.strip())


def _without_number(text: str, phone: str) -> str:
    digits = re.sub(r"\D", "", phone)
    return re.sub(_GAP.join(digits), PHONE, text) if len(digits) >= 5 else text


def _without_name(text: str, name: str) -> str:
    if len(name) < 2:
        return text
    hidden = text.replace(name, NAME)
    if "\u4e00" <= name[0] <= "\u9fff" and len(name) <= 4:
        hidden = re.sub(rf"{re.escape(name[0])}{_CALLED}", NAME, hidden)
    return hidden
