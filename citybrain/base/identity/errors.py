"""What an action answers to input that can't be, in words for the person who gave it."""

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing wrong: the field by its key, and the reason in the reader's language."""

    field: str
    reason: str


class Refused(ValueError):
    """Nothing was changed. `problems` holds at least one entry."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(" ".join(problem.reason for problem in problems))
        self.problems = problems


def refuse(field: str, reason: str) -> Refused:
    """Return a refusal with one problem, to be raised."""
    return Refused(Problem(field, reason))
