"""A set from a messy Excel → bad row mended → asked for by another agency → granted → called → seen by the citizen."""

import io
import re
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from django.utils import timezone
from openpyxl import Workbook
from playwright.sync_api import Page, expect

from citybrain.base.areas.models import Area
from citybrain.base.catalogue.load import load
from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.exchange.delivery.readings import bind_subject
from citybrain.base.exchange.models import Run
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Agency, AuthLevel, Person, RoleGrant
from citybrain.base.lake.models import Serving
from citybrain.base.lake.pytest_lake import clear_lake
from citybrain.sample.cast import CITIZEN_PHONE, PASSWORD
from citybrain.sample.fixtures import TinyCity

from .conftest import PATIENCE, PHONE, shoot
from .nest import beside

pytestmark = pytest.mark.browser
HEAD = "公民身份号码 姓名 性别 出生日期 民族 户籍区划 户籍地址 户号 与户主关系 是否在册 更新时间 备注".split()  # noqa: SIM905
PURPOSE = "核验高龄津贴申请人户籍"
PEOPLE = (("12980119900307231", "周晓棠"), ("12980119410508233", "李守田"), ("12980119520203235", "王建国"))


def id_number(first: str) -> str:
    """Return 17 digits with their check digit (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(one) * weight for one, weight in zip(first, weights, strict=True))
    return first + "10X98765432"[total % 11]


def messy(path: Path, region: str) -> Path:
    """Write a workbook as people keep them: titles above, a column too many, one number mistyped, named .csv."""
    book = Workbook()
    page = book.active
    page.append(["户籍人口导出表"])
    page.append([])
    page.append(HEAD)
    for place, (first, name) in enumerate(PEOPLE):
        number = id_number(first)
        if place == 2:
            number = number[:17] + ("1" if number[17] != "1" else "2")
        born = f"{first[6:10]}-{first[10:12]}-{first[12:14]}"
        page.append(
            [
                number,
                name,
                "1",
                born,
                "01",
                region,
                "友谊路",
                "000000001",
                "01",
                "是",
                "2026-11-01 08:00:00",
                "",
            ]
        )
    out = io.BytesIO()
    book.save(out)
    path.write_bytes(out.getvalue())
    return path


def manager(login: str, name: str, agency: Agency) -> Person:
    """Make the data manager of an agency, who signs in like the cast."""
    person = Person(login=login, name=name, agency=agency, kind="officer", auth_level="L2")
    person.set_password(PASSWORD)
    person.save()
    RoleGrant.objects.create(
        person=person, role="data_manager", area_id=agency.city_id, agency=agency, valid_from=date(2026, 1, 1)
    )
    return person


@pytest.fixture
def door(open_city: TinyCity, surroundings: dict[str, str], settings: object) -> Iterator[str]:
    """The machines' door on the test's own database; what it answers at."""
    from citybrain.site.postgres import free_port

    port = free_port()
    settings.DATA_PORT = port  # type: ignore[attr-defined]
    command = (
        "-m",
        "granian",
        "citybrain.site.data:application",
        "--interface",
        "rsgi",
        "--no-ws",
        "--port",
        str(port),
        "--log-level",
        "error",
    )
    child = beside(surroundings, *command)
    yield f"http://127.0.0.1:{port}"
    child.terminate()
    child.wait(PATIENCE / 1000)


def brought_in(page: Page, file: Path) -> None:
    """The supplier uploads the file, mends the bad row where it stands, and stores it."""
    page.goto("/desk/data/sets/?q=hjrk")
    page.get_by_role("link", name="户籍人口基本信息").click()
    page.get_by_role("link", name="上传数据").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="上传", exact=True).click()
    mend = page.get_by_role("link", name=re.compile("修正 1 个问题行"))
    expect(mend).to_be_visible()
    shoot(page, "data-run")
    mend.click()
    expect(page.locator("main")).to_contain_text("GB 11643")
    shoot(page, "data-bad-rows")
    page.locator("input[name=id_no]").first.fill(id_number(PEOPLE[2][0]))
    page.get_by_role("button", name="保存修正").click()
    page.get_by_role("button", name=re.compile("重新入库已修正的 1 行")).click()
    expect(page.locator("main .cb-state").first).to_contain_text("完成")


def asked(page: Page) -> str:
    """The other agency asks for three fields until tomorrow; return the request's number."""
    page.goto("/desk/data/sets/ga_population/")
    shoot(page, "data-set")
    page.get_by_role("link", name="申请使用").click()
    page.locator("textarea[name=purpose]").fill(PURPOSE)
    for name in ("id_no", "name", "hukou_region"):
        page.locator(f"input[name=fields_asked][value={name}]").check()
    page.locator("input[name=modes][value=key]").check(force=True)
    page.locator("input[name=until]").fill((timezone.localdate() + timedelta(days=1)).isoformat())
    shoot(page, "data-ask")
    page.get_by_role("button", name="提交申请").click()
    page.wait_for_url(re.compile("/desk/data/requests/SQ"))
    return page.url.rstrip("/").rpartition("/")[2]


