"""What the account screens share: refusals beside their field, and back to the page with a word of what was done."""

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.errors import Refused


@contextmanager
def refusals(form: forms.Form) -> Iterator[None]:
    """Put what an action refuses beside the form's field of that name, else above the form."""
    try:
        yield
    except Refused as refused:
        for problem in refused.problems:
            form.add_error(problem.field if problem.field in form.fields else None, problem.reason)
    except Forbidden as forbidden:
        form.add_error(None, f"{forbidden.reason_zh}{forbidden.whom_to_ask}")


def back(request: HttpRequest, form: forms.Form, done: str, to: str, *args: object) -> HttpResponseRedirect:
    """Return to a page with a message: what was done, or everything that was wrong."""
    if form.is_valid():
        messages.success(request, done)
    else:
        for errors in form.errors.values():
            for error in errors:
                messages.error(request, str(error))
    return redirect(to, *args)
