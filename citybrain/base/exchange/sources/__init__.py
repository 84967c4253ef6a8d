"""Where rows are fetched from: a watched folder, a database, an interface with pages."""

from citybrain.base.exchange.sources.fetching import Fetched, SourceError, fetch

__all__ = ["Fetched", "SourceError", "fetch"]
