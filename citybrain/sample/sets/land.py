"""规划资源、统计、街镇: property, addresses, buildings, areas and grids."""

import numpy as np
import shapely

from citybrain.sample.city import GRID
from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.homes import HOMES_PER_BUILDING
from citybrain.sample.sets.tell import Columns, gone, tells
from citybrain.sample.sets.text import Array, days_text, joined, numbered, points, zeros

METRE = 1e-5  # degrees, roughly
DAY = np.timedelta64(1, "D")


def outlines(shapes: Array) -> Array:
    """Return WKT multipolygons with six places (0.1 m)."""
    parts, place = shapely.get_parts(shapes, return_index=True)
    return np.asarray(shapely.to_wkt(shapely.multipolygons(parts, indices=place), rounding_precision=6))


def squares(spots: Array, metres: float) -> Array:
    lon, lat = spots.T
    half = metres * METRE / 2
    return outlines(shapely.box(lon - half, lat - half, lon + half, lat + half))


def units(basis: Basis) -> Array:
    """Return the 28-sign real-estate unit number of each home (GB/T 37346: parcel 19, building and unit 9)."""
    place = np.arange(len(basis.homes))
    return joined("120198", zeros(place // HOMES_PER_BUILDING, 13), "F", zeros(place, 8))


@tells("zr_property")
def property_rows(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    owner = np.unique(people.head)[draw.of(len(np.unique(people.head)), 0.8)]
    home, count = basis.home(owner), len(owner)
    return {
        "cert_no": joined("安(2026)不动产权第", zeros(np.arange(1, count + 1), 8), "号"),
        "unit_no": units(basis)[home],
        "owner_name": people.name[owner],
        "owner_id": people.id_no[owner],
        "share": draw.code("share", count, 0.6),
        "location": basis.homes.address[home],
        "area": draw.number(count, 42, 168),
        "use": draw.code("use", count, 0.95),
        "mortgage": draw.some(count, 0.35),
        "seizure": draw.some(count, 0.004),
        "reg_date": draw.days_back(count, 6_500, 20),
    }


@tells("zr_transfer")
def transfers(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    heads = np.unique(people.head)
    count = max(4, len(heads) // 60)
    buyer = heads[draw.rng.permutation(len(heads))[:count]]
    seller = draw.rng.choice(people.adults, count)
    status = draw.code("status", count, 0.2)
    approved = draw.moments_back(count, 90)
    return {
        "case_no": joined("BDC", days_text(approved), zeros(np.arange(1, count + 1), 6)),
        "unit_no": units(basis)[basis.home(buyer)],
        "seller_id": people.id_no[seller],
        "buyer_id": people.id_no[buyer],
        "location": basis.homes.address[basis.home(buyer)],
        "contract_no": numbered("HT", count, 10),
        "tax_paid": draw.some(count, 0.9),
        "status": status,
        "approved_at": gone(approved, status != draw.codes("status")[-1]),
    }


@tells("zr_address")
def addresses(basis: Basis, draw: Draw) -> Columns:
    homes = basis.homes
    return {
        "address_code": homes.code,
        "region": homes.region,
        "road": homes.road,
        "number": homes.number,
        "estate": homes.estate,
        "building": homes.building,
        "unit": homes.unit,
        "room": homes.room,
        "point": points(homes.spot),
        "grid_code": homes.grid_code,
    }


@tells("zr_building")
def buildings(basis: Basis, draw: Draw) -> Columns:
    first = np.arange(0, len(basis.homes), HOMES_PER_BUILDING)
    homes, count = basis.homes, len(first)
    floors = draw.rng.integers(6, 33, count)
    return {
        "building_id": numbered("JZ120198", count, 8),
        "name": joined(homes.estate[first], homes.building[first]),
        "footprint": squares(homes.spot[first], 24),
        "floors": floors,
        "height": np.round(floors * 2.95 + 1.2, 1),
        "use": draw.code("use", count, 0.9),
        "built_year": draw.rng.integers(1978, draw.until.year, count),
        "structure": draw.code("structure", count, 0.6),
        "model_ref": joined("cim/", zeros(np.arange(count), 8), ".ifc"),
    }


@tells("tj_region")
def regions(basis: Basis, draw: Draw) -> Columns:
    city = basis.city
    areas = city.areas[: city.first[GRID]]
    codes = np.array([area.code.ljust(12, "0") for area in areas])
    above = np.array([codes[area.parent] if area.parent is not None else "" for area in areas])
    rural = np.array([area.kind in {"village", "town"} for area in areas])
    return {
        "region_code": codes,
        "name": np.array([area.name for area in areas]),
        "level": np.array([str(area.level) for area in areas]),
        "parent": gone(above, above == ""),
        "urban_code": np.where(rural, "220", "111"),
        "boundary": outlines(city.shapes[: city.first[GRID]]),
        "valid_from": np.full(len(areas), np.datetime64(f"{draw.until.year}-01-01")),
    }


@tells("cg_grid")
def grids(basis: Basis, draw: Draw) -> Columns:
    city = basis.city
    areas = city.at_level(GRID)
    codes = np.array([area.code for area in areas])
    place = {code: number for number, code in enumerate(codes.tolist())}
    home_grid = np.array([place[code] for code in basis.homes.grid_code.tolist()])
    lived = home_grid[basis.home_of]
    members = np.bincount(basis.people.household)
    staff = draw.rng.choice(basis.people.adults, len(areas))
    return {
        "grid_code": codes,
        "name": np.array([area.name for area in areas]),
        "type": np.full(len(areas), draw.codes("type")[0]),
        "region": np.array([code[:12] for code in codes.tolist()]),
        "boundary": outlines(city.shapes[city.first[GRID] :]),
        "households": np.bincount(lived, minlength=len(areas)),
        "population": np.bincount(lived, weights=members, minlength=len(areas)).astype(np.int64),
        "staff_name": basis.people.name[staff],
        "staff_phone": basis.people.phone[staff],
    }


@tells("tj_economy")
def economy(basis: Basis, draw: Draw) -> Columns:
    names = ("gdp", "industry_added", "retail_sales", "fixed_investment", "fiscal_revenue", "exports")
    districts = np.unique([region[:6] for region in basis.homes.region.tolist()])
    months = np.array([str(np.datetime64(draw.until, "M") - back).replace("-", "") for back in range(1, 13)])
    period, name, region = (part.ravel() for part in np.meshgrid(months, names, districts, indexing="ij"))
    count = len(period)
    return {
        "period": period,
        "indicator": name,
        "region": region,
        "value": np.round(draw.money(count, 80, 0.9), 4),
        "yoy": np.round(draw.rng.normal(5.2, 3.5, count), 2),
        "unit": np.full(count, "亿元"),
    }
