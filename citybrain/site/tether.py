"""Processes that end with the process that started them, even when that one is killed with -9.

The kernel sends a signal of our choice to a child whose parent dies (Linux; elsewhere children watch for it).
Run as a script it ties itself, changes to another user if asked to, and becomes the command:

    python -I -S tether.py PARENT_PID SIGNAL USER COMMAND...
"""

import ctypes
import os
import platform
import pwd
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1


def tie_to_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """Have this process receive signal `number` when `parent` dies; exit at once if it is dead already.

    The tie is the kernel's and survives exec, but not a change of user: change first.
    """
    if platform.system() == "Linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(3)


def watch_parent(parent: int, number: int = signal.SIGTERM, seconds: float = 1.0) -> None:
    """Tie, and where the kernel has no such tie look every `seconds` whether the parent lives."""
    tie_to_parent(parent, number)
    if platform.system() == "Linux":
        return

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(seconds)
        os.kill(os.getpid(), number)

    threading.Thread(target=look, daemon=True, name="parent-watch").start()


def server() -> int:
    """Return the process that made this one a worker of a server, even if it has ended since; else our parent."""
    import multiprocessing  # here: what the kernel ties loads no more than it needs

    made_by = multiprocessing.parent_process()
    return (made_by.pid if made_by else None) or os.getppid()


def tie_to_server() -> None:
    """Tie a worker that a server has just forked, before anything else is loaded.

    Until the worker sets its own, it has the server's handler of SIGTERM, which tells a copy of the server: a tie that
    nobody feels. Therefore SIGTERM ends us while we load.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    watch_parent(server())


def become_user(name: str) -> None:
    """Give up every right but the named user's."""
    entry = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main(parent: str, number: str, user: str, *command: str) -> None:
    """Become `command`, tied to `parent`; an empty `user` changes nothing."""
    if user:
        become_user(user)
    tie_to_parent(int(parent), int(number))
    os.execv(command[0], command)  # noqa: S606  (the command is our own, without a shell)


if __name__ == "__main__":
    main(*sys.argv[1:])
