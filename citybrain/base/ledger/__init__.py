"""Who did what: appended once, chained by SM3, checkable by anyone (docs/ledger.md).

`record` and `record_many` append inside the caller's transaction; nothing is hashed there. `sealer` chains
what is committed, `verify` recomputes the chain. Actors and subjects are opaque keys ("person:12", "case:7").
"""

from citybrain.base.ledger.append import canonical, record, record_many

__all__ = ["canonical", "record", "record_many"]
