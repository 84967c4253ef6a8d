"""Hot topics: what many different people speak of now. `models/topic.py` keeps them; the rules here know no database.

`terms` → `store` → `engine` gathers messages as they come; `naming` and `ranking` say what a gathering is about and how
hot it is; `files` and `judging` measure it on a file.
"""
