"""What the server takes: checked here, because a frame that is too long would end each connection that it is sent on (11.2)."""

from __future__ import annotations

import json
from typing import Any, Optional

from .errors import ContentError, Frame

DEFAULT_CONTENT_BYTES = 24_576
DEFAULT_OPTIONS_BYTES = 4096
#: Of what a tool gives, as JSON (docs/protocol.md, 5.8.2).
MAX_TOOL_OUTPUT_BYTES = 16_384


def check_message(content: Any, options: Optional[Frame], limits: Frame) -> None:
    """Raises `ContentError`, and what `json` raises for a value that is no JSON."""
    if not content or (isinstance(content, str) and not content.strip()):
        raise ContentError("EMPTY_CONTENT", "The message has no content.")
    _check("message", content, limits.get("content_bytes", DEFAULT_CONTENT_BYTES))
    if options is not None:
        _check("options", options, limits.get("options_bytes", DEFAULT_OPTIONS_BYTES))


def _check(what: str, value: Any, limit: int) -> None:
    size = bytes_of(value)
    if size > limit:
        raise ContentError("MESSAGE_TOO_LARGE", f"As JSON, the {what} would have {size} bytes; the limit is {limit}.")


def check_tool_output(output: Any) -> None:
    """Raises `ValueError`, and what `json` raises."""
    size = bytes_of(output)
    if size > MAX_TOOL_OUTPUT_BYTES:
        raise ValueError(f"The output has {size} bytes; the limit is {MAX_TOOL_OUTPUT_BYTES}.")


def bytes_of(value: Any) -> int:
    """Of its JSON. Raises what `json` raises for a value that has none."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return len(text.encode("utf-8", "replace"))
