"""Journeys through the whole house in a real browser: a tiny city behind a live server, Debian's Chromium."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect, sync_playwright

from .nest import Nest, beside

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

    from citybrain.sample.fixtures import TinyCity

SHOTS = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--font-render-hinting=none",
]  # fmt: skip
DESK, PHONE, WALL = (1440, 900), (390, 844), (1920, 1080)
HURRY = float(os.environ.get("CITYBRAIN_TEST_SLOW", "1"))
"""`CITYBRAIN_TEST_SLOW=6` runs every page on a processor six times slower, with its files coming late."""

PATIENCE = 60_000 * max(1.0, HURRY / 3)
"""Milliseconds. A machine may be loaded many times over; only what never comes is a failure."""

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one file's tests. Its library runs a loop of asyncio, which must end before others run theirs."""
    if not CHROMIUM:
        pytest.fail("no Chromium here: run  apt-get install chromium fonts-noto-cjk", pytrace=False)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "1"  # the browser's library runs a loop beside the test's own queries
    )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(autouse=True)
def fresh_pool(django_db_setup: None, django_db_blocker: "DjangoDbBlocker") -> Iterator[None]:
    """Begin and end a journey with a pool of its own: threads of tests before may have kept connections."""
    from django.db import connection

    with django_db_blocker.unblock():
        connection.close()
        connection.close_pool()
    yield
    with django_db_blocker.unblock():
        connection.close()
        connection.close_pool()


@pytest.fixture
def open_city(still_city: "TinyCity", nest: Nest) -> Iterator["TinyCity"]:
    """The tiny city with push and a worker beside it."""
    nest.start()
    yield still_city
    nest.stop()


@pytest.fixture
def still_city(
    transactional_db: None, settings: object, live_server: object, push_port: int, once: Callable[..., int]
) -> Iterator["TinyCity"]:
    """The tiny city, committed, so that the server's threads see it; no worker does anything to it."""
    from citybrain.sample.pytest_city import tiny

    settings.PUSH_PORT = push_port  # type: ignore[attr-defined]
    for city in tiny(once, 30):
        answers(live_server)
        yield city


@pytest.fixture
def grown_city(
    transactional_db: None, settings: object, live_server: object, push_port: int, nest: Nest
) -> Iterator[None]:
    """A city for pictures: large enough to look like one, its day the one that the browser's clock shows."""
    from citybrain.sample.fixtures import forget
    from citybrain.sample.load import first_start
    from citybrain.sample.plan import Plan

    forget()
    first_start(Plan(districts=9, streets=54, communities=420, grids=1400), cases=420)
    settings.PUSH_PORT = push_port  # type: ignore[attr-defined]
    answers(live_server)
    nest.start()
    yield
    nest.stop()
    forget()


def answers(live_server: object) -> None:
    """Ask for a page: the first one loads what all need, and nobody's patience is spent on that."""
    with urlopen(live_server.url, timeout=300) as answer:  # type: ignore[attr-defined]
        assert answer.status == 200


@pytest.fixture(scope="session")
def surroundings(django_db_setup: None, live_server: object) -> dict[str, str]:
    """The environment of the city's processes beside the live server, on the tests' own database."""
    from django.conf import settings
    from django.db import connection

    known = connection.settings_dict
    url = f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
        "CITYBRAIN_SECRET_KEY": settings.SECRET_KEY,
        "CITYBRAIN_HOME": str(settings.HOME),
        "CITYBRAIN_PORT": live_server.url.rpartition(":")[2],  # type: ignore[attr-defined]
        "CITYBRAIN_LOG_LEVEL": "ERROR",
    }


@pytest.fixture(scope="session")
def push_port(surroundings: dict[str, str]) -> Iterator[int]:
    """The port of push, which runs for all tests."""
    from citybrain.site.postgres import free_port

    port = free_port()
    push = ("-m", "uvicorn", "citybrain.site.push:application", "--port", str(port), "--log-level", "error")
    process = beside(surroundings, *push)
    yield port
    process.terminate()
    process.wait(PATIENCE / 1000)


@pytest.fixture(scope="session")
def nest(surroundings: dict[str, str]) -> Iterator[Nest]:
    """Where workers come from."""
    made = Nest(surroundings)
    yield made
    made.close()


