"""``vqtext draw``: free text → the shapes it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.console.progress import Progress
from vqtext.console.text import printable
from vqtext.errors import UsageError
from vqtext.pipeline.searching.search import meaning_lines, understood, weights, what_is_meant
from vqtext.pipeline.searching.searchable_run import open_run
from vqtext.pipeline.searching.shapes import Shape, Shapes, liveliest
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.load import VQText

TOP = 3
CHANNELS = 6
"""Channels that a person is shown of a shape; ``--json`` has all."""


def draw(settings: Settings, text: str, top: int = TOP, progress: Progress | None = None) -> dict[str, Any]:
    """The codes that say what a text says, drawn as signal. Of a run of folds, the first fold's model draws.

    Returns:
        The whole ``--json`` answer: ``held`` and ``nearest`` as of `search`; and ``shapes``, best first:
        ``code``, its ``names`` in order, ``says`` (0 to 1, how much of what the code says is what was asked),
        ``usage``, ``length_s`` and ``channels`` with their ``values`` over that time, in their ``unit``.

    Raises:
        UsageError, ArtifactError, EncoderError: as `search`.
    """
    if top < 1:
        raise UsageError(f"--top is {top}: it must be at least 1")
    opened = open_run(settings, progress or Progress(quiet=True))
    meaning = opened.meaning(0)
    meant = understood(meaning, text)
    fold = opened.folds[0]
    shapes: list[dict[str, Any]] = []
    if meant.held:
        model, wanted = opened.model(0), weights(meant).max(0)
        best = Shapes(model, opened.windows, fold.split.learn).of(wanted)[:top]
        shapes = [_entry(model, shape, meaning.phrases) for shape in best]
    return {
        "run": opened.trained.run["run"],
        "model": fold.best,
        "text": text,
        "encoder": opened.encoder,
        **what_is_meant(meant, meaning.phrases),
        "shapes": shapes,
    }


def _entry(model: VQText, shape: Shape, phrases: Sequence[str]) -> dict[str, Any]:
    """A shape as plain data; the channels that move most come first."""
    channels, joint = model.config.channels, model.config.joint
    spread = model.network.normalise.std.numpy()
    order = liveliest(shape.values, spread, len(spread)) if joint else [0]
    return {
        "code": shape.code,
        "names": [phrases[k] for k, _ in groupby(shape.names)],
        "says": round(shape.says, 4),
        "usage": round(shape.usage, 4),
        "length_s": round(shape.length_s, 3),
        "channels": [
            {
                "channel": channels[c].name if joint else "any channel",
                "unit": channels[c].unit if joint else "standard deviations",
                "values": [round(float(v), 4) for v in shape.values[c]],
            }
            for c in order
        ],
    }


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `draw` for people."""
    lines = meaning_lines(answer)
    for shape in answer["shapes"]:
        names = " → ".join(map(printable, shape["names"]))
        lines.append(
            f"code {shape['code']}: {names}; {100 * shape['says']:.0f} % of it is what was asked; "
            f"{shape['length_s']:.2f} s, {100 * shape['usage']:.1f} % of all tokens"
        )
        lines += [f"  {_course(channel)}" for channel in shape["channels"][:CHANNELS]]
        if len(shape["channels"]) > CHANNELS:
            lines.append(f"  and {len(shape['channels']) - CHANNELS} channels that move less: see --json")
    return lines


def _course(channel: Mapping[str, Any]) -> str:
    """Where a channel goes: its first and last value, and its extremes between, in their order."""
    values = np.array(channel["values"])
    stops = sorted({0, int(values.argmin()), int(values.argmax()), len(values) - 1})
    unit = "" if channel["unit"] == "1" else f" {channel['unit']}"
    return f"{printable(channel['channel'])}: {' → '.join(f'{values[i]:.2g}' for i in stops)}{unit}"
