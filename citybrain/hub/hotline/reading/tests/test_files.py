"""The files of reading: labelled messages and models."""

import gzip
from pathlib import Path

import orjson
import pytest

from citybrain.hub.hotline.reading import modelfile
from citybrain.hub.hotline.reading.errors import (
    BadMessages,
    ModelDamaged,
    ModelMissing,
    ModelOfAnotherVersion,
)
from citybrain.hub.hotline.reading.labelled import read_all, read_labelled
from citybrain.hub.hotline.reading.model import Model
from citybrain.hub.hotline.reading.tests.messages import made_up
from citybrain.hub.hotline.reading.training import lesson, train


@pytest.fixture(scope="module")
def model() -> Model:
    return train(lesson(made_up(20)))[0]


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def refused(path: Path) -> str:
    with pytest.raises(BadMessages) as caught:
        read_labelled(path)
    return str(caught.value)


def test_title_and_text_seg_marks_and_encodings_are_read(tmp_path: Path) -> None:
    plain = read_labelled(
        written(tmp_path / "a.csv", "\ufefflabel,title,text,seg\n供热,停暖,家里不热,x\n,无,无,\n")
    )
    assert (plain.messages, plain.labels, plain.groups, plain.unlabelled) == (
        ["停暖 家里不热"],
        ["供热"],
        [""],
        1,
    )
    cut = written(tmp_path / "b.csv", "seg,label,dup_group\n暖气 不热,供热,\"('s', 4)\"\n", "gb18030")
    assert read_labelled(cut).groups == ["('s', 4)"]
    packed = tmp_path / "c.csv.gz"
    packed.write_bytes(gzip.compress("text,label\n停水,水\n,水\n".encode()))
    both = read_all([cut, packed])
    assert (both.messages, both.groups) == (["暖气 不热", "停水", ""], [f"{cut} ('s', 4)", "", ""])


def test_files_that_are_no_labelled_messages_are_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", "content,domain\n停水,水\n")
    assert refused(path) == f"{path}: no column text (or seg) and label; its columns are: content, domain"
    assert refused(written(path, "")) == f"{path}: no column text (or seg) and label; its columns are: none"
    assert refused(written(path, "text,label\n停水,\n")) == f"{path}: no row with a label"
    path.write_bytes(gzip.compress("text,label\n停水,水\n".encode() * 99)[:-12])
    assert refused(path).startswith(f"{path}: the compressed file is damaged or cut short (")
    path.write_bytes(b"text,label\n\xff\xff\xff,a\n")
    assert refused(path) == f"{path}: neither UTF-8 nor GB18030; save it as CSV in UTF-8"
    assert refused(tmp_path / "none.csv").endswith("none.csv: can't be read: No such file or directory")


def test_a_field_of_a_million_characters_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "long.csv", "text,label\n" + "停水" * 500_000 + ",水\n")
    assert len(read_labelled(path).messages[0]) == 1_000_000


def test_a_model_read_back_reads_alike_and_holds_no_words(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "a.model"
    assert modelfile.save(model, path) == path.stat().st_size
    again = modelfile.load(path)
    messages = made_up(5, seed=2).messages
    assert again.read(messages) == model.read(messages)
    assert (again.labels, again.thresholds, again.about) == (model.labels, model.thresholds, model.about)
    assert "热力公司".encode() not in path.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["a.model"]


def test_a_model_that_is_missing_damaged_or_of_another_version_is_refused_by_name(
    model: Model, tmp_path: Path
) -> None:
    path = tmp_path / "a.model"
    with pytest.raises(ModelMissing, match=r"a\.model: there is no such model; train it anew"):
        modelfile.load(path)
    content = modelfile.dump(model)
    turned = bytearray(content)
    turned[len(content) // 2] ^= 1
    for damaged in (bytes(turned), content[:-1], content[:60], content[:24]):
        with pytest.raises(ModelDamaged, match=r"a\.model: damaged, "):
            modelfile.parse(damaged, "a.model")
    for other in (b"", b"PK\x03\x04", b"text,label\n"):
        with pytest.raises(ModelDamaged, match=r"a\.model: not a hotline model"):
            modelfile.parse(other, "a.model")
    first, head, rest = content.split(b"\n", 2)
    newer = b"\n".join([first, orjson.dumps({**orjson.loads(head), "version": 3}), rest])
    with pytest.raises(ModelOfAnotherVersion, match=r"a\.model: of version 3, this program reads version 2"):
        modelfile.parse(newer, "a.model")
