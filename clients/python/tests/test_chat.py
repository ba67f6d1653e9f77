"""What a chat makes of the server's frames, and what it asks, without a connection."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any, Optional
from unittest.mock import patch

import midturn
from midturn.chat import _Frames
from midturn.connection import Reconnect

LIMITS = {"content_bytes": 24_576}


class Given:
    """A chat, and its server's part."""

    def __init__(self, **options: Any) -> None:
        self.statuses: list[tuple[str, str]] = []
        self.errors: list[Any] = []
        self.chat = midturn.Chat(
            "ws://127.0.0.1:1/x",
            session="s",
            on_message=lambda message: self.statuses.append((message.id, message.status)),
            on_error=self.errors.append,
            **options,
        )
        self.owner = _Frames(self.chat)
        self.seq = 0
        self.now = 1000.0

    def start(self, lane: str = "lane-1", **more: Any) -> None:
        self.chat._connection.is_up = False
        frame = {"type": "session_start", "lane": lane, "last_seq": self.seq, "message_count": 0, "limits": LIMITS}
        self.owner.receive({**frame, **more})
        self.owner.receive({"type": "connected"})
        self.chat._connection.is_up = True

    def happen(self, kind: str, turn: str = "t1", **more: Any) -> None:
        self.seq += 1
        self.owner.receive({"type": kind, "seq": self.seq, "turn_id": turn, **more})

    def apply(self, *ids: str, turn: str = "t1") -> None:
        self.happen("applied", turn, messages=[{"id": one} for one in ids])

    def refuse(self, code: str, one: Optional[str] = None, **more: Any) -> None:
        frame = {"type": "error", "code": code, "message": "why", "retryable": False, **more}
        self.owner.receive(frame if one is None else {**frame, "id": one})

    def sent(self, *kinds: str) -> list[dict[str, Any]]:
        """What is sent now, of these types."""
        with patch("time.monotonic", return_value=self.now):
            return [frame for frame in self.owner.take_due(self.now) if frame["type"] in kinds]


