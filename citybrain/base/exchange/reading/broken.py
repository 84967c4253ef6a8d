"""A row of a file that can't be read, and why."""

from dataclasses import dataclass

from django.utils.translation import gettext


@dataclass(frozen=True)
class Broken:
    """A row that can't be read, kept as it came. `line` is the file's line (or sheet's row), from 1."""

    line: int
    reason: str
    text: str

    def why(self) -> str:
        """Return the reason in the reader's language."""
        return BROKEN_REASONS[self.reason]()


BROKEN_REASONS = {
    "missing_columns": lambda: gettext("单元格数少于表头"),
    "too_many_columns": lambda: gettext("单元格数多于表头"),
    "quote": lambda: gettext("引号没有闭合"),
    "encoding": lambda: gettext("字符无法解码"),
    "too_long": lambda: gettext("行过长"),
    "json": lambda: gettext("不是 JSON 对象"),
}
