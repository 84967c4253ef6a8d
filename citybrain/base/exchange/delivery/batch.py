"""Files under a grant: asked for, made by the worker from the lake, fetched by a link that expires.

What changed since a version is a file too: rows written since, and the keys that are gone. The file can be fetched
only once its receipt is committed with the rows counted against the day's limit.
"""

import hashlib
import logging
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.grants import Policy, policy, why_not_live
from citybrain.base.catalogue.models import Grant
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.delivery import calls, receipts, whose, writing
from citybrain.base.exchange.delivery.compile import LAKE_ROWS, Asked, Compiler
from citybrain.base.exchange.delivery.keys import _Receiver
from citybrain.base.exchange.delivery.refusals import Refused
from citybrain.base.exchange.models import Delivery, DeliveryState, Receipt, SetKind
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.lake.names import VERSION, LakeError
from citybrain.base.ledger.append import record

log = logging.getLogger("citybrain.data")
PERMISSION: Final = "exchange.deliver"
KEPT: Final = timedelta(days=1)
LEASE: Final = timedelta(minutes=30)
ATTEMPTS: Final = 3
SALT: Final = "exchange.files"
WAITING_MOST: Final = 20  # files of one grant that wait or are made at a time

_TAKE: Final = """
INSERT INTO exchange_usage AS u (grant_id, day, rows, calls, second, calls_in_second)
SELECT %(grant)s, (now() AT TIME ZONE %(zone)s)::date, %(rows)s::bigint, 1, 0, 0 WHERE %(rows)s::bigint <= %(daily)s
ON CONFLICT (grant_id, day) DO UPDATE SET rows = u.rows + excluded.rows, calls = u.calls + 1
 WHERE u.rows + excluded.rows <= %(daily)s
RETURNING rows"""


def folder(delivery: Delivery) -> Path:
    """Return where a delivery's files lie."""
    return Path(settings.HOME) / "deliveries" / delivery.number


def compiler_for(grant: Grant) -> Compiler:
    """Return what compiles for the lake under a grant. Reads grant.dataset.current. Raises Refused."""
    current = grant.dataset.current
    if current is None:
        raise Refused("no_data", _("该数据集还没有数据。"))
    return Compiler(policy(grant), Shape.from_json(current.shape), "duckdb")


def check(compiler: Compiler, form: str, asked: Asked, since: int | None) -> None:
    """Raise Refused for what can't be delivered under the grant."""
    mode = "batch" if since is None else "changes"
    if mode not in compiler.policy.modes:
        raise Refused("mode_not_granted", _("授权不包含这种获取方式。"), 403)
    if form not in writing.FORMS:
        told = {"forms": "、".join(writing.FORMS)}
        raise Refused("bad_form", _("文件格式应为其中之一：%(forms)s。"), told=told)
    if since is not None and not compiler.key_clear:
        raise Refused("key_not_granted", _("增量变更需要主键字段的明文授权。"), 403)
    compiler.rows(asked, since)


def ask_file(
    actor: Actor, grant: Grant, form: str, asked: Asked, since: int | None = None, now: datetime | None = None
) -> Delivery:
    """Ask for a file on behalf of the receiving agency. Raises Forbidden, Refused, ValueError for an ended grant."""
    require(actor, PERMISSION, _Receiver(grant))
    return ask(grant, form, asked, since, asked_by=actor.key, now=now or timezone.now())


def ask(
    grant: Grant,
    form: str,
    asked: Asked,
    since: int | None,
    *,
    asked_by: str,
    now: datetime,
    key: int | None = None,
) -> Delivery:
    """Ask for a file; who asks was looked at before. Raises Refused."""
    ended = why_not_live(grant, now)
    if ended:
        raise Refused("grant_ended", _("授权当前无效。"), 403)
    check(compiler_for(grant), form, asked, since)
    with transaction.atomic():
        waiting = Delivery.objects.filter(grant=grant, state__in=("asked", "running")).count()
        if waiting >= WAITING_MOST:
            raise Refused("too_many", _("等待生成的文件过多，请稍后再申请。"), 429)
        return Delivery.objects.create(
            number=f"F{now:%Y%m%d}-{secrets.token_hex(5)}", grant=grant, api_key_id=key, asked_by=asked_by,
            asked_at=now, form=form, asked={**asked.to_json(), "since": since},
        )  # fmt: skip


def link_of(delivery: Delivery) -> str:
    """Return the link a file is fetched by, until it expires."""
    return signing.dumps(delivery.number, salt=SALT)


def fetched(link: str, now: datetime) -> tuple[Delivery, Path] | None:
    """Return the file of a link, None when the link or file has expired or the grant has ended."""
    try:
        number = signing.loads(link, salt=SALT, max_age=KEPT)
    except signing.BadSignature:
        return None
    found = Delivery.objects.select_related("grant__dataset").filter(
        number=number, state=DeliveryState.READY, expires_at__gt=now
    )
    delivery = found.first()
    if delivery is None or why_not_live(delivery.grant, now) or not _key_stands(delivery, now):
        return None
    Delivery.objects.filter(pk=delivery.pk).update(fetched=delivery.fetched + 1)
    manifest = delivery.manifest or {}
    return delivery, folder(delivery) / str(manifest.get("file", ""))


