"""`citybrain hotline` trains and judges from files, without a database."""

import csv
import json
from pathlib import Path

from click.testing import CliRunner

from citybrain.hub.hotline.reading import modelfile
from citybrain.hub.hotline.reading.labelled import Labelled
from citybrain.hub.hotline.reading.tests.messages import made_up
from citybrain.site.cli import main


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["hotline", *(str(word) for word in words)])
    return done.exit_code, done.output


def file(path: Path, labelled: Labelled) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(["text", "label"])
        table.writerows(zip(labelled.messages, labelled.labels, strict=True))
    return path


def test_several_files_are_judged_together_as_json(tmp_path: Path) -> None:
    one, two = file(tmp_path / "1.csv", made_up(20)), file(tmp_path / "2.csv", made_up(15, seed=2))
    test = file(tmp_path / "3.csv", made_up(10, seed=3))
    code, out = run("evaluate", "--train", one, two, "--test", test, "--promise", "0.9", "--json")
    told = json.loads(out)
    assert (code, told["training"]["messages"], told["test"]["messages"]) == (0, 105, 30)
    assert [part["promise"] for part in told["promises"]] == [0.9]
    assert told["files"] == {"train": [str(one), str(two)], "test": [str(test)]}


def test_figures_are_told_in_lines_too(tmp_path: Path) -> None:
    code, out = run("evaluate", "--train", file(tmp_path / "1.csv", made_up(20)))
    assert code == 0
    assert out.startswith("out of fold: 60 messages, macro-F1 ")
    assert "  供热  20 messages  precision " in out
    assert "promise 97%: " in out


def test_a_model_is_trained_and_one_that_is_there_is_kept(tmp_path: Path) -> None:
    messages, model = file(tmp_path / "1.csv", made_up(20)), tmp_path / "a.model"
    assert run("train", messages, "--output", model)[0] == 0
    assert modelfile.load(model).read(["暖气不热室温低"])[0].label == "供热"
    assert run("train", messages, "--output", model) == (
        1, f"Error: {model}: there is one already; name another --output, or --replace it\n",
    )  # fmt: skip
    told = json.loads(run("train", messages, "--output", model, "--replace", "--json")[1])
    assert (told["bytes"], told["messages"], told["folds"]) == (model.stat().st_size, 60, 5)


def test_what_can_not_be_used_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    assert run("evaluate", "--train", path) == (
        1, f"Error: {path}: no column text (or seg) and label; its columns are: a, b\n",
    )  # fmt: skip
    path.write_text("text,label\n停水了没人管,水\n")
    assert run("train", path, "--output", tmp_path / "m") == (
        1, "Error: 1 messages: all have the label 水; at least two labels are needed to tell them apart\n",
    )  # fmt: skip
    assert run("evaluate", "--train", path, "--promise", "1.5")[0] == 2
    assert list(tmp_path.glob("m*")) == []
