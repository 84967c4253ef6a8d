"""Reading a message: its class among labels, with a confidence that means what it says. Rules only: no database.

`normal` → `features` → `model` reads; `groups`, `training`, `promise` and `evaluating` make and judge a model;
`labelled` and `modelfile` are its files. scikit-learn is imported by `training` alone: who only reads doesn't load it.
"""
