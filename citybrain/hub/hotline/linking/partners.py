"""Systems we speak with: entered by the hotline's manager, known by their signature, switched off at once."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.callers.numbers import opened, sealed
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.linking import signing
from citybrain.hub.hotline.linking.signing import BadSignature
from citybrain.hub.hotline.models.link import Nonce, Partner, PartnerKind

PERMISSION: Final = "hotline.link"
KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{1,39}")
OLD_SECRET_GOOD: Final = timedelta(hours=24)  # so that the other side can change over without a gap
SPEAKS: Final = frozenset({PartnerKind.HOTLINE, PartnerKind.POLICE})
"""The kinds to whom tickets are handed over."""

_SEE: Final = """
INSERT INTO hotline_nonce (partner_id, nonce, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""


def verified(
    headers: Mapping[str, str],
    method: str,
    path: str,
    body: bytes,
    kinds: Sequence[str],
    now: datetime | None = None,
) -> Partner:
    """Return who signed a call. Raises BadSignature for anybody unknown, switched off, forged, late or repeated."""
    moment = now or timezone.now()
    told = signing.read(headers)
    partner = Partner.objects.filter(key=told.key, is_active=True).first()
    if partner is None or partner.kind not in kinds:
        raise BadSignature(f"nobody {told.key!r} of {'/'.join(kinds)}")
    signing.check(told, _secrets_in(partner, moment), method, path, body, moment)
    with connection.cursor() as cursor:
        cursor.execute(_SEE, [partner.pk, told.nonce, moment])
        if cursor.fetchone() is None:
            raise BadSignature(f"{told.key}: nonce {told.nonce} was here before")
    if partner.heard_at is None or moment - partner.heard_at > timedelta(minutes=1):
        Partner.objects.filter(pk=partner.pk).update(heard_at=moment)
    return partner


def _secrets_in(partner: Partner, now: datetime) -> tuple[str, ...]:
    held = [opened(partner.secret_in)]
    if partner.before_until is not None and partner.before_until > now:
        held.append(opened(partner.secret_before))
    return tuple(one for one in held if one)


def sweep_nonces(now: datetime) -> int:
    """Forget the nonces whose time has passed: a call as old is refused by its time."""
    return Nonce.objects.filter(at__lt=now - 3 * signing.WINDOW).delete()[0]


def add_partner(actor: Actor, given: Mapping[str, Any], now: datetime | None = None) -> tuple[Partner, str]:
    """Return a new partner and the secret with which it signs, shown this once.

    `given`: key, name, kind, and where they are known area_code, phone, address, our_key, digest, fields,
    secret_out (theirs to us). Raises Forbidden, BadInput.
    """
    require(actor, PERMISSION)
    moment = now or timezone.now()
    values = _clean(given)
    secret = signing.new_secret()
    with transaction.atomic():
        if Partner.objects.filter(key=values["key"]).exists():
            raise BadInput(_("代号“%(key)s”已在使用。") % {"key": values["key"]}, "key")
        partner = Partner.objects.create(
            **values, secret_in=sealed(secret), created_at=moment, created_by=actor.key
        )
        told = {"key": partner.key, "kind": partner.kind, "address": partner.address}
        record(actor.key, "hotline.add_partner", f"partner:{partner.pk}", told, at=moment)
    return partner, secret


def change_partner(
    actor: Actor, partner_id: int, given: Mapping[str, Any], now: datetime | None = None
) -> Partner:
    """Return the partner with what is given changed (all but key and kind); an empty secret_out keeps the old one.

    Raises Forbidden, NotFound, BadInput.
    """
    require(actor, PERMISSION)
    moment = now or timezone.now()
    with transaction.atomic():
        partner = _locked(partner_id)
        values = _clean({**_as_given(partner), **given, "key": partner.key, "kind": partner.kind})
        for name, value in values.items():
            setattr(partner, name, value)
        partner.is_active = bool(given.get("is_active", partner.is_active))
        partner.save()
        told = {"address": partner.address, "active": partner.is_active, "changed": sorted(given)}
        record(actor.key, "hotline.change_partner", f"partner:{partner.pk}", told, at=moment)
    return partner


def renew_secret(actor: Actor, partner_id: int, now: datetime | None = None) -> str:
    """Return a new secret for what a partner sends; the old one is good for another day. Raises Forbidden, NotFound."""
    require(actor, PERMISSION)
    moment = now or timezone.now()
    secret = signing.new_secret()
    with transaction.atomic():
        partner = _locked(partner_id)
        Partner.objects.filter(pk=partner.pk).update(
            secret_before=partner.secret_in, before_until=moment + OLD_SECRET_GOOD, secret_in=sealed(secret)
        )
        record(actor.key, "hotline.renew_secret", f"partner:{partner.pk}", {"key": partner.key}, at=moment)
    return secret


def _locked(partner_id: int) -> Partner:
    partner = Partner.objects.select_for_update().filter(pk=partner_id).first()
    if partner is None:
        raise NotFound
    return partner


def _as_given(partner: Partner) -> dict[str, Any]:
    names = ("name", "area_code", "phone", "address", "our_key", "digest", "fields")
    return {name: getattr(partner, name) for name in names}


def _clean(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a partner. Raises BadInput naming the field."""
    values: dict[str, Any] = {
        name: str(given.get(name, "")).strip()
        for name in ("key", "name", "kind", "area_code", "phone", "address", "our_key")
    }
    values["digest"] = str(given.get("digest") or "sha256")
    if not KEY.fullmatch(values["key"]):
        raise BadInput(_("代号为 2 到 40 个小写字母、数字、横线。"), "key")
    if not values["name"] or len(values["name"]) > 80:
        raise BadInput(_("请填写名称，最多 80 字。"), "name")
    if values["kind"] not in PartnerKind.values:
        raise BadInput(_("没有这种对接方式。"), "kind")
    if values["digest"] not in signing.DIGESTS:
        raise BadInput(_("签名算法为 sha256 或 sm3。"), "digest")
    for name, most in (("area_code", 12), ("phone", 30), ("our_key", 40)):
        if len(values[name]) > most:
            raise BadInput(_("“%(field)s”过长，最多 %(most)d 字。") % {"field": name, "most": most}, name)
    values["address"] = _address(values["address"], values["kind"])
    values["fields"] = _fields(given.get("fields") or {})
    if given.get("secret_out"):
        values["secret_out"] = sealed(str(given["secret_out"]).strip())
    return values


def _address(text: str, kind: str) -> str:
    """Return an address without the slash at its end. Raises BadInput for what is no address of a server."""
    if not text:
        if kind in SPEAKS:
            raise BadInput(_("请填写对方接口的网址。"), "address")
        return ""
    try:
        parts = urlsplit(text)
        port_known = parts.port is None or parts.port > 0
    except ValueError:
        raise BadInput(_("网址不正确。"), "address") from None
    clean = parts.scheme in {"https", "http"} and parts.hostname and port_known
    if not clean or parts.username or parts.query or parts.fragment or len(text) > 300:
        raise BadInput(_("网址应为 https://主机，不带参数和密码。"), "address")
    return text.rstrip("/")


def _fields(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(one, str) for pair in given.items() for one in pair):
        raise BadInput(_("字段对照应为“我方字段 → 对方字段”的文字。"), "fields")
    return {str(name): path for name, path in given.items()}
