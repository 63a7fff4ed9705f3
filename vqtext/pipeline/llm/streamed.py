"""A completion that a server streams, piece by piece, as one that it gives whole."""

from __future__ import annotations

import json
import re
from typing import Any

from vqtext.pipeline.llm.reply_text import table

_PIECE = re.compile(r"^data:[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)
_END = "[DONE]"


def whole(text: str) -> dict[str, Any] | None:
    """The completion whose pieces are the events of a text; None where it breaks off or is no such thing."""
    pieces = _PIECE.findall(text)
    try:
        events = [table(json.loads(piece)) for piece in pieces if piece != _END]
    except (ValueError, RecursionError):
        return None
    found: dict[str, Any] = {}
    choice: dict[str, Any] = {"message": {}}
    for piece in events:
        found |= {name: piece[name] for name in ("model", "usage", "error") if piece.get(name)}
        for part in map(table, piece.get("choices") or []):
            if part.get("index") in (0, None):
                choice["message"] = _joined(choice["message"], part.get("delta") or part.get("message"))
                choice["finish_reason"] = part.get("finish_reason") or choice.get("finish_reason")
    if "error" in found:
        return found
    is_over = _END in pieces or choice.get("finish_reason")
    return {**found, "choices": [choice]} if events and is_over else None


def _joined(before: Any, more: Any) -> Any:
    """A value and what the next piece adds to it: texts and lists grow, calls of tools by their number."""
    if isinstance(before, str) and isinstance(more, str):
        return before + more
    if isinstance(before, dict) and isinstance(more, dict):
        return {name: _joined(before.get(name), more.get(name)) for name in before | more}
    if isinstance(more, list):
        found: dict[Any, Any] = {}
        for item in [*(before if isinstance(before, list) else []), *more]:
            place = table(item).get("index", len(found))
            found[place] = _joined(found.get(place), item)
        return [*found.values()]
    return before if more is None else more
