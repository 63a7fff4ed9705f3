"""Other ways to learn a codebook, for those who want to compare: ``model.codebook``.

- ``gradient``: codes follow their tokens by gradients, as VQShape's do; `Codebook` itself, the default
- ``ema``: codes are moving averages of their tokens (van den Oord et al. 2017, appendix A)
- ``rotation``: gradients reach a token turned and stretched as its code was (Fifty et al. 2024)
- ``fsq``: codes are the points of a fixed grid, which cannot die (Mentzer et al. 2024)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.config import ModelSettings, grid_of
from vqtext.model.codebook import DECAY, Codebook


class Averaged(Codebook):
    """Codes are moving averages of the tokens they were given; only tokens have gradients."""

    def __init__(self, codes: int, dim: int, substeps: int, action_dim: int) -> None:
        super().__init__(codes, dim, substeps, action_dim)
        self.shape.requires_grad_(False)

    def _apart(self, z: Tensor, chosen: Tensor) -> Tensor:
        return (chosen.detach() - z).square().mean(-1)

    def _count(self, z: Tensor, code: Tensor) -> None:
        """Move codes to the means of their tokens, each token weighing less the older it is."""
        given = F.one_hot(code, len(self.usage)).to(z.dtype) / len(z)
        total = torch.lerp(self.shape * self.usage[:, None], given.T @ z, 1 - DECAY)
        super()._count(z, code)
        self.shape.copy_(total / self.usage[:, None])


class Rotated(Codebook):
    """The rotation trick: a gradient keeps its angle to the code's vector on its way to the token."""

    def _through(self, z: Tensor, chosen: Tensor) -> Tensor:
        length, of_code = (part.detach().norm(dim=-1, keepdim=True).clamp(min=1e-6) for part in (z, chosen))
        start, end = z.detach() / length, chosen.detach() / of_code
        between = F.normalize(start + end, dim=-1)

        def along(direction: Tensor) -> Tensor:
            return (z * direction).sum(-1, keepdim=True)

        # two reflections make the rotation that takes the token's direction to the code's
        turned = z - 2 * along(between) * between + 2 * along(start) * end
        turned = turned * (of_code / length)
        return turned + (chosen - turned).detach()  # to the digit, in half precision too


class Finite(Codebook):
    """A grid: tokens are projected into few bounded dimensions and rounded there."""

    grid: Tensor
    reach: Tensor

    def __init__(self, codes: int, dim: int, substeps: int, action_dim: int) -> None:
        super().__init__(codes, dim, substeps, action_dim, entropy=0.0)
        levels = grid_of(codes)
        axes = [torch.arange(level) - (level - 1) / 2 for level in levels]
        self.register_buffer("grid", torch.cartesian_prod(*axes).reshape(codes, len(levels)))
        self.register_buffer("reach", torch.tensor(levels) / 2)
        self.inside, self.outside = nn.Linear(dim, len(levels)), nn.Linear(len(levels), dim)
        del self.shape  # a grid is where it is

    @property
    def vectors(self) -> Tensor:
        made: Tensor = self.outside(self.grid)
        return made

    def _placed(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tanh(self.inside(z)) * self.reach, self.grid

    def _apart(self, z: Tensor, chosen: Tensor) -> Tensor:
        return torch.zeros_like(z[..., 0])

    def _through(self, z: Tensor, chosen: Tensor) -> Tensor:
        made: Tensor = self.outside(super()._through(z, chosen))
        return made

    @torch.no_grad()
    def revive(self, z: Tensor, code: Tensor) -> None:
        """Count what was used; a point of a grid stays where it is."""
        self._count(z, code)


KINDS = {"gradient": Codebook, "ema": Averaged, "rotation": Rotated, "fsq": Finite}


def make(settings: ModelSettings, substeps: int, action_dim: int) -> Codebook:
    """The codebook that the settings ask for. Other arguments as `Codebook`."""
    return KINDS[settings.codebook](settings.codes, settings.dim_code, substeps, action_dim)
