"""Whatever is typed, sent or uploaded: a clear answer, nothing half-written."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from citybrain.hub.cases import actions, filters, lists, photos, search
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import Case, CasePhoto
from citybrain.hub.cases.tests.conftest import MORNING, Village
from citybrain.hub.cases.tests.pictures import picture


def test_a_text_in_place_of_a_picture_is_refused() -> None:
    with pytest.raises(BadInput, match="不是可以识别的照片"):
        photos.clean(b"<script>alert(1)</script>")


def test_twenty_megabytes_are_refused_before_they_are_read() -> None:
    with pytest.raises(BadInput, match="照片过大"):
        photos.clean(b"\xff\xd8" + b"0" * (20 * 1024 * 1024))


def test_a_decompression_bomb_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    assert len(out.getvalue()) < 200_000
    with pytest.raises(BadInput, match="像素过多"):
        photos.clean(out.getvalue())


def test_a_cut_off_picture_is_refused() -> None:
    whole = picture(3, (800, 600))
    with pytest.raises(BadInput):
        photos.clean(whole[: len(whole) // 3])


def test_a_photo_keeps_place_and_time_apart_and_nothing_else() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:19 08:55:00"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (39.0, 6.0, 0.0), "E", (117.0, 12.0, 0.0)
    kept = photos.clean(picture(1, (640, 480), exif=exif.tobytes()))
    assert (kept.lon, kept.lat) == (117.2, 39.1)
    assert kept.taken_at is not None
    assert kept.taken_at.isoformat() == "2026-11-19T08:55:00+08:00"
    again = Image.open(io.BytesIO(kept.jpeg))
    assert not dict(again.getexif())
    assert b"SecretCamera" not in kept.jpeg


def test_a_large_photo_is_made_smaller_and_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = photos.clean(picture(1, (4000, 3000), exif=exif.tobytes()))
    assert (kept.width, kept.height) == (1536, 2048)


def test_a_stored_photo_is_a_whole_file(db: None, settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    photo = photos.upload(picture(9), "close", None, MORNING)
    assert photos.file_of(photo.digest).read_bytes()[:2] == b"\xff\xd8"
    assert photos.file_of(photo.digest, thumb=True).is_file()
    assert CasePhoto.objects.get().size == photos.file_of(photo.digest).stat().st_size


def test_photos_that_nobody_sent_go_after_three_days_and_their_files_with_the_last(village: Village) -> None:
    sent, again, alone = (photos.upload(picture(seed), "close", None, MORNING) for seed in (1, 1, 2))
    actions.report(village.actor("citizen"), village.report(photos=[sent.token]), now=MORNING)
    assert photos.sweep(MORNING + timedelta(days=2)) == 0
    assert photos.sweep(MORNING + timedelta(days=3, seconds=1)) == 2
    assert not CasePhoto.objects.filter(pk__in=[again.pk, alone.pk]).exists()
    assert photos.file_of(sent.digest).is_file()
    assert not photos.file_of(alone.digest).exists()


def test_another_ones_photo_can_not_be_taken_over(village: Village) -> None:
    photo = photos.upload(picture(9), "close", None, MORNING)
    first = actions.report(village.actor("citizen"), village.report(photos=[photo.token]), now=MORNING)
    second = actions.report(village.actor("neighbour"), village.report(photos=[photo.token]), now=MORNING)
    photo.refresh_from_db()
    assert photo.case_id == first.case_id
    assert first.case_id != second.case_id


def test_an_unknown_item_is_named(village: Village) -> None:
    with pytest.raises(BadInput) as told:
        actions.report(village.actor("citizen"), village.report(item_code="999999"), now=MORNING)
    assert told.value.message == "没有编码为 999999 的事项。"
    assert not Case.objects.exists()


def test_a_point_outside_the_city_is_refused(village: Village) -> None:
    with pytest.raises(BadInput, match="不在本市范围内"):
        actions.report(
            village.actor("citizen"), village.report(area_id=None, lon=2.35, lat=48.85), now=MORNING
        )


@pytest.mark.parametrize(
    "until", ["gestern", "2026-13-45T00:00", "2020-01-01T00:00:00Z", "2096-01-01T00:00:00Z"]
)
def test_an_impossible_date_is_refused(until: str, village: Village) -> None:
    case_id = actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id
    chief = village.actor("chief")
    actions.take(chief, case_id, "file", {"item": "010101"}, now=MORNING)
    actions.take(chief, case_id, "dispatch", {"agency": village.agencies["east_cm"].pk}, now=MORNING)
    with pytest.raises(BadInput) as told:
        actions.take(chief, case_id, "suspend", {"until": until, "reason": "等"}, now=MORNING)
    assert told.value.field == "until"
    assert Case.objects.get(pk=case_id).version == 3


@pytest.mark.parametrize("agency", ["abc", "-1", "0", "999999999", "1; DROP TABLE cases_case"])
def test_an_impossible_agency_is_refused(agency: str, village: Village) -> None:
    case_id = actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id
    actions.take(village.actor("chief"), case_id, "file", {"item": "010101"}, now=MORNING)
    with pytest.raises(BadInput) as told:
        actions.take(village.actor("chief"), case_id, "dispatch", {"agency": agency}, now=MORNING)
    assert told.value.field == "agency"


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE cases_case; --",
        "%",
        "_",
        "\\",
        "' | 'a",
        "🙂",
        "a" * 5000,
        "<script>",
        "!!!",
        "(((",
        "''",
    ],
)
def test_nothing_typed_into_search_breaks_it(query: str, village: Village) -> None:
    actions.report(village.actor("citizen"), village.report("路口垃圾 100%脏_乱"), now=MORNING)
    page = lists.page(village.actor("chief"), "all", filters.read({"q": query}))
    expected = 1 if query in {"%", "_"} else 0
    assert len(page.rows) == expected
    assert Case.objects.count() == 1


def test_search_finds_two_letters_inside_a_text_and_only_whole_phrases(village: Village) -> None:
    first = actions.report(village.actor("citizen"), village.report("建国道路灯不亮"), now=MORNING)
    actions.report(village.actor("citizen"), village.report("道路很黑，灯也不亮"), now=MORNING)
    chief = village.actor("chief")
    assert [row.number for row in lists.page(chief, "all", filters.read({"q": "路灯"})).rows] == [
        first.number
    ]
    assert [row.number for row in lists.page(chief, "all", filters.read({"q": "灯不 建国"})).rows] == [
        first.number
    ]
    by_number = lists.page(chief, "all", filters.read({"q": first.number[-5:]})).rows
    assert first.number in [row.number for row in by_number]
    assert len(lists.page(chief, "all", filters.read({"q": "灯"})).rows) == 2


def test_the_words_of_search_and_of_the_database_are_cut_alike(db: None) -> None:
    from django.db import connection

    for text in ("建国道12号", "A-b，c。路灯　不亮", "x", "Straße №7", "一", "12345"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT cases_bigrams(%s)::text", [text])
            stored = {word.strip("'") for word in cursor.fetchone()[0].split()}
        assert stored == set(search.tokens(text)), text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "77"),
        ("source", "zz"),
        ("area", "abc"),
        ("area", "99999999"),
        ("since", "2026-02-30"),
        ("item", "01a"),
        ("agency", "٣"),
    ],
)
def test_a_bad_filter_is_named(name: str, value: str, village: Village) -> None:
    with pytest.raises(BadInput) as told:
        filters.read({name: value})
    assert told.value.field == name


def test_a_script_in_a_text_is_kept_as_text(village: Village) -> None:
    text = "<script>alert('x')</script> 路灯不亮 \u202e"
    case_id = actions.report(village.actor("citizen"), village.report(text), now=MORNING).case_id
    assert Case.objects.get(pk=case_id).description == text


def test_time_can_not_run_backwards_in_a_clock(village: Village) -> None:
    case_id = actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id
    actions.take(
        village.actor("chief"), case_id, "file", {"item": "010101"}, now=MORNING - timedelta(seconds=1)
    )
    assert Case.objects.get(pk=case_id).filed_at is not None
