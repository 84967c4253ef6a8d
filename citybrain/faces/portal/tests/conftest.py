"""The village of the cases' tests with shapes, so that a point on the map lies somewhere."""

import io
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image
from shapely import MultiPolygon, box
from shapely.ops import unary_union

from citybrain.base.areas import tree as area_tree
from citybrain.base.areas.models import AreaShape, AreaVersion
from citybrain.faces.portal import figures
from citybrain.hub.cases import actions, photos
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.tests.conftest import GRIDS, Village, village
from citybrain.site.messages import compile_all

__all__ = ["village"]

WEST, SOUTH, SIZE = 117.0, 39.0, 0.01
OUTSIDE = (100.0, 25.0)


def point_in(grid: str) -> tuple[float, float]:
    """Return longitude and latitude of the middle of a grid."""
    place = GRIDS[grid][1]
    return WEST + place * SIZE + SIZE / 2, SOUTH + SIZE / 2


def _square(place: int) -> Any:
    return box(WEST + place * SIZE, SOUTH, WEST + (place + 1) * SIZE, SOUTH + SIZE)


@pytest.fixture(autouse=True)
def _settings(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "photos"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    figures.forget()
    yield
    figures.forget()


@pytest.fixture(scope="session", autouse=True)
def _messages() -> None:
    compile_all()


@pytest.fixture
def town(village: Village) -> Village:
    """The village on a map: four grids in a row, each a square of about a kilometre."""
    squares = {code: _square(place) for code, place in GRIDS.values()}
    now = timezone.now()
    for code, area in village.areas.items():
        inside = [square for grid, square in squares.items() if grid.startswith(code)]
        shape = unary_union(inside)
        whole = shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])
        west, south, east, north = whole.bounds
        middle = inside[0].centroid
        AreaShape.objects.create(
            area=area, wkb=whole.wkb, west=west, south=south, east=east, north=north,
            label_lon=middle.x, label_lat=middle.y, km2=1.0, changed_at=now,
        )  # fmt: skip
    AreaVersion.objects.filter(pk=1).update(version=77_001)
    area_tree.forget()
    return village


def jpeg(width: int = 320, height: int = 240, colour: str = "teal", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG", **more)
    return out.getvalue()


def jpeg_taken_at(lon: float, lat: float) -> bytes:
    """Return a picture whose camera says where it was."""
    exif = Image.Exif()

    def parts(value: float) -> tuple[float, float, float]:
        degrees = int(value)
        minutes = int((value - degrees) * 60)
        return float(degrees), float(minutes), round((value - degrees - minutes / 60) * 3600, 4)

    exif.get_ifd(0x8825).update({1: "N", 2: parts(lat), 3: "E", 4: parts(lon)})
    return jpeg(exif=exif)


def answers(grid: str = "east1", **changed: Any) -> dict[str, Any]:
    """Return what a browser sends for a report; `changed` replaces answers, None leaves one out."""
    lon, lat = point_in(grid)
    given = {
        "submission_key": str(uuid.uuid4()),
        "description": "小区门口的路灯不亮了",
        "lon": str(lon),
        "lat": str(lat),
        "address": "",
        "area_id": "",
        "item_code": "",
        "contact": "none",
    } | changed
    return {name: value for name, value in given.items() if value is not None}


@pytest.fixture
def report(town: Village) -> Callable[..., Case]:
    """Report through the browser given, and return the case."""

    def send(client: Client, **changed: Any) -> Case:
        answer = client.post("/report/", answers(**changed))
        assert answer.status_code == 302, answer.content.decode()[:2000]
        return Case.objects.get(number=answer["Location"].rstrip("/").rsplit("/", 1)[1])

    return send


@pytest.fixture
def sign_in(town: Village) -> Callable[[Client, str], None]:
    """Sign a person of the village in on a client, past the phone or password."""

    def enter(client: Client, login: str) -> None:
        client.force_login(town.people[login])

    return enter


def settle(town: Village, case: Case, item: str = "") -> Case:
    """Carry a case to its end by the officers whose work it is, with a photo after."""
    code = item or actions.guessed_item(case.pk)
    after = photos.upload(jpeg(colour="gold"), "after", town.people["handler"].pk)
    for login, step, given in (
        ("acceptor", "file", {"item": code}),
        ("dispatcher", "dispatch", {"agency": town.agencies["east_cm"].pk}),
        ("handler", "accept", {}),
        ("handler", "feedback", {"reason": "灯泡已更换", "photos": [str(after.token)]}),
        ("acceptor", "close", {"solved": True, "reason": "现场已亮灯"}),
    ):
        actions.take(town.actor(login), case.pk, step, given)
    case.refresh_from_db()
    return case


__all__ += ["answers", "jpeg", "jpeg_taken_at", "point_in", "settle"]