class AConnection(unittest.IsolatedAsyncioTestCase):
    async def test_begins_with_who_and_where_the_client_is(self) -> None:
        given = Given(agent="sales", locale="pt-PT", time_zone="Europe/Lisbon")
        hello = {"type": "connect", "session_id": "s", "agent": "sales", "locale": "pt-PT", "time_zone": "Europe/Lisbon"}
        self.assertEqual(given.owner.connect_frame(), hello)
        given.start()
        given.happen("turn_start")
        resume = {"lane": "lane-1", "after_seq": 1}
        self.assertEqual(given.owner.connect_frame(), {**hello, "resume": resume})
        self.assertEqual(Given().owner.connect_frame(), {"type": "connect", "session_id": "s"})

    async def test_asks_for_the_newest_page_where_there_is_one(self) -> None:
        for more, pages in (({}, 0), ({"message_count": 1}, 1), ({"last_seq": 1}, 1)):
            given = Given()
            given.start(**more)
            self.assertEqual(len(given.sent("history")), pages)
        entry = {"n": 1, "role": "user", "id": "m1", "turn_id": "t0"}
        given.owner.receive({"type": "history", "entries": [entry]})
        await asyncio.sleep(0)
        self.assertEqual(given.chat.entries, [entry])
        given.now += 100
        self.assertEqual(given.sent("history"), [])

    async def test_begins_before_the_running_turn(self) -> None:
        given = Given()
        events = given.chat.events()
        given.seq = 9
        given.start(active_turn={"turn_id": "t2", "first_seq": 8})
        self.assertEqual(given.chat.active_turn, "t2")
        self.assertEqual(given.owner.connect_frame()["resume"]["after_seq"], 7)
        given.owner.receive({"type": "chunk", "seq": 8, "turn_id": "t2"})
        self.assertEqual((await events.__anext__())["seq"], 8)

    async def test_to_a_session_that_is_another_one_begins_anew_and_tells_its_readers(self) -> None:
        given = Given()
        given.start()
        for _ in range(3):
            given.happen("chunk")
        events = given.chat.events()
        given.seq = 0
        given.start("lane-2")
        with self.assertRaises(midturn.EventsExpired):
            await events.__anext__()
        self.assertEqual(given.owner.connect_frame()["resume"], {"lane": "lane-2", "after_seq": 0})

    async def test_asks_for_missing_events_and_for_the_page_of_expired_ones(self) -> None:
        given = Given()
        given.start()
        given.happen("chunk")
        events = given.chat.events()
        given.seq += 1
        given.happen("chunk")
        given.now += 100
        self.assertEqual([frame["resume"]["after_seq"] for frame in given.sent("connect")], [1])
        given.owner.receive({"type": "history_gap", "after_seq": 0, "available_from": 3})
        self.assertEqual(given.sent("history"), [])
        given.owner.receive({"type": "history_gap", "after_seq": 1, "available_from": 3})
        self.assertEqual(len(given.sent("history")), 1)
        self.assertEqual([(await events.__anext__())["type"] for _ in range(2)], ["history_gap", "chunk"])

    async def test_waits_as_long_as_the_server_limits(self) -> None:
        given = Given()
        given.start()
        given.chat.send("one", message_id="m1")
        self.assertEqual(len(given.sent("message")), 1)
        with patch("time.monotonic", return_value=given.now):
            given.refuse("RATE_LIMITED", "m1", retry_after_ms=20_000)
        for seconds, count in ((19.9, 0), (0.1, 1)):
            given.now += seconds
            self.assertEqual(len(given.sent("message")), count)
        with patch("time.monotonic", return_value=given.now):
            given.refuse("RATE_LIMITED", "m1")
        for seconds, count in ((0.9, 0), (0.1, 1)):
            given.now += seconds
            self.assertEqual(len(given.sent("message")), count)

    async def test_that_has_to_be_another_one_is(self) -> None:
        given = Given()
        with self.assertRaises(Reconnect):
            given.refuse("TOKEN_EXPIRED", "m1")
        given.refuse("TOO_MANY_CONNECTIONS")
        self.assertTrue(given.chat._connection._is_surplus)
        self.assertEqual([error.code for error in given.errors], ["TOO_MANY_CONNECTIONS"])


