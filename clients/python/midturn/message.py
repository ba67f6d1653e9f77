"""A message that was sent, and what becomes of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, AsyncIterator, Literal, Optional, Union

from .errors import Frame, MessageRefused, MidturnError, TurnFailed
from .streams import ENDS

if TYPE_CHECKING:
    from .chat import Chat

Content = Union[str, list[dict[str, Any]]]
Delivery = Literal["steer", "queue", "now"]
Status = Literal["sending", "accepted", "queued", "applied", "cancelled", "rejected"]

PENDING = ("sending", "accepted", "queued")


class Message:
    """A message of this client. `status` is where it is: see docs/protocol.md, 6.10."""

    def __init__(self, chat: "Chat", message_id: str, content: Content, delivery: Delivery, options: Optional[Frame]) -> None:
        self._chat = chat
        self.id = message_id
        self.content = content
        self.delivery = delivery
        self.options = options
        self.status: Status = "sending"
        #: With `rejected` and `cancelled`: why.
        self.refusal: Optional[MessageRefused] = None
        self.turn_id: Optional[str] = None
        #: Its count on the lane, set when it is first sent.
        self.order: Optional[int] = None
        self._applied: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Nobody has to wait for it.
        self._applied.add_done_callback(lambda future: future.cancelled() or future.exception())

    @property
    def is_pending(self) -> bool:
        return self.status in PENDING

    async def applied(self) -> None:
        """Returns when a turn has applied the message. Raises `MessageRefused` when none will, `ClosedError` at the chat's end."""
        await asyncio.shield(self._applied)

    async def events(self) -> AsyncIterator[Frame]:
        """The answer: the events of the turn that applies the message, from there to the turn's end.

        Raises `MessageRefused`, `TurnFailed`, `EventsExpired`, `ClosedError`.
        """
        turn: Optional[str] = None
        async for event in self._chat._log.of_answer(self._applied):
            if event["type"] == "applied" and any(one["id"] == self.id for one in event["messages"]):
                turn = event["turn_id"]
            if turn is None or event["turn_id"] != turn:
                continue
            if event["type"] == "error":
                raise TurnFailed(event)
            yield event
            if event["type"] in ENDS:
                return

    def cancel(self) -> None:
        """Withdraws it, unless a turn has applied it already."""
        self._chat._withdraw(self)

    def _frame(self) -> Frame:
        frame: Frame = {"type": "message", "id": self.id, "content": self.content, "order": self.order}
        if self.delivery != "steer":
            frame["delivery"] = self.delivery
        if self.options is not None:
            frame["options"] = self.options
        return frame

    def _become(self, status: Status, refusal: Optional[MessageRefused] = None) -> bool:
        """Returns whether the status has changed. What a turn has applied stays so."""
        if status == self.status or self.status == "applied" or (not self.is_pending and status != "applied"):
            return False
        self.status, self.refusal = status, refusal
        if not self._applied.done():
            if status == "applied":
                self._applied.set_result(None)
            elif refusal is not None:
                self._applied.set_exception(refusal)
        return True

    def _end(self, error: MidturnError) -> None:
        if not self._applied.done():
            self._applied.set_exception(error)
