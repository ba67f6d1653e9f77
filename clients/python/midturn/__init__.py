"""A client of Midturn: turns of an AI agent over a WebSocket, which can be steered while they stream.

    async with Chat("wss://…/stage", session="trip") as chat:
        message = chat.send("Plan my day.")
        async for event in message.events():
            if event["type"] == "chunk":
                print(event["content"], end="", flush=True)
"""

from .chat import Chat
from .errors import (
    ClosedError,
    ContentError,
    EventsExpired,
    MessageRefused,
    MidturnError,
    ReplyError,
    TurnFailed,
)
from .message import Message

__all__ = [
    "Chat",
    "ClosedError",
    "ContentError",
    "EventsExpired",
    "Message",
    "MessageRefused",
    "MidturnError",
    "ReplyError",
    "TurnFailed",
]
