"""What workers are given in tests: they import it from here."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from vqtext.errors import DataError


@dataclass(frozen=True)
class Piece:
    number: int
    note: Path

    def __str__(self) -> str:
        return f"piece {self.number}"


def square(piece: Piece) -> int:
    return piece.number**2


def process(piece: Piece) -> tuple[int, list[str]]:
    return os.getpid(), [name for name in ("torch", "scipy", "pandas", "vqtext.cli") if name in sys.modules]


def dies_once(piece: Piece) -> int:
    """Its process ends the first time that piece 3 is worked on."""
    if piece.number == 3 and not piece.note.exists():
        piece.note.write_text("seen")
        os.kill(os.getpid(), signal.SIGKILL)
    return piece.number**2


def dies(piece: Piece) -> int:
    if piece.number == 3:
        with piece.note.open("a") as note:
            note.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return piece.number**2


def is_wrong(piece: Piece) -> int:
    if piece.number == 3:
        raise DataError("piece 3 is wrong")
    return piece.number**2


def reads_ahead(piece: Piece) -> int:
    with piece.note.open("a") as note:
        note.write("x")
    return piece.number**2
