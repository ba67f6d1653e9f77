"""A connection that is kept: dialled, watched, and replaced before API Gateway ends it. It does not interpret frames; its owner does."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Awaitable, Callable, Optional, Protocol

from .errors import Frame
from .link import Link
from .outbox import NEVER, backoff

# All in seconds.
HANDSHAKE_WITHIN = 15.0
#: From a frame that the server answers to the next frame that comes. After it the connection counts as dead.
ANSWER_WITHIN = 15.0
#: API Gateway closes a connection that is idle for 10 minutes, and every connection after 2 hours (7.4).
PING_AFTER = 300.0
RENEW_AFTER = 6000.0
#: Between two renewals, whatever a token says.
RENEW_AGAIN = 60.0
#: How long a connection stays away that the server closed because the session has too many.
SURPLUS_AWAY = 900.0

#: Answered by an event of the turn, which can take its time.
_NOT_ANSWERED = ("abort", "approval_response", "tool_output")


class Reconnect(Exception):
    """This connection is of no more use; another one is opened at once."""


class Owner(Protocol):
    def connect_frame(self) -> Frame:
        """The first frame of a connection."""

    def receive(self, frame: Frame) -> None:
        """May raise `Reconnect`."""

    def take_due(self, now: float) -> list[Frame]:
        """What is to be sent now, over a connection that has its `session_start`."""

    def next_due(self) -> float: ...

    def report(self, error: Exception) -> None:
        """Whatever ends a connection: the next one resumes."""


class Connection:
    def __init__(self, dial: Callable[[], Awaitable[Link]], owner: Owner) -> None:
        self._dial, self._owner = dial, owner
        #: `session_start` has come.
        self.is_up = False
        self.heard_at = 0.0
        self._is_surplus = self._is_closed = False
        self._owed_by = self._renew_at = NEVER
        self._moved_at = 0.0
        self._wake = asyncio.Event()
        self._task: Optional[asyncio.Task[None]] = None

    def open(self) -> None:
        """Connects, if it has not. A connection that gave way comes back."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        self.attend()

    def attend(self) -> None:
        """The owner has something to send."""
        self._wake.set()

    def give_way(self) -> None:
        """The server closes this connection in favour of others: it stays away, unless somebody calls `open`."""
        self._is_surplus = True

    def renew_in(self, seconds: float) -> None:
        self._renew_at = min(self._renew_at, time.monotonic() + max(RENEW_AGAIN, seconds))

    def end(self) -> None:
        """No further connection is made. This one is closed soon."""
        self._is_closed = True
        self.attend()

    async def close(self) -> None:
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        attempt = 0
        while not self._is_closed:
            self.is_up = self._is_surplus = False
            try:
                await self._serve(await self._dial())
            except Reconnect:
                attempt = 0
                continue
            except Exception as error:
                self._owner.report(error)
            if self._is_closed:
                return
            attempt = 0 if self.is_up else attempt + 1
            self.is_up = False
            await self._pause(SURPLUS_AWAY if self._is_surplus else 0.1 + random.random() * backoff(0.5, attempt, 30.0))

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        if not self._is_surplus:
            await asyncio.sleep(seconds)
            return
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    async def _serve(self, link: Link) -> None:
        now = time.monotonic()
        self._owed_by, self._renew_at, self._moved_at = now + HANDSHAKE_WITHIN, now + RENEW_AFTER, now
        reader: asyncio.Task[Any] = asyncio.create_task(self._read(link))
        try:
            await self._send(link, self._owner.connect_frame())
            while not self._is_closed:
                self._wake.clear()
                await self._send_due(link)
                wake = asyncio.create_task(self._wake.wait())
                timeout = max(0.0, self._next_due() - time.monotonic())
                await asyncio.wait({reader, wake}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                wake.cancel()
                if reader.done():
                    reader.result()
        finally:
            reader.cancel()
            await asyncio.gather(reader, link.close(), return_exceptions=True)

    async def _read(self, link: Link) -> None:
        while True:
            frame = await link.receive()
            self._moved_at = self.heard_at = time.monotonic()
            self._owed_by = NEVER
            if frame is not None:
                self._owner.receive(frame)
                self.is_up = self.is_up or frame["type"] == "session_start"
            self._wake.set()

    async def _send(self, link: Link, frame: Frame) -> None:
        await link.send(frame)
        self._moved_at = time.monotonic()
        if frame["type"] not in _NOT_ANSWERED:
            self._owed_by = min(self._owed_by, self._moved_at + ANSWER_WITHIN)

    async def _send_due(self, link: Link) -> None:
        now = time.monotonic()
        if self._owed_by <= now:
            raise ConnectionError("The server does not answer.")
        if not self.is_up:
            return
        if self._renew_at <= now:
            raise Reconnect
        for frame in self._owner.take_due(now):
            await self._send(link, frame)
        if self._moved_at + PING_AFTER <= now:
            await self._send(link, {"type": "ping"})

    def _next_due(self) -> float:
        if not self.is_up:
            return self._owed_by
        return min(self._owed_by, self._renew_at, self._owner.next_due(), self._moved_at + PING_AFTER)
