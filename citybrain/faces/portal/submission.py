"""What the browser sends as a report, checked: every mistake is told at once, beside its question."""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from citybrain.base.areas import index
from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.identity.phones import normalise_phone
from citybrain.faces.portal import places
from citybrain.hub.cases import items
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.intake import DESCRIPTION_MOST, Report
from citybrain.hub.cases.states import Source
from citybrain.hub.steps import inputs

ADDRESS_MOST: Final = 200
NAME_MOST: Final = 30
NO_ITEM: Final = "none"
SEE_PHOTO: Final = "（未写文字，见照片）"


@dataclass(slots=True)
class Submission:
    """The values as given, what is wrong with them by field, and the places an address may mean."""

    values: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    choices: list[places.Place] = field(default_factory=list)
    description: str = ""
    address: str = ""
    lon: float | None = None
    lat: float | None = None
    area_id: int | None = None
    item_code: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    contact_shared: bool = False
    key: uuid.UUID | None = None

    def report(self, photos: list[uuid.UUID]) -> Report:
        return Report(
            source=Source.CITIZEN,
            description=self.description or SEE_PHOTO,
            lon=self.lon,
            lat=self.lat,
            address=self.address,
            item_code=self.item_code,
            contact_name=self.contact_name,
            contact_phone=self.contact_phone,
            contact_shared=self.contact_shared,
            submission_key=self.key,
            photos=photos,
            area_id=self.area_id if self.lon is None else None,
        )


def read(post: QueryDict, *, account_phone: str = "", account_name: str = "") -> Submission:
    """Return a submission with its errors. `account_phone`: of the citizen signed in, used where they say so."""
    one = Submission(values={name: str(post.get(name, "")) for name in FIELDS})
    one.key = _key(one)
    _read_words(one)
    _read_place(one)
    _read_item(one)
    _read_contact(one, account_phone, account_name)
    return one


def read_nothing() -> Submission:
    """Return an empty submission, for the first look at the page."""
    return Submission(values=dict.fromkeys(FIELDS, ""))


FIELDS: Final = (
    "submission_key", "description", "lon", "lat", "address", "area_id", "item_code", "contact", "contact_name",
    "contact_phone", "contact_shared",
)  # fmt: skip


def _key(one: Submission) -> uuid.UUID | None:
    """Return the submission's key: a random UUID, so that nobody can hit upon another's."""
    try:
        key = uuid.UUID(one.values["submission_key"])
    except ValueError:
        return None
    return key if key.version == 4 else None


def _text(one: Submission, name: str, label: str, most: int) -> str:
    try:
        return inputs.text(one.values[name].replace("\r\n", "\n"), label, most)
    except BadInput as error:
        one.errors[name] = error.message
        return ""


def _read_words(one: Submission) -> None:
    given = one.values["description"]
    if len(given.replace("\r\n", "\n").strip()) > DESCRIPTION_MOST:
        one.errors["description"] = _("写得太长了（%(n)d 字），最多 %(most)d 字。请写最要紧的。") % {
            "n": len(given.strip()),
            "most": DESCRIPTION_MOST,
        }
        return
    one.description = _text(one, "description", _("情况"), DESCRIPTION_MOST)


def _read_place(one: Submission) -> None:
    one.address = _text(one, "address", _("地点"), ADDRESS_MOST)
    if one.values["lon"] or one.values["lat"]:
        _read_point(one)
    elif one.values["area_id"]:
        _read_area(one)
    elif one.address:
        _read_address(one)
    else:
        one.errors.setdefault("place", _("请告诉我们在哪里：用手机定位，在地图上点，或者写下小区名。"))


def degrees(text: str, most: float) -> float | None:
    """Return an angle from -most to most, rounded to about a centimetre; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return round(value, 7) if math.isfinite(value) and -most <= value <= most else None


def outside() -> str:
    """Return what to tell somebody whose point lies elsewhere."""
    return _("这个地方不在%(city)s范围内，我们管不到那里。请换一个地点；别的城市的事，请拨打当地 12345。") % {
        "city": places.city_name()
    }


def _read_point(one: Submission) -> None:
    lon, lat = degrees(one.values["lon"], 180), degrees(one.values["lat"], 90)
    if lon is None or lat is None:
        one.errors["place"] = _("没有看懂这个位置，请重新选择地点。")
        return
    if index.locate_one(lon, lat) is None:
        one.errors["place"] = outside()
        return
    one.lon, one.lat = lon, lat


def _read_area(one: Submission) -> None:
    value = one.values["area_id"]
    node = tree().find(int(value)) if value.isascii() and value.isdigit() and len(value) < 19 else None
    if node is None or not node.in_force or node.level <= Level.CITY:
        one.errors["place"] = _("没有找到这个地方，请重新选择地点。")
        return
    one.area_id = node.id


def _read_address(one: Submission) -> None:
    """Take an address written down: the one place that it names, or a choice of those it may mean."""
    found = places.search(one.address)
    if len(found) == 1:
        one.area_id = found[0].area_id
        return
    one.choices = found
    one.errors["place"] = (
        _("您说的是哪个地方？请选一个。")
        if found
        else _("没有找到“%(address)s”。请写小区、社区或街道的名字。") % {"address": one.address}
    )


def _read_item(one: Submission) -> None:
    code = one.values["item_code"]
    if code and code != NO_ITEM:
        if code in items.index().by_code:
            one.item_code = code
        else:
            one.errors["item_code"] = _("没有这个类别，请重新选择。")


def _read_contact(one: Submission, account_phone: str, account_name: str) -> None:
    one.contact_shared = bool(one.values["contact_shared"])
    if one.values["contact"] == "account" and account_phone:
        one.contact_phone, one.contact_name = account_phone, account_name
        return
    if one.values["contact"] != "phone":
        one.contact_shared = False
        return
    one.contact_name = _text(one, "contact_name", _("称呼"), NAME_MOST)
    phone = normalise_phone(one.values["contact_phone"])
    if phone is None:
        one.errors["contact_phone"] = (
            _("这个手机号好像不对，请看一看：应当是 11 位数字。")
            if one.values["contact_phone"].strip()
            else _("请写下手机号，或者选“不留电话”。")
        )
        return
    one.contact_phone = phone
