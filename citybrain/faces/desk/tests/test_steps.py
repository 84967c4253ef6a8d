"""Steps taken on screens: the right buttons, bad input kept, conflicts told, batches answered row by row."""

import re

from citybrain.base.ledger.models import Entry
from citybrain.hub.cases import actions
from citybrain.hub.cases.models import Case, CaseContact
from citybrain.hub.cases.states import State

HTMX = {"HX-Request": "true"}


def first(state: State, **more) -> Case:
    return Case.objects.filter(state=state, **more).order_by("id")[0]


def a_report(lively_city) -> Case:
    street = lively_city.area("street").pk
    return first(State.REPORTED, street_id=street)


def test_an_acceptor_files_a_report_and_the_next_steps_change(lively_city, client_for) -> None:
    case, client = a_report(lively_city), client_for("acceptor")
    page = client.get(f"/desk/cases/{case.number}/").content.decode()
    assert f"/desk/cases/{case.number}/steps/file/" in page
    assert "/steps/dispatch/" not in page
    answer = client.post(
        f"/desk/cases/{case.number}/steps/file/", {"item": "010101", "seen_version": case.version}
    )
    assert answer["Location"] == f"/desk/cases/{case.number}/"
    case.refresh_from_db()
    assert case.state == State.PENDING_DISPATCH
    assert case.item.code == "010101"
    assert "/steps/file/" not in client.get(f"/desk/cases/{case.number}/").content.decode()


def test_htmx_gets_the_case_back_and_word_that_the_step_was_taken(lively_city, client_for) -> None:
    case, client = a_report(lively_city), client_for("acceptor")
    answer = client.post(f"/desk/cases/{case.number}/steps/file/", {"item_other": "010102"}, headers=HTMX)
    assert answer.status_code == 200
    assert '"desk-taken"' in answer["HX-Trigger"]
    assert "<html" not in answer.content.decode()


def test_a_refused_form_keeps_what_was_typed_and_names_what_is_missing(lively_city, client_for) -> None:
    case, client = a_report(lively_city), client_for("acceptor")
    answer = client.post(
        f"/desk/cases/{case.number}/steps/reject/", {"reason": "核实后不存在, 已电话告知"}, headers=HTMX
    )
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "核实后不存在, 已电话告知" in text
    assert "请填写“原因”。" in text
    case.refresh_from_db()
    assert case.state == State.REPORTED


def test_two_officers_at_once_the_second_is_told_who_and_when_and_keeps_the_text(
    lively_city, cast, client_for
) -> None:
    case = a_report(lively_city)
    client = client_for("acceptor")
    actions.take(cast.actor("duty_chief"), case.pk, "file", {"item": "010101"}, seen_version=case.version)
    answer = client.post(
        f"/desk/cases/{case.number}/steps/reject/",
        {"cause": "not_city", "reason": "不归我们管", "seen_version": case.version},
        headers=HTMX,
    )
    text = answer.content.decode()
    assert answer.status_code == 409
    assert cast["duty_chief"].name in text
    assert "待派遣" in text
    assert "不归我们管" in text


def test_a_step_that_is_not_ones_own_is_refused_with_the_reason(lively_city, client_for) -> None:
    case = a_report(lively_city)
    answer = client_for("supervisor").post(f"/desk/cases/{case.number}/steps/file/", {"item": "010101"})
    assert answer.status_code == 403
    assert "受理员" in answer.content.decode()
    case.refresh_from_db()
    assert case.state == State.REPORTED


def test_an_unknown_step_is_not_there(lively_city, client_for) -> None:
    case = a_report(lively_city)
    assert client_for("acceptor").get(f"/desk/cases/{case.number}/steps/fly/").status_code == 404


def test_a_batch_answers_for_each_case(lively_city, client_for) -> None:
    street = lively_city.area("street").pk
    good = Case.objects.filter(state=State.REPORTED, street_id=street).order_by("id")[:2]
    bad = Case.objects.filter(street_id=street, state=State.PENDING_HANDLING).order_by("id")[0]
    ids = [case.pk for case in good] + [bad.pk]
    client = client_for("acceptor")
    answer = client.post(
        "/desk/work/to_file/batch/request_verify/", {"ids": ",".join(map(str, ids))}, headers=HTMX
    )
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.count('data-ok="yes"') == 2
    assert text.count('data-ok="no"') == 1
    assert {case.state for case in Case.objects.filter(pk__in=ids[:2])} == {State.VERIFYING}


def test_a_batch_takes_only_steps_of_its_list(lively_city, client_for) -> None:
    answer = client_for("acceptor").post("/desk/work/to_file/batch/close/", {"ids": "1"})
    assert answer.status_code == 422


