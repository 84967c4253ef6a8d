"""What is made beforehand is made, and what can't be made holds nothing up."""

import pytest

from citybrain.hub.hotline.readers import using
from citybrain.site import warming


@pytest.mark.django_db(transaction=True)
def test_the_reader_is_there_before_anybody_asks() -> None:
    using.forget()
    assert warming.warm() == len(warming.TARGETS)
    assert using._Kept.made is not None
    using.forget()


@pytest.mark.django_db(transaction=True)
def test_what_fails_is_left_to_its_first_use(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ConnectionError("no database yet")

    monkeypatch.setattr(using, "warm", broken)
    assert warming.warm() == 0
    assert "can't be made beforehand" in caplog.text


def test_it_waits_in_a_thread_that_holds_no_process_up() -> None:
    timer = warming.begin(60)
    assert timer.daemon
    timer.cancel()
