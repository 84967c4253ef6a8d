"""What changed on a roster since a person last looked: who came, who left, which cells differ.

Kept of a look are each person's token and, for each column, a keyed hash of four bytes: enough to tell that something
changed, not what it was. A column that couldn't be read isn't compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Final

import orjson
from django.db import transaction
from django.utils import timezone

from citybrain.base.areas.tree import Node
from citybrain.base.exchange.delivery.keyed import site_key
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.access import ROSTERS
from citybrain.hub.forms.knowing.cells import State
from citybrain.hub.forms.knowing.knowing import Known, know
from citybrain.hub.forms.knowing.rights import HasId, require_work
from citybrain.hub.forms.models import Looked
from citybrain.hub.forms.rosters.kinds import columns_of, roster
from citybrain.hub.forms.rosters.standing import members

PURPOSE: Final = "forms.looked"
SHORT: Final = 4
UNREAD: Final = bytes(SHORT)
TOKEN: Final = 16


@dataclass
class Seen:
    """How a roster differs from the last look. `letters` are the columns changed by token; `left` how many left."""

    compared: bool = False
    at: datetime | None = None
    new: frozenset[str] = frozenset()
    letters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left: int = 0

    def of(self, token: str) -> str:
        return "new" if token in self.new else "changed" if token in self.letters else ""


def compare(actor: Actor, key: str, node: Node, known: Known) -> Seen:
    """Return what changed since the actor's last look; the first look is kept and has nothing to compare with."""
    if actor.person_id is None:
        return Seen()
    looked = Looked.objects.filter(person_id=actor.person_id, roster=key, area_id=node.id).first()
    if looked is None:
        _keep(actor, key, node, known, timezone.now())
        return Seen()
    before = _read(bytes(looked.held))
    now = _digests(known)
    new = frozenset(token for token in now if token not in before)
    fields = {one.column.field: letter for letter, one in known.columns.items()}
    letters = {}
    for token, cells in now.items():
        held = before.get(token)
        if held is None:
            continue
        changed = tuple(
            fields[name]
            for name, value in cells.items()
            if UNREAD not in {value, held.get(name, UNREAD)} and held[name] != value
        )
        if changed:
            letters[token] = changed
    return Seen(True, looked.at, new, letters, sum(token not in now for token in before))


def look(actor: Actor, key: str, area: HasId | int, now: datetime | None = None) -> None:
    """Remember the roster as it stands: from here on changes are counted (已阅). Raises Forbidden, Refused."""
    moment = now or timezone.now()
    node = require_work(actor, area, (ROSTERS,))
    with transaction.atomic():
        people = members(actor, key, node, permissions=(ROSTERS,), now=moment)
        known = know(actor, node, columns_of(roster(key)), people, now=moment, purpose=f"forms.roster.{key}")
        _keep(actor, key, node, known, moment)


def _keep(actor: Actor, key: str, node: Node, known: Known, at: datetime) -> None:
    if actor.person_id is None:
        return
    names = [one.column.field for one in known.columns.values()]
    head = orjson.dumps(names)
    parts = [len(head).to_bytes(4, "little"), head]
    for token, cells in _digests(known).items():
        parts.append(bytes.fromhex(token))
        parts += [cells[name] for name in names]
    held = b"".join(parts)
    Looked.objects.update_or_create(
        person_id=actor.person_id, roster=key, area_id=node.id, defaults={"at": at, "held": held}
    )


def _read(held: bytes) -> dict[str, dict[str, bytes]]:
    size = int.from_bytes(held[:4], "little")
    names: list[str] = orjson.loads(held[4 : 4 + size])
    found, width = {}, TOKEN + SHORT * len(names)
    for at in range(4 + size, len(held), width):
        token = held[at : at + TOKEN].hex()
        cells = held[at + TOKEN : at + width]
        found[token] = {name: cells[n * SHORT : n * SHORT + SHORT] for n, name in enumerate(names)}
    return found


def _digests(known: Known) -> dict[str, dict[str, bytes]]:
    """Return for each token the short hash of each column's value, noughts for one that couldn't be read."""
    secret = site_key(PURPOSE)
    found: dict[str, dict[str, bytes]] = {token: {} for token in known.keys}
    for one in known.columns.values():
        name = one.column.field
        readable = one.state not in {State.NO_RIGHT, State.DOWN}
        for at, token in enumerate(known.keys):
            text = f"{token}\x1f{name}\x1f{one.values[at]}".encode()
            found[token][name] = blake2b(text, digest_size=SHORT, key=secret).digest() if readable else UNREAD
    return found
