"""Who lives in an area, as far as the register, residence permits and rosters that the area may read say.

A number of a person (公民身份号码) stays in memory here: it joins data sets and is never part of an answer unless a
grant shows it. Forms keep the person's token instead: a keyed hash, with a key of its own, so that a sheet tells
nothing about receipts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from django.utils.translation import gettext as _

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import Node, tree
from citybrain.base.exchange.delivery.keyed import hash_texts, site_key
from citybrain.base.exchange.delivery.subjects import normal
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.hub.forms.knowing.here import Here
from citybrain.hub.forms.knowing.homes import Home, homes
from citybrain.hub.forms.knowing.reading import Read, Reading, Want
from citybrain.hub.forms.knowing.rights import WORKING, HasId, Right, require_work, rights_of

PURPOSE: Final = "forms.subjects"
LARGEST: Final = Level.STREET
REGION_LENGTH: Final = 12


def tokens_of(numbers: Sequence[str]) -> list[str]:
    """Return the tokens (32 hexadecimal digits) by which forms know people."""
    if not numbers:
        return []
    hashed = hash_texts([normal(one) for one in numbers], site_key(PURPOSE)).astype(">u8").tobytes().hex()
    return [hashed[at : at + 32] for at in range(0, len(hashed), 32)]


@dataclass(frozen=True)
class People:
    """People of one area, found for one actor; only `residents` makes them. `not_asked` says what couldn't be read.

    `not_asked` is {data set: "down" or "no_right"} of the sets that say who lives where; `read` how the others were
    read, without their rows; `here` where to look for these people's rows.
    """

    area_id: int
    actor: str
    numbers: tuple[str, ...] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    not_asked: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, tuple[Right, Read]] = field(default_factory=dict, repr=False)
    here: Here = field(default_factory=Here, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each token stands."""
        return {token: at for at, token in enumerate(self.tokens)}

    def only(self, tokens: Iterable[str]) -> "People":
        """Return those with the tokens, in the tokens' order; tokens of others are left out."""
        places = [self.place[one] for one in dict.fromkeys(tokens) if one in self.place]
        return self._at(places)

    def with_numbers(self, numbers: Iterable[str]) -> "People":
        """Return those with the numbers, in their own order."""
        wanted = set(numbers)
        return self._at([at for at, one in enumerate(self.numbers) if one in wanted])

    def _at(self, places: Sequence[int]) -> "People":
        return People(
            self.area_id, self.actor, tuple(self.numbers[at] for at in places),
            tuple(self.tokens[at] for at in places), self.not_asked, self.read, self.here,
        )  # fmt: skip


def codes_within(node: Node) -> list[str]:
    """Return the codes that rows of an area bear: of the area, what lies in it and what was merged into it."""
    areas = tree()
    inside = {
        below.id
        for scope in areas.scope_ids(node.id)
        for below in (areas.get(scope), *areas.descendants(scope))
    }
    ever = {before for one in inside for before in areas.scope_ids(one)}
    return sorted({code.ljust(REGION_LENGTH, "0") for one in ever for code in areas.codes_of(one)})


def residents(
    actor: Actor,
    area: HasId | int,
    *,
    permissions: Sequence[str] = WORKING,
    now: datetime | None = None,
    purpose: str = "",
) -> People:
    """Return who lives in an area of a street at most, in an order that tells nothing. Leaves receipts.

    Somebody registered in one area and living in another is found in both. Raises Forbidden; Refused above a street.
    """
    node = require_work(actor, area, permissions)
    if node.level < LARGEST:
        raise refuse("area", _("请选择街道、社区或网格，再查看人员。"))
    asked = [one for one in homes() if one.place(node.level)]
    rights = rights_of(node, [one.dataset for one in asked], now)
    not_asked: dict[str, str] = {}
    wants = []
    codes = codes_within(node)
    for home in asked:
        right = _telling(rights.get(home.dataset, ()), home, node.level)
        if right is None:
            not_asked[home.dataset] = "no_right"
            continue
        here = (home.here,) if home.here and right.plain(home.here.field) else ()
        place = home.place(node.level)
        wants.append(Want(right, (place,), place, tuple(codes), here))
    read = Reading(actor, purpose or "forms.residents").read(wants)
    numbers: dict[str, None] = {}
    for one in read.values():
        if one.down:
            not_asked[one.code] = "down"
        numbers.update(dict.fromkeys(one.rows))
    ranked = sorted(zip(tokens_of(list(numbers)), numbers, strict=True))
    return People(
        node.id,
        actor.key,
        tuple(number for _token, number in ranked),
        tuple(token for token, _n in ranked),
        not_asked,
        {
            want.right.dataset.code: (want.right, replace(read[want.right.dataset.code], rows={}, found=None))
            for want in wants
            if not read[want.right.dataset.code].down
        },
        Here({one.code: one.found for one in read.values() if one.found is not None}),
    )


def _telling(rights: Sequence[Right], home: Home, level: int) -> Right | None:
    """Return the right under which a set tells who lives where: its place is granted without a mask."""
    place = home.place(level)
    found = [one for one in rights if one.plain(place) and one.shape.subject]
    return max(found, key=lambda one: home.here is None or one.plain(home.here.field), default=None)
