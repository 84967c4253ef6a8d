"""What is said when a change of areas can't be made."""


class AreaError(ValueError):
    """The change is refused; the message says what, where and what to do."""


class FileError(AreaError):
    """A file as a whole can't be read: its form, size or header."""
