"""The truth behind the sample's reports, beside what the city made of them: for guesses, routes, duplicates."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from citybrain.sample.models import ReportTruth

QUERY = """
SELECT c.number, c.external_ref, c.reported_at, t.matter, t.again, t.item_code, i.code, t.grid_code, g.code,
       t.agency_key, a.key, t.lon, t.lat, c.lon, c.lat, m.number, c.description
FROM sample_reporttruth t JOIN cases_case c ON c.id = t.case_id
LEFT JOIN cases_item i ON i.id = c.item_id LEFT JOIN areas_area g ON g.id = c.grid_id
LEFT JOIN identity_agency a ON a.id = c.agency_id LEFT JOIN cases_case m ON m.id = c.duplicate_of_id
ORDER BY c.id
"""
NAMES = (
    "number", "external_ref", "reported_at", "matter", "again", "true_item", "item", "true_grid", "grid",
    "true_agency", "agency", "true_lon", "true_lat", "lon", "lat", "duplicate_of", "text",
)  # fmt: skip


def rows() -> Iterator[dict[str, Any]]:
    """Yield one row per sample report, in the order of cases; empty values are None."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        while found := cursor.fetchmany(2_000):
            for row in found:
                told = dict(zip(NAMES, row, strict=True))
                yield {**told, "reported_at": told["reported_at"].isoformat()}


def summary() -> dict[str, int]:
    """Return how many reports, matters, repeated reports, and how many of these the city has tied together."""
    told = list(ReportTruth.objects.values_list("matter", "again"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM sample_reporttruth t JOIN cases_case c ON c.id = t.case_id"
            " WHERE t.again > 0 AND c.duplicate_of_id IS NOT NULL"
        )
        merged = int(cursor.fetchone()[0])
    return {
        "reports": len(told),
        "matters": len({matter for matter, _again in told}),
        "repeated reports": sum(again > 0 for _matter, again in told),
        "repeated reports merged": merged,
    }
