"""Numbers: one form for many ways of writing, known by a keyed hash, sealed where they are kept."""

import pytest
from django.test import override_settings

from citybrain.hub.hotline.callers.numbers import normal_number, number_hash, opened, sealed, shown


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13912345678", "13912345678"),
        ("+86 139-1234-5678", "13912345678"),
        ("\uff11\uff13\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18", "13912345678"),
        ("022-2731 0000", "02227310000"),
        ("+862227310000", "02227310000"),
        ("(022)27310000", "02227310000"),
        ("4008123123", "4008123123"),
        ("110", "110"),
        ("+4915112345678", "+4915112345678"),
    ],
)
def test_one_number_has_one_form(written: str, number: str) -> None:
    assert normal_number(written) == number


@pytest.mark.parametrize(
    "written",
    ["", "anonymous", "unknown", "12", "1" * 16, "电话", "13912345678 13912345679", "\uff11\uff12x"],
)
def test_what_is_no_number_is_none(written: str) -> None:
    assert normal_number(written) is None


def test_a_hash_tells_nothing_without_the_sites_secret() -> None:
    ours = number_hash("13912345678")
    with override_settings(SECRET_KEY="another city"):
        assert number_hash("13912345678") != ours
    assert len(ours) == 64


def test_a_sealed_number_is_opened_by_the_same_secret_only() -> None:
    kept = sealed("13912345678")
    assert b"13912345678" not in kept
    assert opened(kept) == "13912345678"
    with override_settings(SECRET_KEY="another city"):
        assert opened(kept) == ""
    assert (sealed(""), opened(b"")) == (b"", "")


def test_the_middle_of_a_persons_number_is_hidden() -> None:
    assert (shown("13912345678"), shown("02227310000"), shown("110")) == ("139****5678", "022****0000", "110")
