"""``vqtext prepare --data planted``: the planted world as a data set.

Without a path it is the world of the defaults; ``--path world.toml`` chooses, with the keys of
`world.Options`::

    world = "mirrored"      # identifiable, mirrored or unordered
    seed = 1
    subjects = 20
    misplaced = 0.2

One recording, and one part, a subject. Windows are 5 s, one every 2.5 s; borders are kept.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from vqtext.data.planted.body import PLACES
from vqtext.data.planted.simulate import record
from vqtext.data.planted.world import Options
from vqtext.data.readers.base import Reader, Warn, existing
from vqtext.data.recordings.recording import Recording
from vqtext.errors import DataError

VERSION = 1
"""Rises whenever the same options give other recordings."""

_LIMITS = {
    "subjects": (1, 100_000), "minutes": (0.2, 600), "rate_hz": (10, 1000), "variation": (0, 3),
    "sway": (0, 10), "noise": (0, 100), "rotation_deg": (0, 180), "missing": (0, 0.9), "seed": (0, 2**32),
    **dict.fromkeys(("children", "left_handed", "misplaced", "dead"), (0, 1)),
}  # fmt: skip


class Planted(Reader):
    """Simulated people."""

    dataset = "planted"
    window_s: ClassVar[float | None] = 5.0
    stride_s: ClassVar[float | None] = 2.5
    borders: ClassVar[Literal["drop", "keep"]] = "keep"

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.options = Options() if path is None else read_options(existing(path, "planted"))
        self.parts = self.options.subjects

    def part(self, number: int) -> Iterator[Recording]:
        yield record(number, self.options)

    def fingerprint(self) -> Any:
        return [
            VERSION,
            {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self.options).items()},
        ]


def read_options(file: Path) -> Options:
    """The options in a TOML file.

    Raises:
        DataError: it is not TOML, or a key or a value is not possible; the message says what is.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{file} is not a TOML file of the planted world: {error}") from error
    known = [field.name for field in fields(Options)]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise DataError(f"{file}: unknown key {key!r}: {hint}")
    try:
        options = TypeAdapter(with_config(ConfigDict(allow_inf_nan=False))(Options)).validate_python(table)
    except ValidationError as error:
        problem = error.errors()[0]
        raise DataError(f"{file}: {'.'.join(map(str, problem['loc']))!r}: {problem['msg']}") from error
    for key, (least, most) in _LIMITS.items():
        if not least <= getattr(options, key) <= most:
            raise DataError(f"{file}: {key!r} is {getattr(options, key)}: choose from {least} to {most}")
    for place in options.sensors:
        if place not in PLACES:
            raise DataError(f"{file}: no sensor sits at {place!r}: choose from {', '.join(PLACES)}")
    return options
