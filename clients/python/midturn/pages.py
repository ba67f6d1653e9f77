"""Pages of the transcript. A reply does not say which request it answers, so that one is asked for at a time."""

from __future__ import annotations

import asyncio
from typing import Optional

from .errors import Frame, MidturnError


class Page:
    def __init__(self, before: Optional[int], limit: int) -> None:
        self.before, self.limit = before, limit
        self.came: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()

    @property
    def frame(self) -> Frame:
        return {"type": "history", "limit": self.limit, **({} if self.before is None else {"before": self.before})}

    def fits(self, reply: Frame) -> bool:
        """An answer that comes twice may be that of an earlier request."""
        return self.before is None or all(entry["n"] < self.before for entry in reply["entries"])


class Pages:
    """The pages that were asked for, in their order."""

    def __init__(self) -> None:
        self._asked: list[Page] = []

    @property
    def next(self) -> Optional[Page]:
        return self._asked[0] if self._asked else None

    def add(self, page: Page) -> None:
        self._asked.append(page)

    def take(self, reply: Frame) -> bool:
        """Returns whether it answers the next one."""
        page = self.next
        if page is None or not page.fits(reply):
            return False
        del self._asked[0]
        if not page.came.done():
            page.came.set_result(reply)
        return True

    def end(self, error: MidturnError) -> None:
        for page in self._asked:
            if not page.came.done():
                page.came.set_exception(error)
                # Nobody has to wait for it.
                page.came.exception()
        self._asked.clear()
