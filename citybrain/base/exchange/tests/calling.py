"""Calls a door without a server: what the tests of the door share."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import orjson
from django.conf import settings
from django.db import connection

from citybrain.base.exchange.delivery import wire
from citybrain.base.exchange.delivery.door import Door


def info():
    found = settings.DATABASES["default"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {name: found[key] for key, name in names.items() if found[key]}


async def beside(work, *args, **more):
    """Do blocking work in a thread that gives its connection back."""

    def run():
        try:
            work(*args, **more)
        finally:
            connection.close()

    await asyncio.to_thread(run)


class Wire:
    """What granian hands over with a request, and takes the answer by."""

    def __init__(self, body):
        self.sent = body
        self.status = self.head = self.body = None

    async def __call__(self):
        return self.sent

    async def __aiter__(self):
        for start in range(0, len(self.sent), 50_000):
            yield self.sent[start : start + 50_000]

    def response_bytes(self, status, headers, body):
        self.status, self.head, self.body = status, dict(headers), body

    def response_empty(self, status, headers):
        self.response_bytes(status, headers, b"")

    def response_file(self, status, headers, file):
        self.response_bytes(status, headers, Path(file).read_bytes())


class Caller:
    """Calls a door without a server."""

    def __init__(self, door):
        self.door = door

    async def raw(self, method, path, headers, body=b"", query=""):
        made = Wire(body)
        names = {"content-length": str(len(body)), **headers}
        scope = SimpleNamespace(method=method, path=path, query_string=query, headers=names)
        await wire.serve(self.door, scope, made)
        return made

    async def send(self, method, path, key, body=None):
        content = orjson.dumps(body) if body is not None else b""
        made = await self.raw(method, path, {"authorization": f"Bearer {key}"}, content)
        return made.status, orjson.loads(made.body) if made.body else None

    async def post(self, path, key, body):
        return await self.send("POST", path, key, body)


def opened(work):
    """Run an asynchronous piece of work at an open door."""

    async def run():
        door = Door(info(), "Asia/Shanghai", "secret")
        await door.open()
        try:
            return await work(Caller(door))
        finally:
            await door.close()

    return asyncio.run(run())


def post(path, key, body):
    return opened(lambda caller: caller.post(path, key, body))
