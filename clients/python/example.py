"""Asks for something, and changes its mind while the answer streams: python3 example.py ws://127.0.0.1:8787/local [token]"""

import asyncio
import sys

from midturn import Chat, MidturnError


async def main(url: str, token: str | None = None) -> None:
    async with Chat(url, token=token) as chat:
        first = chat.send("Plan a dinner for two, please.")
        steering = None
        async for event in first.events():
            if event["type"] == "chunk":
                print(event["content"], end="", flush=True)
                steering = steering or chat.send("Nothing with onions!")
            elif event["type"] == "applied" and event["step"] > 1:
                print(f"\n\n> {event['messages'][0]['content']}\n")
            elif event["type"] == "done":
                print(f"\n\n{event['steps']} model calls.")
        page = await chat.history()
        print(f"The transcript has {len(page['entries'])} entries.")


try:
    asyncio.run(main(*sys.argv[1:]))
except MidturnError as error:
    sys.exit(str(error))
