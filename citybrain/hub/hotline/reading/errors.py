"""What reading refuses, in one line for the operator."""


class ReadingRefused(ValueError):
    """A file of messages or a model can't be used; the text names it, says why and what to do."""


class BadMessages(ReadingRefused):
    """A labelled file can't be read, or there is too little in it."""


class ModelMissing(ReadingRefused):
    """There is no model file."""


class ModelDamaged(ReadingRefused):
    """A model file isn't what was written: cut short, changed, or no model at all."""


class ModelOfAnotherVersion(ReadingRefused):
    """A model file was written by another version of the program."""
