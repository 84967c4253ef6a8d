"""Collecting: a form sent down the tree, filled, handed in, reviewed, rolled up.

Write by `issue`, `open_sheet`, `edit`, `submit`, `review`, `send_back`, `accept`, `remind`, `close`, `call_off`;
read by `look`, `changes`, `export_rows`, `progress`, `map_feed`, `late`, `rollup`, `details`, and by
`Round.objects.visible_to` and `Sheet.objects.visible_to`.
"""
