"""A connection that is kept, in a time that passes only when nothing else happens."""

from __future__ import annotations

import asyncio
import selectors
import unittest
from typing import Any, Awaitable, Callable, Optional
from unittest.mock import patch

from midturn.connection import Connection, Reconnect


class Selector(selectors.SelectSelector):
    """Waits for nothing: the time until the next timer passes at once."""

    now = 1000.0

    def select(self, timeout: Optional[float] = None) -> Any:
        if timeout is not None:
            self.now += max(0.0, timeout)
        return super().select(0)


class Link:
    def __init__(self, given: "Given") -> None:
        self.given = given
        self.opened_at = given.now
        self.sent: list[tuple[float, str]] = []
        self.closed_at: Optional[float] = None
        self.answers: "asyncio.Queue[Any]" = asyncio.Queue()

    async def send(self, frame: dict[str, Any]) -> None:
        self.sent.append((self.given.now - self.opened_at, frame["type"]))
        if frame["type"] in self.given.answered:
            self.answers.put_nowait({"type": self.given.answered[frame["type"]]})

    async def receive(self) -> Any:
        got = await self.answers.get()
        if isinstance(got, Exception):
            raise got
        return got

    async def close(self) -> None:
        self.closed_at = self.given.now - self.opened_at


class Given:
    """A connection whose server answers these frames by those."""

    def __init__(self, selector: Selector, **answered: str) -> None:
        self.selector = selector
        self.answered: dict[str, str] = answered
        self.links: list[Link] = []
        self.errors: list[str] = []
        self.due: list[dict[str, Any]] = []
        self.next = float("inf")
        self.on_frame: Callable[[dict[str, Any]], None] = lambda _: None
        self.refused = False
        self.dialled = asyncio.Event()
        self.connection = Connection(self.dial, self)  # type: ignore[arg-type]

    @property
    def now(self) -> float:
        return self.selector.now

    async def dial(self) -> Any:
        self.links.append(Link(self))
        self.dialled.set()
        if self.refused:
            raise ConnectionError("refused")
        return self.links[-1]

    def connect_frame(self) -> dict[str, Any]:
        return {"type": "connect"}

    def receive(self, frame: dict[str, Any]) -> None:
        self.on_frame(frame)

    def take_due(self, now: float) -> list[dict[str, Any]]:
        due, self.due = self.due, []
        self.next = self.next if now < self.next else float("inf")
        return due

    def next_due(self) -> float:
        return self.next

    def report(self, error: Exception) -> None:
        self.errors.append(str(error))

    async def until(self, links: int) -> None:
        while len(self.links) < links:
            self.dialled.clear()
            await self.dialled.wait()

    def pauses(self) -> list[float]:
        """Between the end of a connection and the next one."""
        return [
            round(after.opened_at - before.opened_at - (before.closed_at or 0.0), 1)
            for before, after in zip(self.links, self.links[1:])
        ]


UP = {"connect": "session_start", "ping": "pong"}


