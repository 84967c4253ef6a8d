"""A second process beside the first start, for what needs no database: the geography, then the agencies' files.

It is forked before there is a thread or a connection, and ends with us.
"""

import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import active_children, get_context

from citybrain.sample.city import City, make_city
from citybrain.sample.plan import Plan
from citybrain.sample.sets.handed import Handed
from citybrain.site import tether


class Beside:
    """Makes the city of a plan, then the files of its data sets. What fails there is raised where it is asked for."""

    def __init__(self, plan: Plan) -> None:
        context = get_context("fork")
        self._pool = ProcessPoolExecutor(1, context, initializer=_tied, initargs=(os.getpid(),))
        self._city: Future[City] = self._pool.submit(make_city, plan)
        self._files: Future[list[Handed]] = self._pool.submit(_write_files, plan)

    def city(self) -> City:
        """Return the city, as soon as it is made."""
        return self._city.result()

    def files(self) -> list[Handed]:
        """Return the files, as soon as the last is written."""
        return self._files.result()

    def end(self) -> None:
        """End the process, whatever it is at."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in active_children():
            process.terminate()


def _tied(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word
    tether.tie_to_parent(parent)


def _write_files(plan: Plan) -> list[Handed]:
    import django

    django.setup()
    from citybrain.sample.sets.fill import write_files

    return write_files(make_city(plan))  # the one made before, kept in memory
