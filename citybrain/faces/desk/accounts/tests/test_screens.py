import io
import re
from datetime import timedelta

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from citybrain.base.areas.actions import Part, split_area
from citybrain.base.areas.doer import OPERATOR
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actions import follow_areas, reset_password
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Cover, PeopleImport, Person, Session
from citybrain.base.identity.tests.conftest import City

ADDRESSES = ("/desk/people/", "/desk/people/new/", "/desk/people/import/")


def words(response) -> str:
    return response.content.decode()


def test_a_wrong_password_is_told_beside_the_form_and_the_login_kept(manager: Person) -> None:
    answer = Client().post("/sign-in/", {"login": "manager", "password": "guess"})
    assert answer.status_code == 422
    assert "登录名或密码不对" in words(answer)
    assert 'value="manager"' in words(answer)


def test_signing_in_leads_back_to_where_one_came_from_but_never_to_another_site(manager: Person) -> None:
    manager.set_password("correct horse")
    manager.save()
    for asked, led_to in (
        ("/desk/people/?q=zw", "/desk/people/?q=zw"),
        ("https://evil.example/", "/desk/"),
        ("//evil.example/", "/desk/"),
        ("javascript:alert(1)", "/desk/"),
        ("", "/desk/"),
    ):
        answer = Client().post("/sign-in/", {"login": "manager", "password": "correct horse", "next": asked})
        assert (answer.status_code, answer["Location"]) == (302, led_to)


def test_a_one_time_password_leads_to_ones_own_before_anything_else(manager: Person) -> None:
    once = reset_password(SYSTEM, manager)
    browser = Client()
    assert (
        browser.post("/sign-in/", {"login": "manager", "password": once})["Location"]
        == "/account/password/first/"
    )
    assert browser.get("/desk/people/")["Location"] == "/account/password/first/"
    weak = browser.post("/account/password/first/", {"old": once, "new": "12345", "again": "12345"})
    assert weak.status_code == 422
    apart = browser.post(
        "/account/password/first/", {"old": once, "new": "a good long one", "again": "another"}
    )
    assert "两次输入的新密码不一致" in words(apart)
    done = browser.post(
        "/account/password/first/", {"old": once, "new": "a good long one", "again": "a good long one"}
    )
    assert done["Location"] == "/desk/"
    assert browser.get("/desk/people/").status_code == 200


def test_the_people_pages_are_for_managers(city: City, client_for, manager: Person) -> None:
    acceptor = city.person("acceptor", "李强", "subdistrict-980101001")
    city.give(acceptor, "acceptor", "980101001")
    for address in ADDRESSES:
        assert Client().get(address)["Location"].startswith("/sign-in/?next=")
        assert client_for(acceptor).get(address).status_code == 403
        assert client_for(manager).get(address).status_code == 200


def test_a_manager_sees_their_own_people_and_is_told_nothing_of_others(
    city: City, client_for, manager: Person
) -> None:
    mine = city.person("mine", "孙杰", "community-980101001001")
    other = city.person("other", "周明", "subdistrict-980101002")
    browser = client_for(manager)
    shown = words(browser.get("/desk/people/"))
    assert "孙杰" in shown
    assert "周明" not in shown
    assert "共 2 条" in shown
    assert browser.get(f"/desk/people/{mine.pk}/").status_code == 200
    for address in ("", "edit/", "grants/"):
        assert browser.get(f"/desk/people/{other.pk}/{address}").status_code == 404
    for address in ("state/", "password/", "sessions/", "grants/", "cover/"):
        assert browser.post(f"/desk/people/{other.pk}/{address}", {"reason": "x"}).status_code == 404
    other.refresh_from_db()
    assert other.is_active
    assert "周明" not in words(browser.get("/desk/people/choices/people/?deputy=zm"))
    assert "南门" not in words(browser.get("/desk/people/choices/agencies/?agency=南门"))
    assert "南门" not in words(browser.get("/desk/people/choices/areas/?area=南门"))


def test_choices_are_found_by_initials_code_and_name(city: City, client_for, manager: Person) -> None:
    browser = client_for(manager)
    assert 'value="subdistrict-980101001 建国街道办事处"' in words(
        browser.get("/desk/people/choices/agencies/?agency=jgjd")
    )
    assert "980101001001 友谊社区" in words(browser.get("/desk/people/choices/areas/?area=友谊"))
    assert "980101001002 团结社区" in words(browser.get("/desk/people/choices/areas/?area=980101001002"))


