"""What can go wrong with a step, told to the person who took it."""

from datetime import datetime

from django.db.models import IntegerChoices


class StepError(Exception):
    """A step that was not taken; `message` is for the person, `code` for machines."""

    code = "invalid"
    status = 422

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(StepError):
    """No such thing, or not for this person: the two answers are the same on purpose."""

    code = "not_found"
    status = 404


class Conflict(StepError):
    """Somebody else was faster: says who, when, and what the thing is now."""

    code = "conflict"
    status = 409

    def __init__(self, message: str, state: IntegerChoices, who: str, when: datetime) -> None:
        super().__init__(message)
        self.state, self.who, self.when = state, who, when


class BadInput(StepError):
    """An input is missing or can't be; `field` names it."""


class NotNow(StepError):
    """The step exists and the person may take it, but the thing does not meet its condition."""

    code = "not_now"
    status = 409
