"""实名 by comparison: does the register of people hold this number under this name? Asked under a grant.

The right to look is an ordinary grant of the population set for the scene `identity`: its supplier sees it, may take
it back, and the next comparison is refused. What the register holds never leaves here, only yes or no.
"""

import hmac
import unicodedata
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils import timezone

from citybrain.base.catalogue import grants
from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.exchange.delivery import receipts, subjects
from citybrain.base.exchange.delivery.calls import What
from citybrain.base.exchange.delivery.compile import Compiler
from citybrain.base.exchange.models import SetKind
from citybrain.base.identity.models import AuthLevel, Person
from citybrain.base.identity.proofs import CannotCheck, Proof
from citybrain.base.lake import serving

REGISTER: Final = "ga_population"
SCENE: Final = "identity"
NAME: Final = "name"
DOTS: Final = str.maketrans(dict.fromkeys("•・‧∙.。", "·"))


def plain_name(name: str) -> str:
    """Return a name as it is compared: no spaces, one kind of dot between its parts, one width."""
    text = unicodedata.normalize("NFKC", name).translate(DOTS)
    return "".join(text.split()).upper()


def right(now: datetime) -> Grant | None:
    """Return the grant that comparisons are made under, None while there is none."""
    live = grants.live_grants(now).filter(dataset__code=REGISTER, request__scene=SCENE)
    for grant in live.select_related("dataset__current").order_by("-pk"):
        policy = grants.policy(grant)
        if "key" in policy.modes and NAME in policy.fields and NAME not in policy.masks:
            return grant
    return None


class RegisterChecker:
    """Proves 实名 by the population set: `shown` holds `name` and `id_no`."""

    by_officer = False

    def check(self, person: Person, shown: dict[str, str]) -> Proof | None:
        """Return the proof where name and number belong together. Raises CannotCheck."""
        now = timezone.now()
        grant = right(now)
        if grant is None:
            raise CannotCheck(
                f"no live grant of {REGISTER} for the scene {SCENE} with the name unmasked, by key"
            )
        id_no = subjects.normal(shown.get("id_no", ""))
        held, version = _held(grant, id_no)
        same = hmac.compare_digest(
            plain_name(held or "").encode(), plain_name(shown.get("name", "")).encode()
        )
        if held is None or not same:
            return None
        number = _receipt(grant, id_no, version, now)
        return Proof(AuthLevel.REAL_NAME, "register", f"receipt:{number}")


def example(number: int) -> tuple[str, str] | None:
    """Return (name, identity number) of somebody in the register, for who tries a made-up city; never in a real one."""
    copy = serving.current(REGISTER)
    if right(timezone.now()) is None or copy is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT name, id_no FROM {copy[0]} WHERE alive ORDER BY _key OFFSET %s LIMIT 1",  # noqa: S608
            [number % 100],
        )
        row = cursor.fetchone()
    return (str(row[0]), str(row[1])) if row else None


def _held(grant: Grant, id_no: str) -> tuple[str | None, int]:
    """Return (name in the register, version); the statement is the grant's own, with its conditions."""
    copy = serving.current(REGISTER)
    if copy is None:
        raise CannotCheck(f"{REGISTER} has no serving copy yet")
    relation, version = copy
    dataset: DataSet = grant.dataset
    statement = Compiler(grants.policy(grant), dataset.shape, "postgres").by_key(relation, (NAME,))
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, {**statement.params, "keys": [id_no]})
        row = cursor.fetchone()
    return (None if row is None else str(row[0] or "")), version


def _receipt(grant: Grant, id_no: str, version: int, now: datetime) -> int:
    """Leave the receipt of the comparison, so that the person sees this reading too."""
    kind = SetKind.SUBJECT.value
    what = What(grant.agency_id, grant.number or "", REGISTER, version, "key", (NAME,), 0, kind)
    members = receipts.members_of(kind, subjects.tokens_of([id_no]))
    made = receipts.write([receipts.Delivered(grant.pk, what, now, now, 1, members, actor="system")])
    return int(made[0].pk)
