"""Everything that makes and changes forms: one function a change, `actor` first."""

from citybrain.hub.forms.making.admission import ask_admission, decide_admission, retire, take_back
from citybrain.hub.forms.making.correcting import Unsettled, confirm_columns, correct_column
from citybrain.hub.forms.making.drafting import About, change_form, discard_draft, draft_form, preview, revise
from citybrain.hub.forms.making.drawing import LOOKED_UP, SURE, unsettled
from citybrain.hub.forms.making.reading import WhichSheet

__all__ = [
    "LOOKED_UP",
    "SURE",
    "About",
    "Unsettled",
    "WhichSheet",
    "ask_admission",
    "change_form",
    "confirm_columns",
    "correct_column",
    "decide_admission",
    "discard_draft",
    "draft_form",
    "preview",
    "retire",
    "revise",
    "take_back",
    "unsettled",
]
