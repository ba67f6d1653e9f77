"""What is sent until it is answered: each request with its frame, and when it is due again."""

from __future__ import annotations

from typing import Any, Callable

Frame = dict[str, Any]

#: Seconds after which a request without an answer is sent again; then after twice the time, and so on.
REPEAT_AFTER = 5.0
REPEAT_AT_MOST = 30.0
NEVER = float("inf")


def backoff(first: float, doubled: int, at_most: float) -> float:
    """Grows with each try, however many there are: no float has 2 to the power of all of them."""
    return min(at_most, first * 2.0 ** min(doubled, 30))


class Requests:
    """Requests whose answer can get lost, in the order in which they were made."""

    def __init__(self) -> None:
        self._frames: dict[str, Callable[[], Frame]] = {}
        self._due: dict[str, float] = {}
        self._attempts: dict[str, int] = {}
        self._held_until = 0.0

    def open(self, key: str, frame: Callable[[], Frame]) -> None:
        self._frames[key] = frame
        self._due.pop(key, None)
        self._attempts.pop(key, None)

    def close(self, key: str) -> None:
        self._frames.pop(key, None)
        self._due.pop(key, None)
        self._attempts.pop(key, None)

    def is_open(self, key: str) -> bool:
        return key in self._frames

    def start_over(self) -> None:
        """For a new connection: answers of the last one do not arrive any more."""
        self._due.clear()
        self._attempts.clear()

    def hold(self, until: float) -> None:
        """The server refused for its rate: nothing is sent before this time, and everything that is open is sent then."""
        self._held_until = max(self._held_until, until)
        for key in self._due:
            self._due[key] = self._held_until

    def take_due(self, now: float) -> list[Frame]:
        due = [key for key in self._frames if max(self._due.get(key, 0.0), self._first_at(key)) <= now]
        frames = []
        for key in due:
            attempts = self._attempts.get(key, 0)
            self._attempts[key] = attempts + 1
            self._due[key] = now + backoff(REPEAT_AFTER, attempts, REPEAT_AT_MOST)
            frames.append(self._frames[key]())
        return frames

    def _first_at(self, key: str) -> float:
        return 0.0 if key in self._due else self._held_until

    @property
    def next_due(self) -> float:
        return min((self._due.get(key, self._held_until) for key in self._frames), default=NEVER)
