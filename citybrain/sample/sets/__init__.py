"""The made-up city's data: all 84 data sets of the catalogue, with the same people, homes, cars and firms in all.

`basis` makes who and what there is, one module per field of life tells it as the agencies' systems keep it,
`dirt` spoils some of it on purpose and keeps the truth, `files` writes it as the agencies hand it over.
"""
