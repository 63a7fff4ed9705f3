"""``SETTING=a,b`` → the cells of a grid, each with whole settings that were checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from vqtext.cache.fingerprint import fingerprint
from vqtext.errors import ConfigError, UsageError
from vqtext.settings.loading import Loaded, check_name, load_settings
from vqtext.settings.schema import Settings

MAX_NAME = 64  # a run's name
_SAME_WINDOWS = "cells are compared on the same windows, so it is the same in all: give it as an option"
_WHERE = "it says where a training runs and is logged, not what it is"
_NOT_SWEPT = {
    "train.run": "each cell is a run of its own: --run names how their names begin",
    "train.seeds": "each cell is trained with all of --seeds",
    "train.overfit": "it is a check, and makes no run to compare",
    **dict.fromkeys(("train.test_subjects", "train.folds", "train.split", "train.validation"), _SAME_WINDOWS),
    **dict.fromkeys(
        ("train.accelerator", "train.devices", "train.workers", "train.logger", "train.logger_online"), _WHERE
    ),
}


@dataclass(frozen=True)
class Cell:
    """One of a grid.

    Attributes:
        values: of the settings that are swept, by their dotted names.
        settings: all of them; ``train.run`` names the cell's run.
    """

    values: dict[str, Any]
    settings: Settings

    @property
    def run(self) -> str:
        """The name of its run."""
        return self.settings.train.run

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.values.items())


def cells(swept: Sequence[str], loaded: Loaded) -> list[Cell]:
    """All combinations of the values, the last setting's changing first.

    Args:
        swept: "SETTING=a,b,c" each.
        loaded: all other settings, and how the names of the runs begin.

    Raises:
        ConfigError: a setting that does not exist, or a value that it cannot have, in any cell.
        UsageError: a setting that cannot be swept, or is there twice.
    """
    grid: dict[str, list[str]] = {}
    for text in swept:
        name, _, listed = text.partition("=")
        values = [value.strip() for value in listed.split(",")]
        if not all(values):
            raise UsageError(f"{text!r} lists no values: write SETTING=a,b,c, such as model.dim=32,64")
        _check_swept(name)
        if name in grid:
            raise UsageError(f"{name} is there twice: list all its values in one SETTING=a,b,c")
        if loaded.origins[name] == "command line":
            raise UsageError(
                f"{name} is swept, and so the option that sets it would not be used: leave it out"
            )
        grid[name] = values
    usual = ("default", "preset")
    options = {name: v for name, v in loaded.values().items() if not loaded.origins[name].startswith(usual)}
    cells = [_cell(dict(zip(grid, values, strict=True)), options) for values in product(*grid.values())]
    runs = [cell.run for cell in cells]
    for cell in cells:
        if runs.count(cell.run) > 1:
            raise UsageError(f"{cell} is there twice: list each value once")
    return cells


def _check_swept(name: str) -> None:
    check_name(name)
    section = name.partition(".")[0]
    if section in ("cache", "evaluate", "explain"):
        raise UsageError(f"{name} cannot be swept: it changes no training")
    if section not in ("model", "guidance", "train"):
        raise UsageError(
            f"{name} cannot be swept: it changes artifacts that all cells share; give each of its values a "
            "cache of its own: `vqtext run --cache FOLDER`"
        )
    if reason := _NOT_SWEPT.get(name):
        raise UsageError(f"{name} cannot be swept: {reason}")


def _cell(swept: Mapping[str, str], options: Mapping[str, object]) -> Cell:
    try:
        loaded = load_settings({**options, **swept})
        values = {name: loaded.values()[name] for name in swept}
        train = loaded.settings.train
        begin = "sweep" if train.run == type(train)().run else train.run
        run = {"train.run": _run_name(begin, values)}
        settings = load_settings({**options, **swept, **run}).settings
    except ConfigError as error:
        where = ", ".join(f"{name}={value}" for name, value in swept.items())
        raise ConfigError(f"{where}: {error}") from None
    if settings.train.overfit is not None:
        raise UsageError(f"train.overfit is set, and cannot be swept with: {_NOT_SWEPT['train.overfit']}")
    return Cell(values, settings)


def _run_name(begin: str, values: Mapping[str, Any]) -> str:
    """The values, and a fingerprint that no other cell has."""
    end = f".{fingerprint(dict(values))[:6]}"
    parts = [f"{name.rpartition('.')[2]}-{value}" for name, value in values.items()]
    shown = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join(parts))
    return f"{begin}.{shown[: max(0, MAX_NAME - len(begin) - len(end) - 1)]}{end}"
