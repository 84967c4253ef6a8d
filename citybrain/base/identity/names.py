"""Names as officers search for them: by character, full pinyin or initials."""


def pinyin_key(name: str) -> str:
    """Return "zhangwei zw" for 张伟: full pinyin, a space, initials; Latin letters stay, in lower case."""
    from pypinyin import Style, lazy_pinyin  # a dictionary of 50,000 phrases: loaded by those who need it
    from pypinyin.contrib.tone_convert import to_normal

    parts = lazy_pinyin(name, style=Style.NORMAL, errors=_split)  # type: ignore[arg-type]
    syllables = [to_normal(part).lower() for part in parts]
    letters = [part for part in syllables if part.isalnum()]
    return f"{''.join(letters)} {''.join(part[0] for part in letters)}".strip()


def _split(text: str) -> list[str]:
    return list(text) if text.isascii() else [text]


def normalise_name(name: str) -> str:
    """Return a name as it is kept: no outer or doubled blanks, and none inside a Chinese name (王 芳)."""
    words = name.replace("\u3000", " ").split()
    return ("" if all(ord(word[0]) > 0x2E7F for word in words) else " ").join(words)
