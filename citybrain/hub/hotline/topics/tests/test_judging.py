import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from citybrain.hub.hotline.reading.errors import BadMessages
from citybrain.hub.hotline.topics.files import read_gold, read_messages, seconds
from citybrain.hub.hotline.topics.judging import b_cubed, judged
from citybrain.hub.hotline.topics.tests.messages import ROAD, WATER, city
from citybrain.site.cli.hotline import hotline

GOLD = {
    **{f"water-{at}": "停水" for at in range(len(WATER))},
    **{f"road-{at}": "塌陷" for at in range(len(ROAD))},
}


def test_b_cubed_is_counted_by_hand() -> None:
    """Precisions are 1, 1, a half and a half (strict: a third); recalls two thirds twice, a third and 1."""
    gold = {"a": "x", "b": "x", "c": "x", "d": "y"}
    told = b_cubed({"a": 1, "b": 1, "c": 2, "d": 2, "e": 2}, gold)
    assert told == {"precision": 0.75, "recall": 0.6667, "f1": 0.7059}
    strict = b_cubed({"a": 1, "b": 1, "c": 2, "d": 2, "e": 2}, gold, strict=True)
    assert strict == {"precision": 0.6667, "recall": 0.6667, "f1": 0.6667}


def test_b_cubed_of_nothing_is_nought() -> None:
    assert b_cubed({}, {"a": "x"}) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_all_in_one_and_each_alone_are_punished() -> None:
    gold = {str(at): str(at % 5) for at in range(50)}
    assert b_cubed(dict.fromkeys(gold, 1), gold)["precision"] == 0.2
    assert b_cubed({key: key for key in gold}, gold)["recall"] == 0.1


def test_made_up_topics_are_found_whole_and_as_they_come() -> None:
    told = judged(city(), GOLD)
    assert told["b3"]["f1"] >= 0.95
    assert told["b3_strict"]["f1"] >= 0.95
    assert told["streaming"]["b3"]["f1"] >= 0.75
    assert told["top_ten"]["missing"] == []
    assert [row["rank"] for row in told["gold"]["topics"]] == [1, 2]


def test_without_people_and_times_it_still_tells_topics() -> None:
    bare = [type(one)(one.key, one.title, one.text) for one in city()]
    told = judged(bare, GOLD)
    assert (told["people_known"], told["times_known"]) == (False, False)
    assert told["b3"]["f1"] >= 0.95


def written_to(path: Path, columns: list[str], rows: list[list[str]]) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    is_packed = path.suffix == ".gz"
    path.write_bytes(
        gzip.compress(text.getvalue().encode("utf-8-sig")) if is_packed else text.getvalue().encode("gb18030")
    )
    return path


@pytest.mark.parametrize("file", ["messages.csv", "messages.csv.gz"])
def test_the_command_prints_the_figures_for_a_file(tmp_path: Path, file: str) -> None:
    rows = [
        [one.key, one.person, one.text, f"2025/3/{1 + int((one.at or 0) // 86_400)} 8:00:00"]
        for one in city()
    ]
    messages = written_to(tmp_path / file, ["留言编号", "留言用户", "留言详情", "留言时间"], rows)
    gold = written_to(tmp_path / "gold.csv", ["id", "topic"], [[key, topic] for key, topic in GOLD.items()])
    answer = CliRunner().invoke(hotline, ["topics", str(messages), "--gold", str(gold), "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert told["b3"]["f1"] >= 0.95
    assert told["top"][0]["people"] == len(WATER)
    plain = CliRunner().invoke(hotline, ["topics", str(messages), "--gold", str(gold)])
    assert "B³ F1" in plain.output


def test_rows_without_ids_are_numbered_and_bad_times_stay_in_their_place(tmp_path: Path) -> None:
    path = written_to(
        tmp_path / "m.csv",
        ["text", "time"],
        [["甲", "2025-01-03"], ["乙", "?"], ["丙", "2025-01-01 07:00:00"]],
    )
    assert [(one.key, one.text) for one in read_messages(path)] == [("3", "丙"), ("1", "甲"), ("2", "乙")]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2019/2/28 11:25:05", 28),
        ("2019-02-28", 28),
        ("2019-02-28T10:00:00+08:00", 28),
        ("2019年2月28日 9时5分", 28),
    ],
)
def test_times_are_read_in_the_usual_forms(text: str, day: int) -> None:
    at = seconds(text)
    assert at is not None
    assert int((at - 1_548_979_200) // 86_400) + 1 == day


@pytest.mark.parametrize("text", ["", "昨天", "2019/13/45"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert seconds(text) is None


def test_a_file_without_texts_is_refused_by_name(tmp_path: Path) -> None:
    path = written_to(tmp_path / "m.csv", ["id", "user"], [["1", "2"]])
    with pytest.raises(BadMessages, match=r"m\.csv: no column text or title"):
        read_messages(path)
    with pytest.raises(BadMessages, match=r"m\.csv: no column topic"):
        read_gold(path)
    answer = CliRunner().invoke(hotline, ["topics", str(path)])
    assert answer.exit_code == 1
    assert "no column text or title" in answer.output


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMessages):
        read_messages(written_to(tmp_path / "m.csv", ["text"], []))
    answer = CliRunner().invoke(hotline, ["topics", str(tmp_path / "none.csv")])
    assert answer.exit_code == 1
