"""When to ask for events again: after a hole in `seq`, or after silence where an event is expected."""

from __future__ import annotations

import time
from typing import Optional

from .outbox import NEVER, backoff

# In seconds.
#: A missing event is asked for at once, and again after this time if nothing came; then after twice the time.
RESUME_AGAIN = 2.0
RESUME_AT_MOST = 30.0
#: Silence where an event is expected, before the client asks for it. A post to a connection can be lost without an error.
PROBE_AFTER = 15.0


class CatchUp:
    def __init__(self) -> None:
        self._resume_at = 0.0
        self._asked_at = 0.0
        self._resumes, self._resumed_from = 0, -1

    def asked(self, cursor: Optional[int]) -> None:
        """The events after `cursor` are asked for now."""
        self._resumes = self._resumes + 1 if cursor == self._resumed_from else 0
        self._resumed_from = -1 if cursor is None else cursor
        self._asked_at = time.monotonic()
        self._resume_at = self._asked_at + backoff(RESUME_AGAIN, self._resumes, RESUME_AT_MOST)

    def answered(self, cursor: Optional[int]) -> None:
        """`connected` came. Events that are still missing were lost: they are due at once, unless the request brought nothing."""
        if cursor != self._resumed_from:
            self.start_over()

    def start_over(self) -> None:
        self._resume_at = 0.0

    def due_at(self, *, is_behind: bool, waits: bool, heard_at: float) -> float:
        """`waits`: a turn runs, or a message waits for one."""
        probe = max(heard_at, self._asked_at) + PROBE_AFTER if waits else NEVER
        return min(self._resume_at, probe) if is_behind else probe
