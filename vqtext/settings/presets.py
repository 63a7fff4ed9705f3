"""Sizes that go together, under one name."""

from __future__ import annotations

PRESETS: dict[str, dict[str, dict[str, object]]] = {
    "tiny": {
        "model": {"dim": 32, "dim_code": 8, "codes": 32, "patches": 25, "tokens": 12, "layers": 1},
        "train": {"steps": 150},
    },
    "small": {},  # the defaults
    "paper": {  # the sizes of VQShape's best published model
        "model": {
            "dim": 256,
            "dim_code": 8,
            "codes": 512,
            "patches": 64,
            "tokens": 64,
            "layers": 4,
            "heads": 8,
        },
        "train": {"steps": 6000, "batch_size": 32, "learning_rate": 5e-4},
    },
}
"""Settings of each preset, by section: tiny takes seconds on a laptop, paper hours or a GPU."""


def preset_names(preset: str | None) -> set[str]:
    """The settings that a preset sets, by their dotted names."""
    sections = PRESETS.get(preset or "", {})
    return {f"{section}.{name}" for section, values in sections.items() for name in values}
