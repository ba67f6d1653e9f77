"""This client under the conformance kit: `midturn-conformance client -- python3 clients/python/conformance_driver.py`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Optional

from midturn import Chat, ClosedError, ContentError, Message


def tell(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


class Driver:
    def __init__(self) -> None:
        self.chat: Optional[Chat] = None
        self.messages: dict[str, Message] = {}
        self.tools: dict[str, Any] = {}
        self.reading: Optional[asyncio.Task[None]] = None

    def open(self, order: dict[str, Any]) -> None:
        tokens = iter(order.get("tokens", []))
        last: list[str] = []

        def token() -> str:
            last[:] = [next(tokens, *last)]
            return last[0]

        self.chat = Chat(
            order["url"],
            session=order["session"],
            token=token if order.get("tokens") else None,
            tools=self.tools,
            on_message=self.changed,
        )
        self.chat.open()
        self.reading = asyncio.create_task(self.follow(self.chat))

    async def follow(self, chat: Chat) -> None:
        try:
            async for event in chat.events():
                if event["type"] != "history_gap":
                    tell({"event": event})
        except ClosedError:
            pass

    def changed(self, message: Message) -> None:
        for name, one in self.messages.items():
            if one is message:
                code = {"code": message.refusal.code} if message.refusal else {}
                tell({"message": name, "status": message.status, **code})

    def send(self, order: dict[str, Any]) -> None:
        assert self.chat
        try:
            self.messages[order["name"]] = self.chat.send(order["content"], delivery=order.get("delivery", "steer"))
        except ContentError as error:
            tell({"message": order["name"], "status": "rejected", "code": error.code})

    def run_tool(self, order: dict[str, Any]) -> None:
        tool = self.chat.tools if self.chat else self.tools
        tool[order["tool"]] = lambda _arguments: order["output"]

    async def take(self, order: dict[str, Any]) -> None:
        do = order["do"]
        if do == "open":
            self.open(order)
        elif do == "send":
            self.send(order)
        elif do == "run_tool":
            self.run_tool(order)
        elif do == "cancel":
            self.messages[order["name"]].cancel()
        elif do == "abort" and self.chat:
            self.chat.abort()
        elif do == "approve" and self.chat:
            self.chat.approve(order["request_id"], order["decision"])


async def main() -> None:
    driver = Driver()
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tell({"ready": True})
    while line := await lines.readline():
        order = json.loads(line)
        if order["do"] == "close":
            break
        await driver.take(order)
    if driver.chat:
        await driver.chat.close()


asyncio.run(main())
