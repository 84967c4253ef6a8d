"""One page of an interface: asked for with patience, read within limits, understood or refused by what it is.

A busy interface (429, 5xx, no connection) is asked again after a pause that grows, or after the pause it names.
Bytes are unpacked here piece by piece, so that neither a bomb nor a page without end fills the memory.
"""

import codecs
import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.reading.documents import loads
from citybrain.base.exchange.sealing import opened
from citybrain.base.exchange.sources.fetched import SourceError

PAGE_BYTES: Final = 64 << 20
PAGE_SECONDS: Final = 300.0
WHOLE_BYTES: Final = 8 << 30
WHOLE_SECONDS: Final = 4 * 3600.0
TRIES: Final = 5
FIRST_PAUSE_SECONDS: Final = 1.0
PAUSE_MOST_SECONDS: Final = 60.0
REDIRECTS_MOST: Final = 5
BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
PIECE: Final = 1 << 16


@dataclass(frozen=True)
class Limits:
    """What one fetch may take; our choice."""

    page_bytes: int = PAGE_BYTES
    page_seconds: float = PAGE_SECONDS
    whole_bytes: int = WHOLE_BYTES
    whole_seconds: float = WHOLE_SECONDS
    tries: int = TRIES


@dataclass(frozen=True)
class Page:
    """A page as it was understood: the JSON value, the headers and the address that gave it."""

    value: Any
    headers: httpx.Headers
    url: str


@dataclass
class Asker:
    """Asks one source for pages. `sleep` and `clock` (seconds) are passed in by tests."""

    link: httpx.Client
    source: Source
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    taken: int = 0

    def __post_init__(self) -> None:
        self.began = self.clock()
        self.secret = opened(self.source.secret)

    def wrong(self, text: str, wait: timedelta | None = None) -> SourceError:
        """Return the error that names the source."""
        return SourceError(f"source {self.source.name}: {text}"[:600], wait=wait)

    def page(self, url: str, params: dict[str, Any]) -> Page:
        """Return one page. Raises SourceError once patience is at its end."""
        for attempt in range(1, self.limits.tries + 1):
            try:
                return self._once(url, params)
            except _Busy as busy:
                pause = self._pause(attempt, busy)
                if attempt == self.limits.tries:
                    times = f"; asked {attempt} times" if attempt > 1 else ""
                    raise self.wrong(f"{busy}{times}", busy.wait) from busy.__cause__ or busy
                self.sleep(pause)
        raise self.wrong("asked for nothing")

    def _pause(self, attempt: int, busy: "_Busy") -> float:
        """Return the seconds to wait. Raises SourceError where the interface wants to be left alone for longer."""
        if busy.wait is not None:
            asked = busy.wait.total_seconds()
            if asked > PAUSE_MOST_SECONDS:
                raise self.wrong(f"{busy}; it asks to be left alone for {asked:.0f} seconds", busy.wait)
            return asked
        return FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * random.uniform(1.0, 1.5)  # noqa: S311

    def _once(self, url: str, params: dict[str, Any]) -> Page:
        first, at = url, url
        for _ in range(REDIRECTS_MOST + 1):
            request = self._request(at, params if at == first else {}, known=_same_host(first, at))
            try:
                answer = self.link.send(request, stream=True)
            except httpx.TransportError as bad:
                raise self._unreachable(bad) from bad
            try:
                if not answer.is_redirect:
                    return self._understood(answer, at)
                at = self._following(answer, at)
            except httpx.TransportError as bad:
                raise _Busy(f"{_told(at)} broke off: {bad}") from bad
            finally:
                answer.close()
        raise self.wrong(f"{_told(url)} leads on to other addresses more than {REDIRECTS_MOST} times")

    def _unreachable(self, bad: httpx.TransportError) -> Exception:
        if "CITYBRAIN_SOURCE_HOSTS" in str(bad) or isinstance(bad, httpx.UnsupportedProtocol):
            return self.wrong(str(bad))
        return _Busy(f"no answer: {bad or type(bad).__name__}")

    def _request(self, url: str, params: dict[str, Any], *, known: bool) -> httpx.Request:
        """Return the request; the secret and own headers go to the source's own host alone."""
        told = self.source.settings
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise self.wrong(f"{url!r} is no address of the web")
        if parts.username or parts.password:
            raise self.wrong("the address holds a password; put it into the source's secret")
        own = dict(told.get("headers", {})).items()
        headers = {str(name).encode(): str(value).encode() for name, value in own}
        if self.secret:
            name = str(told.get("secret_header") or "Authorization")
            headers[name.encode()] = (
                f"Bearer {self.secret}" if name == "Authorization" else self.secret
            ).encode()
        headers = headers if known else {}
        if str(told.get("method", "GET")).upper() == "POST" and known:
            return self.link.build_request("POST", url, json=params, headers=headers)
        return self.link.build_request("GET", url, params=params or None, headers=headers)

    def _following(self, answer: httpx.Response, at: str) -> str:
        """Return where a redirect leads. Raises SourceError for one that gives up encryption."""
        following = urljoin(at, str(answer.headers.get("Location", "")))
        if urlsplit(at).scheme == "https" and urlsplit(following).scheme != "https":
            raise self.wrong(f"{_told(at)} leads on to an address without encryption, {_told(following)}")
        return following

    def _understood(self, answer: httpx.Response, at: str) -> Page:
        if answer.status_code in BUSY:
            raise _Busy(f"{_told(at)} answers {answer.status_code}", _retry_after(answer.headers))
        try:
            answer.raise_for_status()
        except httpx.HTTPStatusError as bad:
            why = ": it doesn't accept the source's secret" if answer.status_code in {401, 403} else ""
            raise self.wrong(f"{_told(at)} answers {answer.status_code}{why}") from bad
        body = b"".join(self._pieces(answer))
        return Page(self._value(body, answer.headers.get("Content-Type", "")), answer.headers, at)

    def _pieces(self, answer: httpx.Response) -> Iterator[bytes]:
        """Yield the body unpacked, within the limits of a page and of the whole."""
        packing = answer.headers.get("Content-Encoding", "").strip().lower() or "identity"
        if packing not in {"identity", "gzip", "x-gzip", "deflate"}:
            raise self.wrong(f"the answer is packed as {packing!r}; gzip was asked for")
        began, size = self.clock(), 0
        held = answer.is_stream_consumed  # by a transport that keeps answers in memory
        raw = iter([answer.content]) if held else answer.iter_raw(PIECE)
        for piece in _unpacked(raw, "identity" if held else packing):
            size += len(piece)
            self.taken += len(piece)
            now = self.clock()
            if size > self.limits.page_bytes:
                raise self.wrong(
                    f"a page has more than {self.limits.page_bytes} bytes; ask for smaller ones (size)"
                )
            if self.taken > self.limits.whole_bytes:
                raise self.wrong(f"more than {self.limits.whole_bytes} bytes in one fetch")
            if now - began > self.limits.page_seconds:
                raise self.wrong(f"a page takes more than {self.limits.page_seconds:.0f} seconds")
            if now - self.began > self.limits.whole_seconds:
                raise self.wrong(f"one fetch takes more than {self.limits.whole_seconds:.0f} seconds")
            yield piece

    def _value(self, body: bytes, kind: str) -> Any:
        """Return the JSON value; text in another encoding counts by what the answer says of itself."""
        charset = _charset(kind)
        try:
            text = body if charset == "utf-8" else body.decode(charset).encode()
            return loads(text.removeprefix(codecs.BOM_UTF8))
        except (
            ValueError,
            LookupError,
            RecursionError,
        ) as bad:  # broken JSON or text, an encoding of no text
            begins = body[:60].decode("utf-8", "replace").strip()
            hint = "; perhaps a page to sign in" if "html" in kind.lower() or begins.startswith("<") else ""
            told = kind.partition(";")[0] or "no content type"
            raise self.wrong(f"the answer isn't JSON ({told}, begins {begins!r}){hint}") from bad


