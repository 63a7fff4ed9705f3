"""VQShape (Wen et al., NeurIPS 2024) to the letter: its checkpoints load and give the same tokens."""

from vqtext.model.vqshape.config import VQShapeConfig
from vqtext.model.vqshape.network import Output, VQShape, stretch

__all__ = ["Output", "VQShape", "VQShapeConfig", "stretch"]
