"""Runs the application for one answer, in a task of its own: the client that asked first may leave without
ending it.

An answer that may be stored is collected whole. One that may not is handed on chunk by chunk, as it comes.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from pack2.cache.flight import Loaded
from pack2.http.answer import Answer, Headers, refusal
from pack2.http.identity import ASGIApp, Message, Receive, Scope, Send
from pack2.http.policy import Policy

QUEUED_CHUNKS: Final = 8


class Capture:
    """`load()` gives the stored form or None; after None, `relay()` sends what the application answers."""

    def __init__(
        self, app: ASGIApp, scope: Scope, receive: Receive, policy: Policy, limit_bytes: int
    ) -> None:
        self._app = app
        self._scope = scope
        self._client_receive = receive
        self._policy = policy
        self._limit_bytes = limit_bytes
        self._task: asyncio.Task[None] | None = None
        self._decided = asyncio.Event()
        self._relaying = asyncio.Event()
        self._complete = asyncio.Event()
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue(QUEUED_CHUNKS)
        self._start: Message = {}
        self._chunks: list[bytes] = []
        self._size_bytes = 0
        self._answer: Answer | None = None
        self._error: BaseException | None = None
        self._asked = False
        self.refusal = ""
        self.status = 0
        self.server_timing: list[bytes] = []
        self.is_abandoned = False

    async def load(self) -> Loaded | None:
        self._task = asyncio.create_task(self._run())
        try:
            await self._decided.wait()
        except BaseException:
            await self.close()
            raise
        if self._error is not None:
            raise self._error
        if self._answer is None:
            if self.is_abandoned:
                await self.close()
            return None
        return Loaded(self._answer, self._answer.size_bytes, self._answer.to_bytes)

    async def relay(self, send: Send, added: Headers) -> None:
        """Send the answer that is not stored, with `added` headers; the client's leaving ends the
        application.
        """
        self._relaying.set()
        first = self._start
        await send({**first, "headers": [*first.get("headers", ()), *added]})
        try:
            while (message := await self._queue.get()) is not None:
                await send(message)
            if self._error is not None:
                raise self._error
        finally:
            await self.close()

    async def close(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
            if self._answer is None and not self.refusal:
                raise RuntimeError("the application ended without a complete answer")
        except Exception as error:
            self._error = error
        finally:
            self._decided.set()
        if self.refusal:
            await self._queue.put(None)

    async def _receive(self) -> Message:
        """An empty body, then silence until the answer is complete or the client leaves a relayed one."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        waits = [asyncio.create_task(self._complete.wait()), asyncio.create_task(self._client_left())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return {"type": "http.disconnect"}

    async def _client_left(self) -> None:
        await self._relaying.wait()
        while (await self._client_receive())["type"] != "http.disconnect":
            pass

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message)
        elif self.refusal:
            await self._queue.put(message)
            self._note_end(message)
        elif message["type"] == "http.response.body":
            await self._collect(message)

    def _begin(self, message: Message) -> None:
        headers: list[tuple[bytes, bytes]] = [
            (name.lower(), value) for name, value in message.get("headers", ())
        ]
        self._start = {**message, "headers": headers}
        self.status = message["status"]
        self.server_timing = [value for name, value in headers if name == b"server-timing"]
        if reason := refusal(self.status, headers, self._policy):
            self._refuse(reason)

    async def _collect(self, message: Message) -> None:
        chunk: bytes = message.get("body", b"")
        self._chunks.append(chunk)
        self._size_bytes += len(chunk)
        if self._size_bytes > self._limit_bytes:
            self._refuse("too-large")
            collected: dict[str, Any] = {**message, "body": b"".join(self._chunks)}
            self._chunks = []
            await self._queue.put(collected)
            self._note_end(message)
        elif not message.get("more_body", False):
            self._answer = Answer(self.status, self._start["headers"], b"".join(self._chunks), self._policy)
            self._decided.set()
            self._complete.set()

    def _note_end(self, message: Message) -> None:
        """After the last chunk `receive` tells the application that it is over (ASGI: http.disconnect)."""
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._complete.set()

    def _refuse(self, reason: str) -> None:
        self.refusal = reason
        self._decided.set()
