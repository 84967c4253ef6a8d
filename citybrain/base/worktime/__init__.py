"""工作时: working calendars with holidays and 调休 days, and clocks that pause and explain themselves.

Rules and data files only: nothing here reads or writes a database.
"""
