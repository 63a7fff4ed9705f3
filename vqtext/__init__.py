"""vqtext: VQShape tokens with a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["load"]

if TYPE_CHECKING:
    from vqtext.model.load import load


def __getattr__(name: str) -> object:
    # `import vqtext` must not import torch: the CLI answers `--help` and `status` within a second.
    if name == "load":
        from vqtext.model.load import load

        return load
    raise AttributeError(f"module 'vqtext' has no attribute {name!r}")