def test_an_account_is_opened_with_a_password_shown_once_and_a_role(
    city: City, client_for, manager: Person
) -> None:
    browser = client_for(manager)
    bad = browser.post(
        "/desk/people/new/", {"name": "孙杰", "login": "1x", "agency": "subdistrict-980101001"}
    )
    assert bad.status_code == 422
    assert "登录名“1x”不合要求" in words(bad)
    made = browser.post(
        "/desk/people/new/",
        {"name": "孙杰", "login": "sunjie", "agency": "subdistrict-980101001 建国街道办事处", "phone": ""},
    )
    [password] = re.findall(r"data-one-time>([^<]+)<", words(made))
    person = Person.objects.get(login="sunjie")
    assert person.check_password(password)
    assert made["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert password not in words(browser.get(f"/desk/people/{person.pk}/"))

    given = browser.post(
        f"/desk/people/{person.pk}/grants/", {"role": "acceptor", "area": "980101001 建国街道", "agency": ""}
    )
    assert given["Location"] == f"/desk/people/{person.pk}/"
    too_high = browser.post(
        f"/desk/people/{person.pk}/grants/", {"role": "acceptor", "area": "980101", "agency": ""}
    )
    assert "和平区不在您的管理范围内" in words(too_high)
    never = browser.post(
        f"/desk/people/{person.pk}/grants/", {"role": "security_admin", "area": "98", "agency": ""}
    )
    assert never.status_code == 422
    assert [grant.role for grant in person.grants.all()] == ["acceptor"]


def test_a_role_is_taken_back_with_a_reason(city: City, client_for, manager: Person) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")
    grant = city.give(person, "acceptor", "980101001")
    browser = client_for(manager)
    address = f"/desk/people/{person.pk}/grants/{grant.pk}/revoke/"
    assert "请写明原因" in words(browser.post(address, {"reason": ""}, follow=True))
    assert "角色已收回" in words(browser.post(address, {"reason": "调岗"}, follow=True))
    assert "调岗" in words(browser.get(f"/desk/people/{person.pk}/"))


def test_ones_own_page_shows_sessions_and_ends_them(city: City, client_for, manager: Person) -> None:
    here, there = client_for(manager), client_for(manager)
    shown = words(here.get("/account/"))
    assert shown.count("登录的设备") == 1
    assert "本机" in shown
    here.post("/account/sessions/end/", {"session": "others"})
    assert here.get("/account/").status_code == 200
    assert there.get("/account/")["Location"].startswith("/sign-in/")
    assert Session.objects.filter(person=manager).count() == 1


def test_leave_is_covered_by_a_colleague_and_ended_early(city: City, client_for, manager: Person) -> None:
    deputy = city.person("deputy", "李强", "subdistrict-980101001")
    browser = client_for(manager)
    start = timezone.localtime() - timedelta(minutes=5)
    times = {"starts_at": f"{start:%Y-%m-%dT%H:%M}", "ends_at": f"{start + timedelta(days=2):%Y-%m-%dT%H:%M}"}
    wrong = browser.post("/account/cover/", {"deputy": "", **times})
    assert wrong.status_code == 422
    browser.post("/account/cover/", {"deputy": deputy.pk, "reason": "年假", **times})
    assert "代办中：您正代 马丽 办理" in words(client_for(deputy).get("/account/"))
    assert client_for(deputy).get("/desk/people/").status_code == 200
    cover = Cover.objects.get()
    browser.post(f"/account/cover/{cover.pk}/end/")
    assert client_for(deputy).get("/desk/people/").status_code == 403


def test_a_roster_is_imported_with_a_receipt_that_alone_tells_the_passwords(
    city: City, client_for, manager: Person
) -> None:
    browser = client_for(manager)
    text = "姓名,登录名,单位\r\n孙杰,sunjie,建国街道办事处\r\n周明,zhouming,南门街道办事处\r\n"
    done = browser.post(
        "/desk/people/import/", {"file": SimpleUploadedFile("名单.csv", text.encode()), "passwords": "on"}
    )
    shown = words(done)
    assert "您的权限范围是建国街道" in shown
    kept = PeopleImport.objects.get()
    [sealed] = re.findall(r'name="sealed" value="([^"]+)"', shown)
    excel = browser.post(f"/desk/people/import/{kept.pk}/receipt.xlsx", {"sealed": sealed})
    rows = list(openpyxl.load_workbook(io.BytesIO(excel.content)).active.iter_rows(values_only=True))
    assert Person.objects.get(login="sunjie").check_password(rows[1][6])
    assert rows[2][3] == "未导入"
    again = browser.get(f"/desk/people/import/{kept.pk}/")
    assert rows[1][6] in shown
    assert rows[1][6] not in words(again)

    colleague = city.person("colleague", "冯军", "subdistrict-980101001")
    city.give(colleague, "people_manager", "980101001")
    assert client_for(colleague).get(f"/desk/people/import/{kept.pk}/").status_code == 404
    stolen = client_for(colleague).post(f"/desk/people/import/{kept.pk}/receipt.xlsx", {"sealed": sealed})
    assert stolen.status_code == 404
    assert browser.get("/desk/people/import/template.xlsx").status_code == 200


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{ 7919|add:7907 }}"])
def test_a_name_is_text_on_every_page(city: City, client_for, manager: Person, name: str) -> None:
    person = city.person("odd", name, "subdistrict-980101001")
    browser = client_for(manager)
    for address in ("/desk/people/", f"/desk/people/{person.pk}/", f"/desk/people/{person.pk}/edit/"):
        shown = words(browser.get(address))
        assert "<script>alert" not in shown
        assert "15826" not in shown


