"""The parts of the client that decide what is sent and handed on, without a connection."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any, Optional
from unittest.mock import patch

from midturn.catch_up import CatchUp
from midturn.errors import ClosedError, ContentError, EventsExpired
from midturn.limits import bytes_of, check_message, check_tool_output
from midturn.link import Link, address, protocols
from midturn.order import Sequence
from midturn.outbox import NEVER, Requests, backoff
from midturn.pages import Page, Pages
from midturn.streams import EventLog


def event(seq: int, turn: str = "t1", kind: str = "chunk") -> dict[str, Any]:
    return {"type": kind, "seq": seq, "turn_id": turn}


class Events(unittest.TestCase):
    """P9: each once, in order."""

    def given(self, after: Optional[int] = 0) -> Sequence:
        sequence = Sequence()
        if after is not None:
            sequence.begin_after(after)
        return sequence

    def seqs(self, events: list[dict[str, Any]]) -> list[int]:
        return [one["seq"] for one in events]

    def test_are_handed_on_as_far_as_there_is_no_hole(self) -> None:
        sequence = self.given()
        self.assertEqual(self.seqs(sequence.take(event(1))), [1])
        self.assertEqual(sequence.take(event(3)), [])
        self.assertEqual((sequence.cursor, sequence.heard, sequence.is_behind), (1, 3, True))
        self.assertEqual(sequence.take(event(1)), [])
        self.assertEqual(self.seqs(sequence.take(event(2))), [2, 3])
        self.assertEqual(sequence.take(event(3)), [])
        self.assertFalse(sequence.is_behind)

    def test_wait_until_it_is_known_where_they_begin(self) -> None:
        sequence = self.given(None)
        for seq in (2, 5, 4):
            self.assertEqual(sequence.take(event(seq)), [])
        self.assertFalse(sequence.is_behind)
        self.assertEqual(self.seqs(sequence.begin_after(3)), [4, 5])
        self.assertEqual((sequence.cursor, sequence.heard), (5, 5))

    def test_of_before_the_beginning_are_not_kept(self) -> None:
        sequence = self.given(None)
        sequence.take(event(2))
        sequence.begin_after(3)
        sequence.start_over()
        self.assertEqual((sequence.cursor, sequence.heard, sequence.is_behind), (None, 0, False))
        self.assertEqual(sequence.begin_after(1), [])

    def test_that_are_ahead_are_kept_up_to_a_thousand_the_nearest_of_them(self) -> None:
        for order in (1, -1):
            sequence = self.given()
            for seq in list(range(2, 1003))[::order]:
                sequence.take(event(seq))
            self.assertIn(len(sequence.take(event(1))), (1000, 1001))
            self.assertIn((sequence.cursor, sequence.heard), ((1000, 1002), (1001, 1002)))


class WhatIsAsked(unittest.TestCase):
    """P10: until it is answered."""

    def given(self, *keys: str) -> Requests:
        requests = Requests()
        for key in keys:
            requests.open(key, lambda key=key: {"type": key})
        return requests

    def due(self, requests: Requests, now: float) -> list[str]:
        return [frame["type"] for frame in requests.take_due(now)]

    def test_is_sent_at_once_then_after_growing_pauses(self) -> None:
        requests = self.given("a")
        self.assertEqual(requests.next_due, 0)
        now, pauses = 100.0, []
        for _ in range(6):
            self.assertEqual(self.due(requests, now), ["a"])
            pause = requests.next_due - now
            self.assertEqual(self.due(requests, now + pause - 0.001), [])
            now += pause
            pauses.append(pause)
        self.assertEqual(pauses, [5, 10, 20, 30, 30, 30])

    def test_is_sent_in_the_order_in_which_it_was_asked_and_no_more_once_it_is_answered(self) -> None:
        requests = self.given("b", "a", "c")
        requests.close("a")
        self.assertEqual([requests.is_open(key) for key in "abc"], [False, True, True])
        self.assertEqual(self.due(requests, 0), ["b", "c"])
        requests.close("b")
        requests.close("c")
        self.assertEqual((self.due(requests, 1000), requests.next_due), ([], NEVER))

    def test_anew_is_sent_at_once_and_so_is_all_on_a_new_connection(self) -> None:
        requests = self.given("a", "b")
        for now in (0, 5, 15):
            self.due(requests, now)
        requests.open("a", lambda: {"type": "a2"})
        self.assertEqual(self.due(requests, 16), ["a2"])
        self.assertEqual(requests.next_due, 21)
        requests.start_over()
        self.assertEqual(self.due(requests, 17), ["a2", "b"])
        self.assertEqual(requests.next_due, 22)

    def test_is_not_sent_before_the_end_of_a_limit_the_longest_of_several(self) -> None:
        requests = self.given("a")
        self.due(requests, 100)
        requests.hold(120)
        requests.hold(110)
        requests.open("b", lambda: {"type": "b"})
        self.assertEqual(requests.next_due, 120)
        self.assertEqual(self.due(requests, 119.9), [])
        requests.start_over()
        self.assertEqual(self.due(requests, 119.9), [])
        self.assertEqual(self.due(requests, 120), ["a", "b"])

    def test_pauses_have_an_end_however_often_they_doubled(self) -> None:
        self.assertEqual([backoff(2, n, 30) for n in (0, 1, 3, 4, 5000)], [2, 4, 16, 30, 30])
        self.assertEqual(backoff(1, 31, 1e12), 2.0**30)


class MissingEvents(unittest.TestCase):
    def due_in(self, catch_up: CatchUp, now: float, **more: Any) -> float:
        return catch_up.due_at(**{"is_behind": True, "waits": False, "heard_at": now, **more}) - now

    def test_are_asked_for_at_once_then_after_growing_pauses_anew_after_progress(self) -> None:
        catch_up = CatchUp()
        self.assertLessEqual(self.due_in(catch_up, 100), 0)
        pauses = []
        for cursor in (7, 7, 7, 7, 7, 7, 8):
            with patch("time.monotonic", return_value=100.0):
                catch_up.asked(cursor)
            pauses.append(self.due_in(catch_up, 100))
        self.assertEqual(pauses, [2, 4, 8, 16, 30, 30, 2])

    def test_are_due_at_once_when_an_answer_brought_some_and_not_all(self) -> None:
        for cursor, is_due in ((7, False), (8, True)):
            catch_up = CatchUp()
            with patch("time.monotonic", return_value=100.0):
                catch_up.asked(7)
            catch_up.answered(cursor)
            self.assertEqual(self.due_in(catch_up, 100) <= 0, is_due)

    def test_silence_is_asked_about_where_an_event_is_expected(self) -> None:
        catch_up = CatchUp()
        self.assertEqual(self.due_in(catch_up, 100, is_behind=False), NEVER)
        self.assertEqual(self.due_in(catch_up, 100, is_behind=False, waits=True), 15)
        with patch("time.monotonic", return_value=110.0):
            catch_up.asked(7)
        self.assertEqual(self.due_in(catch_up, 100, is_behind=False, waits=True), 25)
        self.assertEqual(self.due_in(catch_up, 100, waits=True), 12)


class Limits(unittest.TestCase):
    def code(self, content: Any, options: Any = None, **limits: int) -> Optional[str]:
        try:
            check_message(content, options, limits)
        except ContentError as error:
            return error.code
        return None

    def test_of_content_and_options_are_bytes_of_json_and_the_servers_own(self) -> None:
        for content, size in (("x" * 98, 100), ("€" * 32 + "xx", 100), ([{"type": "text", "text": "x" * 70}], 97)):
            self.assertEqual(bytes_of(content), size)
            self.assertIsNone(self.code(content, content_bytes=size))
            self.assertEqual(self.code(content, content_bytes=size - 1), "MESSAGE_TOO_LARGE")
        self.assertIsNone(self.code("x", {"a": "x" * 92}, options_bytes=100))
        self.assertEqual(self.code("x", {"a": "x" * 93}, options_bytes=100), "MESSAGE_TOO_LARGE")
        self.assertIsNone(self.code("x" * 24_574))
        self.assertEqual(self.code("x" * 24_575), "MESSAGE_TOO_LARGE")
        self.assertIsNone(self.code("x", {"a": "x" * 4088}))
        self.assertEqual(self.code("x", {"a": "x" * 4089}), "MESSAGE_TOO_LARGE")

    def test_content_that_is_blank_is_none(self) -> None:
        for content in ("", " \n\t", []):
            self.assertEqual(self.code(content), "EMPTY_CONTENT")
        self.assertIsNone(self.code([{"type": "image", "url": "https://a.test/b.png"}]))

    def test_of_an_output(self) -> None:
        check_tool_output("x" * 16_382)
        with self.assertRaises(ValueError):
            check_tool_output("x" * 16_383)
        for none in (float("nan"), float("inf"), object()):
            with self.assertRaises((ValueError, TypeError)):
                check_tool_output(none)
        self.assertEqual(bytes_of("\ud800"), 3)


class Socket:
    def __init__(self, *texts: str) -> None:
        self.texts, self.sent = list(texts), []

    async def recv(self) -> str:
        return self.texts.pop(0)

    async def send(self, text: str) -> None:
        self.sent.append(text)


class TheLink(unittest.IsolatedAsyncioTestCase):
    def test_has_the_token_in_a_form_that_a_header_can_have(self) -> None:
        self.assertEqual(protocols(None), ["midturn.v1"])
        self.assertEqual(protocols("a.b-c_d~"), ["midturn.v1", "bearer.a.b-c_d~"])
        self.assertEqual(protocols("a/b="), ["midturn.v1", "bearer64.YS9iPQ"])
        self.assertEqual(protocols("schlüssel"), ["midturn.v1", "bearer64.c2NobMO8c3NlbA"])

    def test_names_session_and_name_so_that_a_server_reads_them_as_they_are(self) -> None:
        self.assertEqual(address("wss://a.test/prod", "s/1&x", None), "wss://a.test/prod?session_id=s%2F1%26x")
        self.assertEqual(address("wss://a.test/?x=1", "s", "ä b"), "wss://a.test/?x=1&session_id=s&name=%C3%A4%20b")

    async def test_passes_over_what_is_no_frame(self) -> None:
        link = Link(Socket("{", "7", "[]", '{"a":1}', '{"type":7}', '{"type":"x"}'))
        got = [await link.receive() for _ in range(6)]
        self.assertEqual(got, [None] * 5 + [{"type": "x"}])

    async def test_sends_json_in_utf_8(self) -> None:
        socket = Socket()
        await Link(socket).send({"type": "message", "content": "€\ud800"})
        self.assertEqual(socket.sent, ['{"type":"message","content":"€?"}'])


class Readers(unittest.IsolatedAsyncioTestCase):
    async def read(self, events: Any) -> list[Any]:
        got: list[Any] = []
        try:
            async for one in events:
                got.append(one["seq"] if "seq" in one else one["type"])
        except Exception as error:
            got.append(type(error).__name__)
        return got

    def future(self) -> "asyncio.Future[None]":
        return asyncio.get_running_loop().create_future()

    async def test_of_everything_get_what_comes_from_now_on_and_gaps_in_their_place(self) -> None:
        log = EventLog()
        log.add([event(1)])
        reader = log.everything()
        log.add([event(2), event(3)])
        log.gap({"type": "history_gap"}, EventsExpired())
        log.add([event(9, "t2")])
        log.finish(ClosedError())
        self.assertEqual(await self.read(reader), [2, 3, "history_gap", 9, "ClosedError"])

    async def test_of_an_answer_get_the_last_two_turns_and_are_told_of_gaps(self) -> None:
        log = EventLog()
        log.add([event(1, "t1"), event(2, "t2"), event(3, "t3"), event(4, "t2")])
        reader = log.of_answer(self.future())
        log.add([event(5, "t3")])
        log.gap({"type": "history_gap"}, EventsExpired())
        self.assertEqual(await self.read(reader), [2, 3, 4, 5, "EventsExpired"])
        after = log.of_answer(self.future())
        log.finish(ClosedError())
        self.assertEqual(await self.read(after), ["ClosedError"])
        late = log.of_answer(self.future())
        log.finish(ClosedError())
        self.assertEqual(await self.read(late), ["ClosedError"])

    async def test_of_an_answer_end_when_its_message_is_refused_and_not_when_it_is_applied(self) -> None:
        log = EventLog()
        refused, applied = self.future(), self.future()
        readers = [log.of_answer(refused), log.of_answer(applied)]
        refused.set_exception(EventsExpired())
        applied.set_result(None)
        await asyncio.sleep(0)
        log.add([event(1)])
        log.finish(ClosedError())
        self.assertEqual([await self.read(one) for one in readers], [["EventsExpired"], [1, "ClosedError"]])


class OlderPages(unittest.IsolatedAsyncioTestCase):
    async def test_are_asked_for_one_at_a_time(self) -> None:
        pages, older, newest = Pages(), Page(5, 2), Page(None, 50)
        self.assertIsNone(pages.next)
        pages.add(older)
        pages.add(newest)
        self.assertEqual(older.frame, {"type": "history", "limit": 2, "before": 5})
        self.assertEqual(newest.frame, {"type": "history", "limit": 50})
        self.assertFalse(pages.take({"entries": [{"n": 4}, {"n": 5}]}))
        self.assertTrue(pages.take({"entries": [{"n": 4}]}))
        self.assertIs(pages.next, newest)

    async def test_end_with_the_chat(self) -> None:
        pages, page = Pages(), Page(None, 1)
        pages.add(page)
        pages.end(ClosedError())
        self.assertIsNone(pages.next)
        with self.assertRaises(ClosedError):
            await page.came
        self.assertFalse(pages.take({"entries": []}))


if __name__ == "__main__":
    unittest.main()
