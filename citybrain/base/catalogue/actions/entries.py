"""The life of an entry: drafted, submitted, approved by another, revised, withdrawn, published again."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue import grading
from citybrain.base.catalogue.access import APPROVE, EDIT, SUBMIT, Side
from citybrain.base.catalogue.entry import Meta, narrowed, verify, verify_for_publishing
from citybrain.base.catalogue.history import note
from citybrain.base.catalogue.indexing import index, name_key
from citybrain.base.catalogue.models import DataSet, DataSetState, Grant, Revision, RevisionState
from citybrain.base.catalogue.shape import Shape
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.base.identity.models import Agency

PERSONAL_RANK = {"none": 0, "personal": 1, "sensitive": 2}


def draft_dataset(actor: Actor, provider: Agency, meta: Meta, shape: Shape) -> DataSet:
    """Create an entry as a draft. Raises Forbidden, and Refused for bad metadata or a code in use."""
    hat = require(actor, EDIT, Side(provider))
    verify(meta, shape)
    now = timezone.now()
    with transaction.atomic():
        if DataSet.objects.filter(code=meta.code).exists():
            raise refuse("code", _("标识“%(code)s”已被使用。") % {"code": meta.code})
        dataset = DataSet(code=meta.code, provider=provider)
        _wear(dataset, meta, shape)
        dataset.save(force_insert=True)
        _open(actor, dataset, 1, meta, shape)
        index(dataset, shape, meta.scenes)
        note(
            actor, "draft_dataset", dataset, now, {"name": meta.name_zh, "fields": len(shape.fields)}, hat=hat
        )
    return dataset


def revise(actor: Actor, dataset: DataSet, meta: Meta, shape: Shape) -> Revision:
    """Put new contents into the open version of an entry, or open one. What is published stays until approval.

    Raises Forbidden; Refused while it waits for approval, for another code, and for what a published
    version can't lose (see `entry.narrowed`).
    """
    hat = require(actor, EDIT, dataset)
    verify(meta, shape)
    now = timezone.now()
    with transaction.atomic():
        dataset = _locked(dataset)
        if meta.code != dataset.code:
            raise refuse("code", _("标识不能更改。"))
        if dataset.current is not None:
            lost = narrowed(dataset.shape, shape)
            if lost:
                raise Refused(*(Problem("fields", reason) for reason in lost))
        revision = _open_revision(dataset)
        if revision is None:
            last = dataset.revisions.order_by("-number").values_list("number", flat=True).first() or 0
            revision = _open(actor, dataset, last + 1, meta, shape)
        elif revision.state == RevisionState.APPROVING:
            raise refuse("state", _("这一版本正在审批，请先撤回再修改。"))
        else:
            revision.shape, revision.meta = shape.to_json(), meta.to_json()
            revision.save(update_fields=["shape", "meta"])
        if dataset.state == DataSetState.DRAFT:
            _wear(dataset, meta, shape)
            dataset.save()
            index(dataset, shape, meta.scenes)
        note(
            actor, "revise", dataset, now, {"revision": revision.number, "fields": len(shape.fields)}, hat=hat
        )
    return revision


def submit(actor: Actor, dataset: DataSet) -> Revision:
    """Ask for approval of the open version. Raises Forbidden, and Refused with every reason it can't stand."""
    hat = require(actor, SUBMIT, dataset)
    now = timezone.now()
    with transaction.atomic():
        dataset = _locked(dataset)
        revision = _in_state(dataset, RevisionState.DRAFT, _("没有可提交的草稿。"))
        verify_for_publishing(Meta.from_json(revision.meta), revision.shaped)
        revision.state = RevisionState.APPROVING
        revision.submitted_by, revision.submitted_at, revision.returned_why = actor.key, now, ""
        revision.save(update_fields=["state", "submitted_by", "submitted_at", "returned_why"])
        if dataset.state == DataSetState.DRAFT:
            _set_state(dataset, DataSetState.APPROVING)
        note(actor, "submit", dataset, now, {"revision": revision.number}, hat=hat)
    return revision


