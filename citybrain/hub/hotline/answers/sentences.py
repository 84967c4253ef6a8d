"""Sentences of answers: where they end, which hold for everybody, and whether a source carries them. Pure."""

import re
from collections import Counter
from typing import Final

from citybrain.hub.hotline.answers.substance import flat
from citybrain.hub.hotline.privacy import ACCOUNT, ADDRESS, NAME, PAPER, PHONE, PLATE, redact

CARRIED: Final = 0.8  # share of a sentence's pairs that one sentence of the source must hold; our choice
LONGEST: Final = 300  # characters of one sentence
_END = re.compile(r"[^。！？!?；;\n]+(?:[。！？!?；;]+[”」』）)]*|\n|$)")
_COURTESY = re.compile(r"收悉|已收到|感谢|谢谢|祝您|特此|如下[:：]?$|^(?:您好|你好|尊敬的)")
_BASIS = re.compile(
    r"根据|依据|按照|规定|条例|办法|细则|标准|条件|材料|可以|可持|可到|可在|应当|应在|需要|须|不得|禁止|办理|申请|携带|拨打"
)
_PARTICULAR = re.compile(
    r"经查|经核|经现场|现场|核实|调查|已派|已责令|已安排|已联系|已完成|已处理|工作人员|执法人员|该(?:处|户|店|公司|小区|村|单位|楼|业主|住户)|"
    r"您(?:家|所在|反映的)|来电人|投诉人|反映人|[某×*]|"
    r"[\u4e00-\u9fff](?:先生|女士|小姐|老师|师傅|阿姨|大爷|大妈|同志)|"
    r"[0-9一二三四五六七八九十]+(?:号楼|号院|栋|幢|单元|室|户|门牌|弄|组)|[0-9]+号(?!文|令|公告|线)|"
    r"[0-9一二三四五六七八九十]+月[0-9一二三四五六七八九十]+[日号]|（[^）]{1,12}隐去）"
)
_EXACT = re.compile(
    r"https?://[^\s，。；）)]+|[0-9]+(?:\.[0-9]+)?%?|[a-zA-Z]{2,}|《[^》]+》|[零一二三四五六七八九十百千万]{1,6}(?=[元年月日天个份级周])"
)
_NOT = re.compile(r"不|未|无|没|非|勿|禁止|除外")
_SOLID = re.compile(r"[0-9a-z\u3400-\u9fff]")
_MARKS: Final = (ACCOUNT, ADDRESS, NAME, PAPER, PHONE, PLATE)


def split(text: str) -> list[str]:
    """Return the sentences of a text, with their marks; overlong ones are left out."""
    found = (one.strip() for one in _END.findall(text))
    return [one for one in found if _solid(one) and len(one) <= LONGEST]


def says_something(sentence: str) -> bool:
    """Return whether a sentence is more than politeness."""
    return not _COURTESY.search(sentence) and len(_solid(sentence)) >= 6


def holds_for_all(sentence: str, *, private: tuple[str, ...] = ()) -> bool:
    """Return whether a sentence of another ticket's answer states a rule, and nothing of that ticket's matter.

    Names, numbers of persons and houses, dates of visits, and any of the `private` words (the caller's name, the
    place) keep a sentence out: a masked sentence would be of no use to the next caller.
    """
    hidden = redact(sentence)
    if any(mark in hidden for mark in _MARKS) or hidden != redact(sentence, name="", phone=""):
        return False
    if any(one and one in sentence for one in private):
        return False
    return bool(_BASIS.search(sentence)) and not _PARTICULAR.search(
        flat(sentence).replace("(", "（").replace(")", "）")
    )


def carried(sentence: str, sources: list[str]) -> int | None:
    """Return which source carries a sentence, None where none does.

    One of its sentences must hold four fifths of the pairs, every number, name in letters and title of a document
    exactly, and as many negations. Fewer words than the source are no lie; other ones may be.
    """
    asked = _pairs(sentence)
    exact = Counter(_EXACT.findall(flat(sentence).lower()))
    if not asked:
        return None
    for at, source in enumerate(sources):
        for one in split(source):
            held = _pairs(one)
            share = sum((asked & held).values()) / asked.total()
            known = Counter(_EXACT.findall(flat(one).lower()))
            if (
                share >= CARRIED
                and not exact - known
                and len(_NOT.findall(one)) == len(_NOT.findall(sentence))
            ):
                return at
    return None


def _solid(text: str) -> str:
    return "".join(_SOLID.findall(flat(text).lower()))


def _pairs(text: str) -> Counter[str]:
    solid = _solid(text)
    return Counter(solid[at : at + 2] for at in range(len(solid) - 1))
