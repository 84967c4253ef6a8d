"""The columns page offers live rosters for a table of figures, takes another, and finds them by words and pinyin."""

from typing import Any

from citybrain.faces.desk.forms.tests import test_office
from citybrain.faces.desk.forms.tests.test_office import Town, excel

town: Any = test_office.town
HEAD = ("社区", "老年人口数", "其中：80岁以上", "残疾人数（人）", "床位数（张）")


def drafted(town: Town) -> Any:
    return town.drafted(file=excel(head=HEAD, title="社区老年人口统计表"))


def fields(one: Any) -> list[tuple[str, str]]:
    one.refresh_from_db()
    one.current.refresh_from_db()
    return [(str(column.asks), column.field) for column in one.current.shape]


def test_figures_are_offered_with_their_chance_and_roster(town: Town) -> None:
    one = drafted(town)
    assert fields(one)[1:4] == [
        ("count", "roster:elders"), ("count", "roster:elders/80-"), ("count", "roster:disabled"),
    ]  # fmt: skip
    text = town.client("office").get(f"/desk/forms/{one.pk}/columns/").content.decode()
    assert "老年人口数 · 80岁及以上 · 名册：老年人" in text
    assert 'value="count|roster:elders/80-|" selected' in text
    assert 'value="count|roster:elders|"' in text, "the whole is offered beside the part"


def test_another_figure_is_taken_and_remembered(town: Town) -> None:
    one, client = drafted(town), town.client("office")
    sent = {"c-D-means": "answer||", "c-B-means": "count|roster:alone|", "c-E-field": "roster:veterans"}
    assert client.post(f"/desk/forms/{one.pk}/columns/", sent).status_code == 302
    expected = [
        ("count", "roster:alone"), ("count", "roster:elders/80-"), ("answer", ""), ("count", "roster:veterans"),
    ]  # fmt: skip
    assert fields(one)[1:] == expected
    again = fields(drafted(town))
    assert [again[1], again[3], again[4]] == [expected[0], expected[2], expected[3]]


def test_a_figure_in_a_roster_is_refused_at_its_line(town: Town) -> None:
    one = drafted(town)
    sent = {"rows": "roster:elders", "c-B-field": "roster:alone"}
    answer = town.client("office").post(f"/desk/forms/{one.pk}/columns/", sent)
    assert answer.status_code == 422
    assert "一地一行" in answer.content.decode()


def test_figures_are_found_by_words_and_pinyin(town: Town) -> None:
    client = town.client("office")

    def found(words: str) -> list[str]:
        choices = client.get("/desk/forms/choose/fields/", {"q": words}).json()["choices"]
        return [one["value"] for one in choices if one["value"].startswith("roster:")]

    assert found("90岁以上 女 老年人")[0] == "roster:elders/90-/women"
    assert found("dulao") == []
    assert found("dulaoren") == []
    assert found("dujulaoren") == ["roster:alone"]
    assert found("") == []
