"""Work in a process of its own, beside the caller's: one object, asked by the names of its methods.

The process is a fork: what the object holds (an open file, shapes of areas) is there at once, unpickled; answers
come back pickled. The object must not touch the database connection, which stays the parent's. It ends with
the parent, however that ends: it then reads the end of its pipe.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Final

PATIENCE: Final = 5.0  # seconds that the process has to end by itself


class Lost(RuntimeError):
    """The other process ended before it answered (killed, or out of memory)."""


class Apart:
    """An object that works in another process. One question at a time; any thread may ask."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ask(self, method: str, *arguments: Any) -> Any:
        """Return what the method returns, or raise what it raises. Raises Lost when the process is gone."""
        try:
            self._pipe.send((method, arguments))
            answer, error = self._pipe.recv()
        except (EOFError, OSError) as gone:
            raise Lost(
                "the process that prepares the rows ended before its time; run the import again"
            ) from gone
        if error is not None:
            raise error
        return answer


@contextmanager
def apart(worker: Any) -> Iterator[Apart]:
    """Yield `worker` at work in a process of its own, which ends with the block."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(worker, theirs, ours), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Apart(ours)
    finally:
        ours.close()
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(worker: Any, pipe: Connection, parents: Connection) -> None:
    parents.close()  # else the pipe would stay open when the parent is gone
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            method, arguments = pipe.recv()
            try:
                answer: tuple[Any, Exception | None] = getattr(worker, method)(*arguments), None
            except Exception as error:  # noqa: BLE001 (it is raised on the other side)
                answer = None, error
            pipe.send(answer)
