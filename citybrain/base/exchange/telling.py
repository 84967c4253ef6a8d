"""What each kind of source is told: which settings there are, and which are needed. Whether a place may be gone to
is decided where it is gone to (sources)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from citybrain.base.identity.errors import refuse

SYSTEMS: Final = ("postgresql", "mariadb", "mysql", "sqlite")
PAGINGS: Final = ("none", "page", "offset", "cursor", "link")


def place(kind: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where a source's secret goes: who gets it when it is sent."""
    if kind == "sql":
        return tuple(str(told.get(name) or "") for name in ("system", "host", "port", "database", "user"))
    if kind == "http":
        found = urlsplit(str(told.get("url", "")))
        return found.scheme, found.netloc.lower(), str(told.get("secret_header") or "")
    return ()


def verify(kind: str, told: Mapping[str, Any]) -> None:
    """Raise Refused for settings with which a source can't be read."""
    {"folder": _folder, "sql": _table, "http": _address}.get(kind, _nothing)(told)


def _nothing(_told: Mapping[str, Any]) -> None:
    return None


def _folder(told: Mapping[str, Any]) -> None:
    _path("folder", told)


def _path(name: str, told: Mapping[str, Any]) -> None:
    if not str(told.get(name) or "").startswith("/"):
        raise refuse(name, _("请填写服务器上的完整路径，如 /data/in。"))


def _table(told: Mapping[str, Any]) -> None:
    if str(told.get("system")) not in SYSTEMS:
        raise refuse("system", _("请选择数据库类型。"))
    if not told.get("table"):
        raise refuse("table", _("请填写表或视图的名称。"))
    if told["system"] == "sqlite":
        _path("database", told)
        return
    if not told.get("host") or not told.get("database"):
        raise refuse("host" if not told.get("host") else "database", _("请填写主机和数据库名。"))


def _address(told: Mapping[str, Any]) -> None:
    found = urlsplit(str(told.get("url") or ""))
    if found.scheme not in {"http", "https"} or not found.hostname:
        raise refuse("url", _("请填写以 http:// 或 https:// 开头的完整地址。"))
    if found.username or found.password:
        raise refuse("url", _("地址里不能写用户名和密码，请填在密钥一栏。"))
    if str(told.get("paging") or "none") not in PAGINGS:
        raise refuse("paging", _("请选择翻页方式。"))


def verify_kept(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise Refused where a secret that is kept would go to another place than it was given for."""
    if place(kind, before) != place(kind, after):
        raise refuse("secret", _("地址、账号或请求头变了，请重新填写密码或密钥。"))