class _Busy(Exception):
    """Not now; perhaps in a moment. `wait`: how long the interface asks to be left alone."""

    def __init__(self, text: str, wait: timedelta | None = None) -> None:
        super().__init__(text)
        self.wait = wait


def _unpacked(pieces: Iterator[bytes], packing: str) -> Iterator[bytes]:
    """Yield what was packed, no more than a piece at a time. Raises httpx.ReadError for what is damaged."""
    if packing == "identity":
        yield from pieces
        return
    box = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip and zlib, by their heads
    try:
        for piece in pieces:
            left = piece
            while left and not box.eof:
                yield box.decompress(left, PIECE)
                left = box.unconsumed_tail
    except zlib.error as bad:
        raise httpx.ReadError(f"the packed answer is damaged: {bad}") from bad
    yield box.flush()
    if not box.eof:
        raise httpx.ReadError("the packed answer ends too early")


def _retry_after(headers: httpx.Headers) -> timedelta | None:
    """Return the pause an answer asks for: seconds, or a date; None when it names none."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return timedelta(seconds=min(int(text), 86_400))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - datetime.now(UTC), timedelta(0)), timedelta(days=1))


def _charset(kind: str) -> str:
    """Return the encoding a content type names, UTF-8 where it names none that is known."""
    for part in kind.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            try:
                known = codecs.lookup(value.strip().strip("\"'")).name
            except LookupError:
                return "utf-8"
            return "gb18030" if known in {"gb2312", "gbk"} else known
    return "utf-8"


def _same_host(one: str, other: str) -> bool:
    return urlsplit(one).netloc.lower() == urlsplit(other).netloc.lower()


def _told(url: str) -> str:
    """Return an address without its query, which may hold a token."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
