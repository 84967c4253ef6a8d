"""What lies with a partner and is fetched from there by a signed GET: only below the address entered for it."""

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from django.utils import timezone

from citybrain.hub.hotline.callers.numbers import opened
from citybrain.hub.hotline.linking import signing
from citybrain.hub.hotline.models.link import Partner

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS: Final = 20.0


class NotFetched(OSError):
    """It could not be fetched. `status`: their answer, 0 where they can't be reached; `too_long`: longer than asked."""

    def __init__(self, why: str, *, status: int = 0, too_long: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.too_long = too_long


def path_below(partner: Partner, reference: str, *, query: bool = False) -> str | None:
    """Return the path below a partner's address that a reference names: itself a path, or an address below it.

    None for any other place. `query`: what stands behind a ? is kept as it is.
    """
    told, mark, rest = reference.strip().partition("?") if query else (reference.strip(), "", "")
    told = unquote(told).removeprefix(partner.address.rstrip("/") + "/")
    parts = [part for part in told.split("/") if part]
    is_path = bool(parts) and not any(part in {".", ".."} or "\\" in part for part in parts)
    if not is_path or "://" in told or any(not letter.isprintable() for letter in told + rest):
        return None
    return "/" + quote("/".join(parts)) + mark + quote(rest, safe="/?:@!$&'()*+,;=%-._~")


def fetched(partner: Partner, path: str, most: int) -> bytes:
    """Return what lies at a path below a partner's address, signed where we have a secret of theirs.

    Raises NotFetched, also for more than `most` bytes.
    """
    import httpx

    from citybrain.base.exchange.sources import outward  # with the client it goes out by

    base = httpx.URL(partner.address.rstrip("/"))
    full = base.raw_path.decode().rstrip("/") + path
    secret = opened(partner.secret_out)
    moment = timezone.now()
    head = (
        signing.headers(partner.our_key, secret, "GET", full, b"", moment, partner.digest) if secret else {}
    )
    try:
        with (
            outward.client(TIMEOUT_SECONDS) as client,
            client.stream("GET", base.copy_with(raw_path=full.encode()), headers=head) as reply,
        ):
            if reply.status_code != 200:
                raise NotFetched(f"HTTP {reply.status_code}", status=reply.status_code)
            return _read(reply, most)
    except NotFetched:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as bad:
        raise NotFetched(f"{type(bad).__name__}: {bad}"[:300]) from bad


def _read(reply: "httpx.Response", most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in reply.iter_bytes(65_536):
        parts.append(part)
        size += len(part)
        if size > most:
            raise NotFetched(f"longer than {most} bytes", status=200, too_long=True)
    return b"".join(parts)
