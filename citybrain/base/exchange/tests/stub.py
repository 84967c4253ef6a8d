"""An interface on loopback that answers as a test says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Call:
    """What was asked."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What is answered; `broken` ends the connection before the body is whole."""

    body: bytes = b"[]"
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    broken: bool = False


@dataclass
class Stub:
    """The running interface: `calls` in their order."""

    address: str
    calls: list[Call] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Call], Reply]) -> Iterator[Stub]:
    """Serve on a free port of loopback."""
    stub = Stub("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            stub.calls.append(call)
            reply = answer(call)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + (1000 if reply.broken else 0)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = reply.broken

        do_GET = do_POST = respond  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
