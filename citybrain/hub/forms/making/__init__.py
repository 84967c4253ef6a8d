"""Making forms: drafted from a workbook, matched to the catalogue, assessed, admitted (报表准入), retired.

`actions` is the only way to change a form; `lists`, `assessing` and `saved` read.
"""
