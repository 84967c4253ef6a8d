"""Who calls: known by a keyed hash, looked up while the phone rings, treated with care; and what comes in floods."""
