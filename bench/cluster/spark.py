"""Spark standalone on this machine: one master, two workers, a Connect server; loopback only, memory bounded.

Every process is a group of its own and ends with the block, however it ends; when this process is killed, they end
too (Linux tells them).
"""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

HOST = "127.0.0.1"
WORKERS = 2
EXECUTOR, DRIVER, DAEMON = "800m", "1g", "192m"
"""Heaps: of each executor, of the Connect server (the driver), of the master and each worker."""
START, STOP = 120, 15
"""Seconds a part may take to come up, and to go before it is killed."""


class NoCluster(RuntimeError):
    """A part of the cluster didn't come up, or listens where it mustn't."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Cluster:
    """The processes and what they say; `address` is for clients."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self.port, self.connect_port = _free_port(), _free_port()
        self.address = f"sc://{HOST}:{self.connect_port}"

    def start(self) -> None:
        """Start all parts. Raises NoCluster when one fails or isn't up in time."""
        deploy = "org.apache.spark.deploy"
        master = f"spark://{HOST}:{self.port}"
        self._launch("master", "spark-class", f"{deploy}.master.Master", "--host", HOST, "--port", str(self.port),
                     "--webui-port", "0")  # fmt: skip
        self._until("master", lambda: self._answers(self.port))
        for number in range(WORKERS):
            self._launch(f"worker{number + 1}", "spark-class", f"{deploy}.worker.Worker", "--host", HOST, "--port", "0",
                         "--webui-port", "0", "--cores", "1", "--memory", EXECUTOR, "--work-dir",
                         str(self.folder / f"work{number + 1}"), master)  # fmt: skip
        self._until("master", lambda: self.said("master", "Registering worker") == WORKERS)
        options = [word for name, value in self._settings().items() for word in ("--conf", f"{name}={value}")]
        server = "org.apache.spark.sql.connect.service.SparkConnectServer"
        self._launch("server", "spark-submit", "--class", server, "--master", master, *options,
                     "spark-internal")  # fmt: skip
        self._until("server", lambda: self._answers(self.connect_port))
        self._until("master", lambda: self.said("master", "Launching executor") >= WORKERS)
        self.refuse_open_doors()

    def _settings(self) -> dict[str, str | int]:
        return {
            "spark.driver.host": HOST, "spark.driver.bindAddress": HOST, "spark.ui.enabled": "false",
            "spark.connect.grpc.binding.address": HOST, "spark.connect.grpc.binding.port": self.connect_port,
            "spark.executor.memory": EXECUTOR, "spark.executor.cores": 1, "spark.cores.max": WORKERS,
            "spark.scheduler.minRegisteredResourcesRatio": "1.0", "spark.sql.shuffle.partitions": 2 * WORKERS,
            "spark.sql.session.timeZone": "UTC", "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.local.dir": str(self.folder / "local"), "spark.ui.showConsoleProgress": "false",
        }  # fmt: skip

    def _launch(self, name: str, script: str, *words: str) -> None:
        environment = os.environ | {
            "SPARK_HOME": str(self.home), "SPARK_LOCAL_IP": HOST, "SPARK_NO_DAEMONIZE": "1",
            # Spark takes the Connect server for a daemon, too, and would give it no more than a master's heap
            "SPARK_DAEMON_MEMORY": DRIVER if name == "server" else DAEMON,
            "SPARK_LOCAL_DIRS": str(self.folder / "local"),
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("wb") as log:
            self.parts[name] = subprocess.Popen(
                ["bash", str(self.home / "bin" / script), *words], cwd=self.folder, env=environment, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=_end_with_parent,
            )  # fmt: skip

    def said(self, name: str, words: str) -> int:
        """Return how often a part's log has some words."""
        log = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return len(re.findall(re.escape(words), log))

    def _answers(self, port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, port)) == 0

    def _until(self, name: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + START
        while not ready():
            gone = [part for part, process in self.parts.items() if process.poll() is not None]
            if gone or time.monotonic() > end:
                part = gone[0] if gone else name
                log = (self.folder / f"{part}.log").read_text(encoding="utf-8", errors="replace")
                what = "ended" if gone else f"isn't up after {START} s"
                raise NoCluster(f"cluster: {part} {what}; it said:\n{log[-3000:]}")
            time.sleep(0.2)

    def processes(self) -> list[psutil.Process]:
        """Return the processes that are alive, executors included; not the shells that started them and ended."""
        found = []
        for part in self.parts.values():
            try:
                process = psutil.Process(part.pid)
                below = [process, *process.children(recursive=True)]
                found += [one for one in below if one.status() != psutil.STATUS_ZOMBIE]
            except psutil.NoSuchProcess:
                continue
        return found

    def refuse_open_doors(self) -> None:
        """Raise NoCluster when a process listens on anything but loopback."""
        for process in self.processes():
            for one in process.net_connections("inet"):
                where = one.laddr.ip.removeprefix("::ffff:")
                if one.status == psutil.CONN_LISTEN and not (where.startswith("127.") or where == "::1"):
                    raise NoCluster(f"cluster: process {process.pid} listens on {where}:{one.laddr.port}")

    def stop(self) -> None:
        """End every part, the server first; kill what is still there after STOP seconds."""
        groups = list(reversed(self.parts.values()))
        known = self.processes()
        for sign, patience in ((signal.SIGTERM, STOP), (signal.SIGKILL, STOP)):
            for part in groups:
                try:
                    os.killpg(part.pid, sign)
                except ProcessLookupError:
                    continue
            _, known = psutil.wait_procs(known, timeout=patience)
            if not known:
                break
        for part in groups:
            part.wait()


@contextmanager
def cluster(home: Path, folder: Path) -> Iterator[Cluster]:
    """A cluster for the time of a block."""
    one = Cluster(home, folder)
    try:
        one.start()
        yield one
    finally:
        one.stop()
