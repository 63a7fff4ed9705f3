"""The text-guided VQShape network, whole.

- joint: one token spans all channels, a code is a whole-body motif; independent: each channel is a series
- tokens ``(z, mu, sigma, t, l)`` with a sixth attribute, ``action``: which anchors the token shows, in order
- a code has two faces, a shape and a short sequence of action vectors; what a token is called is a function
  of (code, t, l, mu, sigma) alone
- text reaches patches or tokens by cross-attention in training; at test time there is none
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.codebook import Codebook
from vqtext.model.config import ModelConfig
from vqtext.model.decoder import ShapeDecoder, SignalDecoder
from vqtext.model.encoder import ChannelEmbedding, Normaliser, PatchEncoder, instance_normalise
from vqtext.model.fusion import Fused, Fusion
from vqtext.model.pieces import FAINT, stitch
from vqtext.model.reader import Head, TokenReader
from vqtext.model.tokenizer import Tokenizer

SHARPNESS = 12.0  # cosines of anchors lie close together: logits = SHARPNESS · cosine at the start


@dataclass(frozen=True)
class Output:
    """What the network says of B windows. M tokens a window, S sub-steps a token, K anchors.

    Attributes:
        code, t, l, keep: ``(B, M)``; mu, sigma: ``(B, M, c)``.
        latent: tokens before they were given a code, ``(B, M, dim_code)``.
        features: ``(code vector, mu, sigma, t, l)`` of each token, zero where it is not kept, ``(B, M, f)``.
        names: logits over the anchors, ``(B, M·S, K)``.
        own_names: the same from the codes' own action vectors alone.
        head_names: the same from the tokens before they were given a code: what quantising costs.
        classes: logits of the class head, ``(B, n)``.
        text: the window in text space, a unit vector, ``(B, d)``.
        signal, rebuilt, seen: the input in standard units, its copy, where it was seen, ``(B, C, T)``.
        stitched: the drawn pieces alone, put back together, ``(B, C, T)``.
        pieces, pieces_seen, shapes: the piece under each token in units of its sigma, how much of it was
            seen, and the shape its code draws, ``(B·, M, c, SHAPE_STEPS)``.
        commitment: codebook loss, a scalar.
        fused: where text met signal, None where there was no text.
    """

    code: Tensor
    t: Tensor
    l: Tensor
    keep: Tensor
    mu: Tensor
    sigma: Tensor
    latent: Tensor
    features: Tensor
    names: Tensor
    own_names: Tensor
    head_names: Tensor
    classes: Tensor
    text: Tensor
    signal: Tensor
    rebuilt: Tensor
    seen: Tensor
    stitched: Tensor
    pieces: Tensor
    pieces_seen: Tensor
    shapes: Tensor
    commitment: Tensor
    fused: Fused | None


class Network(nn.Module):
    """See the head of this file.

    Args:
        config: sizes.
        anchors: unit vectors of the K anchors, ``(K, d)``; fixed.
    """

    anchors: Tensor
    basis: Tensor

    def __init__(self, config: ModelConfig, anchors: Tensor) -> None:
        super().__init__()
        self.config = config
        s = config.settings
        self.normalise = Normaliser(len(config.channels))
        self.channels = ChannelEmbedding(config.channels) if config.joint else None
        self.encoder = PatchEncoder(config)
        self.tokenizer = Tokenizer(config)
        self.fusion = Fusion(config) if config.token_dim else None
        basis = span(anchors)
        self.codebook = Codebook(s.codes, s.dim_code, config.substeps, len(basis))
        self.shape_decoder = ShapeDecoder(config)
        self.signal_decoder = SignalDecoder(config)
        self.reader = TokenReader(config)
        self.correct = nn.Linear(s.dim, config.substeps * len(basis))
        self.head = Head(config, config.substeps * len(basis))
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS).log())
        self.class_head = nn.Sequential(nn.Dropout(s.dropout), nn.Linear(2 * s.dim, len(config.labels)))
        self.text_head = nn.Linear(2 * s.dim, config.text_dim)
        self.register_buffer("anchors", anchors)
        self.register_buffer("basis", basis)

    def forward(self, signal: Tensor, text: Tensor | None = None, text_mask: Tensor | None = None) -> Output:
        """Windows ``(B, C, T)`` in physical units, NaN where nothing was measured → `Output`.

        Text tokens ``(B, L, token_dim)`` and their mask ``(B, L)`` are for training; a row whose mask is all
        False is a window without text.
        """
        batch = len(signal)
        signal, seen = self.normalise(signal)
        x, x_seen = signal, seen
        if not self.config.joint:
            x, x_seen = (part.flatten(0, 1)[:, None] for part in (signal, seen))
            x = instance_normalise(x, x_seen)
        channels = self.channels() if self.channels is not None else None
        h, patch_keep = self.encoder(x, x_seen, channels)
        fused = None
        if self.config.place == "patches":
            h, fused = self._fuse(h, patch_keep, text, text_mask)
        h = self.tokenizer.read(h, patch_keep)
        if self.config.place == "tokens":
            h, fused = self._fuse(h, torch.ones_like(h[..., 0], dtype=torch.bool), text, text_mask)
        a = self.tokenizer(h, patch_keep, x, x_seen)
        q = self.codebook(a.z, a.keep)
        place = torch.stack([a.t, a.l], -1)
        features = torch.cat([q.z, a.mu, a.sigma, place], -1) * a.keep[..., None]
        read = self.reader(features, a.keep)
        # a shape is its code's alone: each code is drawn once, however many tokens use it
        shapes = self.shape_decoder(self.codebook.shape, channels)[q.code]
        refined = shapes + self.signal_decoder(read, channels)
        offset, scale = a.mu[..., None], a.sigma[..., None]
        stitched, rebuilt = (
            stitch(offset + scale * drawn, a.t, a.l, a.keep, x.shape[-1]) for drawn in (shapes, refined)
        )
        pieces = (a.pieces - offset) / scale.clamp(min=FAINT)
        own = self.codebook.action[q.code]  # (·, M, S, r)
        named = own + self.correct(read).unflatten(-1, own.shape[-2:])
        free = self.head(h, a.keep).unflatten(-1, own.shape[-2:])
        pooled = self._pool(read, a.keep, batch)

        def windows(x: Tensor) -> Tensor:
            """Tokens of the window's series one after the other: ``(B·, M, …)`` → ``(B, …, …)``."""
            return x.reshape(batch, -1, *x.shape[2:])

        def names_of(action: Tensor) -> Tensor:
            return self._logits(action).reshape(batch, -1, len(self.anchors))

        return Output(
            code=windows(q.code),
            t=windows(a.t),
            l=windows(a.l),
            keep=windows(a.keep),
            mu=windows(a.mu),
            sigma=windows(a.sigma),
            latent=windows(a.z),
            features=windows(features),
            names=names_of(named),
            own_names=names_of(own),
            head_names=names_of(free),
            classes=self.class_head(pooled),
            text=F.normalize(self.text_head(pooled), dim=-1),
            signal=x.reshape(signal.shape),
            rebuilt=rebuilt.reshape(signal.shape),
            seen=seen,
            stitched=stitched.reshape(signal.shape),
            pieces=pieces.detach(),
            pieces_seen=a.pieces_seen.detach(),
            shapes=shapes,
            commitment=q.loss,
            fused=fused,
        )

    def _fuse(
        self, h: Tensor, keep: Tensor, text: Tensor | None, mask: Tensor | None
    ) -> tuple[Tensor, Fused | None]:
        if self.fusion is None or text is None or mask is None:
            return h, None
        fused = self.fusion(h, keep, text, mask)
        return fused.h, fused

    def signal_only(self) -> Network:
        """The network without what text alone uses: all that is saved, and all that is asked at test time."""
        if self.fusion is None:
            return self
        alone = Network(ModelConfig.from_dict(self.config.to_dict()), self.anchors)
        weights = self.state_dict()
        alone.load_state_dict({name: weights[name] for name in alone.state_dict()})
        return alone.to(self.anchors.device)

    def _logits(self, action: Tensor) -> Tensor:
        return self.sharpness.exp() * F.normalize(action, dim=-1) @ (self.anchors @ self.basis.T).T

    def _pool(self, h: Tensor, keep: Tensor, batch: int) -> Tensor:
        h = h.reshape(batch, -1, h.shape[-1])
        keep = keep.reshape(batch, -1, 1)
        mean = (h * keep).sum(1) / keep.sum(1).clamp(min=1)
        most = h.masked_fill(~keep, -1e4).amax(1)
        return torch.cat([mean, most], -1)

    def code_names(self) -> Tensor:
        """Anchor probabilities of each code's own action vectors, ``(codes, S, K)``."""
        return self._logits(self.codebook.action).softmax(-1)

    def code_shapes(self) -> Tensor:
        """Each code drawn, ``(codes, c, SHAPE_STEPS)``."""
        return self.shape_decoder(self.codebook.shape, self.channels() if self.channels is not None else None)


def span(anchors: Tensor) -> Tensor:
    """Orthonormal directions of text space that tell anchors apart, and one that is far from all, ``(r, d)``.

    A name is a cosine between an action vector and the anchors ``(K, d)``. Of the vector's part beyond the
    anchors' span only the length counts, which one direction holds: K + 1 numbers say all that d could.
    """
    return torch.linalg.qr(anchors.T, mode="complete").Q[:, : len(anchors) + 1].T.contiguous()
