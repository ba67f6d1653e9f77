"""What a client raises. Each error has the code of the protocol, or one of its own."""

from __future__ import annotations

from typing import Any, Optional

Frame = dict[str, Any]


class MidturnError(Exception):
    """Base of all errors. `code` is a code of docs/protocol.md, section 10.2, or one that begins with `CLIENT_`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class ClosedError(MidturnError):
    """The chat is closed, by `close()` or because its session was deleted."""

    def __init__(self, code: str = "CLIENT_CLOSED", message: str = "The chat is closed.") -> None:
        super().__init__(code, message)


class ContentError(MidturnError):
    """The content of a message is empty, or has more bytes than the server takes. It was not sent."""


class MessageRefused(MidturnError):
    """The message was rejected by the server, or withdrawn (`code` is `CANCELLED`). No turn has it."""

    def __init__(self, code: str, message: str, retryable: bool = False, until: Optional[int] = None) -> None:
        super().__init__(code, message)
        self.retryable = retryable
        #: With `BUDGET_EXCEEDED`: when the next budget begins, in milliseconds since the epoch.
        self.until = until


class TurnFailed(MidturnError):
    """The turn ended by an error. The text that it had sent stays. `event` is its last event."""

    def __init__(self, event: Frame) -> None:
        super().__init__(event["code"], event.get("message", ""))
        self.event = event


class ReplyError(MidturnError):
    """The server refused a request. `frame` is its answer."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame["code"], frame.get("message", ""))
        self.frame = frame


class EventsExpired(MidturnError):
    """Events were missed that the server does not have any more. `history()` has their outcome."""

    def __init__(self) -> None:
        super().__init__("CLIENT_EVENTS_EXPIRED", "Events have expired; the transcript has their outcome.")