@pytest.mark.parametrize(
    "address", ["?page=999999", "?page=-1", "?page=x", "?area=999999999999", "?role=king", "?q=%00x"]
)
def test_an_address_that_makes_no_sense_is_still_answered(client_for, manager: Person, address: str) -> None:
    assert client_for(manager).get(f"/desk/people/{address}").status_code == 200


def test_no_inline_script_or_style_is_sent(city: City, client_for, manager: Person) -> None:
    browser = client_for(manager)
    for address in (*ADDRESSES, f"/desk/people/{manager.pk}/", "/account/"):
        shown = words(browser.get(address))
        assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\son[a-z]+=", shown), address


def test_roles_carried_over_after_a_split_are_reviewed_by_the_manager(
    city: City, client_for, manager: Person
) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")
    city.give(person, "acceptor", "980101001")
    street = city.areas["980101001"].pk
    below = [child.id for child in tree().children(street)]
    parts = [
        Part("980101001", "建国街道", children=below[:1]),
        Part("980101008", "友谊街道", children=below[1:]),
    ]
    split_area(OPERATOR, street, parts, document="津海政2026-7号")
    follow_areas(SYSTEM)
    browser = client_for(manager)

    assert "区划变更后有 2 项角色转到了新区域" in words(browser.get("/desk/people/"))
    shown = words(browser.get("/desk/people/review/"))
    assert "津海政2026-7号" in shown
    assert shown.count("孙杰") == 2
    assert re.findall(r'name="grant" value="(\d+)"', shown) == [
        str(pk)
        for pk in person.grants.filter(decision__isnull=False).order_by("id").values_list("pk", flat=True)
    ]  # one's own role is for another to review

    kept, gone = person.grants.filter(decision__isnull=False).order_by("id")

    def send(**asked) -> str:
        return words(browser.post("/desk/people/review/", asked, follow=True))

    assert "请先勾选" in send(do="confirm", grant=["x", "99999999999999999999"])
    assert "请写明原因" in send(do="revoke", grant=[gone.pk])
    assert "已收回 1 项角色" in send(do="revoke", grant=[gone.pk], reason="留在建国街道")
    assert "已确认 1 项角色" in send(do="confirm", grant=[kept.pk, gone.pk])
    assert "没有待复核的角色" in words(browser.get("/desk/people/review/"))
    assert "复核角色" in words(browser.get(f"/desk/people/{person.pk}/"))


def test_the_review_is_for_who_may_give_roles(city: City, client_for) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")
    city.give(person, "acceptor", "980101001")
    assert client_for(person).get("/desk/people/review/").status_code == 403
