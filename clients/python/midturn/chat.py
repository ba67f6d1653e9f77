"""One session, over a connection that is kept."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import secrets
import time
from typing import Any, AsyncIterator, Awaitable, Callable, Optional, Union

from .errors import ClosedError, ContentError, EventsExpired, Frame, MessageRefused, MidturnError, ReplyError
from .link import Link, address
from .message import Content, Delivery, Message
from .order import Sequence
from .outbox import NEVER, Requests
from .streams import ENDS, EventLog

Token = Union[str, Callable[[], Union[str, Awaitable[str]]]]
#: Runs a tool that the agent leaves to the client: gets the arguments, gives the output. What it raises is the call's error.
Tool = Callable[[Any], Union[Any, Awaitable[Any]]]

# All in seconds.
HANDSHAKE_WITHIN = 15.0
#: From a frame that the server answers to the next frame that comes. After it the connection counts as dead.
ANSWER_WITHIN = 15.0
#: API Gateway closes a connection that is idle for 10 minutes, and every connection after 2 hours (7.4).
PING_AFTER = 300.0
RENEW_AFTER = 6000.0
RENEW_BEFORE_EXPIRY = 30.0
#: How long a connection stays away that the server closed because the session has too many.
SURPLUS_AWAY = 900.0
#: A missing event is asked for at once, and again after this time if nothing came; then after twice the time.
RESUME_AGAIN = 2.0
RESUME_AT_MOST = 30.0
#: Silence where an event is expected, before the client asks for it.
PROBE_AFTER = 15.0

DEFAULT_CONTENT_BYTES = 24_576
DEFAULT_OPTIONS_BYTES = 4096
#: Of what a tool gives, as JSON (docs/protocol.md, 11.1).
MAX_TOOL_OUTPUT_BYTES = 16_384
#: Answered by an event of the turn, which can take its time.
_NOT_ANSWERED = ("abort", "approval_response", "tool_output")
#: Say nothing about what becomes of a message: it is sent again.
_TELLS_NOTHING = ("RATE_LIMITED", "TOKEN_EXPIRED", "INTERNAL")


class _Reconnect(Exception):
    """This connection is of no more use; another one is opened at once."""


class Chat:
    """A session of Midturn. All methods belong to one event loop.

    `token`: a text, or a function that is called for each connection. `on_message` is called when the status of a message
    has changed, `on_error` with what the client recovers from by itself. `tools`: those that the agent leaves to its client.
    """

    def __init__(
        self,
        url: str,
        *,
        session: Optional[str] = None,
        token: Optional[Token] = None,
        name: Optional[str] = None,
        agent: Optional[str] = None,
        locale: Optional[str] = None,
        time_zone: Optional[str] = None,
        tools: Optional[dict[str, Tool]] = None,
        on_message: Optional[Callable[[Message], None]] = None,
        on_error: Optional[Callable[[Exception], None]] = None,
    ) -> None:
        self.session = session or secrets.token_urlsafe(16)
        self.tools = dict(tools or {})
        #: The entries of the transcript's newest page, when the chat was opened and after events have expired.
        self.entries: list[Frame] = []
        #: The running turn, whichever client began it.
        self.active_turn: Optional[str] = None
        self.limits: Frame = {}
        self._url, self._token, self._name = url, token, name
        self._hello: Frame = {"agent": agent, "locale": locale, "time_zone": time_zone}
        self._on_message, self._on_error = on_message, on_error
        self._log = EventLog()
        self._sequence = Sequence()
        self._requests = Requests()
        self._messages: dict[str, Message] = {}
        self._lane: Optional[str] = None
        self._orders = 0
        self._wake = asyncio.Event()
        self._task: Optional[asyncio.Task[None]] = None
        self._running_tools: set[asyncio.Task[None]] = set()
        self._pages: list[asyncio.Future[Frame]] = []
        self._closed: Optional[MidturnError] = None
        # Of the connection.
        self._is_up = False
        self._is_surplus = False
        self._owed_by = self._renew_at = NEVER
        self._moved_at = self._heard_at = 0.0
        self._resume_at = 0.0
        self._resumes, self._resumed_from = 0, -1
        self._abort_of: Optional[str] = None

    async def __aenter__(self) -> "Chat":
        self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def open(self) -> None:
        """Connects, and stays connected, in the background. Also brings a connection back that had to give way to others."""
        self._demand_open()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        self._wake.set()

    async def close(self) -> None:
        """Closes the connection. The turn goes on at the server. Readers and waiting messages get a `ClosedError`."""
        self._end(ClosedError())
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, *self._running_tools, return_exceptions=True)

    def send(
        self,
        content: Content,
        *,
        delivery: Delivery = "steer",
        options: Optional[Frame] = None,
        message_id: Optional[str] = None,
    ) -> Message:
        """Sends a message, also while an answer streams: it steers. It is sent until the server has acknowledged it.

        `content`: a text, or a list of texts and images (docs/protocol.md, 6.1). Raises `ContentError` when it is empty or has
        too many bytes, `ClosedError`.
        """
        self._demand_open()
        limit = self.limits.get("content_bytes", DEFAULT_CONTENT_BYTES)
        if not content or (isinstance(content, str) and not content.strip()):
            raise ContentError("EMPTY_CONTENT", "The message has no content.")
        size = _bytes_of(content)
        if size > limit:
            raise ContentError("MESSAGE_TOO_LARGE", f"The message has {size} bytes; the limit is {limit}.")
        most = self.limits.get("options_bytes", DEFAULT_OPTIONS_BYTES)
        if options is not None and (size := _bytes_of(options)) > most:
            raise ContentError("MESSAGE_TOO_LARGE", f"The options have {size} bytes; the limit is {most}.")
        message = Message(self, message_id or secrets.token_urlsafe(12), content, delivery, options)
        self._messages[message.id] = message
        self._ask(f"message {message.id}", lambda: self._message_frame(message))
        return message

    def events(self) -> AsyncIterator[Frame]:
        """Every event from now on, of all turns and devices, each once and in order.

        Where events have expired, the frame `history_gap` stands in their place, and `entries` has the newest page of the
        transcript soon. Raises `ClosedError` at the end.
        """
        self._demand_open()
        return self._log.everything()

    def abort(self, *, discard: bool = False) -> None:
        """Stops the running turn. What was said stays. `discard` withdraws the messages of this chat that wait now."""
        if self.active_turn is None:
            return
        frame: Frame = {"type": "abort", "turn_id": self.active_turn, "pending": "keep"}
        if discard:
            waiting = [message.id for message in self._messages.values() if message.is_pending]
            frame.update(pending="discard", pending_ids=waiting)
        self._abort_of = self.active_turn
        self._ask("abort", lambda: frame)

    def approve(self, request_id: str, decision: str = "approve") -> None:
        """Answers an `approval_request`: `approve`, `deny` or `always`."""
        frame = {"type": "approval_response", "request_id": request_id, "decision": decision}
        self._ask(f"approval {request_id}", lambda: frame)

    async def history(self, *, before: Optional[int] = None, limit: int = 50) -> Frame:
        """A page of the transcript: `entries`, oldest first, and `next`, the `before` of the page before it."""
        self._demand_open()
        page: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        # Replies to `history` have no id: one request at a time.
        earlier, self._pages = list(self._pages), [*self._pages, page]
        await asyncio.gather(*earlier, return_exceptions=True)
        frame: Frame = {"type": "history", "limit": limit, **({} if before is None else {"before": before})}
        self._ask("history", lambda: frame)
        return await page

    # The connection.

    async def _run(self) -> None:
        attempt = 0
        while self._closed is None:
            self._is_up, self._is_surplus = False, False
            try:
                await self._serve(await self._dial())
            except _Reconnect:
                attempt = 0
                continue
            except Exception as error:  # Whatever ends a connection, the next one resumes.
                self._report(error)
            if self._closed is not None:
                return
            attempt = 0 if self._is_up else attempt + 1
            self._is_up = False
            await self._pause(SURPLUS_AWAY if self._is_surplus else 0.1 + random.random() * min(30.0, 0.5 * 2**attempt))

    async def _pause(self, seconds: float) -> None:
        """Before the next connection. A connection that gave way comes back earlier when somebody calls `open`."""
        self._wake.clear()
        if not self._is_surplus:
            await asyncio.sleep(seconds)
            return
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    async def _dial(self) -> Link:
        made = self._token() if callable(self._token) else self._token
        token = await made if inspect.isawaitable(made) else made
        return await Link.open(address(self._url, self.session, self._name), token, HANDSHAKE_WITHIN)

    async def _serve(self, link: Link) -> None:
        now = time.monotonic()
        self._owed_by, self._renew_at, self._moved_at = now + HANDSHAKE_WITHIN, now + RENEW_AFTER, now
        reader = asyncio.create_task(self._read(link))
        try:
            await self._send(link, self._connect_frame())
            while self._closed is None:
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
            self._moved_at = self._heard_at = time.monotonic()
            self._owed_by = NEVER
            if frame is not None:
                self._receive(frame)
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
        if not self._is_up:
            return
        if self._renew_at <= now:
            raise _Reconnect
        for frame in self._requests.take_due(now):
            await self._send(link, frame)
        if self._catch_up_at() <= now:
            await self._send(link, self._connect_frame())
        if self._moved_at + PING_AFTER <= now:
            await self._send(link, {"type": "ping"})

    def _next_due(self) -> float:
        if not self._is_up:
            return self._owed_by
        return min(
            self._owed_by, self._renew_at, self._requests.next_due, self._catch_up_at(), self._moved_at + PING_AFTER
        )

    def _catch_up_at(self) -> float:
        """When to ask for events: after a hole, or after silence where an event is expected."""
        waits = self.active_turn is not None or any(one.is_pending for one in self._messages.values())
        probe = max(self._heard_at, self._resume_at - RESUME_AGAIN) + PROBE_AFTER if waits else NEVER
        return min(self._resume_at, probe) if self._sequence.is_behind else probe

    def _connect_frame(self) -> Frame:
        cursor, now = self._sequence.cursor, time.monotonic()
        self._resumes = self._resumes + 1 if cursor == self._resumed_from else 0
        self._resumed_from = -1 if cursor is None else cursor
        self._resume_at = now + min(RESUME_AT_MOST, RESUME_AGAIN * 2**self._resumes)
        resume = {"lane": self._lane, "after_seq": cursor}
        fields = {**self._hello, "resume": _given(resume) or None}
        return {"type": "connect", "session_id": self.session, **_given(fields)}

    # What comes.

    def _receive(self, frame: Frame) -> None:
        kind = frame["type"]
        if "seq" in frame:
            self._hand_on(self._sequence.take(frame))
        elif kind == "session_start":
            self._start(frame)
        elif kind == "connected":
            # Events that are still missing were lost, unless the request brought nothing.
            if self._sequence.cursor != self._resumed_from:
                self._resume_at = 0.0
        elif kind == "accepted":
            self._settle(frame["id"], "queued" if frame["placement"] == "queued" else "accepted", turn=frame["turn_id"])
        elif kind == "cancelled":
            for one in frame["ids"]:
                self._settle(one, "cancelled", MessageRefused("CANCELLED", frame.get("reason", "")))
        elif kind == "history":
            self._page_came(frame)
        elif kind == "history_gap":
            self._gap(frame)
        elif kind == "error":
            self._refused(frame)

    def _start(self, frame: Frame) -> None:
        first = not self._is_up
        self._is_up = True
        self.limits = frame["limits"]
        if first:
            self._requests.start_over()
            if callable(self._token) and "token_expires_in_ms" in frame:
                in_time = frame["token_expires_in_ms"] / 1000 - RENEW_BEFORE_EXPIRY
                self._renew_at = min(self._renew_at, time.monotonic() + max(60.0, in_time))
        cursor, last, active = self._sequence.cursor, frame["last_seq"], frame.get("active_turn")
        if cursor is not None and last < cursor:
            # A new session under the id of one that was deleted or has expired.
            self._log.finish(EventsExpired())
            self._sequence.start_over()
            cursor = None
        self._adopt(frame["lane"])
        self._sequence.heard = max(self._sequence.heard, last)
        self.active_turn = active["turn_id"] if active else self.active_turn
        if cursor is None:
            self._resume_at = 0.0
            self._hand_on(self._sequence.begin_after(active["first_seq"] - 1 if active else last))
            if frame["message_count"] > 0 or last > 0:
                self._ask_page()

    def _adopt(self, lane: str) -> None:
        if lane == self._lane:
            return
        if self._lane is not None:
            for message in list(self._messages.values()):
                # Only the lost lane knew it.
                if message.is_pending and message.order is not None:
                    lost = MessageRefused("LANE_LOST", "The connection that carried it is gone. It may not have arrived.", True)
                    self._settle(message.id, "rejected", lost)
        self._lane, self._orders = lane, 0

    def _hand_on(self, events: list[Frame]) -> None:
        for event in events:
            kind, turn = event["type"], event["turn_id"]
            self.active_turn = None if kind in ENDS else turn
            if kind == "applied":
                for one in event["messages"]:
                    self._settle(one["id"], "applied", turn=turn)
            elif kind == "approval_resolved":
                self._requests.close(f"approval {event['request_id']}")
            elif kind == "tool_result":
                self._requests.close(f"output {event['id']}")
            elif kind == "tool_output_request" and event["lane"] == self._lane:
                self._run_tool(event)
            if self._abort_of is not None and (turn != self._abort_of or kind in ENDS):
                self._abort_of = None
                self._requests.close("abort")
        self._log.add(events)

    def _settle(self, one: str, status: Any, refusal: Optional[MessageRefused] = None, turn: Optional[str] = None) -> None:
        message = self._messages.get(one)
        if message is None:
            return
        # The answer to a repeat can come after what became of the message.
        if message.is_pending or status == "applied":
            message.turn_id = turn or message.turn_id
            if message._become(status, refusal) and self._on_message:
                self._on_message(message)
        self._requests.close(f"message {one}")
        if not message.is_pending:
            self._requests.close(f"cancel {one}")
            # A refusal may not be final: a repeat that was in transit can still be applied.
            if status != "rejected":
                del self._messages[one]

    def _refused(self, frame: Frame) -> None:
        code, one = frame["code"], frame.get("id", "")
        if code == "TOKEN_EXPIRED":
            raise _Reconnect
        if code == "RATE_LIMITED":
            self._requests.hold(time.monotonic() + frame.get("retry_after_ms", 1000) / 1000)
        elif code == "TOO_MANY_CONNECTIONS":
            self._is_surplus = True
        elif code == "SESSION_DELETED" and not one:
            self._end(ClosedError(code, frame.get("message", "")))
        elif code == "NO_ACTIVE_TURN":
            self._requests.close("abort")
        elif code == "NOT_PENDING":
            self._requests.close(f"cancel {one}")
        elif code == "INVALID_APPROVAL_RESPONSE":
            self._requests.close(f"approval {one}")
        elif one in self._messages and code not in _TELLS_NOTHING:
            refusal = MessageRefused(code, frame.get("message", ""), frame["retryable"], frame.get("until"))
            self._settle(one, "rejected", refusal)
        if not one or one not in self._messages:
            self._report(ReplyError(frame))

    def _gap(self, frame: Frame) -> None:
        """Events after ours have expired: the transcript has their outcome, and the rest is replayed."""
        if frame["after_seq"] != self._sequence.cursor:
            return
        self._log.gap(frame, EventsExpired())
        self._hand_on(self._sequence.begin_after(frame["available_from"] - 1))
        self._ask_page()

    # What is sent until it is answered.

    def _ask(self, key: str, frame: Callable[[], Frame]) -> None:
        self._demand_open()
        self._requests.open(key, frame)
        self._wake.set()

    def _message_frame(self, message: Message) -> Frame:
        if message.order is None:
            self._orders += 1
            message.order = self._orders
        return message._frame()

    def _withdraw(self, message: Message) -> None:
        if message.status == "sending" and message.order is None:
            self._settle(message.id, "cancelled", MessageRefused("CANCELLED", "It was withdrawn before it was sent."))
        elif message.is_pending:
            self._ask(f"cancel {message.id}", lambda: {"type": "cancel", "id": message.id})

    def _ask_page(self) -> None:
        page: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        page.add_done_callback(self._take_page)
        self._pages.insert(0, page)
        self._ask("history", lambda: {"type": "history", "limit": 50})

    def _take_page(self, page: "asyncio.Future[Frame]") -> None:
        if page.cancelled() or page.exception():
            return
        self.entries = page.result()["entries"]
        for entry in self.entries:
            # What a turn applied while this client was away.
            if entry["role"] == "user":
                self._settle(entry["id"], "applied", turn=entry["turn_id"])

    def _page_came(self, frame: Frame) -> None:
        self._requests.close("history")
        if self._pages:
            page = self._pages.pop(0)
            if not page.done():
                page.set_result(frame)

    def _run_tool(self, event: Frame) -> None:
        tool = self.tools.get(event["tool"])
        if tool is None:
            return
        task = asyncio.create_task(self._answer(tool, event))
        self._running_tools.add(task)
        task.add_done_callback(self._running_tools.discard)

    async def _answer(self, tool: Tool, event: Frame) -> None:
        try:
            output = tool(event.get("arguments"))
            output = await output if inspect.isawaitable(output) else output
            # What cannot be sent would end each connection that it is sent on.
            size = _bytes_of(output)
            if size > MAX_TOOL_OUTPUT_BYTES:
                raise ValueError(f"The output has {size} bytes; the limit is {MAX_TOOL_OUTPUT_BYTES}.")
            answer: Frame = {"output": output}
        except Exception as error:  # The agent is told, and goes on.
            answer = {"error": (str(error) or type(error).__name__)[:2000]}
        frame = {"type": "tool_output", "request_id": event["request_id"], **answer}
        if self._closed is None:
            self._ask(f"output {event['tool_call_id']}", lambda: frame)

    # The end.

    def _demand_open(self) -> None:
        if self._closed is not None:
            raise self._closed

    def _end(self, error: MidturnError) -> None:
        if self._closed is not None:
            return
        self._closed = error
        self._log.finish(error)
        for message in self._messages.values():
            message._end(error)
        for page in self._pages:
            if not page.done():
                page.set_exception(error)
        self._wake.set()

    def _report(self, error: Exception) -> None:
        if self._on_error is not None:
            self._on_error(error)


def _given(fields: Frame) -> Frame:
    """Without the fields that have no value."""
    return {key: value for key, value in fields.items() if value is not None}


def _bytes_of(value: Any) -> int:
    """Of its JSON. Raises what `json` raises for a value that has none."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return len(text.encode("utf-8", "replace"))
