"""Names in Latin letters: the key people search and sort by, and an English name where none is given."""

from functools import lru_cache

from citybrain.base.areas.models import Level

# Longest first: the ending is dropped, the English word put behind.
_ENDINGS: tuple[tuple[str, str], ...] = (
    ("社区居民委员会", "Community"),
    ("街道办事处", "Subdistrict"),
    ("村民委员会", "Village"),
    ("居民委员会", "Community"),
    ("社区居委会", "Community"),
    ("特别行政区", "SAR"),
    ("村委会", "Village"),
    ("居委会", "Community"),
    ("自治州", "Autonomous Prefecture"),
    ("自治县", "Autonomous County"),
    ("自治旗", "Autonomous Banner"),
    ("开发区", "Development Zone"),
    ("街道", "Subdistrict"),
    ("新区", "New Area"),
    ("地区", "Prefecture"),
    ("社区", "Community"),
    ("网格", "Grid"),
    ("市", ""),
    ("区", "District"),
    ("县", "County"),
    ("旗", "Banner"),
    ("盟", "League"),
    ("镇", "Town"),
    ("乡", "Township"),
    ("村", "Village"),
)
_LONGEST = 400


@lru_cache(maxsize=20_000)
def pinyin_key(name: str) -> str:
    """Return full pinyin without tones, a space, and the initials: 和平区 → "hepingqu hpq".

    Letters and digits stay (in lower case), anything else is left out.
    """
    from pypinyin import lazy_pinyin  # a dictionary of 50,000 phrases: loaded by those who need it

    syllables = ["".join(filter(str.isalnum, part)).lower() for part in lazy_pinyin(name)]
    letters = [part for part in syllables if part]
    initials = "".join(part if part.isdigit() else part[0] for part in letters)
    return f"{''.join(letters)[:_LONGEST]} {initials[: 500 - _LONGEST - 1]}"


@lru_cache(maxsize=20_000)
def english_name(name: str, level: int) -> str:
    """Return pinyin with the ending in English: 劝业场街道 → "Quanyechang Subdistrict", 天津市 → "Tianjin".

    A city below a city (县级市) is a "City".
    """
    from pypinyin import Style, lazy_pinyin

    stem, word = name, ""
    for ending, english in _ENDINGS:
        if name.endswith(ending) and len(name) > len(ending):
            stem, word = name.removesuffix(ending), english
            if ending == "市" and level != Level.CITY:
                word = "City"
            break
    parts = lazy_pinyin(stem, style=Style.NORMAL)
    latin = "".join("".join(filter(str.isalnum, part)) for part in parts)
    return f"{latin[:1].upper()}{latin[1:]} {word}".strip()[:160]
