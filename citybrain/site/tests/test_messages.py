"""Compiling translations."""

import gettext
import os

import pytest

from citybrain.site import messages

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "room" / "locale" / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    return folder / "django.po"


def test_a_translation_is_compiled_once_and_again_after_a_change(tmp_path, source):
    source.write_text(HEAD + 'msgid "待立案"\nmsgstr "To be filed"\n')
    assert messages.compile_all(tmp_path) == 1
    assert messages.compile_all(tmp_path) == 0
    with source.with_suffix(".mo").open("rb") as stream:
        assert gettext.GNUTranslations(stream).gettext("待立案") == "To be filed"
    later = source.with_suffix(".mo").stat().st_mtime + 5
    os.utime(source, (later, later))
    assert messages.compile_all(tmp_path) == 1


def test_a_wrong_placeholder_names_the_file_and_line(tmp_path, source):
    source.write_text(HEAD + '#, python-format\nmsgid "还剩 %(n)d 件"\nmsgstr "%(count)d left"\n')
    with pytest.raises(messages.BrokenTranslationError, match=r"django\.po:5: "):
        messages.compile_all(tmp_path)


def test_a_broken_file_leaves_the_old_translation_in_place(tmp_path, source):
    source.write_text(HEAD + 'msgid "a"\nmsgstr "b"\n')
    messages.compile_all(tmp_path)
    old = source.with_suffix(".mo").read_bytes()
    source.write_text(HEAD + 'msgid "a"\nmsgstr "b"\nnonsense\n')
    later = source.with_suffix(".mo").stat().st_mtime + 5
    os.utime(source, (later, later))
    with pytest.raises(messages.BrokenTranslationError):
        messages.compile_all(tmp_path)
    assert source.with_suffix(".mo").read_bytes() == old
