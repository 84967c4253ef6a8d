"""Finding a data set within right, for every page that is about one."""

from django.http import Http404

from citybrain.base.catalogue.access import VIEW
from citybrain.base.catalogue.models import DataSet
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor


def found_set(actor: Actor, code: str) -> DataSet:
    """Return a data set within right. Raises Forbidden for who sees none at all, Http404."""
    require(actor, VIEW)
    for rows in (DataSet.objects.visible_to(actor), DataSet.objects.kept_by(actor)):
        dataset: DataSet | None = rows.filter(code=code).select_related("provider", "current").first()
        if dataset is not None:
            return dataset
    raise Http404
