"""What a command says on stdout: lines for people, or one JSON object for machines."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vqtext.console.text import printable


def print_answer(answer: Mapping[str, Any], lines: Callable[[Any], Iterable[str]], as_json: bool) -> None:
    """One answer: as JSON, or as what ``lines`` makes of it."""
    if as_json:
        print_json(answer)
    else:
        print_lines(lines(answer))


def print_lines(lines: Iterable[str]) -> None:
    """Lines for people, in characters that a terminal can show."""
    for line in lines:
        print(printable(line))
    sys.stdout.flush()  # here, where a closed pipe is still handled


def print_json(answer: Mapping[str, Any]) -> None:
    """One JSON object; what is not finite becomes null."""
    print(json.dumps(_finite(answer), indent=2, allow_nan=False), flush=True)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(item) for item in value]
    return value
