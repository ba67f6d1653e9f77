"""Readers of events, each with a queue of its own."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, AsyncIterator, Optional

Event = dict[str, Any]

#: Events that begin where a reader that starts a little late still finds them.
KEPT_TURNS = 2
ENDS = ("done", "aborted", "error")


class Stream:
    """An asynchronous iterator over events that come later."""

    def __init__(self, kept: list[Event], spans_gaps: bool) -> None:
        self.spans_gaps = spans_gaps
        self._queue: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        for event in kept:
            self._queue.put_nowait(event)

    def put(self, event: Event) -> None:
        self._queue.put_nowait(event)

    def end(self, error: Optional[Exception] = None) -> None:
        self._queue.put_nowait(error)

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Event:
        got = await self._queue.get()
        if got is None:
            raise StopAsyncIteration
        if isinstance(got, Exception):
            raise got
        return got


class EventLog:
    """The events of the session, each once and in order, for any number of readers."""

    def __init__(self) -> None:
        # A reader that nobody holds any more is gone.
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        self._events: list[Event] = []
        self._turns: list[str] = []

    def add(self, events: list[Event]) -> None:
        for event in events:
            if event["turn_id"] not in self._turns:
                self._turns = [*self._turns, event["turn_id"]][-KEPT_TURNS:]
                self._events = [kept for kept in self._events if kept["turn_id"] in self._turns]
            self._events.append(event)
            for stream in list(self._streams):
                stream.put(event)

    def gap(self, frame: Event, error: Exception) -> None:
        """Events are missing here: readers of one answer end, readers of everything are told."""
        for stream in list(self._streams):
            if stream.spans_gaps:
                stream.put(frame)
            else:
                stream.end(error)
        self._events, self._turns = [], []

    def finish(self, error: Exception) -> None:
        for stream in list(self._streams):
            stream.end(error)
        self._events, self._turns = [], []

    def everything(self) -> AsyncIterator[Event]:
        """Events from now on, the gaps among them."""
        return self._read(Stream([], spans_gaps=True))

    def of_answer(self, applied: asyncio.Future[Any]) -> AsyncIterator[Event]:
        """Events of the last turns, and from now on. It ends when `applied` fails."""
        stream = Stream(list(self._events), spans_gaps=False)

        def settled(future: asyncio.Future[Any]) -> None:
            error = None if future.cancelled() else future.exception()
            if isinstance(error, Exception):
                stream.end(error)

        applied.add_done_callback(settled)
        return self._read(stream)

    def _read(self, stream: Stream) -> AsyncIterator[Event]:
        # Here and not in the generator, which runs from its first step on: no event after the call is missed.
        self._streams.add(stream)

        async def read() -> AsyncIterator[Event]:
            try:
                async for event in stream:
                    yield event
            finally:
                self._streams.discard(stream)

        return read()
