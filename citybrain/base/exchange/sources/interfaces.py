"""An HTTP interface with pages: by page number, offset, cursor, or the Link header. Rows come as JSON lines.

Paging ends with what the interface really gives: an empty page, one shorter than those before, no next one, or as
many rows as it says there are. An interface that serves fewer rows a page than asked for is read to its end too.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.reading.documents import Exact
from citybrain.base.exchange.sources import outward
from citybrain.base.exchange.sources.answers import Asker, Limits, Page
from citybrain.base.exchange.sources.fetched import Fetched, SourceError

PAGES_MOST: Final = 100_000
PAGE_ROWS: Final = 1_000
TOTALS: Final = ("total", "totalCount", "total_count", "totalElements")


def fetch(source: Source, folder: Path) -> Fetched | None:
    """Return all rows of all pages. Settings: see `telling`.

    `params` are sent with each page; a secret goes as `Authorization: Bearer`, or in the header named `secret_header`.
    Raises SourceError.
    """
    told = source.settings
    path = folder / "rows.jsonl"
    count = 0
    with outward.client() as link, path.open("w", encoding="utf-8") as out:
        try:
            for rows in pages(link, source):
                for row in rows:
                    out.write(json.dumps(_written(row), ensure_ascii=False, separators=(",", ":")) + "\n")
                count += len(rows)
        except UnicodeEncodeError as bad:
            raise SourceError(
                f"source {source.name}: a text of row {count + 1} isn't Unicode: {bad}"
            ) from bad
    return (
        Fetched(path, f"{urlsplit(str(told['url'])).path.rpartition('/')[2] or 'rows'}.jsonl")
        if count
        else None
    )


def _written(value: Any) -> Any:
    """Return a JSON value whose numbers keep the digits they were written with."""
    if isinstance(value, dict):
        return {name: _written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_written(inner) for inner in value]
    return value.written if isinstance(value, Exact) else value


def first_page(source: Source, seconds: float, client: httpx.Client | None = None) -> list[Any]:
    """Return the rows of the first page, asked for once. Raises SourceError."""
    with client or outward.client(seconds) as link:
        return next(iter(pages(link, source, Asker(link, source, Limits(page_seconds=seconds, tries=1)))), [])


def pages(link: httpx.Client, source: Source, asker: Asker | None = None) -> Iterator[list[Any]]:
    """Yield the rows page by page. Raises SourceError for pages that turn in a circle or aren't complete."""
    asker = asker or Asker(link, source)
    at = _Place.first(source)
    seen = _Seen(asker)
    for _ in range(PAGES_MOST):
        seen.place(at)
        page = asker.page(at.url, at.params)
        rows = _rows(asker, page)
        if seen.ends(page, rows):
            return
        if rows:
            yield rows
        following = at.after(asker, page, rows, seen)
        if following is None:
            return seen.complete()
        at = following
    raise asker.wrong(f"more than {PAGES_MOST} pages")


def _rows(asker: Asker, page: Page) -> list[Any]:
    where = str(asker.source.settings.get("rows", ""))
    rows = _inside(page.value, where)
    if not isinstance(rows, list):
        keys = ", ".join(map(str, list(page.value)[:8])) if isinstance(page.value, dict) else ""
        hint = f"; the answer has {keys}" if keys else ""
        raise asker.wrong(f"no list of rows under {where!r}{hint}")
    return rows


class _Seen:
    """What came so far: by it circles are found, and pages that are the last."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        told = asker.source.settings
        self.numbered = str(told.get("paging", "none")) in {"page", "offset"}
        self.asked = int(told.get("size", PAGE_ROWS))
        self.places: set[str] = set()
        self.digests: set[bytes] = set()
        self.count = self.fullest = self.last = 0
        self.total: int | None = None

    def place(self, at: "_Place") -> None:
        """Raise SourceError for an address that was asked before."""
        mark = repr((at.url, sorted(at.params.items(), key=repr)))
        if mark in self.places:
            raise self.asker.wrong(f"its pages turn in a circle: {at.position or at.url} comes twice")
        self.places.add(mark)

    def ends(self, page: Page, rows: list[Any]) -> bool:
        """Count a page; True where it adds nothing. Raises SourceError for one that came before."""
        self.total = _total(page.value, str(self.asker.source.settings.get("total", "")), self.total)
        digest = hashlib.blake2b(json.dumps(rows, sort_keys=True).encode(), digest_size=16).digest()
        again = bool(rows) and digest in self.digests
        if again and not self._is_last_page_again():
            raise self.asker.wrong("it gives the same page twice; check its paging")
        if again or (self.numbered and not rows):
            self.complete()
            return True
        if not rows:  # a filtered page of a cursor or link: more may follow
            return False
        self.digests.add(digest)
        self.count, self.last, self.fullest = self.count + len(rows), len(rows), max(self.fullest, len(rows))
        return False

    def _is_last_page_again(self) -> bool:
        """Whether a page that came before is what some servers give behind their last page."""
        if self.total is not None:
            return self.numbered and self.count >= self.total
        return self.numbered and self.last < self.asked

    def was_last(self) -> bool:
        """Whether no page follows: by its length, or by the count at the place told."""
        told = bool(self.asker.source.settings.get("total"))
        return self.last < self.fullest or (told and self.total is not None and self.count >= self.total)

    def complete(self) -> None:
        """Raise SourceError where the interface says, at the place told, that it has more rows than it gave."""
        if self.asker.source.settings.get("total") and self.total is not None and self.count < self.total:
            raise self.asker.wrong(f"it says that there are {self.total} rows and gave {self.count}")


def _total(value: Any, where: str, before: int | None) -> int | None:
    """Return how many rows there are in all: where told, or beside the rows under one of the usual names."""
    if where:
        found = _inside(value, where)
    else:
        boxes = [value, *value.values()] if isinstance(value, dict) else []
        named = [box[name] for box in boxes if isinstance(box, dict) for name in TOTALS if name in box]
        found = named[0] if len(named) == 1 else None
    if isinstance(found, str) and found.isdigit():
        found = int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else before


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

    def after(self, asker: Asker, page: Page, rows: list[Any], seen: _Seen) -> "_Place | None":
        """Return the place of the page after this one, None where there is none."""
        told = asker.source.settings
        paging = str(told.get("paging", "none"))
        if paging in {"page", "offset"}:
            if seen.was_last():
                return None
            position = self.position + (1 if paging == "page" else len(rows))
            return replace(self, position=position, params=self.params | {self.name: position})
        if paging == "cursor":
            position = _inside(page.value, str(told.get("next", "next")))
            if position in (None, "", False):
                return None
            return replace(self, position=position, params=self.params | {self.name: position})
        url = _next_link(asker, page) if paging == "link" else ""
        return _Place(url, {}) if url else None


def _inside(value: Any, path: str) -> Any:
    for part in [part for part in path.split(".") if part]:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _next_link(asker: Asker, page: Page) -> str:
    """Return the address of the next page; one at another host isn't followed, for the secret would go there."""
    found = (
        httpx.Response(200, headers={"Link": page.headers.get("Link", "")})
        .links.get("next", {})
        .get("url", "")
    )
    following = urljoin(page.url, found) if found else ""
    if following and urlsplit(following).netloc != urlsplit(page.url).netloc:
        raise asker.wrong(f"the next page lies at another host, {urlsplit(following).netloc}")
    return following
