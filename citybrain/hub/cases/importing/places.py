"""Where the rows of a file lie: areas and cells of a whole batch at once. No database once `index` was called."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from citybrain.base.areas import coordinates
from citybrain.base.areas import index as area_index
from citybrain.base.areas.index import AreaIndex
from citybrain.base.areas.models import Level
from citybrain.hub.cases.importing.rows import Read
from citybrain.hub.cases.intake import cell_of

LEVELS: Final = ("city_id", "district_id", "street_id", "community_id", "grid_id")
Place = dict[str, Any]


def index() -> AreaIndex:
    """Return the index of today's areas with all its layers read, so that another thread may ask it."""
    found = area_index.index()
    for level in Level:
        found.layer(level)
    return found


def places(
    areas: AreaIndex, batch: Sequence[Read], system: str, elsewhere: tuple[int | None, ...] | None
) -> list[Place | None]:
    """Return the place columns of each row, given in the coordinates of `system`.

    What no area holds gets the lineage `elsewhere`; without one it is None.
    """
    lons = np.array([np.nan if one.lon is None else one.lon for one in batch])
    lats = np.array([np.nan if one.lat is None else one.lat for one in batch])
    known = np.isfinite(lons)
    if system != "wgs84" and known.any():
        lons[known], lats[known] = coordinates.to_wgs84(lons[known], lats[known], system)
    found = areas.locate(lons, lats).tolist()
    points = zip(lons.tolist(), lats.tolist(), known.tolist(), strict=True)
    return [
        _place(tuple(one or None for one in ids) if ids[0] or any(ids) else elsewhere, *point)
        for ids, point in zip(found, points, strict=True)
    ]


def _place(lineage: tuple[int | None, ...] | None, lon: float, lat: float, known: bool) -> Place | None:
    if lineage is None:
        return None
    place: Place = dict(zip(LEVELS, lineage, strict=True))
    if known:
        place.update(lon=lon, lat=lat, cell=cell_of(lon, lat))
    return place
