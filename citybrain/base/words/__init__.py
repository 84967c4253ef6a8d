"""字词: how Chinese and Latin text is cut for search. Rules only: nothing here reads or writes a database."""

from citybrain.base.words.cutting import BETWEEN_RANGES, like, phrases, tokens, tsquery

__all__ = ["BETWEEN_RANGES", "like", "phrases", "tokens", "tsquery"]