def take_back(actor: Actor, dataset: DataSet) -> Revision:
    """Take the submitted version back into draft. Raises Forbidden; Refused when none waits."""
    require(actor, SUBMIT, dataset)
    return _return(actor, dataset, "take_back", "")


def reject(actor: Actor, dataset: DataSet, why: str) -> Revision:
    """Send the submitted version back with a reason. Raises Forbidden; Refused without a reason."""
    require(actor, APPROVE, dataset)
    if not why.strip():
        raise refuse("why", _("请写明退回原因。"))
    return _return(actor, dataset, "reject", why.strip()[:500])


def approve(actor: Actor, dataset: DataSet) -> DataSet:
    """Publish the version that waits. Raises Forbidden (also for one's own), Refused when none waits."""
    hat = require(actor, APPROVE, dataset)
    now = timezone.now()
    with transaction.atomic():
        dataset = _locked(dataset)
        revision = _in_state(dataset, RevisionState.APPROVING, _("没有待审批的版本。"))
        if revision.submitted_by == actor.key and not actor.is_system:
            raise Forbidden(_("提交人不能审批自己提交的版本。"), _("请由其他首席数据官审批。"))
        verify_for_publishing(Meta.from_json(revision.meta), revision.shaped)
        _publish(actor, dataset, revision, now)
        note(actor, "approve", dataset, now, {"revision": revision.number}, hat=hat)
    return dataset


def withdraw(actor: Actor, dataset: DataSet, why: str) -> DataSet:
    """Take a published entry out of the catalogue; its grants stop at once. Raises Forbidden, Refused."""
    hat = require(actor, APPROVE, dataset)
    if not why.strip():
        raise refuse("why", _("请写明撤销原因。"))
    now = timezone.now()
    with transaction.atomic():
        dataset = _locked(dataset)
        if dataset.state != DataSetState.PUBLISHED:
            raise refuse("state", _("只有已发布的数据资源可以撤销。"))
        dataset.withdrawn_at, dataset.withdrawn_why = now, why.strip()[:500]
        _set_state(dataset, DataSetState.WITHDRAWN, "withdrawn_at", "withdrawn_why")
        grants = Grant.objects.filter(dataset=dataset, revoked_at=None).count()
        note(actor, "withdraw", dataset, now, {"why": dataset.withdrawn_why, "grants": grants}, hat=hat)
    return dataset


def publish(actor: Actor, dataset: DataSet) -> DataSet:
    """Put a withdrawn entry back as it was. Raises Forbidden; Refused for any other."""
    hat = require(actor, APPROVE, dataset)
    now = timezone.now()
    with transaction.atomic():
        dataset = _locked(dataset)
        if dataset.state != DataSetState.WITHDRAWN:
            raise refuse("state", _("只有已撤销的数据资源可以重新发布。"))
        dataset.withdrawn_at, dataset.withdrawn_why = None, ""
        _set_state(dataset, DataSetState.PUBLISHED, "withdrawn_at", "withdrawn_why")
        note(actor, "publish", dataset, now, {}, hat=hat)
    return dataset


def publish_at_once(actor: Actor, provider: Agency, meta: Meta, shape: Shape) -> tuple[DataSet, str]:
    """Create or renew an entry as published, without the approval of another: for whoever sets a city up.

    Returns it with "added", "changed" or "unchanged". Only the system may. Raises Forbidden, Refused.
    """
    if not actor.is_system:
        raise Forbidden(_("此操作未开放。"))
    verify_for_publishing(meta, shape)
    now = timezone.now()
    with transaction.atomic():
        dataset = DataSet.objects.select_related("current").filter(code=meta.code).first()
        outcome = "changed"
        if dataset is None:
            dataset, outcome = draft_dataset(actor, provider, meta, shape), "added"
            revision = dataset.revisions.get(number=1)
        elif _same(dataset, provider, meta, shape):
            return dataset, "unchanged"
        else:
            dataset.provider = provider
            dataset.save(update_fields=["provider"])
            revision = revise(actor, dataset, meta, shape)
            dataset = _locked(dataset)
        _publish(actor, dataset, revision, now)
        note(actor, "publish_at_once", dataset, now, {"revision": revision.number})
    return dataset, outcome