class AMessage(unittest.IsolatedAsyncioTestCase):
    def accepted(self, one: str, placement: str = "steering") -> dict[str, Any]:
        return {"type": "accepted", "id": one, "turn_id": "t1", "placement": placement}

    async def test_is_sent_with_its_order_which_a_repeat_keeps_until_it_is_acknowledged(self) -> None:
        given = Given()
        given.start()
        given.chat.send("one", message_id="m1")
        given.chat.send("two", message_id="m2", delivery="queue", options={"tone": "short"})
        frames = [
            {"type": "message", "id": "m1", "content": "one", "order": 1},
            {"type": "message", "id": "m2", "content": "two", "order": 2, "delivery": "queue", "options": {"tone": "short"}},
        ]
        self.assertEqual(given.sent("message"), frames)
        given.owner.receive(self.accepted("m1"))
        given.owner.receive(self.accepted("m2", "queued"))
        self.assertEqual(given.statuses, [("m1", "accepted"), ("m2", "queued")])
        given.now += 100
        self.assertEqual(given.sent("message"), [])
        given.chat.send("three", message_id="m3")
        self.assertEqual(given.sent("message")[0]["order"], 3)
        given.start()
        self.assertEqual([frame["order"] for frame in given.sent("message")], [3])

    async def test_keeps_the_first_of_its_fates_but_what_a_turn_has_applied_is_so(self) -> None:
        given = Given()
        given.start()
        message = given.chat.send("one", message_id="m1")
        given.sent("message")
        given.refuse("STEERING_QUEUE_FULL", "m1", retryable=True, until=9)
        given.owner.receive(self.accepted("m1"))
        given.refuse("INTERNAL", "m1")
        self.assertEqual((message.status, message.is_pending), ("rejected", False))
        assert message.refusal
        self.assertEqual((message.refusal.code, message.refusal.retryable, message.refusal.until), ("STEERING_QUEUE_FULL", True, 9))
        with self.assertRaises(midturn.MessageRefused):
            await message.applied()
        given.apply("m1")
        self.assertEqual((message.status, message.turn_id, message.refusal), ("applied", "t1", None))
        given.owner.receive({"type": "cancelled", "ids": ["m1"], "reason": "user"})
        self.assertEqual(given.statuses, [("m1", "rejected"), ("m1", "applied")])

    async def test_is_not_refused_by_what_says_nothing_of_it(self) -> None:
        given = Given()
        given.start()
        message = given.chat.send("one", message_id="m1")
        for code in ("RATE_LIMITED", "INTERNAL", "NOT_PENDING"):
            given.refuse(code, "m1")
        self.assertEqual((message.status, given.errors), ("sending", []))
        given.refuse("FILE_REFUSED", "other")
        given.refuse("INVALID_FRAME")
        self.assertEqual([error.code for error in given.errors], ["FILE_REFUSED", "INVALID_FRAME"])

    async def test_is_withdrawn_at_once_or_until_the_server_says_what_became_of_it(self) -> None:
        given = Given()
        given.start()
        unsent = given.chat.send("one", message_id="m1")
        unsent.cancel()
        self.assertEqual((unsent.status, given.sent("message", "cancel")), ("cancelled", []))
        for end in ("cancelled", "NOT_PENDING", "applied"):
            message = given.chat.send("two", message_id=end)
            given.sent("message")
            message.cancel()
            self.assertEqual(given.sent("cancel"), [{"type": "cancel", "id": end}])
            given.now += 5
            self.assertEqual(given.sent("cancel"), [{"type": "cancel", "id": end}])
            if end == "cancelled":
                given.owner.receive({"type": "cancelled", "ids": [end, "unknown"], "reason": "user"})
            elif end == "applied":
                given.apply(end)
            else:
                given.refuse(end, end)
            given.now += 100
            self.assertEqual(given.sent("cancel"), [])
            message.cancel()
            self.assertEqual(len(given.sent("cancel")), 1 if end == "NOT_PENDING" else 0)
            given.apply(end)

    async def test_that_only_a_lost_lane_knew_is_rejected_and_one_that_never_left_is_sent(self) -> None:
        given = Given()
        given.start()
        lost = given.chat.send("one", message_id="m1")
        given.sent("message")
        given.chat.send("two", message_id="m2")
        given.start("lane-2")
        self.assertEqual(lost.status, "rejected")
        assert lost.refusal
        self.assertEqual((lost.refusal.code, lost.refusal.retryable), ("LANE_LOST", True))
        self.assertEqual([(frame["id"], frame["order"]) for frame in given.sent("message")], [("m2", 1)])

    async def test_has_the_events_of_its_answer_alone(self) -> None:
        given = Given()
        given.start()
        message = given.chat.send("one", message_id="m1")
        events = message.events()
        given.happen("turn_start", "t0")
        given.happen("error", "t0", code="INTERNAL")
        given.happen("turn_start")
        given.apply("u1", "m1")
        given.happen("chunk")
        given.happen("done")
        given.happen("turn_start", "t2")
        self.assertEqual([one["type"] async for one in events], ["applied", "chunk", "done"])
        failing = given.chat.send("two", message_id="m2")
        events = failing.events()
        given.apply("m2", turn="t2")
        given.happen("error", "t2", code="PROVIDER_ERROR", message="gone")
        self.assertEqual((await events.__anext__())["type"], "applied")
        with self.assertRaises(midturn.TurnFailed) as failed:
            await events.__anext__()
        self.assertEqual((failed.exception.code, failed.exception.event["turn_id"]), ("PROVIDER_ERROR", "t2"))


