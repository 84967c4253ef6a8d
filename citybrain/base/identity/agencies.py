"""Which body does a kind of work in an area: the directory of agencies in memory.

One copy per process, read again when `DirectoryVersion` changes; that is looked at every `CHECK_SECONDS` at
most. Only bodies in force today are in it. The body of an area that was split serves each part until one of its
kind stands there.
"""

import csv
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from citybrain.base.areas.tree import AreaTree, tree
from citybrain.base.identity.models import Agency, AgencyKind, DirectoryVersion

CHECK_SECONDS = 2.0
KINDS_FILE = Path(__file__).parent / "data" / "agencies.csv"
LEVELS = {"市": 1, "区": 2, "街镇": 3, "社区": 4}

Lineage = Sequence[int | None]


@cache
def kind_rows() -> tuple[dict[str, str], ...]:
    """Return the rows of data/agencies.csv: agency_key, name_zh, name_en, kind (sector), level ("区/市")."""
    with KINDS_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def levels_of(words: str) -> list[int]:
    """Return the levels named by "区/市", lowest area first as written: [2, 1]."""
    return [LEVELS[word] for word in words.split("/")]


@cache
def kind_named(name_zh: str) -> str | None:
    """Return the key of the kind that items call by this Chinese name (城管), None where there is none."""
    return next((row["agency_key"] for row in kind_rows() if row["name_zh"] == name_zh), None)


class Directory:
    """The agencies of one version (of agencies, of areas) and day."""

    def __init__(self, version: tuple[int, int, date], agencies: Iterable[Agency], areas: AreaTree) -> None:
        self.version = version
        self.by_id: dict[int, Agency] = {}
        self._at: dict[tuple[str, int], Agency] = {}
        self._in_area: dict[int, list[Agency]] = defaultdict(list)
        for agency in agencies:
            self.by_id[agency.pk] = agency
            self._at.setdefault((agency.kind_id, agency.area_id), agency)
            self._in_area[agency.area_id].append(agency)
        self._serve_parts(areas)

    def _serve_parts(self, areas: AreaTree) -> None:
        """Let the bodies of ended areas serve what came after, where none of their kind stands."""
        for agency in self.by_id.values():
            home = areas.find(agency.area_id)
            if home is None or home.in_force:
                continue
            for part in areas.becomes(home.id):
                if self._at.setdefault((agency.kind_id, part.id), agency) is agency and part.id != home.id:
                    self._in_area[part.id].append(agency)

    def resolve(self, kind_key: str, lineage: Lineage) -> Agency | None:
        for area_id in reversed(lineage):
            found = self._at.get((kind_key, area_id)) if area_id is not None else None
            if found is not None:
                return found
        return None

    def covering(self, lineage: Lineage) -> list[Agency]:
        return [
            agency
            for area_id in reversed(lineage)
            if area_id is not None
            for agency in self._in_area.get(area_id, ())
        ]


class _Kept:
    directory: Directory | None = None
    checked_at = 0.0


_lock = threading.Lock()


def directory() -> Directory:
    """Return the agencies in force today, at most `CHECK_SECONDS` old."""
    kept = _Kept.directory
    if kept is not None and time.monotonic() - _Kept.checked_at < CHECK_SECONDS:
        return kept
    with _lock:
        areas = tree()
        written = DirectoryVersion.objects.values_list("version", flat=True).first() or 0
        version = (written, areas.version, timezone.localdate())
        kept = _Kept.directory
        if kept is None or kept.version != version:
            kept = _Kept.directory = Directory(version, _in_force(), areas)
        _Kept.checked_at = time.monotonic()
        return kept


def _in_force() -> list[Agency]:
    """Return the agencies in force in the order of kinds. Those of a kind share it: thousands have the same sixty."""
    kinds = AgencyKind.objects.in_bulk()
    found = list(Agency.objects.in_force().order_by("kind__sort", "id"))
    for agency in found:
        agency.kind = kinds[agency.kind_id]
    return found


def resolve_agency(kind_key: str, lineage: Lineage) -> Agency | None:
    """Return the body of a kind for the nearest area up a lineage (community before street before city).

    The agency is shared by all callers: read it, don't change it. Among several of a kind in one area the
    oldest counts. None where no area up to the city has one.
    """
    return directory().resolve(kind_key, lineage)


def agencies_covering(lineage: Lineage, kind_key: str | None = None) -> list[Agency]:
    """Return the bodies of all areas in a lineage, nearest area first, then in the order of kinds."""
    found = directory().covering(lineage)
    return found if kind_key is None else [agency for agency in found if agency.kind_id == kind_key]


def agency_by_id(agency_id: int) -> Agency | None:
    """Return an agency in force from memory, None for one that isn't."""
    return directory().by_id.get(agency_id)


def serves_area(agency: Agency, area_id: int) -> bool:
    """Return whether an area lies where the body works: in its area, or in a part of it after a split."""
    areas = tree()
    home = areas.find(agency.area_id)
    homes = areas.becomes(home.id) if home is not None else ()
    return areas.contains(agency.area_id, area_id) or any(areas.contains(one.id, area_id) for one in homes)


def forget() -> None:
    """Drop the copy, so that the next call reads again."""
    with _lock:
        _Kept.directory = None
        _Kept.checked_at = 0.0


def bump() -> None:
    """Give the directory a new version, inside the transaction that changed it; bulk writers call it, too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO identity_directoryversion (id, version)"
            " VALUES (1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"
            " ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version"
        )
    _Kept.checked_at = 0.0
    transaction.on_commit(_look_again)


def _look_again() -> None:
    _Kept.checked_at = 0.0
