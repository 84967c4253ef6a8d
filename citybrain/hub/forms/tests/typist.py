"""A process that fills a sheet until it is killed; prints a line after each batch that was saved.

`python -m citybrain.hub.forms.tests.typist SHEET SEED BATCHES`: edit n has an id made from SEED and n, as a device
that was offline sends what it isn't sure of again.
"""

import sys
import uuid

import django


def main(sheet_id: int, seed: int, batches: int) -> None:
    django.setup()
    from citybrain.base.identity.actor import actor_for
    from citybrain.base.identity.models import Person
    from citybrain.hub.forms import collecting
    from citybrain.hub.forms.collecting import CellEdit
    from citybrain.hub.forms.models import Sheet

    actor = actor_for(Person.objects.get(login="zhang"))
    sheet = Sheet.objects.get(pk=sheet_id)

    def client(batch: int, name: str) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}-{batch}-{name}")

    said("started")
    sheet = collecting.open_sheet(actor, sheet, again=True)
    said(f"opened {sheet.rows_count}")
    for batch in range(batches):
        row = f"n{client(batch, 'row').hex}"
        edits = [
            CellEdit(row, "", "add", 0, client(batch, "add")),
            CellEdit(row, "B", f"第{batch}人", 0, client(batch, "B")),
            CellEdit(row, "E", "是", 0, client(batch, "E")),
            CellEdit(row, "F", str(batch % 100), 0, client(batch, "F")),
        ]
        saved = collecting.edit(actor, sheet, edits)
        if {one.did for one in saved.results} == {"saved"}:
            said(f"saved {batch} {saved.stamp}")


def said(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
