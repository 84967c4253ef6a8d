"""A city for measuring: its own durable database, a sample city, a web server with two workers, and a load."""

import asyncio
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

COMMAND = "from citybrain.site.cli import main; main()"
ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def city(scale: float = 0.05) -> Iterator[dict[str, str]]:
    """Start a durable database of its own with a sample city; yield the environment that leads to it."""
    from citybrain.site.postgres import Server

    with tempfile.TemporaryDirectory(prefix="citybrain-bench-") as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder) / "postgres", durable=True)
        environment = {
            **os.environ,
            "DATABASE_URL": server.start(),
            "CITYBRAIN_HOME": folder,
            "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
            "CITYBRAIN_SECRET_KEY": "bench " * 10,
            "CITYBRAIN_LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }
        try:
            run(environment, "-m", "django", "migrate", "-v", "0")
            run(environment, "-c", COMMAND, "sample", "load", "--scale", str(scale))
            yield environment
        finally:
            server.stop()


def run(environment: dict[str, str], *arguments: str) -> str:
    """Run Python in the city's environment; return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


@contextlib.contextmanager
def web(environment: dict[str, str], application: str, port: int) -> Iterator[None]:
    """Serve a WSGI application as the city does: granian, two workers, three threads each."""
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "3",
        "--port", str(port), "--no-access-log", "--log-level", "error", application,
    ]  # fmt: skip
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        _wait(port)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int) -> None:
    import socket

    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    sys.exit("bench: the web server did not come up")


async def _drive(port: int, requests: list[bytes], counted: list[float], statuses: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests:
        request = requests.pop()
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        said = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        length = int(said.split(b":")[1])
        await reader.readexactly(length)
        counted.append(time.perf_counter() - begun)
        statuses.append(int(head.split(b" ", 2)[1]))
    writer.close()


def post(path: str, body: Any, key: str = "") -> bytes:
    """Return a whole HTTP request."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def load(port: int, requests: Sequence[bytes], connections: int = 12) -> dict[str, Any]:
    """Send requests over a few connections; return rate per second, latencies in ms and the statuses counted."""
    waiting = list(reversed(requests))
    counted: list[float] = []
    statuses: list[int] = []

    async def all_of_them() -> None:
        await asyncio.gather(*(_drive(port, waiting, counted, statuses) for _ in range(connections)))

    begun = time.perf_counter()
    asyncio.run(all_of_them())
    seconds = time.perf_counter() - begun
    counted.sort()
    return {
        "requests": len(counted),
        "per_second": round(len(counted) / seconds, 1),
        "p50_ms": round(counted[len(counted) // 2] * 1000, 1),
        "p99_ms": round(counted[int(len(counted) * 0.99)] * 1000, 1),
        "statuses": {str(status): statuses.count(status) for status in sorted(set(statuses))},
    }


def machine() -> dict[str, Any]:
    """Return what the figures were taken on."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