def _key_stands(delivery: Delivery, now: datetime) -> bool:
    key = delivery.api_key
    return key is None or (key.revoked_at is None and (key.expires_at is None or key.expires_at > now))


@dataclass
class Made:
    """What was written for a delivery."""

    version: int
    rows: int
    kind: str
    members: Any
    fields: tuple[str, ...]
    more: dict[str, Any]


def _relations(code: str, version: int, since: int | None) -> tuple[str, str, bool]:
    """Return the FROM items of the rows and of the keys that are gone, and whether the rows replace everything."""
    from citybrain.base.lake import engine  # with Iceberg: the worker alone makes files
    from citybrain.base.lake.tables import Table

    columns = [*engine.columns_of(Table(code).schema(version)), VERSION]
    if since is None:
        return engine.relation_sql(code, version, columns), "", False
    changes = engine.changes_sql(code, since, columns)
    return changes.rows, changes.removed, changes.whole


def make(compiler: Compiler, form: str, asked: Asked, since: int | None, into: Path) -> Made:
    """Write the files of a delivery into a folder. Raises Refused, TooLong, LakeError."""
    from citybrain.base.lake import engine
    from citybrain.base.lake.tables import Table

    code = compiler.policy.dataset_code
    version = Table(code).version()
    if not version:
        raise Refused("no_data", _("该数据集还没有数据。"))
    rows_from, gone_from, whole = _relations(code, version, since)
    back = None if whole else since
    with engine.session(read_only_files=False) as link:
        link.execute(f"CREATE TEMP VIEW {LAKE_ROWS} AS SELECT * FROM {rows_from}")  # noqa: S608  (from the lake)
        statement = compiler.rows(asked, back)
        texts = [
            one.name
            for one in compiler.granted.values()
            if one.type.is_text or one.name in compiler.policy.masks
        ]
        rows = writing.write(link, statement, texts, form, into / f"data.{form}")
        kind, members = _whose(link, compiler, asked, back)
        more: dict[str, Any] = {"whole": whole} if since is not None else {}
        if gone_from and not whole:
            more["removed"] = _write_gone(link, compiler, gone_from, into)
    return Made(version, rows, kind, members, statement.fields, more)


def _whose(link: Any, compiler: Compiler, asked: Asked, since: int | None) -> tuple[str, Any]:
    import numpy as np

    if compiler.subject is not None:
        names, kind = [compiler.subject], SetKind.SUBJECT.value
    else:
        names, kind = list(compiler.keys), SetKind.KEY.value
    if not names:
        return SetKind.NONE.value, np.zeros(0, np.uint64)
    statement = compiler.whose(names, asked, since)
    reader = link.execute(statement.sql, statement.params).to_arrow_reader(200_000)
    return kind, whose.members(reader, kind, compiler.policy.dataset_code)


def _write_gone(link: Any, compiler: Compiler, gone_from: str, into: Path) -> dict[str, Any]:
    names = ", ".join(f'"{name}"' for name in compiler.keys)
    path = into / "removed.jsonl"
    row = link.execute(f"COPY (SELECT {names} FROM {gone_from}) TO '{path}' (FORMAT json)").fetchone()  # noqa: S608
    return {"file": path.name, "rows": int(row[0]), "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(
    delivery: Delivery, compiler: Compiler, made: Made, receipt: Receipt, until: datetime
) -> dict[str, Any]:
    path = folder(delivery) / f"data.{delivery.form}"
    granted, rule = compiler.granted, compiler.policy
    return {
        "number": delivery.number, "dataset": rule.dataset_code, "grant": rule.number, "version": made.version,
        "since": delivery.asked["since"], "file": path.name, "form": delivery.form, "rows": made.rows,
        "bytes": path.stat().st_size, "sha256": _sha256(path), "receipt": receipt.pk, "receipt_digest": receipt.digest,
        "fields": [
            {"name": name, "zh": granted[name].zh, "type": str(granted[name].type), "mask": rule.masks.get(name)}
            for name in made.fields
        ],
        "formula_guard": writing.GUARD if delivery.form == "csv" else None,
        "expires_at": until.isoformat(), **made.more,
    }  # fmt: skip


def _what(delivery: Delivery, rule: Policy, made: Made, asked: Asked) -> calls.What:
    since = delivery.asked["since"]
    pairs = tuple((one.field, one.op) for one in asked.where)
    return calls.What(
        rule.agency_id, rule.number, rule.dataset_code, made.version, "batch" if since is None else "changes",
        made.fields, delivery.api_key_id or 0, made.kind, pairs, since,
    )  # fmt: skip


