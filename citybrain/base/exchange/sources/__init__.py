"""Where rows are fetched from: a watched folder, a database, an interface with pages."""

from citybrain.base.exchange.sources.fetched import Fetched, SourceError
from citybrain.base.exchange.sources.fetching import fetch

__all__ = ["Fetched", "SourceError", "fetch"]
