"""Shapes: a code's vector drawn as a curve, and the piece of the series that a token stands for."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch._compile import _disable_dynamo  # torch.compiler.disable would load the compiler now
from torch.nn import functional as F

from vqtext.model.vqshape.config import GROUPS, SHAPE_CHANNELS, UPSAMPLING, VQShapeConfig


class ResidualBlock(nn.Module):
    """Twice norm, GELU, convolution, beside a straight way; ``(n, inside, ·)`` → ``(n, outside, ·)``."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.GroupNorm(GROUPS, inside), nn.GroupNorm(GROUPS, outside)
        self.first = nn.Conv1d(inside, outside, 3, padding=1)
        self.second = nn.Conv1d(outside, outside, 3, padding=1)
        self.straight = nn.Conv1d(inside, outside, 1) if inside != outside else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(F.gelu(self.first_norm(x)))
        h = self.second(F.gelu(self.second_norm(h)))
        return h + (x if self.straight is None else self.straight(x))


class ShapeDecoder(nn.Module):
    """Code vectors ``(n, code_dim)`` → curves ``(n, shape_length)`` of mean 0 and deviation 1."""

    def __init__(self, config: VQShapeConfig) -> None:
        super().__init__()
        wide, narrow = SHAPE_CHANNELS, SHAPE_CHANNELS // 2
        self.start = nn.Linear(config.code_dim, wide * config.shape_length // UPSAMPLING)
        self.coarse = ResidualBlock(wide, wide)
        self.coarse_up = nn.Conv1d(wide, wide, 3, padding=1)
        self.fine = ResidualBlock(wide, narrow)
        self.fine_up = nn.Conv1d(narrow, narrow, 3, padding=1)
        self.out = nn.Conv1d(narrow, 1, config.smoothing, padding=config.smoothing // 2)

    def forward(self, z: Tensor) -> Tensor:
        x = self.start(z).unflatten(-1, (SHAPE_CHANNELS, -1))  # (n, 128, shape_length / 16)
        x = self.coarse_up(F.gelu(self.coarse(x)).repeat_interleave(4, -1))  # (n, 128, shape_length / 4)
        x = self.fine_up(F.gelu(self.fine(x)).repeat_interleave(4, -1))  # (n, 64, shape_length)
        x = self.out(F.gelu(x)).squeeze(1)
        return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-8)

    def of_tokens(self, z: Tensor, code: Tensor, vectors: Tensor) -> Tensor:
        """The same for tokens, with each distinct code decoded once.

        Tokens of one code have one curve, so they also have one Jacobian. A token's z gets its gradient
        through that; the decoder's weights get the sum over a code's tokens, which is all they need. Where
        codes are many and tokens few, decoding every token is less work, and that is done.

        Args:
            z: each token's code vector, which passes gradients on, ``(n, code_dim)``.
            code: each token's code, ``(n,)``.
            vectors: the codebook, ``(codes, code_dim)``.

        Returns:
            ``(n, shape_length)``.
        """
        if torch.compiler.is_exporting():  # how many codes are used is nothing a graph may depend on
            return self(z)
        used, place = code.unique(return_inverse=True)
        learns = torch.is_grad_enabled() and z.requires_grad
        # A decoding forward costs 1, backward 2, and a Jacobian 1 for each of its columns
        each, shared = (3, 3 + z.shape[1]) if learns else (1, 1)
        if shared * len(used) >= each * len(code):
            return self(z)
        at = vectors[used].detach()
        curves = self(at)[place]
        if learns:
            change = z - z.detach()  # 0, but it carries gradients
            curves = curves + (change[:, None] @ self.jacobian(at)[place]).squeeze(1)
        return curves

    @_disable_dynamo  # forward-mode derivatives are beyond the compiler
    @torch.no_grad()
    def jacobian(self, z: Tensor) -> Tensor:
        """Change of a curve's samples with its vector's numbers, ``(n, code_dim, shape_length)``.

        In single precision under autocast too: a derivative's directions are not cast with the weights.
        """
        basis = torch.eye(z.shape[1], device=z.device, dtype=z.dtype)[:, None].expand(-1, len(z), -1)
        with torch.autocast(z.device.type, enabled=False):
            columns = torch.func.vmap(lambda side: torch.func.jvp(self, (z,), (side,))[1])(basis)
        return columns.transpose(0, 1)  # (code_dim, n, steps) → (n, code_dim, steps)


def cut_pieces(x: Tensor, t: Tensor, l: Tensor, steps: int, smoothing: int) -> Tensor:
    """The piece of each series under each token, resampled to ``steps`` and smoothed.

    Args:
        x: series, ``(B, T)``.
        t, l: where each token starts and how long it lasts, shares of the series, ``(B, M, 1)``.
        steps: samples of a piece.
        smoothing: samples of a moving average, odd; 1 leaves the piece as it is.

    Returns:
        ``(B, M, steps)``.
    """
    last = x.shape[-1] - 1
    along = torch.linspace(0, 1, steps, device=x.device)
    start, end = t * last, (t + l).clamp(max=1) * last
    place = start + (end - start) * along  # (B, M, steps), in samples
    # There and back to [-1, 1] changes the last digits of a place, and by them the original's pieces
    place = ((2 * place / last - 1) + 1) * (last / 2)
    place = place.clamp(0, last)
    left = place.floor()
    share = place - left
    index = left.long().flatten(1)
    ahead = (index + 1).clamp(max=last)
    before, after = (x.gather(1, i).view_as(place) for i in (index, ahead))
    piece = before * (1 - share) + after * share
    if smoothing == 1:
        return piece
    padded = F.pad(piece, (smoothing // 2, smoothing // 2), mode="replicate")
    return F.avg_pool1d(padded, smoothing, stride=1)
