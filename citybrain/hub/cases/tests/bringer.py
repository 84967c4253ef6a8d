"""A process that imports a file in small batches until it is killed; prints the rows so far after each.

`python -m citybrain.hub.cases.tests.bringer FILE MAP BATCH`
"""

import sys
from pathlib import Path

import django


def main(file: str, map_file: str, batch: str) -> None:
    django.setup()
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.cases.importing import importer, mapping

    importer.BATCH = int(batch)  # type: ignore[misc]
    chosen = mapping.read(Path(map_file))

    def told(rows: int) -> None:
        sys.stdout.write(f"{rows}\n")
        sys.stdout.flush()

    told(0)
    importer.import_file(SYSTEM, Path(file), chosen, told=told)


if __name__ == "__main__":
    main(*sys.argv[1:4])
