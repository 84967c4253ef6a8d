"""Models in use: which reads, what is done with what it read, what officers put right, when it no longer holds.

`using` gives the reader, `filing` reads a ticket and decides, `corrections` and `watching` judge automatic dispatch,
`shifting` looks whether messages are still those it learnt from, `teaching` trains and compares,
`news` tells the managers what became of automatic dispatch.
"""
