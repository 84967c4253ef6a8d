"""The city's processes: started, watched, started again with growing pauses, and ended together."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from citybrain.site import tether
from citybrain.site.postgres import Say

LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0  # who has run this long starts again with a short pause
STOP_SECONDS = 15.0


@dataclass
class Child:
    """One process. It is tied to ours and in a session of its own: Ctrl-C comes to us alone."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    failures: int = 0
    started_at: float = 0.0
    again_at: float = field(default=0.0)

    def start(self, clock: float) -> None:
        """Start the process."""
        tie = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), str(int(signal.SIGTERM)), ""]
        self.process = subprocess.Popen(  # noqa: S603  (our own commands, no shell)
            [*tie, *self.command],
            stdin=subprocess.DEVNULL,
            env=self.environment,
            start_new_session=True,
        )
        self.started_at = clock

    def watch(self, clock: float, say: Say) -> None:
        """Start the process again when it has ended and its pause is over."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self.failures = 1 if clock - self.started_at > STEADY_SECONDS else self.failures + 1
            pause = min(LONGEST_PAUSE, 0.5 * 2.0**self.failures)
            self.again_at = clock + pause
            self.process = None
            say(f"{self.name} ended ({how(code)}); starting it again in {pause:.0f} s")
        elif clock >= self.again_at:
            self.start(clock)

    def ask_to_end(self) -> None:
        """Send SIGTERM, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, until: float) -> None:
        """Wait for the end until `until` (monotonic seconds), then end it hard with all its own children."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.1, until - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


def how(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def end_all(children: list[Child]) -> None:
    """End all of them, in at most `STOP_SECONDS`."""
    for child in children:
        child.ask_to_end()
    until = time.monotonic() + STOP_SECONDS
    for child in children:
        child.end(until)
