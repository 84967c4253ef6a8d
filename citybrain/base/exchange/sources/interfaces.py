"""An HTTP interface with pages: by page number, offset, cursor, or the Link header. Rows come as JSON lines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.sealing import opened
from citybrain.base.exchange.sources.fetching import Fetched, SourceError

PAGES_MOST: Final = 100_000
PAGE_BYTES: Final = 64 << 20
PAGE_ROWS: Final = 1_000


def fetch(source: Source, folder: Path, *, client: httpx.Client | None = None) -> Fetched | None:
    """Return all rows of all pages. Settings: url, paging (none|page|offset|cursor|link), rows (path), size and more.

    `params` are sent with each page; a secret goes as `Authorization: Bearer`, or in the header named `secret_header`.
    """
    told = source.settings
    path = folder / "rows.jsonl"
    count = 0
    with client or httpx.Client(timeout=30, follow_redirects=False) as link, path.open("wb") as out:
        for rows in pages(link, source):
            for row in rows:
                out.write(orjson.dumps(row) + b"\n")
            count += len(rows)
    return (
        Fetched(path, f"{urlsplit(str(told['url'])).path.rpartition('/')[2] or 'rows'}.jsonl")
        if count
        else None
    )


def pages(link: httpx.Client, source: Source) -> Iterator[list[Any]]:
    """Yield the rows page by page; ends with a page that is empty, short of its size, or names no next one."""
    told = source.settings
    at = _Place.first(source)
    before: bytes | None = None
    for _ in range(PAGES_MOST):
        answer = _get(link, source, at.url, at.params)
        if answer.content == before:
            raise SourceError(f"source {source.name}: {at.url} gives the same page twice; check its paging")
        before = answer.content
        whole = orjson.loads(answer.content)
        rows = _inside(whole, str(told.get("rows", "")))
        if not isinstance(rows, list):
            raise SourceError(f"source {source.name}: no list of rows under {told.get('rows')!r}")
        if rows:
            yield rows
        following = at.after(source, answer, whole, len(rows))
        if following is None:
            return
        at = following
    raise SourceError(f"source {source.name}: more than {PAGES_MOST} pages")


@dataclass(frozen=True)
class _Place:
    """Where the next page is."""

    url: str
    params: dict[str, Any]
    name: str = ""
    position: Any = None

    @staticmethod
    def first(source: Source) -> "_Place":
        told = source.settings
        paging, params = str(told.get("paging", "none")), dict(told.get("params", {}))
        url = str(told["url"])
        if paging not in {"page", "offset"}:
            return _Place(url, params, str(told.get("position_param", "cursor")))
        size_name = told.get("size_param", "size" if paging == "page" else "limit")
        name = str(told.get("position_param", paging))
        position = int(told.get("first_page", 1)) if paging == "page" else 0
        sized = params | {size_name: int(told.get("size", PAGE_ROWS))}
        return _Place(url, sized | {name: position}, name, position)

    def after(self, source: Source, answer: httpx.Response, whole: Any, count: int) -> "_Place | None":
        """Return the place of the page after this one, None where there is none."""
        told = source.settings
        paging = str(told.get("paging", "none"))
        if paging in {"page", "offset"}:
            if count < int(told.get("size", PAGE_ROWS)):
                return None
            position = self.position + (1 if paging == "page" else count)
            return replace(self, position=position, params=self.params | {self.name: position})
        if paging == "cursor":
            position = _inside(whole, str(told.get("next", "next")))
            return (
                None if position in (None, "") else replace(self, params=self.params | {self.name: position})
            )
        url = _next_link(source, answer, self.url) if paging == "link" else ""
        return _Place(url, {}) if url else None


def _get(link: httpx.Client, source: Source, url: str, params: dict[str, Any]) -> httpx.Response:
    secret = opened(source.secret)
    header = str(source.settings.get("secret_header", "Authorization"))
    headers = {header: f"Bearer {secret}" if header == "Authorization" else secret} if secret else {}
    try:
        answer = link.get(url, params=params or None, headers=headers)
        answer.raise_for_status()
    except httpx.HTTPError as bad:
        raise SourceError(f"source {source.name}: {bad}"[:400]) from bad
    if len(answer.content) > PAGE_BYTES:
        raise SourceError(
            f"source {source.name}: a page has more than {PAGE_BYTES} bytes; ask for smaller ones"
        )
    return answer


def _inside(value: Any, path: str) -> Any:
    for part in [part for part in path.split(".") if part]:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _next_link(source: Source, answer: httpx.Response, url: str) -> str:
    """Return the address of the next page; one at another host isn't followed, for the secret would go there."""
    found = answer.links.get("next", {}).get("url", "")
    following = urljoin(url, found) if found else ""
    if following and urlsplit(following).netloc != urlsplit(url).netloc:
        raise SourceError(
            f"source {source.name}: the next page lies at another host, {urlsplit(following).netloc}"
        )
    return following
