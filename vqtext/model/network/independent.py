"""Independent channels: each is a series, and its tokens are exactly VQShape's.

What is ours comes after them: a code's action vectors, the series' mean and deviation as two more attributes
(VQShape drops them, and with them gravity and strength), text in training, and samples that are missing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqtext.model.config import ModelConfig
from vqtext.model.distributed import batch_mean
from vqtext.model.guidance.fusion import Fused, Fusion, meet
from vqtext.model.network.segments import bridge, stitch_curves
from vqtext.model.network.token_mixer import MIN_SPREAD
from vqtext.model.network.tokens import Reconstruction, Tokenised
from vqtext.model.vqshape import VQShape, stretch
from vqtext.model.vqshape.attributes import Attributes
from vqtext.model.vqshape.codebook import Quantised
from vqtext.model.vqshape.losses import Losses, spread
from vqtext.model.vqshape.network import mean_and_deviation
from vqtext.model.vqshape.shapes import cut_pieces
from vqtext.model.vqshape.transformers import cut_patches


class Independent(nn.Module):
    """Windows → series → VQShape → tokens of all series of a window.

    Series are in the channel's standard units when VQShape scales them, as it does all it is given. Without
    text, in eval mode and with nothing missing, tokens are those of ``vqshape.tokenize``.

    Args:
        config: sizes.
        action_dim: width of the action vectors.
    """

    def __init__(self, config: ModelConfig, action_dim: int) -> None:
        super().__init__()
        self.place = config.place
        self.vqshape = VQShape(config.vqshape)
        self.fusion = Fusion(config) if config.token_dim else None
        self.action = nn.Parameter(
            torch.randn(config.settings.codes, config.substeps, action_dim) / action_dim**0.5
        )

    @property
    def vectors(self) -> Tensor:
        """The vector of each code, ``(codes, dim_code)``."""
        return self.vqshape.codebook.vectors

    def forward(self, x: Tensor, seen: Tensor, text: Tensor | None, mask: Tensor | None) -> Tokenised:
        """Windows ``(B, C, T)`` in standard units; ``seen``: where they were measured."""
        v = self.vqshape
        batch, steps = x.shape[0], x.shape[-1]
        series, measured, unseen = self._series(x, seen)
        mean, deviation = mean_and_deviation(series, None if unseen is None else measured)
        series = (series - mean) / deviation
        h, fused = self._embed(series, unseen, text, mask)
        a: Attributes = v.attribute_decoder(h)
        q: Quantised = v.codebook(a.z)
        keep = self._keep(a, unseen, batch)
        curves = v.shape_decoder.of_tokens(q.z.flatten(0, 1), q.code.flatten(), v.codebook.vectors)
        shapes = curves.view(*q.code.shape, -1) * a.sigma + a.mu  # (S, M, shape_length), scaled as the series
        copy = v.decoder(v.attribute_encoder(q.z, a))
        losses = self._losses(series, measured, a, q, keep, shapes, copy)

        def windows(x: Tensor) -> Tensor:
            """``(S, M, …)`` → ``(B, C·M, …)``"""
            return x.reshape(batch, -1, *x.shape[2:])

        def unscaled(x: Tensor) -> Tensor:
            """``(S, ·)`` → ``(B, C, T)``"""
            return stretch(x * deviation + mean, steps).unflatten(0, (batch, -1))

        with torch.no_grad():
            stitched = stitch_curves(shapes, a.t.squeeze(-1), a.l.squeeze(-1), keep, steps)
        reconstruction = Reconstruction(unscaled(stitched), unscaled(copy))
        level = torch.cat([mean, (deviation + MIN_SPREAD).log()], -1)[:, None].expand(-1, q.code.shape[1], -1)
        features = torch.cat([q.z, a.mu, a.sigma, a.t, a.l, level], -1) * keep[..., None]
        return Tokenised(
            code=windows(q.code),
            t=windows(a.t.squeeze(-1)),
            l=windows(a.l.squeeze(-1)),
            keep=windows(keep),
            mu=windows(a.mu),
            sigma=windows(a.sigma),
            latent=windows(a.z),
            features=windows(features),
            action=self.action[windows(q.code)],
            draw=lambda read: reconstruction,  # by the tokens alone
            commitment=losses.latent,
            original=losses.weighed(v.config),
            fused=fused,
        )

    def _series(self, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Windows ``(B, C, T)`` → series, where they were measured, ``(S, length)``, and patches of which
        nothing was, ``(S, P)``, None where nothing is missing at all."""
        length, flat = self.vqshape.config.length, x.flatten(0, 1)
        if not torch.compiler.is_exporting() and seen.all():  # an exported graph is the same for all input
            series = stretch(flat, length)
            return series, torch.ones_like(series, dtype=torch.bool), None
        measured = seen.flatten(0, 1)
        series = stretch(bridge(flat, measured), length)
        measured = stretch(measured.to(x.dtype), length) > 0.5
        return series, measured, ~cut_patches(measured.to(x.dtype), self.vqshape.config).bool().any(-1)

    def _embed(
        self, series: Tensor, unseen: Tensor | None, text: Tensor | None, mask: Tensor | None
    ) -> tuple[Tensor, Fused | None]:
        """Scaled series ``(S, length)`` → token embeddings, ``(S, M, D)``, and where text met them."""
        v, fused = self.vqshape, None
        patches = cut_patches(series, v.config)
        hidden = self._hidden(patches, unseen)
        visible = torch.ones_like(patches[..., 0], dtype=torch.bool) if hidden is None else ~hidden
        h = v.encoder(v.encoder.embed(patches), hidden)
        if self.place == "patches":
            h, fused = meet(self.fusion, h, visible, text, mask)
        h = v.tokenizer(h, hidden)
        if self.place == "tokens":
            h, fused = meet(self.fusion, h, torch.ones_like(h[..., 0], dtype=torch.bool), text, mask)
        return h, fused

    def _losses(
        self,
        series: Tensor,
        measured: Tensor,
        a: Attributes,
        q: Quantised,
        keep: Tensor,
        shapes: Tensor,
        copy: Tensor,
    ) -> Losses:
        """VQShape's losses over what was ``measured (S, length)`` and tokens that ``keep (S, M)`` takes."""
        c, codebook = self.vqshape.config, self.vqshape.codebook
        with torch.no_grad():
            pieces = cut_pieces(series, a.t, a.l, c.shape_length, c.smoothing)
            pieces_measured = cut_pieces(measured.to(series.dtype), a.t, a.l, c.shape_length, 1) > 0.5
        latent = codebook.loss(a.z[keep], Quantised(q.z[keep], q.code[keep], q.distance[keep.flatten()]))
        return Losses(
            signal=batch_mean((copy - series).square()[measured]),
            latent=latent,
            shape=batch_mean((shapes - pieces).square()[pieces_measured & keep[..., None]]),
            spread=spread(a.t, a.l),
        )

    def _hidden(self, patches: Tensor, unseen: Tensor | None) -> Tensor | None:
        """Patches that attention must not see, ``(S, P)``: in training a share of them, as in VQShape."""
        hidden = torch.zeros_like(patches[..., 0], dtype=torch.bool) if unseen is None else unseen
        share = int(self.vqshape.config.mask * patches.shape[1]) if self.training else 0
        if share:
            more = hidden | (torch.rand(hidden.shape, device=hidden.device).argsort(-1) < share)
            hidden = torch.where(more.all(-1, keepdim=True), hidden, more)
        elif unseen is None:
            return None
        return hidden & ~hidden.all(-1, keepdim=True)  # nothing seen at all must not make an empty softmax

    def _keep(self, a: Attributes, unseen: Tensor | None, batch: int) -> Tensor:
        """Tokens whose middle lies before the end of what was seen of their series, ``(S, M)``. A window that
        would have none keeps all."""
        if unseen is None:
            return torch.ones_like(a.t[..., 0], dtype=torch.bool)
        place = torch.arange(1, unseen.shape[1] + 1, device=unseen.device) / unseen.shape[1]
        reach = torch.where(unseen, 0.0, place).amax(-1)  # share of the series up to its last seen patch
        keep = (a.t + a.l / 2).squeeze(-1) < reach[:, None]
        any_in_window = keep.reshape(batch, -1).any(-1).repeat_interleave(keep.shape[0] // batch)
        return keep | ~any_in_window[:, None]

    def code_shapes(self) -> Tensor:
        """Each code drawn, ``(codes, 1, shape_length)``."""
        return self.vqshape.code_shapes()[:, None]

    def revive(self, latent: Tensor, code: Tensor) -> None:
        """Nothing: VQShape's entropy term keeps codes in use."""
