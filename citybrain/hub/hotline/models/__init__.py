"""What the hotline keeps: tickets and what happened to them; lines and callers; readings; topics; knowledge."""

from citybrain.hub.hotline.models.call import Call, CallState, OperatorLine
from citybrain.hub.hotline.models.caller import Caller, CallerMark, FoldedMessage, Storm
from citybrain.hub.hotline.models.file import FileKind, FileToFetch, TicketFile
from citybrain.hub.hotline.models.knowledge import (
    KnowledgeEntry,
    KnowledgeEvent,
    KnowledgePair,
    KnowledgeState,
    KnowledgeVersion,
)
from citybrain.hub.hotline.models.link import (
    HandOver,
    HandOverEvent,
    HandOverState,
    LinkMessage,
    Nonce,
    Partner,
    PartnerKind,
)
from citybrain.hub.hotline.models.reader import (
    Correction,
    ModelInUse,
    ModelState,
    ReaderEvent,
    ReaderLook,
    ShiftNotice,
    TicketReading,
    Watch,
)
from citybrain.hub.hotline.models.report import HotlineReport, ReportKind
from citybrain.hub.hotline.models.ticket import (
    CallBack,
    QualityCheck,
    Ticket,
    TicketClock,
    TicketContact,
    TicketEvent,
    TicketUnit,
)
from citybrain.hub.hotline.models.topic import (
    Severity,
    Topic,
    TopicApart,
    TopicEvent,
    TopicState,
    TopicTicket,
    TopicWarning,
)
from citybrain.hub.hotline.models.unsent import UnsentNote

__all__ = [
    "Call",
    "CallBack",
    "CallState",
    "Caller",
    "CallerMark",
    "Correction",
    "FileKind",
    "FileToFetch",
    "FoldedMessage",
    "HandOver",
    "HandOverEvent",
    "HandOverState",
    "HotlineReport",
    "KnowledgeEntry",
    "KnowledgeEvent",
    "KnowledgePair",
    "KnowledgeState",
    "KnowledgeVersion",
    "LinkMessage",
    "ModelInUse",
    "ModelState",
    "Nonce",
    "OperatorLine",
    "Partner",
    "PartnerKind",
    "QualityCheck",
    "ReaderEvent",
    "ReaderLook",
    "ReportKind",
    "Severity",
    "ShiftNotice",
    "Storm",
    "Ticket",
    "TicketClock",
    "TicketContact",
    "TicketEvent",
    "TicketFile",
    "TicketReading",
    "TicketUnit",
    "Topic",
    "TopicApart",
    "TopicEvent",
    "TopicState",
    "TopicTicket",
    "TopicWarning",
    "UnsentNote",
    "Watch",
]
