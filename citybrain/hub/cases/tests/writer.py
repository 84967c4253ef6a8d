"""A process that reports and works cases until it is killed; prints a line after each commit.

`python -m citybrain.hub.cases.tests.writer SEED FIRST COUNT`: report n has a key made from SEED and n, so a
second run of the same numbers must add nothing.
"""

import sys
import uuid

import django


def main(seed: int, first: int, count: int) -> None:
    django.setup()
    from citybrain.base.areas.models import Area
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.models import Agency
    from citybrain.hub.cases import actions
    from citybrain.hub.cases.errors import Conflict
    from citybrain.hub.cases.intake import Report
    from citybrain.hub.cases.states import Source

    grid = Area.objects.get(code="129801001001001").pk
    agency = Agency.objects.get(key="east_cm").pk
    for number in range(first, first + count):
        key = uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}-{number}")
        report = Report(Source.CITIZEN, f"垃圾 {number}", area_id=grid, submission_key=key)
        receipt = actions.report(SYSTEM, report)
        said(f"reported {number} {receipt.number}")
        for step, given in (("file", {"item": "010101"}), ("dispatch", {"agency": agency}), ("accept", {})):
            try:
                outcome = actions.take(SYSTEM, receipt.case_id, step, given)
            except Conflict:
                continue  # an earlier life of this process got that far
            said(f"{step} {number} {outcome.version}")


def said(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
