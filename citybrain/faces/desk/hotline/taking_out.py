"""A list as an Excel file: who may take it out, and that it was taken, is in the ledger."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.work import asked, list_of
from citybrain.hub.hotline import export, filters

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@hotline
@require_GET
def export_view(request: HttpRequest, key: str) -> HttpResponse:
    """The list with its filters, as many rows as may be taken out."""
    actor = actor_of(request)
    one = list_of(actor, key)
    content = export.workbook(actor, key, filters.read(asked(request)))
    answer = HttpResponse(content, content_type=XLSX)
    name = f"{one.label}_{timezone.localtime():%Y%m%d_%H%M}.xlsx"
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or "attachment"
    )
    return answer
