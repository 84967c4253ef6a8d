"""An empty city for real use: its areas, the kinds of bodies, the items, and its first three administrators."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone, translation

from citybrain.base.areas import tree
from citybrain.base.areas.actions import import_rows
from citybrain.base.areas.doer import OPERATOR
from citybrain.base.areas.models import Area
from citybrain.base.areas.rows import Receipt
from citybrain.base.areas.tables import AreaRow
from citybrain.base.identity import agencies as directory
from citybrain.base.identity.actions.agencies import create_agency, install_agency_kinds
from citybrain.base.identity.actions.grants import grant_role
from citybrain.base.identity.actions.passwords import reset_password
from citybrain.base.identity.actions.people import create_person
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Agency, Person
from citybrain.base.worktime.calendar import current
from citybrain.hub.cases import items, registry
from citybrain.site.models import tell

ADMINISTRATORS = (
    ("system", "系统管理员", "system_admin"),
    ("security", "安全管理员", "security_admin"),
    ("audit", "审计管理员", "audit_admin"),
)
BUREAU = "data_bureau"
CENTRE = "command_centre"  # where acceptors and dispatchers sit, and who designates after three returns


class CityExistsError(RuntimeError):
    """The database holds a city or accounts already."""


class FoundingError(RuntimeError):
    """What was given makes no city; the message says why."""


@dataclass(frozen=True)
class NewAdministrator:
    """An account to hand over: the password works once, for 14 days."""

    login: str
    name: str
    password: str


@dataclass(frozen=True)
class NewCity:
    """What was made."""

    name: str
    areas: Receipt
    kinds: int
    items: int
    administrators: tuple[NewAdministrator, ...]
    missing_years: tuple[int, ...]


def found(rows: list[AreaRow], source: str) -> NewCity:
    """Make an empty city of these areas, in one transaction, with one administrator of each kind.

    Raises CityExistsError where there is one, FoundingError when the rows have no city or no row was good.
    """
    with transaction.atomic():
        there = Area.objects.values_list("name", flat=True).first()
        if there is not None or Person.objects.exists():
            raise CityExistsError(
                f"the database holds {there or 'accounts'} already; init needs an empty one"
            )
        with translation.override("en"):  # the operator reads the receipt
            receipt = import_rows(OPERATOR, rows, source=source)
        city = Area.objects.filter(level=1, valid_until=None).order_by("code").first()
        if city is None:
            refused = receipt.refused
            why = f"; row {refused[0].line}: {refused[0].reason}" if refused else ""
            raise FoundingError(f"{source} names no city (an area of level 1){why}")
        tree.forget()
        kinds = install_agency_kinds(SYSTEM)
        load = registry.load(SYSTEM, items.shipped_rows())
        bureau = create_agency(SYSTEM, kind=BUREAU, area_id=city.pk, name=f"{city.name}数据局")
        create_agency(SYSTEM, kind=CENTRE, area_id=city.pk, name=f"{city.name}城市运行管理中心")
        administrators = tuple(
            _administrator(login, name, role, city, bureau) for login, name, role in ADMINISTRATORS
        )
        tell("city", kind="real", name=city.name, source=source)
    tree.forget()
    directory.forget()
    items.forget()
    missing = current().years_needed(timezone.now(), 60)
    return NewCity(city.name, receipt, kinds, load.added, administrators, tuple(missing))


def _administrator(login: str, name: str, role: str, city: Area, bureau: Agency) -> NewAdministrator:
    person = create_person(SYSTEM, login=login, name=name, agency=bureau)
    grant_role(SYSTEM, person, role, city.pk, agency=bureau)
    return NewAdministrator(login, name, reset_password(SYSTEM, person))
