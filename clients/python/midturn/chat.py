"""One session, over a connection that is kept."""

from __future__ import annotations

import asyncio
import inspect
import secrets
import time
from typing import Any, AsyncIterator, Awaitable, Callable, Optional, Union

from .catch_up import CatchUp
from .connection import HANDSHAKE_WITHIN, Connection, Reconnect
from .errors import ClosedError, EventsExpired, Frame, MessageRefused, MidturnError, ReplyError
from .limits import check_message, check_tool_output
from .link import Link, address
from .message import Content, Delivery, Message
from .order import Sequence
from .outbox import Requests
from .pages import Page, Pages
from .streams import ENDS, EventLog

Token = Union[str, Callable[[], Union[str, Awaitable[str]]]]
#: Runs a tool that the agent leaves to the client: gets the arguments, gives the output. What it raises is the call's error.
Tool = Callable[[Any], Union[Any, Awaitable[Any]]]

#: In seconds: a connection is replaced so long before its token ends.
RENEW_BEFORE_EXPIRY = 30.0

#: Say nothing about what becomes of a message: it is sent again.
_TELLS_NOTHING = ("RATE_LIMITED", "TOKEN_EXPIRED", "INTERNAL")


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
        self._connection = Connection(self._dial, _Frames(self))
        self._catch_up = CatchUp()
        self._running_tools: set[asyncio.Task[None]] = set()
        self._pages = Pages()
        self._closed: Optional[MidturnError] = None
        self._abort_of: Optional[str] = None

    async def __aenter__(self) -> "Chat":
        self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def open(self) -> None:
        """Connects, and stays connected, in the background. Also brings a connection back that had to give way to others."""
        self._demand_open()
        self._connection.open()

    async def close(self) -> None:
        """Closes the connection. The turn goes on at the server. Readers and waiting messages get a `ClosedError`."""
        self._end(ClosedError())
        await self._connection.close()
        await asyncio.gather(*self._running_tools, return_exceptions=True)

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
        check_message(content, options, self.limits)
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
        page = Page(before, limit)
        self._ask_page(page)
        return await page.came

    # The connection.

    async def _dial(self) -> Link:
        made = self._token() if callable(self._token) else self._token
        token = await made if inspect.isawaitable(made) else made
        return await Link.open(address(self._url, self.session, self._name), token, HANDSHAKE_WITHIN)

    def _catch_up_at(self) -> float:
        waits = self.active_turn is not None or any(one.is_pending for one in self._messages.values())
        return self._catch_up.due_at(
            is_behind=self._sequence.is_behind, waits=waits, heard_at=self._connection.heard_at
        )

    def _connect_frame(self) -> Frame:
        cursor = self._sequence.cursor
        self._catch_up.asked(cursor)
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
            self._catch_up.answered(self._sequence.cursor)
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
        self.limits = frame["limits"]
        if not self._connection.is_up:
            self._requests.start_over()
            if callable(self._token) and "token_expires_in_ms" in frame:
                self._connection.renew_in(frame["token_expires_in_ms"] / 1000 - RENEW_BEFORE_EXPIRY)
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
            self._catch_up.start_over()
            self._hand_on(self._sequence.begin_after(active["first_seq"] - 1 if active else last))
            if frame["message_count"] > 0 or last > 0:
                self._ask_newest_page()

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
            if message.status != "rejected":
                del self._messages[one]

    def _refused(self, frame: Frame) -> None:
        code, one = frame["code"], frame.get("id", "")
        if code == "TOKEN_EXPIRED":
            raise Reconnect
        if code == "RATE_LIMITED":
            self._requests.hold(time.monotonic() + frame.get("retry_after_ms", 1000) / 1000)
        elif code == "TOO_MANY_CONNECTIONS":
            self._connection.give_way()
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
        self._ask_newest_page()

    # What is sent until it is answered.

    def _ask(self, key: str, frame: Callable[[], Frame]) -> None:
        self._demand_open()
        self._requests.open(key, frame)
        self._connection.attend()

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

    def _ask_page(self, page: Page) -> None:
        self._pages.add(page)
        if self._pages.next is page:
            self._ask_for(page)

    def _ask_for(self, page: Page) -> None:
        self._ask("history", lambda: page.frame)

    def _page_came(self, frame: Frame) -> None:
        if not self._pages.take(frame):
            return
        self._requests.close("history")
        following = self._pages.next
        if following is not None:
            self._ask_for(following)

    def _ask_newest_page(self) -> None:
        page = Page(None, 50)
        page.came.add_done_callback(self._take_newest_page)
        self._ask_page(page)

    def _take_newest_page(self, came: "asyncio.Future[Frame]") -> None:
        if came.cancelled() or came.exception():
            return
        self.entries = came.result()["entries"]
        for entry in self.entries:
            # What a turn applied while this client was away.
            if entry["role"] == "user":
                self._settle(entry["id"], "applied", turn=entry["turn_id"])

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
            check_tool_output(output)
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
        self._pages.end(error)
        self._connection.end()

    def _report(self, error: Exception) -> None:
        if self._on_error is not None:
            self._on_error(error)


class _Frames:
    """What the connection asks of its chat."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.connect_frame = chat._connect_frame
        self.receive = chat._receive
        self.report = chat._report

    def take_due(self, now: float) -> list[Frame]:
        frames = self._chat._requests.take_due(now)
        return [*frames, self._chat._connect_frame()] if self._chat._catch_up_at() <= now else frames

    def next_due(self) -> float:
        return min(self._chat._requests.next_due, self._chat._catch_up_at())


def _given(fields: Frame) -> Frame:
    """Without the fields that have no value."""
    return {key: value for key, value in fields.items() if value is not None}
