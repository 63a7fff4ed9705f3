"""Text encoders: CLIP's text side, any sentence-transformers model, and the embedded MiniLM.

``choose("auto", progress)`` takes CLIP where its weights are on this machine, and MiniLM elsewhere.
"""

from vqtext.pipeline.encoders.base import Encoder
from vqtext.pipeline.encoders.choice import choose

__all__ = ["Encoder", "choose"]
