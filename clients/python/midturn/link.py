"""One WebSocket: the handshake with its token, and frames as JSON."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Optional
from urllib.parse import quote

import websockets

Frame = dict[str, Any]

#: The characters of a subprotocol (RFC 9110, token).
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)

#: The server never sends more than 32 KB in a frame; API Gateway takes messages of up to 128 KB.
_MAX_BYTES = 131_072


def protocols(token: Optional[str]) -> list[str]:
    """The subprotocols to offer. URLs end up in logs, so the token is one of them (docs/protocol.md, 4.1.6, 4.1.10)."""
    if not token:
        return ["midturn.v1"]
    if _TOKEN.fullmatch(token):
        return ["midturn.v1", f"bearer.{token}"]
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    return ["midturn.v1", f"bearer64.{encoded}"]


def address(url: str, session: str, name: Optional[str]) -> str:
    query = f"session_id={quote(session, safe='')}" + (f"&name={quote(name, safe='')}" if name else "")
    return f"{url}{'&' if '?' in url else '?'}{query}"


class Link:
    """An open connection."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    @classmethod
    async def open(cls, url: str, token: Optional[str], timeout: float) -> "Link":
        # Its type differs between the versions of the library that this client runs with (10.4 and later).
        connect: Any = getattr(websockets, "connect")
        socket = await connect(
            url,
            subprotocols=protocols(token),
            max_size=_MAX_BYTES,
            open_timeout=timeout,
            close_timeout=1,
            # API Gateway does not forward control frames: the protocol has a `ping` of its own (7.4.1).
            ping_interval=None,
        )
        return cls(socket)

    async def send(self, frame: Frame) -> None:
        text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
        # Half a surrogate pair has no form on the wire: "?" takes its place.
        await self._socket.send(text.encode("utf-8", "replace").decode())

    async def receive(self) -> Optional[Frame]:
        """The next frame; None for a text that is none (docs/protocol.md, 3.1.7). Raises when the connection ends."""
        text = await self._socket.recv()
        try:
            frame = json.loads(text)
        except ValueError:
            return None
        return frame if isinstance(frame, dict) and isinstance(frame.get("type"), str) else None

    async def close(self) -> None:
        await self._socket.close()
