"""Indexes that what is asked often, or over all history, leans on."""

import re

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("table", "columns", "condition"),
    [
        ("hotline_ticketevent", "at, id", ""),
        ("hotline_ticket", "created_by_id, received_at", "(created_by_id IS NOT NULL)"),
        ("hotline_ticket", "item_code, received_at", ""),
        ("hotline_ticket", "class_label, received_at", "(state = ANY (ARRAY[70, 80]))"),
        ("hotline_ticket", "received_at", "is_open"),
        ("hotline_ticket", "urgency, received_at", "(NOT ((urgency) = 'general'))"),
    ],
    ids=["corrections", "mine", "an item's", "settled of a class", "the newest open", "urgent"],
)
def test_what_is_asked_has_its_index(table: str, columns: str, condition: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [table])
        every = [re.sub(r"::\w+(\[\])?", "", row[0]) for row in cursor.fetchall()]
    ends = f"({columns})" + (f" WHERE {condition}" if condition else "")
    assert [one for one in every if one.endswith(f"USING btree {ends}")]
