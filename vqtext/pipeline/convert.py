"""``vqtext import-vqshape`` and ``vqtext export``: models in and out, for other programs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from vqtext.cache.publish import publish, publish_folder
from vqtext.errors import ArtifactError, ConfigError

FORMATS = ("original", "onnx", "hub-folder")


def import_vqshape(checkpoint: Path | str, folder: Path | str) -> dict[str, Any]:
    """Turn an original checkpoint into our folder; returns what it is.

    Raises:
        ArtifactError: the checkpoint cannot be used, or the place not be written.
    """
    from vqtext.model.vqshape import VQShape
    from vqtext.model.vqshape.weights import CONFIG

    folder = Path(folder)
    model = VQShape.from_original(checkpoint)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / CONFIG).exists()):
        raise ConfigError(f"--out {folder}: something else stands there: name a new folder")
    with publish_folder(folder) as temp:
        model.save(temp)
    return _summary(model, folder)


def export(folder: Path | str, to: str, out: Path | str) -> dict[str, Any]:
    """Write a model folder in another program's format; returns what it is.

    Args:
        folder: for ``original`` an imported VQShape or a trained model of independent channels, for ``onnx``
            a trained model, for ``hub-folder`` too, which adds a card.

    Raises:
        ConfigError: an unknown format.
        UsageError: what writes it is not installed.
        ArtifactError: the folder cannot be used, or the place not be written.
    """
    if to not in FORMATS:
        raise ConfigError(f"--to {to}: unknown format; there is {', '.join(FORMATS)}")
    write = {"onnx": _onnx, "original": _original, "hub-folder": _hub_folder}[to]
    return write(Path(folder), Path(out))


def _hub_folder(folder: Path, out: Path) -> dict[str, Any]:
    from vqtext.model.load import VQText

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        VQText.from_folder(folder).save_pretrained(out)
    return {
        "files": sorted(path.name for path in out.iterdir()),
        "warnings": [str(one.message) for one in caught],
        "path": str(out),
    }


def _onnx(folder: Path, out: Path) -> dict[str, Any]:
    from vqtext.model.export_onnx import OUTPUTS, export_onnx
    from vqtext.model.load import VQText

    model = VQText.from_folder(folder)
    with publish(out) as temp:
        away = export_onnx(model, temp)
    config = model.config
    return {
        "input": {"signal": ["batch", len(config.channels), config.steps]},
        "outputs": list(OUTPUTS),
        "differs": away,
        "path": str(out),
    }


def _original(folder: Path, out: Path) -> dict[str, Any]:
    from vqtext.model.load import load
    from vqtext.model.vqshape import VQShape

    found = load(folder)
    # of a trained model, what comes after its tokens is ours, and stays here
    model = found if isinstance(found, VQShape) else getattr(found.network.trunk, "vqshape", None)
    if not isinstance(model, VQShape):
        raise ArtifactError(
            f"{folder} holds a model whose tokens span all channels, as the original's never do: train "
            "one with `vqtext train --channels independent`"
        )
    with publish(out) as temp:
        model.save_original(temp)
    return _summary(model, out)


def lines(summary: dict[str, Any]) -> list[str]:
    """The summary of both, for people."""
    if "files" in summary:
        return [*summary["warnings"], f"{', '.join(summary['files'])} written to {summary['path']}"]
    if "outputs" in summary:
        _, channels, length = summary["input"]["signal"]
        return [
            f"signal of {channels} channels and {length} samples → {', '.join(summary['outputs'])}",
            f"held against torch: at most {max(summary['differs'].values()):.0e} off",
            f"written to {summary['path']}",
        ]
    sizes = "VQShape of width {width}, {codes} codes, {weights:,} weights"
    series = "{tokens} tokens a series of {length} samples"
    return [template.format(**summary) for template in (sizes, series, "written to {path}")]


def _summary(model: Any, path: Path) -> dict[str, Any]:
    c = model.config
    return {
        "width": c.dim,
        "codes": c.codes,
        "tokens": c.tokens,
        "length": c.length,
        "weights": sum(p.numel() for p in model.parameters()),
        "path": str(path),
    }
