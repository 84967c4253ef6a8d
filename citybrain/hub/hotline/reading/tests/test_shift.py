"""Other messages than those of training are noticed without a label; the same kind is not, nor are too few."""

import random

import numpy as np
import pytest

from citybrain.hub.hotline.reading import shift
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.reading.shift import Profile, notice, profile_of, unknown
from citybrain.hub.hotline.reading.tests.messages import made_up
from citybrain.hub.hotline.reading.training import lesson, train

OWN = Profile(1000, tuple(np.linspace(0.5, 1, 101)), {"水": 0.5, "电": 0.5}, 0.01)


def asked(mean: float, labels: list[str], strange: float = 0.01, many: int = 200) -> shift.Shift:
    draw = random.Random(3)
    return notice(
        OWN,
        [mean - 0.25 + draw.random() / 2 for _ in range(many)],
        [labels[at % len(labels)] for at in range(many)],
        [strange] * many,
    )


@pytest.mark.parametrize(
    ("mean", "labels", "strange", "signs"),
    [
        (0.75, ["水", "电"], 0.01, ()),
        (0.85, ["水", "电"], 0.01, ()),
        (0.60, ["水", "电"], 0.01, ("confidence",)),
        (0.75, ["水", "水", "水", "电"], 0.01, ("classes",)),
        (0.75, ["水", "电"], 0.2, ("characters",)),
        (0.60, ["气"], 0.2, ("confidence", "classes", "characters")),
    ],
)
def test_what_changed_has_a_name(
    mean: float, labels: list[str], strange: float, signs: tuple[str, ...]
) -> None:
    assert asked(mean, labels, strange).signs == signs


def test_few_messages_prove_nothing() -> None:
    assert asked(0.3, ["气"], 0.5, many=99).signs == ()
    assert notice(OWN, [], [], []).messages == 0


def test_a_profile_is_kept_as_json() -> None:
    assert Profile.from_json(OWN.to_json()) == Profile(
        1000, tuple(float(one) for one in OWN.confidence), {"水": 0.5, "电": 0.5}, 0.01
    )


def test_held_out_messages_of_the_same_kind_are_not_noticed_and_others_are() -> None:
    taught = lesson(made_up(60))
    model, held = train(taught)
    profile = profile_of(taught, held)

    def look(messages: list[str]) -> shift.Shift:
        told = model.read(messages)
        return notice(
            profile,
            [one.confidence for one in told],
            [one.label or "" for one in told],
            unknown(model.linear, [normalise(one).text for one in messages]),
        )

    assert look(made_up(40, seed=5).messages).signs == ()
    others = [
        f"{a}{b}丢失补办预约窗口排队" for a in "证照卡票册表单据函件" for b in "甲乙丙丁戊己庚辛壬癸子丑"
    ]
    assert "characters" in look(others).signs
