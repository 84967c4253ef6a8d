"""What the exchange keeps: sources, runs and what didn't fit (intake); keys, receipts and files (delivery)."""

from citybrain.base.exchange.models.delivery import (
    ApiKey,
    CallGroup,
    Delivery,
    DeliveryState,
    KeySet,
    ReadingLook,
    Receipt,
    Segment,
    SetKind,
    Subject,
    SubjectOf,
    Usage,
)

__all__ = [
    "ApiKey",
    "CallGroup",
    "Delivery",
    "DeliveryState",
    "KeySet",
    "ReadingLook",
    "Receipt",
    "Segment",
    "SetKind",
    "Subject",
    "SubjectOf",
    "Usage",
]
