"""字词: how Chinese and Latin text is cut for search. Rules only: nothing here reads or writes a database."""
