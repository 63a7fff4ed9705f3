"""Weights into a VQShape, and the folder that holds one: ``model.safetensors`` and ``config.json``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vqtext.errors import ArtifactError
from vqtext.model.messages import listed
from vqtext.model.tensor_files import save_safetensors
from vqtext.model.vqshape.config import VQShapeConfig

WEIGHTS, CONFIG = "model.safetensors", "config.json"

Model = TypeVar("Model", bound=nn.Module)


def assemble(
    make: Callable[[VQShapeConfig], Model],
    config: VQShapeConfig,
    tensors: Mapping[str, Tensor],
    source: Path | str,
    named: Callable[[str], str] = str,
) -> Model:
    """A model with exactly these weights, ready to be used.

    Args:
        make: a model of these sizes.
        config: its sizes.
        tensors: its weights.
        source: the file they come from, for messages.
        named: what the file calls a weight of ours.

    Raises:
        ArtifactError: weights are missing, too many, of another shape, or not finite. Names are listed.
    """
    with torch.device("meta"):  # sizes without memory: nothing is drawn that would be overwritten at once
        model = make(config)
    shapes = {named(name): tuple(value.shape) for name, value in model.state_dict().items()}
    if problem := misfits(shapes, tensors):
        raise ArtifactError(
            f"{source} does not fit a VQShape of width {config.dim} and {config.codes} codes: it {problem}: "
            "another architecture, or a damaged file"
        )
    own = {name: tensors[named(name)].float().contiguous() for name in model.state_dict()}
    model.load_state_dict(own, assign=True)
    return model.eval()


def misfits(shapes: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor]) -> str:
    """Why tensors of a file do not fit a model's ``shapes`` by name, with the first names of each kind; empty
    where they do."""
    sizes = {name: tuple(value.shape) for name, value in tensors.items()}
    shared = [name for name in shapes if name in sizes]
    problems = {
        "lacks": [name for name in shapes if name not in sizes],
        "has what no such model has:": [name for name in sizes if name not in shapes],
        "has other shapes:": [
            f"{name} {sizes[name]}, not {shapes[name]}" for name in shared if sizes[name] != shapes[name]
        ],
        "holds values that are not finite in": [
            name for name in shared if not bool(tensors[name].isfinite().all())
        ],
    }
    return "; it ".join(f"{problem} {listed(names)}" for problem, names in problems.items() if names)


def save(model: nn.Module, config: VQShapeConfig, folder: Path | str) -> None:
    """Write a model and its sizes into an existing or new folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_safetensors(model.state_dict(), folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(config.to_dict(), indent=1) + "\n", encoding="utf-8")


def load(make: Callable[[VQShapeConfig], Model], folder: Path | str) -> Model:
    """Load a folder that `save` wrote.

    Raises:
        ArtifactError: no such folder, a damaged one, or one of another architecture.
    """
    folder = Path(folder)
    hint = "make it with `vqtext import-vqshape`"
    try:
        data = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise ArtifactError(f"{folder} holds no VQShape that can be read ({error}): {hint}") from error
    if not isinstance(data, dict):
        raise ArtifactError(f"{folder / CONFIG} is not a JSON object: {hint}")
    return assemble(make, VQShapeConfig.from_dict(data), tensors, folder / WEIGHTS)
