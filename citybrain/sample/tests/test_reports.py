"""Reports and lives: every item has its words, the truth is kept, scripts stay inside time and duty."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

from citybrain.base.worktime.calendar import current
from citybrain.hub.cases import items
from citybrain.hub.cases.guess import Guesser
from citybrain.hub.cases.models import Item
from citybrain.sample.agencies import make_agencies
from citybrain.sample.city import make_city
from citybrain.sample.drawings import all_drawings, draw, drawing_for
from citybrain.sample.lives import live, lives
from citybrain.sample.people import cast_places, make_people
from citybrain.sample.plan import plan_for, stream
from citybrain.sample.reports import SHANGHAI, ReportMaker, arrivals
from citybrain.sample.staff import Staff
from citybrain.sample.stage import SCENES, staged
from citybrain.sample.subjects import subjects

NOW = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)
PLAN = plan_for(0.01)


class Town:
    """A small city with its people, made once."""

    city = make_city(PLAN)
    agencies = make_agencies(city)
    people = make_people(city, agencies)
    staff = Staff(city, agencies, people)

    def maker(self, seed: int = 1) -> ReportMaker:
        return ReportMaker(self.city, self.people, stream(seed, "reports"))


@pytest.fixture(scope="module")
def town() -> Town:
    return Town()


def test_every_item_of_the_table_has_words_and_a_weight() -> None:
    found = subjects()
    assert len(found) == 239
    assert all(subject.noted and subject.said and subject.weight > 0 for subject in found.values())
    assert all("{" not in subject.noted.replace("{n}", "") for subject in found.values())
    often = [subject for subject in found.values() if subject.weight >= 30]
    assert all(len(subject.said) >= 2 for subject in often)


def test_the_shipped_words_guess_what_citizens_of_the_sample_say() -> None:
    """These sentences were written apart from the item table's words: 0.84 are among three, 0.47 without the words."""
    columns = ("code", "name_zh", "subclass_zh", "filing_condition", "keywords")
    by_code = {row["code"]: Item(**{name: row[name] for name in columns}) for row in items.shipped_rows()}
    guesser = Guesser(by_code)
    blank = str.maketrans("", "", "{}ptn")
    said = [(code, text.translate(blank)) for code, one in subjects().items() for text in one.said]
    found = sum(code in {guess.item.code for guess in guesser.rank(text, 3)} for code, text in said)
    assert found / len(said) >= 0.76


def test_reports_come_with_two_peaks_and_hardly_at_night() -> None:
    since = NOW - timedelta(days=14)
    found = arrivals(stream(1, "arrivals"), 20_000, since, NOW)
    hours = np.bincount([at.astimezone(SHANGHAI).hour for at in found], minlength=24)
    assert (found == sorted(found), found[0] >= since, found[-1] < NOW) == (True, True, True)
    assert hours[9] > 1.5 * hours[12]
    assert hours[16] > 1.5 * hours[12]
    assert hours[3] < hours[9] / 20


def test_a_report_lies_in_the_grid_its_truth_names(town: Town) -> None:
    maker = town.maker()
    for _ in range(300):
        matter = maker.matter(NOW)
        for told in maker.tellings(matter):
            assert shapely.contains_xy(town.city.shapes[matter.grid], told.lon, told.lat)
            assert "{" not in told.text


def test_repeated_reports_are_near_in_place_and_time_and_share_their_matter(town: Town) -> None:
    maker = town.maker(2)
    groups = [list(maker.tellings(maker.matter(NOW))) for _ in range(800)]
    several = [group for group in groups if len(group) > 1]
    assert 40 < len(several) < 120
    for group in several:
        first = group[0]
        for again, told in enumerate(group):
            assert (told.again, told.matter) == (again, first.matter)
            assert timedelta() <= told.at - first.at <= timedelta(hours=5)
            metres = np.hypot((told.lon - first.lon) * 86_800, (told.lat - first.lat) * 111_000)
            assert metres < 150