@pytest.fixture
def visitor(browser: Browser, live_server: object) -> Iterator[Callable[..., Page]]:
    """Open the site as somebody new: `visitor()`, `visitor(PHONE, dark=True, english=True)`."""
    opened: list[BrowserContext] = []
    errors: list[str] = []

    def come(
        size: tuple[int, int] = DESK, *, dark: bool = False, english: bool = False, scripts: bool = True
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="en-GB" if english else "zh-CN",
            color_scheme="dark" if dark else "light",
            base_url=live_server.url,  # type: ignore[attr-defined]
            has_touch=size == PHONE,
            java_script_enabled=scripts,
        )
        context.set_default_timeout(PATIENCE)
        context.set_default_navigation_timeout(2 * PATIENCE)
        opened.append(context)
        page = context.new_page()
        slow_down(page)
        page.on("pageerror", lambda error: errors.append(f"script error on {page.url}: {error}"))
        return page

    yield come
    for context in opened:
        context.close()
    assert errors == []


@pytest.fixture
def officer(visitor: Callable[..., Page]) -> Callable[..., Page]:
    """Sign one of the cast in: `officer("acceptor")`."""
    from citybrain.sample.cast import PASSWORD

    def sign_in(login: str, size: tuple[int, int] = DESK, **look: bool) -> Page:
        page = visitor(size, **look)
        page.goto("/sign-in/")
        page.locator("input[name=login], input[name=username]").first.fill(login)
        page.locator("input[type=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "sign-in" not in address)
        return page

    return sign_in


def slow_down(page: Page) -> None:
    """Make a page as slow as `CITYBRAIN_TEST_SLOW` says: its processor, and the way of its files."""
    if HURRY <= 1:
        return
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": HURRY})
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    speed = {"latency": 50 * HURRY, "downloadThroughput": 3e6 / HURRY, "uploadThroughput": 3e6 / HURRY}
    session.send("Network.emulateNetworkConditions", {"offline": False, **speed})


class Held:
    """Scripts of a page that are on their way: what is done meanwhile is done by a hurried hand."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.waiting: list[Route] = []
        self.free = False
        page.route(re.compile(r"/static/(?!.*(early|theme)\.js).*\.js"), self._hold)

    def _hold(self, route: Route) -> None:
        if self.free:
            route.continue_()
        else:
            self.waiting.append(route)

    def release(self) -> None:
        """Let the scripts come, those that they bring along too."""
        self.free = True
        for route in self.waiting:
            route.continue_()


AT_REST = """() => new Promise((rest) => {
  const moves = (one) => one.playState === "running" && one.effect.getTiming().iterations !== Infinity;
  const loading = () => document.querySelector("[data-map-wait], [aria-busy=true], [data-busy][data-on]")
    || [...document.images].some((one) => !one.complete && one.loading !== "lazy")
    || document.getAnimations().some(moves);
  const latest = performance.now() + 15_000;
  let timer = 0;
  const ended = () => {
    if (loading() && performance.now() < latest) { wait(); return; }
    watch.disconnect();
    rest();
  };
  const wait = () => { clearTimeout(timer); timer = setTimeout(ended, 300); };
  const watch = new MutationObserver(wait);
  watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  document.fonts.ready.then(wait);
})"""
"""A page is at rest when nothing has changed, moved or loaded for 300 ms. Push keeps connections: they don't count."""


def rest(page: Page) -> None:
    """Wait until a page is at rest, for a picture. What a test needs to be there it must expect itself."""
    page.wait_for_load_state("load")
    page.evaluate(AT_REST)


def shoot(page: Page, name: str) -> None:
    """Keep a screenshot for the README, once what moves has come to rest."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    rest(page)
    page.screenshot(path=SHOTS / f"{name}.png", animations="disabled", caret="hide")


def take(page: Page, number: str, label: str, fill: Callable[[Page], None] | None = None) -> None:
    """Open a case on the desk and take a step by its button, as an officer would; return once it was taken."""
    page.goto(f"/desk/cases/{number}/")
    seen = page.locator("#case-pane").get_attribute("data-version")
    step_button(page, label).click()
    if fill is not None:
        dialog = page.locator("dialog[open]")
        dialog.wait_for()
        fill(page)
        dialog.locator("button[type=submit]").click()
        dialog.wait_for(state="detached")
    expect(page.locator(f'#case-pane[data-version="{seen}"]')).to_have_count(0)


def step_button(page: Page, label: str) -> Locator:
    """Return the button of a step on the case page, with the menu opened where it lies in there."""
    steps = page.locator(".cb-steps")
    expect(steps).to_be_visible()
    button = steps.get_by_role("button", name=re.compile(f"^{label}"))
    if not button.first.is_visible():
        steps.locator("details > summary").first.click()
    return button.first


def state_of(number: str) -> str:
    """Return the key of a case's state, from the database."""
    from citybrain.hub.cases.models import Case
    from citybrain.hub.cases.states import State

    return State(Case.objects.get(number=number).state).name.lower()
