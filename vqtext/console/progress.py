"""What a stage reports while it works: always on stderr, since stdout belongs to the answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias, TypeVar

from vqtext.console.text import printable

Item = TypeVar("Item")
Tell: TypeAlias = Callable[[int, int | None, Mapping[str, float]], None]
"""How far it is: done, of how many (None: unknown), and the numbers of the moment by name."""

_PLAIN_EVERY_S = 10.0
_NUMBERS = 3  # shown beside a bar


class Progress:
    """A bar on a terminal, plain lines when piped, nothing but warnings where quiet."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    def say(self, text: str) -> None:
        """A line that a quiet user does not miss."""
        if not self.quiet:
            _line(text)

    def warn(self, text: str) -> None:
        """A line that everybody should see."""
        _line(f"warning: {text}")

    def bar(self, text: str) -> AbstractContextManager[Tell]:
        """A bar for work that is not a loop over items: yields what is called after each step."""
        if self.quiet:
            return nullcontext(lambda done, total, numbers: None)
        return _rich_bar(text) if sys.stderr.isatty() else _plain_bar(text)

    def track(self, items: Iterable[Item], total: int | None = None, text: str = "") -> Iterator[Item]:
        """Pass ``items`` on and show how many are done.

        Args:
            items: anything to loop over.
            total: how many they are; None takes ``len`` where there is one.
            text: what is being done, such as "embedding".
        """
        if total is None and isinstance(items, Sized):
            total = len(items)
        with self.bar(text) as update:
            for done, item in enumerate(items, start=1):
                yield item
                update(done, total, {})


def _line(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


@contextmanager
def _rich_bar(text: str) -> Iterator[Tell]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn(escape(printable(text))), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # While it is shown, rich puts what others print to stderr above the bar.
    with Progress(*columns, TextColumn("{task.fields[numbers]}"), console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=None, numbers="")

        def tell(done: int, total: int | None, numbers: Mapping[str, float]) -> None:
            shown.update(task, completed=done, total=total, numbers=_joined(numbers))

        yield tell


@contextmanager
def _plain_bar(text: str) -> Iterator[Tell]:
    """A line every ten seconds, and one at the end."""
    start = last = time.monotonic()
    line = text

    def tell(done: int, total: int | None, numbers: Mapping[str, float]) -> None:
        nonlocal last, line
        line = f"{text}: {done}" + (f"/{total}" if total is not None else "")
        if time.monotonic() - last >= _PLAIN_EVERY_S:
            last = time.monotonic()
            _line(f"{line} {_joined(numbers)}".rstrip())

    yield tell
    _line(f"{line} in {time.monotonic() - start:.1f} s")


def _joined(numbers: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in list(numbers.items())[:_NUMBERS])
