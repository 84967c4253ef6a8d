"""A server's workers end with their server, from their first moment on."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from citybrain.site.tests.conftest import ROOT

pytestmark = pytest.mark.faults
SERVER = """
import multiprocessing, os, signal, sys, time
from citybrain.site import tether

def work(late):
    print(os.getpid(), flush=True)
    while late and os.getppid() == tether.server():
        time.sleep(0.01)
    tether.tie_to_server()
    if not late:
        print("tied", flush=True)
    time.sleep(3600)

signal.signal(signal.SIGTERM, lambda *_: None)
one = multiprocessing.get_context("fork").Process(target=work, args=[sys.argv[1] == "late"])
one.start()
one.join()
"""


@pytest.fixture
def serve():
    servers, workers = [], []

    def start(when):
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, when], env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        servers.append(server)
        workers.append(int(server.stdout.readline()))
        return server, workers[-1]

    yield start
    for server in servers:
        server.kill()
        server.wait()
        server.stdout.close()
    for worker in workers:
        if lives(worker):
            os.kill(worker, signal.SIGKILL)


def lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ended(pid, seconds=60.0):
    until = time.monotonic() + seconds
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not lives(pid)


def test_a_worker_that_still_has_its_servers_handler_ends_with_the_server(serve):
    server, worker = serve("at once")
    assert server.stdout.readline() == "tied\n"
    assert lives(worker)
    server.kill()
    assert ended(worker)


def test_a_worker_whose_server_died_before_the_tie_ends_too(serve):
    server, worker = serve("late")
    assert lives(worker)
    server.kill()
    assert ended(worker)
