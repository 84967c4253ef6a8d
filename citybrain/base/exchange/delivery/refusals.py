"""What a call is refused with: a code for machines, and the reason in Chinese and in English."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. `body` is said as JSON."""

    status: int
    body: Any
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that is sent back as it lies."""

    path: Path
    headers: Headers


class Refused(ValueError):
    """What is asked isn't allowed or can't be. `code` is for machines, the text for people.

    `text` is marked lazily and filled with `told`, so that it can be said in both languages; `after`: seconds to
    wait before another try is worth it.
    """

    def __init__(
        self,
        code: str,
        text: str | Promise,
        status: int = 422,
        told: Mapping[str, Any] | None = None,
        *,
        after: int | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.status = status
        self.told = told
        self.headers = headers if after is None else (*headers, ("retry-after", str(after)))

    def __str__(self) -> str:
        text = str(self.text)
        return text % self.told if self.told else text

    def body(self) -> dict[str, str]:
        """Return what is sent: {"error": code, "message": Chinese, "message_en": English}."""
        with override("zh-hans"):
            chinese = str(self)
        with override("en"):
            return {"error": self.code, "message": chinese, "message_en": str(self)}

    def answer(self, **more: Any) -> Answer:
        """Return the answer, with more members where there are some."""
        return Answer(self.status, {**self.body(), **more}, self.headers)


ASKS_KEY: Final = (("www-authenticate", "Bearer"),)
_ENDED: Final = {
    "key_ended": (401, _("密钥已停用或已到期。")),
    "grant_revoked": (403, _("授权已被撤销。")),
    "grant_expired": (403, _("授权已到期。")),
    "grant_not_yet": (403, _("授权尚未生效。")),
    "dataset_withdrawn": (403, _("数据集已撤销。")),
}


def ended(reason: str) -> Refused:
    """Return the refusal of a key that opens nothing (any more), by one of `plans.REASONS`; "": nobody knows it."""
    if reason not in _ENDED:
        return Refused("unknown_key", _("密钥无效。"), 401, headers=ASKS_KEY)
    status, text = _ENDED[reason]
    return Refused(reason, text, status, headers=ASKS_KEY if status == 401 else ())