class AConnection(unittest.TestCase):
    def played(self, play: Callable[[Given], Awaitable[None]], **answered: str) -> Given:
        selector = Selector()
        loop = asyncio.SelectorEventLoop(selector)
        with patch.object(loop, "time", lambda: selector.now), patch("time.monotonic", lambda: selector.now):
            with patch("random.random", return_value=0.5):

                async def main() -> Given:
                    given = Given(selector, **answered)
                    given.connection.open()
                    await play(given)
                    await given.connection.close()
                    return given

                try:
                    return loop.run_until_complete(main())
                finally:
                    loop.close()

    def test_begins_with_connect_and_sends_nothing_else_before_the_session_has_begun(self) -> None:
        async def play(given: Given) -> None:
            given.due = [{"type": "message"}]
            await asyncio.sleep(1)
            self.assertEqual([kind for _, kind in given.links[0].sent], ["connect"])
            self.assertFalse(given.connection.is_up)
            given.links[0].answers.put_nowait({"type": "session_start"})
            await asyncio.sleep(1)
            self.assertEqual([kind for _, kind in given.links[0].sent], ["connect", "message"])
            self.assertTrue(given.connection.is_up)

        given = self.played(play, message="accepted")
        self.assertEqual((len(given.links), given.errors), (1, []))
        self.assertIsNotNone(given.links[0].closed_at)

    def test_whose_session_does_not_begin_in_15_seconds_is_dead(self) -> None:
        async def play(given: Given) -> None:
            await given.until(2)

        given = self.played(play)
        self.assertAlmostEqual(given.links[0].closed_at or 0, 15, delta=0.1)
        self.assertEqual(given.errors[:1], ["The server does not answer."])

    def test_that_is_idle_is_pinged_each_5_minutes_and_renewed_after_100(self) -> None:
        async def play(given: Given) -> None:
            await given.until(2)

        given = self.played(play, **UP)
        pings = [at for at, kind in given.links[0].sent if kind == "ping"]
        self.assertEqual(len(pings), 19)
        self.assertAlmostEqual(pings[0], 300, delta=1)
        self.assertAlmostEqual(given.links[0].closed_at or 0, 6000, delta=1)
        self.assertEqual((given.pauses(), given.errors), ([0.0], []))

    def test_on_which_a_frame_is_not_answered_in_15_seconds_is_dead_and_dialled_again_soon(self) -> None:
        for kind, is_dead in (("ping", True), ("message", True), ("abort", False), ("approval_response", False), ("tool_output", False)):

            async def play(given: Given, kind: str = kind) -> None:
                await asyncio.sleep(10)
                given.due = [{"type": kind}]
                given.connection.attend()
                await asyncio.sleep(14.9)
                self.assertIsNone(given.links[0].closed_at)
                await asyncio.sleep(1)

            given = self.played(play, connect="session_start")
            self.assertEqual(len(given.links) == 2, is_dead, kind)
            if is_dead:
                self.assertAlmostEqual(given.links[0].closed_at or 0, 25, delta=0.1)
                # A tenth of a second, and half of the first limit.
                self.assertAlmostEqual(given.pauses()[0], 0.35, delta=0.06)

    def test_sends_what_is_due_when_it_is_due(self) -> None:
        async def play(given: Given) -> None:
            await asyncio.sleep(1)
            given.next = given.now + 20
            given.connection.attend()
            await asyncio.sleep(19)
            given.due = [{"type": "message"}]
            await asyncio.sleep(2)

        given = self.played(play, **UP, message="accepted")
        self.assertAlmostEqual(given.links[0].sent[-1][0], 21, delta=0.1)

    def test_that_cannot_be_had_is_tried_again_after_pauses_that_double_up_to_30_seconds(self) -> None:
        async def play(given: Given) -> None:
            given.refused = True
            await given.until(9)

        given = self.played(play)
        pauses = [after.opened_at - before.opened_at for before, after in zip(given.links, given.links[1:])]
        for pause, limit in zip(pauses, (1, 2, 4, 8, 16, 30, 30)):
            self.assertAlmostEqual(pause, 0.1 + limit / 2, delta=0.06)
        self.assertEqual(given.errors[0], "refused")

    def test_that_was_up_is_tried_again_soon_however_long_the_pauses_were_before(self) -> None:
        async def play(given: Given) -> None:
            given.refused = True
            await given.until(5)
            given.refused = False
            await given.until(6)
            await asyncio.sleep(1)
            given.links[-1].answers.put_nowait(ConnectionError("gone"))
            await given.until(7)

        given = self.played(play, **UP)
        self.assertAlmostEqual(given.pauses()[-1], 0.35, delta=0.06)
        self.assertEqual(given.errors[-1], "gone")

    def test_that_is_of_no_more_use_is_replaced_at_once(self) -> None:
        async def play(given: Given) -> None:
            await asyncio.sleep(1)

            def leave(frame: dict[str, Any]) -> None:
                if frame["type"] == "error":
                    raise Reconnect

            given.on_frame = leave
            given.links[0].answers.put_nowait({"type": "error"})
            await given.until(2)

        given = self.played(play, **UP)
        self.assertEqual((given.pauses(), given.errors), ([0.0], []))

    def test_is_renewed_before_its_token_ends_but_not_more_than_once_a_minute(self) -> None:
        for seconds, at in ((500, 501), (1, 61), (-30, 61), (9000, 6000)):

            async def play(given: Given, seconds: float = seconds) -> None:
                await asyncio.sleep(1)
                given.connection.renew_in(seconds)
                given.connection.attend()
                await given.until(2)

            given = self.played(play, **UP)
            self.assertAlmostEqual(given.links[0].closed_at or 0, at, delta=1)

    def test_that_gave_way_stays_away_for_15_minutes_or_until_it_is_wanted(self) -> None:
        for is_wanted, pause in ((False, 900), (True, 100)):

            async def play(given: Given, is_wanted: bool = is_wanted) -> None:
                await asyncio.sleep(1)
                given.connection.give_way()
                given.links[0].answers.put_nowait(ConnectionError("closed"))
                await asyncio.sleep(100)
                if is_wanted:
                    given.connection.open()
                await given.until(2)
                await asyncio.sleep(1)
                # A later loss is an ordinary one.
                given.links[1].answers.put_nowait(ConnectionError("closed"))
                await given.until(3)

            given = self.played(play, **UP)
            self.assertAlmostEqual(given.pauses()[0], pause, delta=1)
            self.assertLess(given.pauses()[1], 1)

    def test_ends_with_close_and_with_end(self) -> None:
        async def play(given: Given) -> None:
            await asyncio.sleep(1)
            given.connection.end()
            await asyncio.sleep(1)
            self.assertIsNotNone(given.links[0].closed_at)
            await asyncio.sleep(10_000)

        given = self.played(play, **UP)
        self.assertEqual((len(given.links), given.errors), (1, []))


if __name__ == "__main__":
    unittest.main()