def test_citizens_guess_the_item_less_often_and_less_well_than_officers(town: Town) -> None:
    maker = town.maker(3)
    told = [next(maker.tellings(maker.matter(NOW), alone=True)) for _ in range(3_000)]
    right = {
        source: np.mean([one.claimed == one.matter.item for one in told if one.source == source])
        for source in ("01", "02")
    }
    assert right["01"] > 0.88
    assert 0.15 < right["02"] < 0.4


def test_heating_is_reported_in_the_cold_months_only(town: Town) -> None:
    maker = town.maker(4)
    summer = {maker.matter(datetime(2026, 7, 9, 2, tzinfo=UTC)).item for _ in range(2_000)}
    winter = {maker.matter(datetime(2026, 12, 9, 2, tzinfo=UTC)).item for _ in range(2_000)}
    assert ("020505" in summer, "020505" in winter) == (False, True)
    assert ("010406" in summer, "010406" in winter) == (True, False)


def test_a_life_runs_forward_and_each_step_is_taken_by_somebody_of_that_duty(town: Town) -> None:
    maker = town.maker(5)
    duties = {
        "file": {"acceptor"}, "dispatch": {"dispatcher"}, "accept": {"handler"}, "return": {"handler"},
        "feedback": {"handler"}, "verify": {"grid_worker"}, "pass_check": {"grid_worker"},
        "decide_extension": {"supervisor"}, "designate": {"duty_chief"},
    }  # fmt: skip
    seen = set()
    for _ in range(400):
        life = live(next(maker.tellings(maker.matter(NOW))), town.staff, current(), stream(_, "life"))
        moments = [life.told.at, *(act.at for act in life.acts)]
        assert moments == sorted(moments)
        for act in life.acts:
            if act.step in duties and act.who is not None:
                held = {post.role for post in town.people[act.who].posts}
                assert held & duties[act.step], act.step
                seen.add(act.step)
    assert seen >= {
        "file",
        "dispatch",
        "accept",
        "return",
        "feedback",
        "verify",
        "pass_check",
        "decide_extension",
    }


def test_a_life_is_cut_off_at_now(town: Town) -> None:
    maker = town.maker(6)
    told = [next(maker.tellings(maker.matter(NOW - timedelta(hours=h)))) for h in range(-3, 60)]
    found = list(lives(iter(told), town.staff, current(), stream(1, "l"), NOW))
    assert len(found) == 59  # those of the hours to come and of this very moment are left out
    assert all(act.at < NOW for life in found for act in life.acts)


def test_the_true_agency_is_the_leading_kind_nearest_to_the_place(town: Town) -> None:
    city = town.city
    grid = cast_places(city)["grid"]
    lineage = city.lineage(grid)
    own = {
        code: town.agencies[town.staff.owner(subjects()[code], grid)]
        for code in ("010101", "020502", "030305")
    }
    assert [(agency.kind, agency.area) for agency in own.values()] == [
        ("city_mgmt", lineage[1]),
        ("water_co", lineage[0]),
        ("subdistrict", lineage[2]),
    ]


def test_the_staged_cases_give_each_of_the_cast_something_to_do(town: Town) -> None:
    found = list(staged(town.maker(7), town.staff, stream(1, "stage"), NOW))
    assert len(found) == len(SCENES)
    places = cast_places(town.city)
    assert {town.city.lineage(life.told.matter.grid)[3] for life in found} == {places["community"]}
    last = {life.acts[-1].step if life.acts else "report" for life in found}
    assert last == {
        "report", "request_verify", "start_check", "file", "return", "dispatch", "accept", "request_extension",
        "feedback", "pass_check", "rework", "close",
    }  # fmt: skip


def test_drawings_are_small_jpegs_and_differ_before_and_after() -> None:
    pictures = {drawing: draw(drawing) for drawing in all_drawings()}
    assert all(raw.startswith(b"\xff\xd8") and len(raw) < 60_000 for raw in pictures.values())
    assert len(set(pictures.values())) > 30
    assert draw(drawing_for("010101", "before")) != draw(drawing_for("010101", "after"))
    assert drawing_for("020301", "close").scene == "lamp"
