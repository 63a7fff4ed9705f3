"""Tensors into a file, with an OSError where they cannot be written.

torch and safetensors report a full disk in ways of their own, not as an OSError.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

START = "start.safetensors"
"""File of a model's folder that holds its codebook as it was before the first step of its training: the
``vectors`` and ``action`` of the network's trunk. Nothing that uses the model reads it."""


def save_torch(data: Any, path: Path | str) -> None:
    """As ``torch.save``, and on the disk when this returns.

    Raises:
        OSError: the disk is full or read-only.
    """
    try:
        with Path(path).open("wb") as file:
            torch.save(data, file)
            file.flush()
            os.fsync(file.fileno())
    except RuntimeError as error:  # about its last bytes, after the OSError that says why
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def save_safetensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """As ``safetensors.torch.save_file``, of tensors wherever they are.

    Raises:
        OSError: the disk is full or read-only.
    """
    from safetensors.torch import save

    path.write_bytes(save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))