class ATurn(unittest.IsolatedAsyncioTestCase):
    async def test_is_stopped_until_it_has_ended(self) -> None:
        for end in ("its end", "another turn", "NO_ACTIVE_TURN"):
            given = Given()
            given.chat.abort()
            given.start()
            self.assertEqual(given.sent("abort"), [])
            given.happen("turn_start")
            given.chat.send("one", message_id="m1")
            given.chat.abort(discard=True)
            frame = {"type": "abort", "turn_id": "t1", "pending": "discard", "pending_ids": ["m1"]}
            self.assertEqual(given.sent("abort"), [frame])
            given.happen("chunk")
            given.now += 5
            self.assertEqual(given.sent("abort"), [frame])
            if end == "its end":
                given.happen("aborted")
                self.assertIsNone(given.chat.active_turn)
            elif end == "another turn":
                given.happen("turn_start", "t2")
                self.assertEqual(given.chat.active_turn, "t2")
            else:
                given.refuse(end)
            given.now += 100
            self.assertEqual(given.sent("abort"), [])
        given = Given()
        given.start()
        given.happen("turn_start")
        given.chat.abort()
        self.assertEqual(given.sent("abort"), [{"type": "abort", "turn_id": "t1", "pending": "keep"}])

    async def test_has_approvals_that_are_answered_until_they_are_resolved(self) -> None:
        given = Given()
        given.start()
        for one, decision in (("r1", "always"), ("r2", "deny"), ("r3", "approve")):
            given.chat.approve(one, decision)
        self.assertEqual([frame["decision"] for frame in given.sent("approval_response")], ["always", "deny", "approve"])
        given.happen("approval_resolved", request_id="r1")
        given.refuse("INVALID_APPROVAL_RESPONSE", "r2")
        given.now += 5
        self.assertEqual(
            given.sent("approval_response"),
            [{"type": "approval_response", "request_id": "r3", "decision": "approve"}],
        )

    async def test_has_tools_that_this_client_runs_until_the_result_is_there(self) -> None:
        async def slow(arguments: Any) -> Any:
            return [arguments, "slow"]

        def fail(_: Any) -> Any:
            raise ValueError("x" * 3000)

        def mute(_: Any) -> Any:
            raise KeyError

        given = Given(tools={"slow": slow, "fail": fail, "mute": mute})
        given.start()
        calls = (("slow", "lane-1"), ("slow", "lane-2"), ("fail", "lane-1"), ("mute", "lane-1"), ("none", "lane-1"))
        for n, (tool, lane) in enumerate(calls):
            asked = {"request_id": f"r{n}", "tool_call_id": f"c{n}", "arguments": {"n": n}}
            given.happen("tool_output_request", tool=tool, lane=lane, **asked)
        for _ in range(5):
            await asyncio.sleep(0)
        self.assertEqual(
            given.sent("tool_output"),
            [
                {"type": "tool_output", "request_id": "r0", "output": [{"n": 0}, "slow"]},
                {"type": "tool_output", "request_id": "r2", "error": "x" * 2000},
                {"type": "tool_output", "request_id": "r3", "error": "KeyError"},
            ],
        )
        given.happen("tool_result", id="c0")
        given.now += 5
        self.assertEqual([frame["request_id"] for frame in given.sent("tool_output")], ["r2", "r3"])


class TheEnd(unittest.IsolatedAsyncioTestCase):
    async def test_is_told_to_all_who_wait_and_to_all_who_come_later(self) -> None:
        given = Given()
        given.start()
        message = given.chat.send("one", message_id="m1")
        events = given.chat.events()
        page = asyncio.create_task(given.chat.history(before=5, limit=2))
        await asyncio.sleep(0)
        self.assertEqual(given.sent("history"), [{"type": "history", "before": 5, "limit": 2}])
        given.refuse("SESSION_DELETED")
        for waiting in (message.applied(), events.__anext__(), page):
            with self.assertRaises(midturn.ClosedError) as closed:
                await waiting
            self.assertEqual(closed.exception.code, "SESSION_DELETED")
        with self.assertRaises(midturn.ClosedError):
            given.chat.send("two")
        await given.chat.close()

    async def test_comes_not_with_the_refusal_of_one_message(self) -> None:
        given = Given()
        given.start()
        message = given.chat.send("one", message_id="m1")
        given.refuse("SESSION_DELETED", "m1")
        self.assertEqual(message.status, "rejected")
        given.chat.send("two")


if __name__ == "__main__":
    unittest.main()