def _finish(delivery: Delivery, compiler: Compiler, made: Made, asked: Asked, now: datetime) -> None:
    """Count, receipt and release the file in one transaction. Raises Refused when the grant ended or is used up."""
    rule = compiler.policy
    with transaction.atomic():
        grant = (
            Grant.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=delivery.grant_id)
        )
        if why_not_live(grant, timezone.now()):
            raise Refused("grant_ended", _("授权当前无效。"), 403)
        with connection.cursor() as cursor:
            values = {
                "grant": grant.pk,
                "zone": settings.TIME_ZONE,
                "rows": made.rows,
                "daily": rule.daily_rows,
            }
            cursor.execute(_TAKE, values)
            if cursor.fetchone() is None:
                raise Refused("daily_limit", _("已达到当日数据量上限。"), 429)
        one = receipts.Delivered(
            grant.pk, _what(delivery, rule, made, asked), now, timezone.now(), made.rows, made.members,
            key_ids=(delivery.api_key_id,) if delivery.api_key_id else (), actor=delivery.asked_by,
            more={"file": delivery.number},
        )  # fmt: skip
        (receipt,) = receipts.write([one])
        until = timezone.now() + KEPT
        delivery.manifest = _manifest(delivery, compiler, made, receipt, until)
        delivery.state, delivery.ready_at, delivery.expires_at = DeliveryState.READY, timezone.now(), until
        delivery.save()


def run(delivery: Delivery, now: datetime) -> Delivery:
    """Make the file of a claimed delivery; what the grant doesn't allow (any more) is refused with the reason."""
    into = folder(delivery)
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    since = delivery.asked["since"]
    try:
        compiler = compiler_for(delivery.grant)
        asked = Asked.from_json(delivery.asked)
        check(compiler, delivery.form, asked, since)
        made = make(compiler, delivery.form, asked, since, into)
        _finish(delivery, compiler, made, asked, now)
    except (Refused, writing.TooLong) as refused:
        shutil.rmtree(into, ignore_errors=True)
        told = {"most": writing.EXCEL_ROWS - 1}
        too_long = gettext("数据超过 Excel 工作表的 %(most)d 行，请改用 Parquet 或 CSV。") % told
        delivery.why = str(refused) if isinstance(refused, Refused) else too_long
        delivery.state = DeliveryState.REFUSED
        delivery.save()
    except (LakeError, OSError) as error:
        log.warning("delivery %s: attempt %d: %s", delivery.number, delivery.attempt, error)
        delivery.why = str(error)[:500]
        delivery.state = DeliveryState.FAILED if delivery.attempt >= ATTEMPTS else DeliveryState.ASKED
        delivery.save()
    return delivery


def claim(now: datetime, wanted: int | None = None) -> Delivery | None:
    """Return the oldest delivery that waits (or whose maker vanished), or the one `wanted`, ours for a while."""
    with transaction.atomic():
        ours = Q(state=DeliveryState.ASKED) | Q(state=DeliveryState.RUNNING, lease_until__lt=now)
        if wanted is not None:
            ours &= Q(pk=wanted)
        found = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("grant__dataset__current")
            .filter(ours)
            .order_by("id")
            .first()
        )
        if found is None:
            return None
        found.state, found.lease_until, found.attempt = DeliveryState.RUNNING, now + LEASE, found.attempt + 1
        found.save(update_fields=["state", "lease_until", "attempt"])
        return found


def sweep(now: datetime) -> int:
    """Remove files whose time is over; return how many."""
    over = list(Delivery.objects.filter(state=DeliveryState.READY, expires_at__lte=now)[:200])
    for delivery in over:
        shutil.rmtree(folder(delivery), ignore_errors=True)
    Delivery.objects.filter(pk__in=[one.pk for one in over]).update(state=DeliveryState.EXPIRED)
    return len(over)


def tick(now: datetime) -> int:
    """Worker: make what waits, one after the other, and remove what is over."""
    done = sweep(now)
    while (delivery := claim(timezone.now())) is not None:
        run(delivery, timezone.now())
        done += 1
    return done


def withdraw(actor: Actor, delivery: Delivery, why: str) -> None:
    """Take a file back before its time. Raises Forbidden."""
    require(actor, PERMISSION, _Receiver(delivery.grant))
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.EXPIRED, why=why[:500])
        record(actor.key, "exchange.withdraw_file", f"file:{delivery.number}", {"why": why[:500]})
    shutil.rmtree(folder(delivery), ignore_errors=True)


def told(delivery: Delivery) -> Mapping[str, Any]:
    """Return a delivery's state for who asked for it."""
    ready = delivery.state == DeliveryState.READY
    return {
        "number": delivery.number, "state": str(delivery.state), "why": delivery.why, "manifest": delivery.manifest,
        "href": f"/files/{link_of(delivery)}" if ready else None, "expires_at": delivery.expires_at,
    }  # fmt: skip
