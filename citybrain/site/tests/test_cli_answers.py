"""Wrong input of the command line: one clear line, an exit code, and nothing done."""

import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.tests.conftest import City, _hashers, city
from citybrain.hub.cases import items as shipped
from citybrain.hub.cases import registry
from citybrain.hub.cases.models import Item
from citybrain.site.cli import GROUPS

__all__ = ["_hashers", "city"]


def run(group: str, *words: str) -> tuple[int, str]:
    module, name = GROUPS[group].split(":")
    done = CliRunner().invoke(getattr(importlib.import_module(module), name), list(words))
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize("command", [("people", "import"), ("areas", "import"), ("people", "template")])
def test_where_the_receipt_can_not_be_written_nothing_is_taken_in(
    city: City, tmp_path: Path, command: tuple[str, str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("姓名,登录名,单位\n孙杰,sunjie,建国街道办事处\n")
    nowhere = str(tmp_path / "none" / "receipt.xlsx")
    words = (nowhere,) if command[1] == "template" else (str(file), "--receipt", nowhere)
    code, out = run(*command, *words)
    assert (code, "there is no folder" in out) == (2, True)
    assert run("people", "list", "--text", "sunjie") == (0, "citybrain: nobody\n")


def test_an_empty_item_table_is_refused_and_a_good_one_told(city: City, tmp_path: Path) -> None:
    registry.load(SYSTEM, shipped.shipped_rows())
    file = tmp_path / "items.csv"
    for text in ("", "code,name_zh\n", "事项编码\n010101\n"):
        file.write_text(text)
        assert run("items", "load", str(file), "--whole", "--from", "2030-01-01")[0] == 1
    assert not Item.objects.exclude(valid_until=None).exists()
    file.write_text("code,name_zh\n")
    assert run("items", "load", str(file), "--from", "2030-13-01")[0] == 2
    code, out = run("items", "list", "--on", "1990-01-01")
    assert (code, out) == (0, "citybrain: no item is in force on 1990-01-01\n")


def test_an_unknown_city_a_point_off_the_globe_and_no_sample_are_said_in_a_line(city: City) -> None:
    for words, code, said in (
        (("areas", "convert", "500", "39"), 2, "longitudes go from -180 to 180"),
        (("areas", "locate", "100", "10"), 1, "no area holds this point"),
        (("areas", "find", "没有"), 1, "no area is called '没有'"),
        (("people", "list", "--role", "king"), 2, "there is no role 'king'"),
        (("sample", "cast"), 1, "this is no sample city"),
        (("init", "--city", "没有的市"), 1, "no city, district or county"),
    ):
        got, out = run(*words)
        assert (got, said in out) == (code, True), (words, out)
