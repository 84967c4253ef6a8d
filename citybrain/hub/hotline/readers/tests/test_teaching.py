"""A new model is compared before it replaces the one in use; versions are kept; what can't be used is named."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from citybrain.base.identity.access import Forbidden
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.reader import ModelInUse, ModelState, Watch
from citybrain.hub.hotline.readers import teaching, using
from citybrain.hub.hotline.readers.tests.conftest import MORNING, Line
from citybrain.hub.hotline.reading import modelfile
from citybrain.hub.hotline.reading.errors import BadMessages, ModelDamaged
from citybrain.hub.hotline.reading.labelled import Labelled
from citybrain.hub.hotline.reading.tests.messages import made_up
from citybrain.site.cli import main
from citybrain.site.tests.test_hotline_cli import file

pytestmark = pytest.mark.django_db


def test_the_first_model_of_other_labels_than_the_box_reads_at_once(line: Line, model: ModelInUse) -> None:
    assert (model.version, model.state, model.labels) == (1, "in_use", ["供热", "公交", "噪声"])
    assert model.about["compared"]["against"] == "the model out of the box"
    assert using.in_use() == model
    assert list(Watch.objects.values_list("label", flat=True)) == ["供热", "公交", "噪声"]
    assert using.current().classes.read(["暖气不热室温低"])[0].label == "供热"


def test_a_better_model_replaces_and_a_worse_one_is_kept(line: Line, model: ModelInUse) -> None:
    worse = teaching.teach(made_up(100, seed=11, wrong=0.6), "person:1", MORNING)
    assert (worse.taken, worse.compared.better) == (False, False)
    assert worse.compared.new.accuracy < worse.compared.before.accuracy
    assert using.in_use().version == 1
    better = teaching.teach(made_up(100, seed=12), "person:1", MORNING)
    assert (better.taken, better.row.version) == (True, 3)
    assert ModelInUse.objects.filter(state=ModelState.IN_USE).count() == 1


def test_the_same_messages_again_can_not_be_compared(line: Line, model: ModelInUse) -> None:
    again = teaching.teach(made_up(60), "person:1", MORNING)
    assert (again.taken, again.compared.messages, again.compared.left_out) == (False, 0, 36)
    assert "50 are needed" in again.compared.why
    assert teaching.teach(made_up(60), "person:1", MORNING, force=True).taken
    assert teaching.has_learnt(model, made_up(60).messages[0])
    assert not teaching.has_learnt(model, "从没学过的一句话")


def test_one_class_is_refused_and_the_model_in_use_goes_on(line: Line, model: ModelInUse) -> None:
    with pytest.raises(BadMessages, match="all have the label"):
        teaching.teach(Labelled(["停水了"] * 9, ["水"] * 9, [""] * 9), "person:1", MORNING)
    assert using.in_use() == model
    assert ModelInUse.objects.count() == 1


def test_an_earlier_version_is_gone_back_to(line: Line, model: ModelInUse) -> None:
    teaching.teach(made_up(100, seed=12), "person:1", MORNING, force=True)
    with pytest.raises(Forbidden):
        using.use_version(line.actor("operator"), 1)
    using.use_version(line.actor("manager"), 1, now=MORNING)
    assert using.in_use().version == 1
    with pytest.raises(BadInput):
        using.use_version(line.actor("manager"), 7)
    using.out_of_the_box(line.actor("manager"))
    assert using.in_use() is None
    assert not Watch.objects.exists()


def test_a_damaged_version_is_not_taken_and_is_named(line: Line, model: ModelInUse) -> None:
    second = teaching.teach(made_up(100, seed=12), "person:1", MORNING, force=True).row
    ModelInUse.objects.filter(pk=model.pk).update(content=b"nothing")
    with pytest.raises(BadInput, match="model class version 1: not a hotline model"):
        using.use_version(line.actor("manager"), 1)
    assert using.in_use() == second


def test_a_model_file_is_brought_in_or_refused_by_name(line: Line, model: ModelInUse, tmp_path: Path) -> None:
    path = tmp_path / "x.model"
    path.write_bytes(bytes(model.content))
    row = teaching.bring_in(path, "system", MORNING)
    assert (row.version, row.state) == (2, "kept")
    path.write_bytes(bytes(model.content)[:-1])
    with pytest.raises(ModelDamaged, match=r"x\.model: damaged"):
        teaching.bring_in(path, "system", MORNING)


def test_a_class_that_surely_breaks_the_promise_begins_switched_off(line: Line) -> None:
    messages = made_up(80)
    mixed = [("公交" if at % 4 == 0 and one == "噪声" else one) for at, one in enumerate(messages.labels)]
    row = teaching.teach(
        Labelled(messages.messages, mixed, messages.groups), "person:1", MORNING, promised=0.8
    ).row
    told = set(row.about["doubtful"])
    assert {watch.label for watch in Watch.objects.filter(on=False)} == (
        told if row.threshold else set(row.labels)
    )


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["hotline", *(str(word) for word in words)])
    return done.exit_code, done.output


def test_the_command_trains_into_the_city_lists_and_goes_back(line: Line, tmp_path: Path) -> None:
    code, out = run("train", file(tmp_path / "1.csv", made_up(60)), "--promise", "0.9")
    assert (code, out.splitlines()[-1]) == (0, "version 1 reads from now on")
    code, out = run("train", file(tmp_path / "2.csv", made_up(100, seed=11, wrong=0.6)))
    assert (code, out.splitlines()[-1]) == (0, "version 2 is kept, not in use (citybrain hotline use 2)")
    assert [line.split()[:2] for line in run("models")[1].splitlines()] == [["2", "kept"], ["1", "in_use"]]
    assert run("use", "2") == (0, "version 2 reads from now on\n")
    assert run("use", "0") == (0, "the model out of the box reads from now on\n")
    assert run("use", "9") == (1, "Error: 没有第 9 版模型。\n")
    assert run("use", "--file", tmp_path / "no.model")[1] == (
        f"Error: {tmp_path}/no.model: there is no such model; train it anew (citybrain hotline train)\n"
    )
    modelfile.save(using.load_content(using.models_of()[0]), tmp_path / "a.model")
    assert run("use", "--file", tmp_path / "a.model") == (0, "version 3 reads from now on\n")
