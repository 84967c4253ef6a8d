from datetime import timedelta

import pytest
from django.contrib.auth import get_user
from django.http import HttpResponse
from django.test import RequestFactory

from citybrain.base.identity import devices, throttle
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actions import (
    change_password,
    reset_password,
    revoke_all_sessions,
    revoke_session,
    sessions_of,
)
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM, actor_for
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.middleware import ActorMiddleware, before_password_change
from citybrain.base.identity.models import Person, Session, SignInFailure
from citybrain.base.identity.sessions import SessionMiddleware, SessionStore, is_alive, sweep
from citybrain.base.identity.sign_in import sign_in, sign_out
from citybrain.base.identity.sweep import tick
from citybrain.base.ledger.models import Entry

from .conftest import NOW, City

HOME, ELSEWHERE = "10.1.0.5", "203.0.113.9"
SECOND = timedelta(seconds=1)


class Browser:
    """Cookies kept from one request to the next, as a browser does."""

    def __init__(self, ip: str = HOME) -> None:
        self.ip = ip
        self.cookies: dict[str, str] = {}

    def visit(self, view, path: str = "/"):
        """Run a view behind the session and actor middleware; returns what the view returned."""
        request = RequestFactory().get(path, REMOTE_ADDR=self.ip, headers={"user-agent": "Firefox 140"})
        request.COOKIES.update(self.cookies)
        told = []

        def answer(request):
            response = HttpResponse()
            request.user = get_user(request)
            told.append(view(request, response))
            return response

        response = SessionMiddleware(ActorMiddleware(answer))(request)
        for name, morsel in response.cookies.items():
            if morsel["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return told[0]

    def sign_in(self, login: str, password: str, now=NOW):
        def view(request, response):
            attempt = sign_in(request, login, password, now)
            if attempt.person:
                devices.remember_device(request, response, attempt.person.pk)
            return attempt

        return self.visit(view)

    def whoami(self) -> str | None:
        return self.visit(lambda request, _response: getattr(request.user, "login", None))


@pytest.fixture
def wang(city: City) -> Person:
    person = city.person("wang", "王芳", "subdistrict-980101001")
    city.give(person, "acceptor", "980101001")
    person.set_password("correct horse")
    person.save()
    return person


def test_the_right_password_opens_a_session_under_a_new_key(wang: Person) -> None:
    browser = Browser()
    browser.visit(lambda request, _response: request.session.update({"visited": True}))
    before = browser.cookies["sessionid"]

    assert browser.sign_in(" Wang ", "correct horse").person == wang
    assert browser.whoami() == "wang"
    assert browser.cookies["sessionid"] != before
    assert Session.objects.count() == 1
    intruder = Browser()
    intruder.cookies["sessionid"] = before
    assert intruder.whoami() is None


def test_a_key_that_we_never_gave_is_not_taken_on(wang: Person) -> None:
    browser = Browser()
    browser.cookies["sessionid"] = "chosen0by0an0attacker0000000000x"
    browser.sign_in("wang", "correct horse")

    assert browser.cookies["sessionid"] != "chosen0by0an0attacker0000000000x"


def test_the_table_of_sessions_holds_no_key(wang: Person) -> None:
    browser = Browser()
    browser.sign_in("wang", "correct horse")
    row = Session.objects.get()

    assert browser.cookies["sessionid"] not in {row.key_hash, row.data}
    thief = Browser()
    thief.cookies["sessionid"] = row.key_hash
    assert thief.whoami() is None


def test_wrong_password_unknown_login_and_closed_account_get_the_same_answer(
    wang: Person, city: City
) -> None:
    closed = city.person("closed", "某", "subdistrict-980101001", is_active=False)
    closed.set_password("correct horse")
    closed.save()
    city.person("sample", "样本", "subdistrict-980101001")

    answers = {
        Browser().sign_in(login, password).message
        for login, password in (
            ("wang", "wrong"), ("nobody", "correct horse"), ("closed", "correct horse"), ("sample", "!"), ("", ""),
            ("wa\x00ng\x00", "x\x00y"),
        )
    }  # fmt: skip
    assert answers == {"登录名或密码不对。忘记密码请联系本单位人员管理员。"}
    assert Entry.objects.filter(action="identity.sign_in_failed").count() == 6


def test_guessing_gets_slower_and_slower(wang: Person) -> None:
    now = NOW
    for _attempt in range(5):
        assert Browser(ELSEWHERE).sign_in("wang", "guess", now).wait_until is None
        now += SECOND
    waits = []
    for _attempt in range(9):
        assert (
            Browser(ELSEWHERE).sign_in("wang", "guess", now).wait_until is None
        )  # the sixth is still looked at
        refused = Browser(ELSEWHERE).sign_in("wang", "correct horse", now + SECOND)
        assert refused.person is None
        waits.append(int((refused.wait_until - now).total_seconds()) // 60)
        now = refused.wait_until
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_hammering_a_shut_account_does_not_prolong_it(wang: Person) -> None:
    now = NOW
    for _attempt in range(6):
        Browser(ELSEWHERE).sign_in("wang", "guess", now)
    until = SignInFailure.objects.get(bucket=f"nearby:wang:{ELSEWHERE}").shut_until
    for _attempt in range(50):
        now += SECOND
        assert Browser(ELSEWHERE).sign_in("wang", "guess", now).wait_until == until


def test_the_owners_own_device_gets_in_while_an_attacker_hammers_the_account(wang: Person) -> None:
    phone = Browser(HOME)
    phone.sign_in("wang", "correct horse", NOW - timedelta(days=3))
    del phone.cookies["sessionid"]

    for number in range(200):  # from everywhere at once, the owner's own network among them
        Browser(f"203.0.113.{number}").sign_in("wang", "guess", NOW + number * SECOND)
        Browser(HOME).sign_in("wang", "guess", NOW + number * SECOND)
    now = NOW + 200 * SECOND

    assert Browser("198.51.100.7").sign_in("wang", "correct horse", now).wait_until is not None
    assert phone.sign_in("wang", "correct horse", now).person == wang


def test_an_attacker_in_one_network_shuts_nobody_out_of_another(wang: Person) -> None:
    for number in range(20):
        Browser(ELSEWHERE).sign_in("wang", "guess", NOW + number * SECOND)

    assert Browser(ELSEWHERE).sign_in("wang", "correct horse", NOW + 20 * SECOND).wait_until is not None
    assert Browser(HOME).sign_in("wang", "correct horse", NOW + 20 * SECOND).person == wang


def test_a_network_that_tries_many_accounts_is_slowed_but_known_devices_in_it_are_not(wang: Person) -> None:
    desk = Browser(ELSEWHERE)
    desk.sign_in("wang", "correct horse", NOW - timedelta(days=1))
    for number in range(70):
        Browser(ELSEWHERE).sign_in(f"person{number}", "123456", NOW)

    assert Browser(ELSEWHERE).sign_in("person999", "123456", NOW + SECOND).wait_until is not None
    assert desk.sign_in("wang", "correct horse", NOW + SECOND).person == wang


def test_a_known_device_that_guesses_is_slowed_too(wang: Person) -> None:
    thief = Browser()
    thief.sign_in("wang", "correct horse", NOW - timedelta(days=1))
    for _attempt in range(6):
        thief.sign_in("wang", "guess", NOW)

    assert thief.sign_in("wang", "correct horse", NOW + SECOND).wait_until == NOW + timedelta(seconds=30)


def test_a_forged_device_cookie_is_no_known_device(wang: Person) -> None:
    known = Browser()
    known.sign_in("wang", "correct horse")
    forged = Browser(ELSEWHERE)
    forged.cookies[devices.COOKIE] = known.cookies[devices.COOKIE][:-2] + "xx"
    for _attempt in range(6):
        forged.sign_in("wang", "guess", NOW)

    assert SignInFailure.objects.filter(bucket=f"nearby:wang:{ELSEWHERE}").exists()
    assert not SignInFailure.objects.filter(bucket__startswith="device:").exists()


def test_a_success_forgets_the_failures_before_it(wang: Person) -> None:
    for _attempt in range(5):
        Browser().sign_in("wang", "guess", NOW)
    Browser().sign_in("wang", "correct horse", NOW)

    kept = dict(SignInFailure.objects.values_list("bucket", "failures"))
    assert kept == {"account:wang": 5, f"network:{HOME}": 5}
    assert throttle.sweep(NOW + timedelta(hours=11)) == 0
    assert throttle.sweep(NOW + timedelta(hours=13)) == 2


def test_a_one_time_password_must_be_changed_and_dies_in_time(wang: Person) -> None:
    password = reset_password(SYSTEM, wang, now=NOW)
    assert not Person.objects.get(pk=wang.pk).check_password("correct horse")

    browser = Browser()
    person = browser.sign_in("wang", password, NOW + timedelta(days=13)).person
    assert person.must_change_password
    assert browser.visit(lambda request, _response: request.actor.hats) == ()
    late = Browser().sign_in("wang", password, NOW + timedelta(days=14))
    assert late.message == "一次性密码已过期，请联系本单位人员管理员重新设置。"

    change_password(actor_for(person, NOW), person, password, "a much better one", now=NOW)
    again = Browser()
    assert again.sign_in("wang", "a much better one", NOW + timedelta(days=15)).person == wang
    assert [hat.role for hat in again.visit(lambda request, _response: request.actor.hats)] == ["acceptor"]


def test_until_the_password_is_changed_every_page_leads_there(wang: Person) -> None:
    password = reset_password(SYSTEM, wang, now=NOW)
    browser = Browser()
    browser.sign_in("wang", password, NOW)
    middleware = ActorMiddleware(lambda _request: HttpResponse())

    def led_to(view, accept: str):
        def visit(request, _response):
            request.META["HTTP_ACCEPT"] = accept
            request.__dict__.pop("headers", None)
            return middleware.process_view(request, view, (), {})

        return browser.visit(visit)

    assert led_to(HttpResponse, "text/html").headers["Location"] == "/account/password/first/"
    assert led_to(HttpResponse, "application/json").status_code == 403
    assert led_to(before_password_change(lambda request: HttpResponse()), "text/html") is None


def test_a_new_password_ends_all_other_sessions(wang: Person) -> None:
    here, there = Browser(), Browser(ELSEWHERE)
    here.sign_in("wang", "correct horse")
    there.sign_in("wang", "correct horse")
    kept = here.visit(lambda request, _response: request.session.session_id)

    def change(request, _response):
        change_password(request.actor, request.user, "correct horse", "a much better one", keep_session=kept)
        from django.contrib.auth import update_session_auth_hash

        update_session_auth_hash(request, request.user)

    here.visit(change)
    assert here.whoami() == "wang"
    assert there.whoami() is None


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("wrong", "a much better one", "old"),
        ("correct horse", "correct horse", "new"),
        ("correct horse", "short", "new"),
        ("correct horse", "1234567890", "new"),
    ],
)
def test_a_password_that_will_not_do_is_refused(wang: Person, old: str, new: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        change_password(actor_for(wang, NOW), wang, old, new, now=NOW)
    assert {problem.field for problem in refused.value.problems} == {field}
    assert Person.objects.get(pk=wang.pk).check_password("correct horse")
    with pytest.raises(Forbidden):
        change_password(SYSTEM, wang, "correct horse", "a much better one", now=NOW)


def test_a_revoked_session_is_out_at_its_next_request(wang: Person, city: City) -> None:
    here, there = Browser(), Browser(ELSEWHERE)
    here.sign_in("wang", "correct horse")
    there.sign_in("wang", "correct horse")
    actor = actor_for(wang, NOW)
    listed = sessions_of(actor, wang)
    assert {(one.ip, one.user_agent) for one in listed} == {(HOME, "Firefox 140"), (ELSEWHERE, "Firefox 140")}

    stranger = city.officer("stranger", "people_manager", "980101002", "subdistrict-980101002")
    with pytest.raises(Forbidden):
        sessions_of(stranger, wang)
    with pytest.raises(Forbidden):
        revoke_session(stranger, listed[0])
    target = next(one for one in listed if one.ip == ELSEWHERE)
    revoke_session(actor, target)
    assert not is_alive(target.pk)
    assert (here.whoami(), there.whoami()) == ("wang", None)

    manager = city.officer("manager", "people_manager", "980101001", "subdistrict-980101001")
    assert revoke_all_sessions(manager, wang) == 1
    assert here.whoami() is None


def test_an_idle_session_ends_and_is_swept(wang: Person) -> None:
    browser = Browser()
    browser.sign_in("wang", "correct horse")
    row = Session.objects.get()
    assert sweep(row.last_seen_at + timedelta(minutes=119)) == 0
    Session.objects.update(last_seen_at=row.last_seen_at - timedelta(minutes=121))

    assert browser.whoami() is None
    assert sweep(row.last_seen_at) == 1


def test_last_seen_is_written_once_a_minute_at_most(wang: Person) -> None:
    browser = Browser()
    browser.sign_in("wang", "correct horse")
    first = Session.objects.get().last_seen_at
    browser.whoami()
    assert Session.objects.get().last_seen_at == first
    Session.objects.update(last_seen_at=first - timedelta(minutes=2))
    browser.whoami()
    assert Session.objects.get().last_seen_at > first - timedelta(minutes=1)


def test_an_emptied_session_is_not_saved_again(wang: Person) -> None:
    browser = Browser()
    browser.sign_in("wang", "correct horse")
    browser.visit(lambda request, _response: sign_out(request))

    assert "sessionid" not in browser.cookies
    assert Session.objects.count() == 0
    assert browser.visit(lambda request, _response: request.actor == ANONYMOUS)
    assert devices.COOKIE in browser.cookies


def test_a_session_store_works_without_a_request(db: None) -> None:
    store = SessionStore()
    store["a"] = 1
    store.save()
    assert SessionStore(store.session_key)["a"] == 1
    store.delete()
    assert SessionStore(store.session_key).get("a") is None


def test_the_workers_loop_sweeps_sessions_failures_and_codes(wang: Person) -> None:
    Browser().sign_in("wang", "correct horse", NOW)
    Browser().sign_in("wang", "guess", NOW)
    later = Session.objects.get().last_seen_at + timedelta(days=3)

    assert tick(later) == 4  # one session, and three buckets: near the account, the account's, the network's
    assert (Session.objects.count(), SignInFailure.objects.count()) == (0, 0)
