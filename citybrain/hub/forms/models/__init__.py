"""What forms keep: the forms and their versions; rounds, sheets and cells; what was answered, disputed, visited."""

from citybrain.hub.forms.models.form import (
    Cycle,
    Form,
    FormEvent,
    FormState,
    Remembered,
    Shaped,
    Version,
    Workbook,
)
from citybrain.hub.forms.models.known import Answered, Dispute, DisputeState, Looked, SavedView, Visit
from citybrain.hub.forms.models.sheet import (
    Edit,
    Reminder,
    Round,
    RoundState,
    Row,
    Sheet,
    SheetEvent,
    SheetState,
)

__all__ = [
    "Answered",
    "Cycle",
    "Dispute",
    "DisputeState",
    "Edit",
    "Form",
    "FormEvent",
    "FormState",
    "Looked",
    "Remembered",
    "Reminder",
    "Round",
    "RoundState",
    "Row",
    "SavedView",
    "Shaped",
    "Sheet",
    "SheetEvent",
    "SheetState",
    "Version",
    "Visit",
    "Workbook",
]
