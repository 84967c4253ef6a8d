"""Which ports are free, and who holds one that isn't."""

import contextlib
import errno
import socket
import time

import psutil


class PortTakenError(RuntimeError):
    """A port can't be listened on; the message says who has it and what to do."""


def problem(address: str, port: int) -> str:
    """Return why the port can't be listened on, "" when it can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "taken"
            return error.strerror or str(error)
    return ""


def holder(port: int) -> str:
    """Return the program and pid that listen on the port, "" when that can't be seen."""
    with contextlib.suppress(psutil.Error):
        for link in psutil.net_connections("tcp"):
            if link.status == psutil.CONN_LISTEN and link.laddr and link.laddr.port == port and link.pid:
                return f"{psutil.Process(link.pid).name()}, pid {link.pid}"
    return ""


def need(address: str, port: int, variable: str, seconds: float = 5.0) -> None:
    """Return when the port is free, waiting a little for an earlier run to let go.

    Raises PortTakenError with the holder and the variable that chooses another port.
    """
    until = time.monotonic() + seconds
    while (found := problem(address, port)) == "taken" and time.monotonic() < until:
        time.sleep(0.2)
    if not found:
        return
    if found != "taken":
        raise PortTakenError(
            f"{address}:{port} can't be listened on: {found}; choose {variable}=… above 1023"
        )
    who = holder(port)
    raise PortTakenError(
        f"port {port} is taken{f' by {who}' if who else ''}: end that program, or choose another port, "
        f"for example {variable}={port + 10 if port < 65_000 else 8000} make run"
    )


def free_from(address: str, port: int) -> int:
    """Return the first free port at or above `port`."""
    for candidate in range(port, min(port + 200, 65_536)):
        if not problem(address, candidate):
            return candidate
    raise PortTakenError(f"no free port between {port} and {port + 199} on {address}")
