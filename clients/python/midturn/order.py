"""Events by their numbers: each once, in order, whatever order and however often they come."""

from __future__ import annotations

from typing import Any, Optional

Event = dict[str, Any]

#: Events that are kept while an earlier one is missing. The replay brings what is let go.
MAX_AHEAD = 1000


class Sequence:
    """The events of a session. `cursor` is the last one that was handed on; None: not known where they begin."""

    def __init__(self) -> None:
        self.cursor: Optional[int] = None
        #: The highest number that the server has named.
        self.heard = 0
        self._ahead: dict[int, Event] = {}

    @property
    def is_behind(self) -> bool:
        return self.cursor is not None and self.heard > self.cursor

    def begin_after(self, seq: int) -> list[Event]:
        """Events up to this one are known, or are told by the transcript. Returns those that are due now."""
        self.cursor = seq
        return self._drain()

    def take(self, event: Event) -> list[Event]:
        """Takes an event in. Returns those that can be handed on now."""
        seq = event["seq"]
        self.heard = max(self.heard, seq)
        if self.cursor is not None and seq <= self.cursor:
            return []
        self._ahead[seq] = event
        if len(self._ahead) > MAX_AHEAD:
            del self._ahead[max(self._ahead)]
        return self._drain()

    def start_over(self) -> None:
        """The session is a new one under the same id: its events count from 1 again."""
        self.cursor = None
        self.heard = 0
        self._ahead.clear()

    def _drain(self) -> list[Event]:
        if self.cursor is None:
            return []
        due = []
        while (event := self._ahead.pop(self.cursor + 1, None)) is not None:
            self.cursor += 1
            due.append(event)
        for seq in [seq for seq in self._ahead if seq <= self.cursor]:
            del self._ahead[seq]
        return due