def granted(page: Page, number: str) -> None:
    """The supplier finds it among what waits, and grants it."""
    page.goto("/desk/data/requests/")
    expect(page.locator("main")).to_contain_text("还剩")
    page.goto(f"/desk/data/requests/{number}/")
    shoot(page, "data-request")
    page.get_by_role("button", name="同意授权").click()
    expect(page.get_by_role("link", name="查看授权")).to_be_visible()


def key_of(page: Page, number: str) -> str:
    """The asker makes a key; return it."""
    page.goto(f"/desk/data/requests/{number}/")
    page.get_by_role("link", name="查看授权").click()
    page.locator("input[name=label]").fill("津贴系统")
    page.get_by_role("button", name="开一把密钥").click()
    shown = page.locator("[data-one-time]")
    expect(shown).to_be_visible()
    shoot(page, "data-key")
    return shown.inner_text().strip()


def copied() -> None:
    """Wait until the worker has made the copy that calls look in."""
    ends = time.monotonic() + PATIENCE / 1000
    while not Serving.objects.exclude(relation="").exists():
        assert time.monotonic() < ends, "no copy is made"
        time.sleep(0.5)


def called(door: str, key: str, wait: tuple[int, ...] = (503,)) -> httpx.Response:
    """Ask for one person by key, again while the copy is being made."""
    ends = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            answer = httpx.post(
                f"{door}/v1/ga_population/by-key",
                json={"key": id_number(PEOPLE[0][0])},
                headers={"Authorization": f"Bearer {key}"},
                timeout=20,
                trust_env=False,
            )
            if answer.status_code not in wait or time.monotonic() > ends:
                return answer
        except httpx.TransportError:
            assert time.monotonic() < ends, "the door doesn't open"
        time.sleep(0.5)


def seen(page: Page) -> None:
    """The citizen signs in by a code and sees who read their data."""
    page.goto("/my/sign-in/?next=/my/readings/")
    page.locator("input[name=phone]").fill(CITIZEN_PHONE)
    page.locator("main button[type=submit]").last.click()
    code = re.search(r"\b(\d{6})\b", page.locator("main").inner_text())
    assert code is not None
    page.locator("input[name=code]").fill(code[1])
    page.locator("main button[type=submit]").last.click()
    expect(page.locator("main")).to_contain_text(PURPOSE)
    shoot(page, "portal-readings")


def test_data_come_in_are_lent_called_and_the_citizen_sees_it(
    open_city: TinyCity, door: str, visitor: Callable[..., Page], officer: Callable[..., Page], tmp_path: Path
) -> None:
    clear_lake()
    load(SYSTEM, ["ga_population", "mz_subsistence"])
    people = DataSet.objects.select_related("provider").get(code="ga_population")
    welfare = Agency.objects.filter(area_id=people.provider.city_id).exclude(pk=people.provider_id)[0]
    manager("supplier", "陈予安", people.provider)
    manager("asker", "冯知夏", welfare)
    citizen = Person.objects.get(phone=CITIZEN_PHONE)
    citizen.auth_level = AuthLevel.REAL_NAME
    citizen.save()
    bind_subject(SYSTEM, citizen, id_number(PEOPLE[0][0]))

    supplier, asker = officer("supplier"), officer("asker")
    brought_in(supplier, messy(tmp_path / "户籍.csv", Area.objects.filter(level=4)[0].code))
    assert Run.objects.filter(state="done").count() == 2
    number = asked(asker)
    granted(supplier, number)
    key = key_of(asker, number)

    copied()
    answer = called(door, key)
    assert answer.status_code == 200, answer.text
    assert answer.json()["row"].keys() == {"id_no", "name", "hukou_region"}
    assert answer.json()["row"]["name"] == "周**"
    seen(visitor(PHONE))

    ended = timezone.now() - timedelta(seconds=1)
    Grant.objects.update(valid_from=ended - timedelta(days=2), valid_until=ended)
    stopped = called(door, key, wait=(200, 503))
    assert (stopped.status_code, stopped.json()["error"]) == (403, "grant_expired")
