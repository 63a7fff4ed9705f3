"""Joint tokens: one spans all channels of a window, so that a code is a whole-body motif."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqtext.model.config import ModelConfig
from vqtext.model.guidance.fusion import Fusion, meet
from vqtext.model.network.codebook import Codebook
from vqtext.model.network.encoder import ChannelEmbedding, PatchEncoder
from vqtext.model.network.segments import align, stitch
from vqtext.model.network.shape_decoder import ShapeDecoder, SignalDecoder
from vqtext.model.network.tokenizer import Tokenizer
from vqtext.model.network.tokens import Reconstruction, Tokenised


class Joint(nn.Module):
    """Windows → patches of all channels → tokens that tile the window → codes.

    Args:
        config: sizes.
        action_dim: width of the action vectors.
    """

    def __init__(self, config: ModelConfig, action_dim: int) -> None:
        super().__init__()
        self.place = config.place
        s = config.settings
        self.channels = ChannelEmbedding(config.channels)
        self.encoder = PatchEncoder(config)
        self.tokenizer = Tokenizer(config)
        self.fusion = Fusion(config) if config.token_dim else None
        self.codebook = Codebook(s.codes, s.dim_code, config.substeps, action_dim)
        self.shape_decoder = ShapeDecoder(config)
        self.signal_decoder = SignalDecoder(config)

    @property
    def vectors(self) -> Tensor:
        """The vector of each code, ``(codes, dim_code)``."""
        return self.codebook.shape

    @property
    def action(self) -> Tensor:
        """Action vectors of each code, ``(codes, S, action_dim)``."""
        return self.codebook.action

    def forward(self, x: Tensor, seen: Tensor, text: Tensor | None, mask: Tensor | None) -> Tokenised:
        """Windows ``(B, C, T)`` in standard units; ``seen``: where they were measured."""
        channels = self.channels()
        h, patch_keep = self.encoder(x, seen, channels)
        fused = None
        if self.place == "patches":
            h, fused = meet(self.fusion, h, patch_keep, text, mask)
        h = self.tokenizer.read(h, patch_keep)
        if self.place == "tokens":
            h, fused = meet(self.fusion, h, torch.ones_like(h[..., 0], dtype=torch.bool), text, mask)
        a = self.tokenizer(h, patch_keep, x, seen, channels)
        q = self.codebook(a.z, a.keep)
        features = torch.cat([q.z, a.mu, a.sigma, torch.stack([a.t, a.l], -1)], -1) * a.keep[..., None]

        def draw(read: Tensor) -> Reconstruction:
            # Codes are few, but each token is drawn by itself: only so z learns which code draws its piece.
            offset, scale = a.mu[..., None], a.sigma[..., None]
            alone = offset + scale * self.shape_decoder(q.z, channels)
            trend = align(a.mu, a.t, a.l, a.keep[..., None] & (a.sigma > 0))
            together = alone + trend + scale * self.signal_decoder(read, channels)
            both = stitch(torch.cat([alone, together], 2), a.t, a.l, a.keep, x.shape[-1])
            return Reconstruction(*both.chunk(2, 1))

        return Tokenised(
            code=q.code,
            t=a.t,
            l=a.l,
            keep=a.keep,
            mu=a.mu,
            sigma=a.sigma,
            latent=a.z,
            features=features,
            action=q.action,
            draw=draw,
            commitment=q.loss,
            original=None,
            fused=fused,
        )

    def code_shapes(self) -> Tensor:
        """Each code drawn, ``(codes, C, SHAPE_STEPS)``."""
        return self.shape_decoder(self.codebook.shape, self.channels())

    def revive(self, latent: Tensor, code: Tensor) -> None:
        """See `Codebook.revive`."""
        self.codebook.revive(latent, code)
