"""`citybrain data`, `catalogue`, `delivery` in hurried hands: one line of what is wrong, a code for scripts."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from citybrain.base.catalogue.models import DataSet
from citybrain.base.exchange.models import Source
from citybrain.base.exchange.tests.lending import agency, dataset
from citybrain.base.exchange.tests.test_intake import BAD, HEADER, ONE, SHAPE, TWO, stored
from citybrain.site.cli.catalogue import catalogue
from citybrain.site.cli.data import data
from citybrain.site.cli.delivery import delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(lake_home: Path, settings: Any) -> Path:
    """A folder that sources may be read from, and the data set people."""
    dataset("people", SHAPE)
    folder = lake_home.parent / "files"
    folder.mkdir()
    return folder


def put(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def run(group: click.Group, *words: str, given: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(group, list(words), input=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_a_file_is_taken_in_and_its_bad_rows_are_pointed_at(files: Path) -> None:
    code, out = run(data, "in", put(files, "a.csv", HEADER + ONE + BAD), "--to", "people")
    assert (code, "inserted 1" in out, "quarantine --of people" in out) == (0, True, True)
    code, out = run(data, "in", put(files, "b.csv", HEADER + BAD), "--to", "people", "--json")
    assert (code, json.loads(out.splitlines()[0])["rows_bad"]) == (1, 1), "nothing of it is stored"
    assert "2 more" not in run(data, "quarantine")[1]
    code, out = run(data, "quarantine", "--of", "people", "--most", "1")
    assert (code, "1 more; --most 2 shows them" in out) == (0, True)
    code, out = run(
        data, "in", put(files, "c.csv", "公民身份号码\n" + ONE[:18] + "\n"), "--to", "people", "--ended"
    )
    assert (code, stored()) == (0, [])


def test_a_run_that_waits_says_how_it_goes_on(files: Path) -> None:
    run(data, "in", put(files, "a.csv", HEADER + ONE), "--to", "people")
    code, out = run(data, "in", put(files, "b.csv", HEADER.replace("姓名", "称呼") + TWO), "--to", "people")
    assert (code, "“姓名”可能改名为“称呼”" in out) == (1, True)
    number = out.partition("accept ")[2].partition("`")[0]
    assert run(data, "accept", number, "--map", "称呼=nmae")[0] == 2
    code, out = run(data, "accept", number, "--map", "称呼=name")
    assert (code, "state done" in out) == (0, True)
    assert [name for _, name, _ in stored()] == ["张三", "李四"]
    assert run(data, "accept", number) == (1, "Error: 这次入库没有在等待确认。\n")
    assert run(data, "retry", number)[0] == 1


def test_sources_are_added_tried_fetched_and_listed_without_their_secret(files: Path) -> None:
    watched = files / "in"
    watched.mkdir()
    put(watched, "a.csv", HEADER + ONE)
    told = {"name": "夹", "kind": "folder", "settings": {"folder": str(watched), "quiet_seconds": 0}}
    config = put(files, "s.json", json.dumps(told))
    code, out = run(data, "sources", "add", "people", config, "--secret", "-", given="geheim\n")
    number = str(Source.objects.get().pk)
    assert (code, f"sources try {number}" in out) == (0, True)
    assert run(data, "sources", "add", "people", config)[0] == 1
    code, out = run(data, "sources", "try", number)
    assert (code, "id_no ← 公民身份号码" in out) == (0, True)
    assert run(data, "sources", "fetch", number)[0] == 0
    assert run(data, "sources", "change", number, put(files, "c.json", '{"every_minutes": 5}'))[0] == 0
    out = run(data, "sources", "list", "--json")[1]
    assert (json.loads(out)["has_secret"], json.loads(out)["every_minutes"], "geheim" in out) == (
        True,
        5,
        False,
    )
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("group", "words", "code", "says"),
    [
        (data, "read nosuch.csv", 2, "does not exist"),
        (data, "read {people} --encoding klingon", 2, "no encoding is called klingon"),
        (data, "read {people} --header 0", 2, "not in the range"),
        (data, "read {empty}", 1, "文件是空的"),
        (data, "in {people}", 2, "Missing option '--to'"),
        (data, "in {people} --to nosuch", 1, "there is no data set nosuch"),
        (data, "runs --of nosuch", 1, "there is no data set nosuch"),
        (data, "runs", 0, "no runs"),
        (data, "quarantine --of nosuch", 1, "there is no data set nosuch"),
        (data, "accept 99", 1, "no run has the number 99"),
        (data, "retry x", 2, "is not a valid integer"),
        (data, "sources add people {people}", 2, "people.csv: "),
        (data, "sources add people {wrong}", 2, "no 'kindd'"),
        (data, "sources add nosuch {right}", 1, "there is no data set nosuch"),
        (data, "sources add people {right} --agency nobody", 2, "no agency nobody"),
        (data, "sources try 99", 1, "no source has the number 99"),
        (data, "sources fetch 99", 1, "no source has the number 99"),
        (catalogue, "show nosuch", 1, "catalogue find WORDS"),
        (catalogue, "find zzzz", 1, ""),
        (catalogue, "export {folder}/x.csv", 2, "ends in .xlsx"),
        (catalogue, "export {folder}/x.xlsx --words 无此目录", 1, "nothing was written"),
        (catalogue, "upward {folder}/x.json", 1, "请填写数据资源标识和名称"),
        (catalogue, "import {people}", 2, "无法读取该文件"),
        (delivery, "keys list", 0, "no keys were given out"),
        (delivery, "keys list nosuch", 1, "no grant has the number nosuch"),
        (delivery, "keys issue nosuch x", 1, "no grant has the number nosuch"),
        (delivery, "file nosuch", 1, "no grant has the number nosuch"),
        (delivery, "receipts show 1.x", 1, "no call bore the number 1.x"),
        (delivery, "receipts show x", 1, "no receipt has the number x"),
        (delivery, "receipts refold 2026-13-01", 2, "'DAY'"),
    ],
)
def test_what_can_not_be_is_one_line_and_a_code(
    files: Path, group: click.Group, words: str, code: int, says: str
) -> None:
    agency("police")
    named = {
        "people": put(files, "people.csv", HEADER + ONE), "empty": put(files, "empty.csv", ""), "folder": str(files),
        "wrong": put(files, "wrong.json", '{"name": "x", "kindd": "sql"}'),
        "right": put(files, "right.json", '{"name": "x", "kind": "push"}'),
    }  # fmt: skip
    got, out = run(group, *(word.format(**named) for word in words.split()))
    assert (got, says in out) == (code, True), out
    assert "Traceback" not in out


def test_a_file_that_can_not_be_written_is_named(files: Path) -> None:
    DataSet.objects.update(state="draft")
    code, out = run(catalogue, "upward", str(files / "nosuch" / "x.json"))
    assert (code, "x.json can't be written: No such file" in out) == (1, True)


def test_every_command_and_option_says_what_it_is() -> None:
    def walk(command: click.Command, name: str) -> None:
        assert command.help, name
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, f"{name} {option.name}"
        if isinstance(command, click.Group):
            for key, inner in command.commands.items():
                walk(inner, f"{name} {key}")

    for group in (data, catalogue, delivery):
        walk(group, str(group.name))
