"""Signatures: what is changed, late, repeated or another's is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.hub.hotline.linking import signing
from citybrain.hub.hotline.linking.signing import BadSignature

NOW = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)
PATH = "/api/v1/hotline/links"
BODY = '{"text":"河面有油污"}'.encode()


def signed(**more: Any) -> dict[str, str]:
    return signing.headers("tianjin", "a-secret", "POST", PATH, BODY, NOW, **more)


def check(headers: dict[str, str], *, secret: str = "a-secret", method: str = "POST", path: str = PATH,
          body: bytes = BODY, now: datetime = NOW) -> None:  # fmt: skip
    signing.check(signing.read(headers), (secret,), method, path, body, now)


@pytest.mark.parametrize("digest", ["sha256", "sm3"])
def test_what_was_signed_with_the_shared_secret_is_good(digest: str) -> None:
    check(signed(digest=digest))


def test_the_signature_is_what_another_program_computes_from_the_words_of_the_document() -> None:
    headers = {
        "X-Citybrain-Key": "tianjin",
        "X-Citybrain-Time": "1795050000",
        "X-Citybrain-Nonce": "abcdefghijklmnop",
        "X-Citybrain-Signature": "sha256=" + EXPECTED,
    }
    check(headers, now=datetime.fromtimestamp(1795050000, UTC))


# printf 'citybrain-1\nPOST\n/api/v1/hotline/links\n1795050000\nabcdefghijklmnop\n%s' "$(sha256 of the body)" |
#   openssl dgst -sha256 -hmac a-secret
EXPECTED = "01834a09f524af329e2279d7b8be1c940254cfc56dd6426e486de180bd0d30be"


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "another"},
        {"method": "PUT"},
        {"path": PATH + "?x=1"},
        {"body": BODY + b" "},
        {"now": NOW + timedelta(minutes=6)},
        {"now": NOW - timedelta(minutes=6)},
        {"secret": ""},
    ],
)
def test_another_secret_method_path_body_or_time_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        check(signed(), **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Citybrain-Key": ""},
        {"X-Citybrain-Key": "a b"},
        {"X-Citybrain-Time": "soon"},
        {"X-Citybrain-Time": "9" * 40},
        {"X-Citybrain-Time": "१७९५०५००००"},
        {"X-Citybrain-Nonce": "short"},
        {"X-Citybrain-Nonce": "x" * 65},
        {"X-Citybrain-Signature": "md5=00"},
        {"X-Citybrain-Signature": ""},
        {"X-Citybrain-Signature": "sha256=é"},
    ],
)
def test_headers_that_are_missing_or_can_t_be_are_refused(changed: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        signing.read({**signed(), **changed})


def test_two_calls_never_share_a_nonce() -> None:
    assert signed()["X-Citybrain-Nonce"] != signed()["X-Citybrain-Nonce"]
