"""Collecting: a form sent down the tree, filled, handed in, reviewed, rolled up.

Write by `issue`, `open_sheet`, `edit`, `submit`, `review`, `send_back`, `accept`, `accept_all`, `remind`, `close`,
`call_off`; all else reads. Rounds and sheets are found by `Round.objects.visible_to`, `Sheet.objects.visible_to`.
"""

from citybrain.hub.forms.collecting.details import Details, book_rows, details
from citybrain.hub.forms.collecting.editing import edit, kept_aside
from citybrain.hub.forms.collecting.filling import open_sheet
from citybrain.hub.forms.collecting.handing import accept, accept_all, review, send_back, submit
from citybrain.hub.forms.collecting.looking import (
    cell_history,
    changes,
    export_rows,
    look,
    steps,
    to_fill,
    to_review,
)
from citybrain.hub.forms.collecting.progress import (
    Counts,
    Progress,
    handed_in_late,
    late,
    map_feed,
    owing,
    progress,
)
from citybrain.hub.forms.collecting.rollup import Figure, FigureState, Rollup, RollupRow, may_roll_up, rollup
from citybrain.hub.forms.collecting.rounds import call_off, close, issue, remind
from citybrain.hub.forms.collecting.signing import signings, verify_signature
from citybrain.hub.forms.collecting.values import (
    Cell,
    CellEdit,
    CellState,
    Did,
    EditDone,
    Saved,
    Seen,
    SeenRow,
    Signing,
)

__all__ = [
    "Cell",
    "CellEdit",
    "CellState",
    "Counts",
    "Details",
    "Did",
    "EditDone",
    "Figure",
    "FigureState",
    "Progress",
    "Rollup",
    "RollupRow",
    "Saved",
    "Seen",
    "SeenRow",
    "Signing",
    "accept",
    "accept_all",
    "book_rows",
    "call_off",
    "cell_history",
    "changes",
    "close",
    "details",
    "edit",
    "export_rows",
    "handed_in_late",
    "issue",
    "kept_aside",
    "late",
    "look",
    "map_feed",
    "may_roll_up",
    "open_sheet",
    "owing",
    "progress",
    "remind",
    "review",
    "rollup",
    "send_back",
    "signings",
    "steps",
    "submit",
    "to_fill",
    "to_review",
    "verify_signature",
]
