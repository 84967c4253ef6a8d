"""Agencies: the kinds from our table, and the bodies bound to areas."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity import agencies as directory
from citybrain.base.identity.access import AREA_FIELDS, Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.history import describe_changes
from citybrain.base.identity.models import Agency, AgencyKind
from citybrain.base.identity.names import normalise_name, pinyin_key
from citybrain.base.ledger import record

CHANGEABLE = ("name", "name_en", "phone")


def install_agency_kinds(actor: Actor) -> int:
    """Write the kinds of data/agencies.csv (again), and return how many there are. Safe to repeat."""
    require(actor, "system.operate")
    rows = [
        AgencyKind(
            key=row["agency_key"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            sector=row["kind"],
            levels=directory.levels_of(row["level"]),
            sort=place,
        )
        for place, row in enumerate(directory.kind_rows(), start=1)
    ]
    with transaction.atomic():
        AgencyKind.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["name_zh", "name_en", "sector", "levels", "sort"],
        )
        directory.bump()
    return len(rows)


def create_agency(
    actor: Actor,
    *,
    kind: str,
    area_id: int,
    name: str,
    key: str = "",
    name_en: str = "",
    parent: Agency | None = None,
    phone: str = "",
    valid_from: date | None = None,
) -> Agency:
    """Create a body of a kind for an area. Without a key it is named `kind-areacode`.

    Raises Forbidden, and Refused for an unknown kind, a level the kind doesn't stand at, or a key in use.
    """
    area = tree().get(area_id)
    agency = Agency(
        key=key or f"{kind}-{area.code}",
        name=normalise_name(name),
        name_en=name_en,
        pinyin=pinyin_key(normalise_name(name)),
        kind_id=kind,
        area_id=area_id,
        parent=parent,
        phone=phone,
        valid_from=valid_from or timezone.localdate(),
        **dict(zip(AREA_FIELDS, area.lineage, strict=True)),
    )
    _require_in(actor, agency)
    known = AgencyKind.objects.filter(pk=kind).first()
    if known is None:
        raise refuse("kind", _("没有“%(kind)s”这类单位。") % {"kind": kind})
    if not agency.name:
        raise refuse("name", _("请填写单位名称。"))
    with transaction.atomic():
        if Agency.objects.filter(key=agency.key).exists():
            raise refuse("key", _("单位标识“%(key)s”已被使用。") % {"key": agency.key})
        agency.save(force_insert=True)
        record(actor.key, "identity.create_agency", f"agency:{agency.pk}", _snapshot(agency))
        directory.bump()
    return agency


def update_agency(actor: Actor, agency: Agency, **changes: str) -> Agency:
    """Change name, English name or phone. Raises Forbidden; TypeError for any other field."""
    _require_in(actor, agency)
    unknown = set(changes) - set(CHANGEABLE)
    if unknown:
        raise TypeError(f"update_agency: can't change {', '.join(sorted(unknown))}")
    with transaction.atomic():
        agency = Agency.objects.select_for_update(of=("self",)).get(pk=agency.pk)
        before = _snapshot(agency)
        for name, value in changes.items():
            setattr(agency, name, value.strip())
        agency.pinyin = pinyin_key(agency.name)
        if not agency.name:
            raise refuse("name", _("请填写单位名称。"))
        agency.save()
        _record(actor, "identity.update_agency", agency, describe_changes(before, _snapshot(agency)))
    return agency


def close_agency(actor: Actor, agency: Agency, on: date | None = None) -> None:
    """Let a body work no longer from a day on (today). Raises Refused while active people belong to it."""
    _require_in(actor, agency)
    with transaction.atomic():
        agency = Agency.objects.select_for_update(of=("self",)).get(pk=agency.pk)
        people = agency.people.filter(is_active=True).count()
        if people:
            raise refuse("agency", _("该单位还有 %(count)d 名在岗人员，请先调离或停用。") % {"count": people})
        agency.valid_until = on or timezone.localdate()
        agency.save(update_fields=["valid_until"])
        _record(actor, "identity.close_agency", agency, {"valid_until": agency.valid_until.isoformat()})


def _require_in(actor: Actor, agency: Agency) -> None:
    """Ask for people.manage over the agency's area (or the system). Raises Forbidden."""
    if actor.is_system:
        return
    node = tree().get(agency.area_id)
    if not any(
        hat.area_id is not None and tree().contains(hat.area_id, node.id)
        for hat in actor.hats_with("people.manage")
    ):
        raise Forbidden(
            _("%(area)s的单位不在您的管理范围内。") % {"area": node.name}, _("请由上级人员管理员办理。")
        )


def _snapshot(agency: Agency) -> dict[str, Any]:
    return {
        "key": agency.key,
        "name": agency.name,
        "name_en": agency.name_en,
        "kind": agency.kind_id,
        "area": agency.area_id,
        "phone": agency.phone,
    }


def _record(actor: Actor, action: str, agency: Agency, body: Mapping[str, Any]) -> None:
    record(actor.key, action, f"agency:{agency.pk}", body)
    directory.bump()
