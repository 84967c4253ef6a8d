"""Everything that changes the catalogue: one function a change, `actor` first."""

from citybrain.base.catalogue.actions.entries import (
    approve,
    draft_dataset,
    publish,
    publish_at_once,
    reject,
    revise,
    submit,
    take_back,
    withdraw,
)
from citybrain.base.catalogue.actions.lending import (
    Asked,
    Terms,
    ask,
    condition_from,
    decide,
    revoke,
    withdraw_request,
)

__all__ = [
    "Asked",
    "Terms",
    "approve",
    "ask",
    "condition_from",
    "decide",
    "draft_dataset",
    "publish",
    "publish_at_once",
    "reject",
    "revise",
    "revoke",
    "submit",
    "take_back",
    "withdraw",
    "withdraw_request",
]
