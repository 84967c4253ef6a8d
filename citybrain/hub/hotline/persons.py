"""Names of persons in running text, by rules: what leads to a name, what follows one, what a name is made of.

Found are names that are introduced ("我叫…", "姓名：…", "业主…", "我儿子…"), that a form of address ends ("…先生") or a
paper or number follows, and the same names wherever else they stand. A name without any of these isn't found: nothing
but a dictionary would tell it from other words. People named in their office ("…局长", "…老师") are left: what they did
is the matter. Every pass is linear in the length of the text.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

_LEADS: Final = (
    "来电人|来访人|反映人|投诉人|举报人|求助人|诉求人|建议人|联系人|申请人|当事人|报案人|受害人|被害人|写信人|发件人|发帖人"
    "|申诉人|上诉人|委托人|代理人|监护人|原告|被告|肇事者|嫌疑人|业主代表|居民代表|村民代表|代表"
)
_SURE: Final = re.compile(
    r"(?:(?:我|名字|名|姓名|[个位人名])(?:是)?叫(?:做)?|名字是|本名|真实姓名|姓名)[：:是为 ]{0,3}"
    rf"|(?:{_LEADS}|签名|署名|落款)(?:姓名|名字)?(?:[：:] ?|[是为叫])"
    r"|我儿子叫|我女儿叫|孩子叫"
)
_MAYBE: Final = re.compile(
    rf"(?:{_LEADS}|我是|本人|业主|户主|房东|租客|租户|承租人|住户|邻居|村民|居民|市民|患者|病人|死者|伤者|车主|机主|房主"
    r"|老人|老党员|残疾人|低保户|贫困户|学生|同学|员工|职工|工友|农民工|网民|网友|室友|家属|老伴|[他她它]叫|[机板工生客居主民员子]叫"
    r"|[我其他她](?:的)?(?:父亲|母亲|爸爸|妈妈|爸|妈|丈夫|妻子|老公|老婆|爱人|儿子|女儿|孩子|小孩|哥哥|弟弟|姐姐|妹妹|爷爷|奶奶"
    r"|外公|外婆|姥姥|姥爷|岳父|岳母|公公|婆婆|孙子|孙女|朋友|同事))"
    r"(?P<mark>[：:（(“\" ]|[是为叫])?"
)
_TITLE: Final = re.compile("先生|女士|小姐|师傅|阿姨|大爷|大妈|大姐|大哥|大叔|大娘|奶奶|爷爷")
_PAPER: Final = re.compile(
    r"[ ]?[，,、（(：:]?(?:[男女][，,、）)。；;]"
    r"|(?:身份证|手机|电话|联系电话|联系方式|公民身份)(?:号码|号)?[：:是为]?[（(])"
    r"|[ ]?[，,：:]?（(?:电话|证件号)已隐去）"
)
_END: Final = re.compile(
    r"(?:[在住说称的家来电因把被将向对和与及跟等男女今现已就也还又不没从到去要想为给让有未强打骂欠养占种私搭经长擅多反投举报于是]"
    r"|[独拒威辱砸堵停晾摆放堆装炒喊每昨前刚患失走离告找问见看卖租买借骗偷抢受需应半两三四五六七八九十几各全都]"
    r"|先生|女士|小姐|同志|老师|师傅|身份|手机|联系)"
)
_HOUSE: Final = "路街道巷弄村镇乡县市区局站院校园楼栋幢号店厂桥湾庄屯岭山河湖"
_JOINING: Final = frozenset(
    "和于时应成全"
)  # surnames that after "业主" or "学生" are nearly always the other word
_NOT_TITLED: Final = frozenset({"对方", "双方", "女方", "男方", "本方", "双全", "都方"})
_BEFORE: Final = frozenset("的是找对跟给向由让叫问位户居主人和与及为名有说，。；：、！？（“ \n\t")
MOST: Final = 50  # different names of one text that are looked for again


class _Parts(NamedTuple):
    surnames: frozenset[str]
    doubtful: frozenset[str]
    pairs: frozenset[str]
    given: frozenset[str]
    never: frozenset[str]
    words: frozenset[str]


@cache
def _parts() -> _Parts:
    told = tomllib.loads((files(__package__) / "data" / "names.toml").read_text("utf-8"))
    letters = {
        key: frozenset("".join(told[key].split())) for key in ("surnames", "doubtful", "given", "never")
    }
    return _Parts(
        letters["surnames"],
        letters["doubtful"],
        frozenset(told["pairs"].split()),
        letters["given"],
        letters["never"],
        frozenset(told["words"].split()),
    )


def names_in(text: str) -> list[tuple[int, int]]:
    """Return where names of persons stand in a text, from the first to the last, none within another."""
    found: set[tuple[int, int]] = set()
    for hit in _SURE.finditer(text):
        found |= _series(text, hit.end(), sure=True)
    for hit in _MAYBE.finditer(text):
        found |= _series(text, hit.end(), sure=hit["mark"] in {"：", ":"})
    for hit in _TITLE.finditer(text):
        found |= _before(text, hit.start(), titled=True)
    for hit in _PAPER.finditer(text):
        found |= _before(text, hit.start(), titled=False)
    for start, end in list(found):
        found |= _joined(text, start, end)
    found |= _again(text, found)
    return _apart(found)


def _series(text: str, start: int, *, sure: bool) -> set[tuple[int, int]]:
    """Return the name at a place, and those behind it that a 、 joins to it."""
    found: set[tuple[int, int]] = set()
    while end := _name_at(text, start, sure=sure):
        found.add((start, end))
        if text[end : end + 1] != "、":
            break
        start = end + 1
    return found


def _joined(text: str, start: int, end: int) -> set[tuple[int, int]]:
    """Return the names that a 、 joins to one that was found, before it and behind it."""
    found = _series(text, end + 1, sure=False) if text[end : end + 1] == "、" else set()
    for _step in range(MOST):
        before = _before(text, start - 1, titled=False) if text[start - 1 : start] == "、" else set()
        if not before:
            break
        found |= before
        start = min(before)[0]
    return found


def _name_at(text: str, start: int, *, sure: bool) -> int:
    """Return where the name that begins at a place ends, 0 for none."""
    parts = _parts()
    root = 2 if text[start : start + 2] in parts.pairs else 1
    doubtful = text[start : start + 1] in parts.doubtful
    if root == 1 and not doubtful and text[start : start + 1] not in parts.surnames:
        return 0
    if text[start : start + 2] in parts.words or (not sure and text[start : start + 1] in _JOINING):
        return 0
    if _TITLE.match(text, start + root):
        return start + root
    lengths = (2, 1) if sure or not doubtful else (2,)
    fits = [
        many
        for many in lengths
        if _given(text[start + root : start + root + many], many, sure=sure, odd=many - 1 - doubtful)
    ]
    ends = [start + root + many for many in fits]
    bound = [end for end in ends if _ends(text, end)]
    if bound:
        return bound[0]
    return ends[0] if sure and ends else 0


def _given(letters: str, many: int, *, sure: bool, odd: int = 0) -> bool:
    """Return whether letters make a given name; not `sure`, all but `odd` of them must be known as such."""
    parts = _parts()
    if len(letters) != many or not all("\u4e00" <= letter <= "\u9fff" for letter in letters):
        return False
    if any(letter in parts.never for letter in letters):
        return False
    return sure or sum(letter not in parts.given for letter in letters) <= odd


def _ends(text: str, place: int) -> bool:
    """Return whether a name may end here: before a mark, a figure, or a word that tells what somebody does."""
    following = text[place : place + 1]
    if not "\u4e00" <= following <= "\u9fff":
        return True
    return following not in _HOUSE and _END.match(text, place) is not None


def _before(text: str, end: int, *, titled: bool) -> set[tuple[int, int]]:
    """Return the name that ends at a place: whole, or the surname alone before a form of address."""
    parts = _parts()
    for length in (4, 3, 2):
        start = end - length
        if start >= 0 and _is_name(text[start:end], doubtful=titled and length == 3):
            return {(start, end)}
    if not titled or end < 1 or text[end - 2 : end] in _NOT_TITLED:
        return set()
    if text[end - 2 : end] in parts.pairs:
        return {(end - 2, end)}
    alone = text[end - 1]
    if alone in parts.surnames or (alone in parts.doubtful and (end == 1 or text[end - 2] in _BEFORE)):
        return {(end - 1, end)}
    return set()


def _is_name(word: str, *, doubtful: bool = False) -> bool:
    parts = _parts()
    root = 2 if word[:2] in parts.pairs else 1
    known = parts.surnames | parts.doubtful if doubtful else parts.surnames
    if root == 1 and (word[:1] not in known or word[:2] in parts.words):
        return False
    many = len(word) - root
    return 1 <= many <= 2 and _given(word[root:], many, sure=False)


def _again(text: str, found: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return where the whole names that were found stand once more; two characters are too few to look for."""
    again: set[tuple[int, int]] = set()
    for name in sorted({text[start:end] for start, end in found if end - start >= 3})[:MOST]:
        place = text.find(name)
        while place >= 0:
            again.add((place, place + len(name)))
            place = text.find(name, place + len(name))
    return again


def _apart(found: set[tuple[int, int]]) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda one: (one[0], -one[1])):
        if not told or start >= told[-1][1]:
            told.append((start, end))
    return told
