"""CLIP's text side: the projected vector of a text, and its token states projected into the same space."""

from __future__ import annotations

import numpy as np

from vqtext.console.progress import Progress
from vqtext.errors import EncoderError
from vqtext.pipeline.encoders.base import BatchedEncoder, device, loading

CLIP = "openai/clip-vit-base-patch32"
MODEL_TYPES = ("clip", "clip_text_model")
"""``model_type`` in config.json: a whole CLIP, or its text half alone."""


class ClipText(BatchedEncoder):
    """A CLIP text model with its projection, from a hub name or a folder.

    Args:
        source: hub name or folder.
        local_only: use what is on this machine, never the network.

    Raises:
        EncoderError: weights or tokenizer are missing, damaged, or do not fit each other.
    """

    def __init__(
        self, source: str, tokens: int, batch_size: int, progress: Progress, local_only: bool = True
    ):
        from transformers import AutoTokenizer, CLIPTextModelWithProjection

        with loading(source):
            # The model first, and AutoTokenizer: `CLIPTokenizer` answers a folder without a vocabulary
            # with a tokenizer of two words, silently.
            model = CLIPTextModelWithProjection.from_pretrained(source, local_files_only=local_only)
            self._model = model.float().to(device()).eval()
            self._tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local_only)
        words = self._model.config.vocab_size
        if len(self._tokenizer) != words:
            raise EncoderError(
                f"cannot load the text encoder {source}: its tokenizer has {len(self._tokenizer)} words, "
                f"its model {words}; put the model's own tokenizer files beside the weights"
            )
        super().__init__(source, self._model.config.max_position_embeddings, tokens, batch_size, progress)

    def _length(self, text: str) -> int:
        return len(self._tokenizer(text, verbose=False).input_ids)

    def _forward(self, texts: list[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        import torch

        # CLIP pads with its end token: only the attention mask tells the two apart.
        limit = self._model.config.max_position_embeddings
        batch = self._tokenizer(
            texts, padding=True, truncation=True, max_length=limit, return_tensors="pt"
        ).to(self._model.device)
        with torch.inference_mode():
            out = self._model(**batch)
            states = self._model.text_projection(out.last_hidden_state)
        masks = batch["attention_mask"].bool()
        states, masks = states.float().cpu(), masks.cpu()
        return (
            out.text_embeds.float().cpu().numpy(),
            [s[m].numpy() for s, m in zip(states, masks, strict=True)],
        )
