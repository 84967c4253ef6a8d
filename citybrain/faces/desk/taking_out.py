"""A list as an Excel file."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

from citybrain.faces.desk.addresses import asked
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.work import list_of
from citybrain.hub.cases import export, filters

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@officers
def export_view(request: HttpRequest, key: str) -> HttpResponse:
    """The list with its filters, as many rows as may be taken out; the export is in the ledger."""
    actor = actor_of(request)
    one = list_of(actor, key)
    content = export.workbook(actor, key, filters.read(asked(request.GET)))
    answer = HttpResponse(content, content_type=XLSX)
    name = f"{one.label}_{timezone.localtime():%Y%m%d_%H%M}.xlsx"
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or "attachment"
    )
    return answer
