"""Reads server-sent events from a real server as they arrive, over plain sockets: a hundred cost little."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

PATIENCE_SECONDS = 10


class Event(NamedTuple):
    name: str
    data: Any
    at: float


class Listener:
    """One open stream, or the refusal: `status` and `headers` are the answer's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self.events: list[Event] = []

    async def open(self, method: str, path: str, token: str) -> None:
        host = "Host: localhost\r\n"
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{host}Authorization: Bearer {token}\r\n\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)

    async def lines(self) -> AsyncIterator[str]:
        """The body's lines; ends with the answer."""
        rest = b""
        while size := int((await self.reader.readline()).strip() or b"0", 16):
            rest += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
            *whole, rest = rest.split(b"\n")
            for line in whole:
                yield line.decode()

    async def read(self) -> None:
        """Keep every event until the stream ends."""
        name = ""
        async for line in self.lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                self.events.append(Event(name, msgspec.json.decode(value), monotonic()))

    async def until(self, wanted: Callable[[Event], bool]) -> Event:
        """The first event, among those that came and those to come, that is `wanted`."""
        deadline = monotonic() + PATIENCE_SECONDS
        while monotonic() < deadline:
            for event in self.events:
                if wanted(event):
                    return event
            await asyncio.sleep(0.002)
        raise AssertionError(f"never came; there were {[event.name for event in self.events]}")

    async def until_named(self, name: str) -> Event:
        return await self.until(lambda event: event.name == name)

    async def until_told(self, tag: str) -> Event:
        return await self.until(lambda event: event.name == "changed" and tag in event.data["tags"])

    def tags(self) -> set[str]:
        """Every tag that came."""
        return {tag for event in self.events if event.name == "changed" for tag in event.data["tags"]}


@asynccontextmanager
async def connected(
    url: str, token: str, path: str = "/api/live", method: str = "GET"
) -> AsyncIterator[Listener]:
    """The answer, its body unread."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    listener = Listener(reader, writer)
    try:
        await listener.open(method, path, token)
        yield listener
    finally:
        writer.close()


@asynccontextmanager
async def listening(url: str, token: str, path: str = "/api/live") -> AsyncIterator[Listener]:
    """A stream that is read as it comes, and has said that it is ready."""
    async with connected(url, token, path) as listener:
        reading = asyncio.create_task(listener.read())
        try:
            await listener.until_named("ready")
            yield listener
        finally:
            reading.cancel()