def _same(dataset: DataSet, provider: Agency, meta: Meta, shape: Shape) -> bool:
    current = dataset.current
    if current is None or dataset.state != DataSetState.PUBLISHED or dataset.provider_id != provider.pk:
        return False
    return bool(current.meta == meta.to_json() and current.shape == shape.to_json())


def _locked(dataset: DataSet) -> DataSet:
    rows = DataSet.objects.select_for_update(of=("self",)).select_related("current", "provider")
    found: DataSet = rows.get(pk=dataset.pk)
    return found


def _open_revision(dataset: DataSet) -> Revision | None:
    states = (RevisionState.DRAFT, RevisionState.APPROVING)
    return dataset.revisions.filter(state__in=states).first()


def _in_state(dataset: DataSet, state: RevisionState, otherwise: str) -> Revision:
    revision = _open_revision(dataset)
    if revision is None or revision.state != state:
        raise refuse("state", otherwise)
    return revision


def _open(actor: Actor, dataset: DataSet, number: int, meta: Meta, shape: Shape) -> Revision:
    return Revision.objects.create(
        dataset=dataset, number=number, shape=shape.to_json(), meta=meta.to_json(), created_by=actor.key
    )


def _wear(dataset: DataSet, meta: Meta, shape: Shape) -> None:
    """Set the columns of a set to a version's metadata."""
    for name in (
        "resource_code", "name_zh", "name_en", "category", "summary", "share_type", "share_condition",
        "open_type", "open_condition", "update_cycle",
    ):  # fmt: skip
        setattr(dataset, name, getattr(meta, name))
    dataset.pinyin = name_key(meta.name_zh)
    dataset.grade = grading.grade(shape)
    dataset.personal = max((field.personal for field in shape.fields), key=PERSONAL_RANK.__getitem__)


def _set_state(dataset: DataSet, state: DataSetState, *more: str) -> None:
    dataset.state = state
    dataset.version += 1
    dataset.save(update_fields=["state", "version", *more])


def _publish(actor: Actor, dataset: DataSet, revision: Revision, now: datetime) -> None:
    dataset.revisions.filter(state=RevisionState.PUBLISHED).update(state=RevisionState.REPLACED)
    revision.state = RevisionState.PUBLISHED
    revision.approved_by, revision.approved_at = actor.key, now
    revision.save(update_fields=["state", "approved_by", "approved_at"])
    meta, shape = Meta.from_json(revision.meta), revision.shaped
    _wear(dataset, meta, shape)
    dataset.state, dataset.current = DataSetState.PUBLISHED, revision
    dataset.published_at = dataset.published_at or now
    dataset.withdrawn_at, dataset.withdrawn_why = None, ""
    dataset.version += 1
    dataset.__dict__.pop("shape", None)
    dataset.save()
    index(dataset, shape, meta.scenes)


def _return(actor: Actor, dataset: DataSet, action: str, why: str) -> Revision:
    now = timezone.now()
    with transaction.atomic():
        dataset = _locked(dataset)
        revision = _in_state(dataset, RevisionState.APPROVING, _("没有待审批的版本。"))
        revision.state, revision.returned_why = RevisionState.DRAFT, why
        revision.save(update_fields=["state", "returned_why"])
        if dataset.state == DataSetState.APPROVING:
            _set_state(dataset, DataSetState.DRAFT)
        note(actor, action, dataset, now, {"revision": revision.number, "why": why})
    return revision