def test_the_contact_is_masked_until_a_reason_is_given_and_the_look_is_in_the_ledger(
    lively_city, client_for
) -> None:
    street = lively_city.area("street").pk
    contact = CaseContact.objects.filter(case__street_id=street, case__state=State.REPORTED).exclude(
        phone=""
    )[0]
    client, number = client_for("acceptor"), contact.case.number
    assert contact.phone not in client.get(f"/desk/cases/{number}/").content.decode()
    refused = client.post(f"/desk/cases/{number}/contact/", {"why": " "}, headers=HTMX)
    assert (refused.status_code, contact.phone in refused.content.decode()) == (422, False)
    before = Entry.objects.filter(action="cases.view_contact").count()
    answer = client.post(f"/desk/cases/{number}/contact/", {"why": "回访"}, headers=HTMX)
    assert contact.phone in answer.content.decode()
    assert Entry.objects.filter(action="cases.view_contact").count() == before + 1


def test_a_sheet_carries_number_place_limit_and_code(lively_city, client_for) -> None:
    district = lively_city.area("district").pk
    case = first(State.PENDING_HANDLING, district_id=district)
    text = client_for("dispatcher").get(f"/desk/cases/{case.number}/sheets/dispatch/").content.decode()
    assert case.number in text
    assert case.agency.name in text
    assert 'class="desk-qr"' in text
    missing = client_for("dispatcher").get(f"/desk/cases/{case.number}/sheets/supervision/")
    assert missing.status_code == (200 if case.supervised else 409)


def test_a_grid_worker_reports_once_however_often_it_is_sent(city, client_for) -> None:
    lon, lat = city.point()
    client = client_for("worker")
    sent = {
        "description": "路边井盖破损", "lon": lon, "lat": lat, "item": "",
        "submission_key": "4b8f2c1e-7d1a-4a53-9b57-0a5e7c0f9d11",
    }  # fmt: skip
    one = client.post("/desk/m/report/", sent, headers={"Accept": "application/json"})
    two = client.post("/desk/m/report/", sent, headers={"Accept": "application/json"})
    assert (one.status_code, one.json()["created"]) == (201, True)
    assert two.json() == {**one.json(), "created": False}
    assert Case.objects.count() == 1
    assert Case.objects.get().grid_id == city.area("grid").pk


def test_a_report_outside_the_city_is_refused_with_the_text_kept(city, client_for) -> None:
    sent = {
        "description": "很远的地方",
        "lon": "10",
        "lat": "50",
        "submission_key": "4b8f2c1e-7d1a-4a53-9b57-0a5e7c0f9d12",
    }
    answer = client_for("worker").post("/desk/m/report/", sent)
    assert answer.status_code == 422
    assert "很远的地方" in answer.content.decode()
    assert Case.objects.count() == 0


def test_something_that_is_no_photo_is_refused(city, client_for) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    sent = {"photo": SimpleUploadedFile("a.jpg", b"<script>alert(1)</script>", "image/jpeg"), "kind": "close"}
    answer = client_for("worker").post("/desk/photos/", sent)
    assert answer.status_code == 422
    assert "照片" in answer.json()["detail"]


def test_phones_of_field_workers_go_to_the_phone_pages(city, client_for) -> None:
    phone = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) Mobile"}
    assert client_for("worker").get("/desk/", headers=phone)["Location"] == "/desk/m/"
    assert client_for("acceptor").get("/desk/", headers=phone).status_code == 200
    assert client_for("worker").get("/desk/").status_code == 200


def test_scripts_in_a_report_are_shown_as_text(city, cast, client_for) -> None:
    from citybrain.hub.cases.intake import Report
    from citybrain.hub.cases.states import Source

    lon, lat = city.point()
    receipt = actions.report(
        cast.actor("citizen"),
        Report(source=Source.CITIZEN, description="<script>alert(1)</script>", lon=lon, lat=lat),
    )
    for address in (f"/desk/cases/{receipt.number}/", "/desk/work/to_file/", "/desk/search/?q=script"):
        text = client_for("acceptor").get(address).content.decode()
        assert "<script>alert" not in text


def test_bad_filters_are_told_and_not_applied(lively_city, client_for) -> None:
    answer = client_for("duty_chief").get("/desk/work/open/", {"since": "2026-13-45"})
    assert answer.status_code == 200
    assert "日期" in answer.content.decode()
    assert len(re.findall("data-row", answer.content.decode())) > 5


def test_pickers_find_by_name_pinyin_and_class(city, client_for) -> None:
    client = client_for("acceptor")
    by_name = client.get("/desk/choose/items/", {"q": "暴露垃圾"}).json()["choices"]
    by_initials = client.get("/desk/choose/items/", {"q": "bllj"}).json()["choices"]
    assert "010101" in {one["value"] for one in by_name} & {one["value"] for one in by_initials}
    agencies = client_for("dispatcher").get("/desk/choose/agencies/", {"q": "城市管理"}).json()["choices"]
    assert str(city.agency("city_mgmt").pk) in {one["value"] for one in agencies}


def test_the_columns_of_the_table_are_kept_with_the_person(city, cast, client_for) -> None:
    client = client_for("duty_chief")
    client.post("/desk/work/open/columns/", {"column": ["number", "source", "nonsense"]})
    cast["duty_chief"].refresh_from_db()
    assert cast["duty_chief"].preferences["columns"] == ["number", "source"]
