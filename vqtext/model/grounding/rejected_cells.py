"""Rejected cells: which written cells the training windows contradict.

An author, or a language model, gets some cells of a signature wrong. A wrong cell draws a border to where
nothing changes; the features of each step between such borders blur, and the windows become less likely than
true words make them. So each cell is left out in turn, the one whose loss makes the windows of its label
likeliest is dropped, if the gain is clear, and the rest is tried again.

Likelihood alone knows no names: had every step its neighbour's name, the data would be explained as well. So
nothing new is ever put into a cell, what was written counts beside the data, no cell is dropped whose loss
renames much of a label's time, and none with few locations, where names depend on every word.

W windows of one label, F frames, U uses, K sub-states, S = U·K, L locations, R features, C cells tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vqtext.model.grounding.emissions import EPS, EmissionConfig, Evidence, fits_directions, fits_levels
from vqtext.model.grounding.gaussians import Gaussians
from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import Chain


@dataclass(frozen=True)
class RejectionConfig:
    """Attributes:
    locations: with fewer, no word can be spared.
    windows: of each label that are enough.
    clear: nats a second by which the loss of a cell must make them likelier.
    together: nats a second that cells of a label must gain together; true words rarely do.
    most: cells of a label, and half of them: the rest must still say which step is which.
    renamed: share of a label's time beyond which its steps were not mended but took each other's names.
    promising: of all that were tried, those that are tried again once one is left out.
    """

    locations: int = 4
    windows: int = 120
    clear: float = 0.1
    together: float = 2.5
    most: int = 8
    renamed: float = 0.3
    promising: int = 12


CONFIG = RejectionConfig()
CELLS = 1 << 24  # numbers of one pass held at once


@dataclass(frozen=True)
class WrittenCell:
    """What is written of one use: its level at a location, or, where that is None, which way it goes."""

    label: int
    use: int
    location: int | None


def rejected(evidence: Evidence, chain: Chain, config: EmissionConfig) -> list[WrittenCell]:
    """The cells that the training windows contradict, the clearest of each label first.

    Args:
        chain: of all labels, as long as the words make each step.
    """
    if evidence.levels.shape[2] < CONFIG.locations:
        return []
    data, motion = Gaussians(evidence, config), evidence.rank
    cells = []
    for label in evidence.label.unique().tolist():
        rows = (evidence.label == label).nonzero()[:, 0]
        some = rows[torch.linspace(0, len(rows) - 1, min(CONFIG.windows, len(rows))).round().long()]
        cells += _Label(label, evidence, data, chain, motion, some).rejected()
    return cells


def without(evidence: Evidence, cells: list[WrittenCell]) -> Evidence:
    """Evidence in which these cells say nothing."""
    levels, directions = evidence.levels.clone(), evidence.directions.clone()
    for cell in cells:
        rows = (evidence.label == cell.label).nonzero()[:, 0]
        if cell.location is None:
            directions[rows, cell.use] = torch.nan
        else:
            levels[rows, cell.use, cell.location] = torch.nan
    return replace(evidence, levels=levels, directions=directions)


class _Label:
    """Windows of one label, and how likely they are without some of its words."""

    def __init__(
        self, label: int, evidence: Evidence, data: Gaussians, chain: Chain, motion: Tensor, rows: Tensor
    ) -> None:
        self.label, self.chain, self.config = label, chain.alone(label), data.config
        self.seconds = evidence.frame_s * evidence.motion.shape[1]
        self.motion, self.moved = motion[rows], evidence.motion[rows].isfinite()
        self.levels = evidence.levels[rows]
        self.fits = fits_levels(self.motion, self.moved, self.levels, self.config)  # (W, F, U, L)
        self.direction_fits = fits_directions(
            evidence.velocity[rows], evidence.directions[rows], evidence.group[rows], self.config
        )
        self.weight = evidence.words_weight(self.config)
        self.written = self.weight * self._by_words()  # (W, F, U)
        self.x, self.seen, self.data_weight = data.x[rows], data.seen[rows].to(data.x.dtype), data.weight
        self.hand = torch.nn.functional.one_hot(evidence.hand[rows]).to(self.x.dtype)
        # mostly all is measured, or a whole sensor is missing: sums over the same frames are taken once
        self.pattern, self.of_feature = self.seen.flatten(0, 1).unique(dim=1, return_inverse=True)
        self.pattern = self.pattern.view(*self.seen.shape[:2], -1)  # (W, F, P), of each feature (R,)
        self.patterns = torch.nn.functional.one_hot(self.of_feature, self.pattern.shape[2]).to(self.x.dtype)

    def rejected(self) -> list[WrittenCell]:
        """What to leave out, in this order; afterwards it is left out here."""
        cells, named = self._cells(), self._named(self.written)
        dropped: list[WrittenCell] = []
        most = min(CONFIG.most, len(cells) // 2)
        best = before = float(self._log_likelihood(self.written[None])[0])
        while len(dropped) < most:
            likelihood = self._without(cells)
            order = likelihood.argsort(descending=True).tolist()
            if not float(likelihood[order[0]]) - best > CONFIG.clear * self.seconds:
                break
            self._leave_out(cells[order[0]])
            renamed = self._named(self.weight * self._by_words()) != named
            if float(renamed.float().mean()) > CONFIG.renamed:
                break
            best = float(likelihood[order[0]])
            dropped.append(cells[order[0]])
            cells = [cells[k] for k in order[1 : CONFIG.promising + 1]]
        return dropped if best - before > CONFIG.together * self.seconds else []

    def _by_words(self) -> Tensor:
        """Log weights by all cells that are not left out, ``(W, F, U)``."""
        return self.fits.sum(-1) + self.direction_fits

    def _cells(self) -> list[WrittenCell]:
        levels = self.levels.isfinite().any(0).nonzero().tolist()
        directions = (self.direction_fits != 0).any(0).any(0).nonzero()[:, 0].tolist()
        of_levels = [WrittenCell(self.label, use, location) for use, location in levels]
        return of_levels + [WrittenCell(self.label, use, None) for use in directions]

    def _leave_out(self, cell: WrittenCell) -> None:
        if cell.location is None:
            self.direction_fits[..., cell.use] = 0
        else:
            self.fits[..., cell.location] = self._fits(cell.use, cell.location)
            self.levels[:, cell.use, cell.location] = torch.nan

    def _fits(self, use: int, location: int) -> Tensor:
        """Log weights of all uses by a location without this cell, ``(W, F, U)``: levels are relative."""
        one = slice(location, location + 1)
        levels = self.levels[..., one].clone()
        levels[:, use] = torch.nan
        return fits_levels(self.motion[..., one], self.moved[..., one], levels, self.config)[..., 0]

    def _without(self, cells: list[WrittenCell]) -> Tensor:
        """Mean log likelihood of the windows without each cell, ``(C,)``."""
        now = self._by_words()
        at_once = max(1, CELLS // (now.numel() * self.chain.row))
        likelihood = []
        for begin in range(0, len(cells), at_once):
            some = cells[begin : begin + at_once]
            by_words = now.repeat(len(some), 1, 1, 1)
            for row, cell in enumerate(some):
                if cell.location is None:
                    by_words[row, ..., cell.use] -= self.direction_fits[..., cell.use]
                else:
                    by_words[row] += self._fits(cell.use, cell.location) - self.fits[..., cell.location]
            likelihood.append(self._log_likelihood(self.weight * by_words))
        return torch.cat(likelihood)

    def _log_likelihood(self, by_words: Tensor) -> Tensor:
        """Mean log likelihood of the windows by the features of each step where the weights
        ``by_words (C, W, F, U)`` put it, ``(C,)``."""
        emission = self._emissions(by_words) + self.written[..., None]
        of_windows = semi_markov.log_likelihood(emission.flatten(0, 1)[:, :, None], self.chain)
        return of_windows.view(by_words.shape[:2]).mean(1)

    def _named(self, by_words: Tensor) -> Tensor:
        """The likeliest use of each frame, ``(W, F)``, if the weights ``by_words (W, F, U)`` come first."""
        emission = self._emissions(by_words[None])[0]
        return semi_markov.posterior(emission[:, :, None], self.chain)[:, :, 0].argmax(-1)

    def _emissions(self, by_words: Tensor) -> Tensor:
        """Log weights of the sub-states by the features of each step where the words put it,
        ``(C, W, F, U, K)``."""
        count, windows, frames, uses = by_words.shape
        share = semi_markov.posterior(by_words.flatten(0, 1)[:, :, None], self.chain, within=True)
        share = share.view(count, windows, frames, -1)  # (C, W, F, S)
        features = self.x * self.seen
        total = torch.einsum("cwfs,wfp,wh->chsp", share, self.pattern, self.hand)[..., self.of_feature]
        mean = torch.einsum("cwfs,wfr,wh->chsr", share, features, self.hand) / total.clamp(min=EPS)
        square = (features * self.x).sum((0, 1)) - (total * mean.square()).sum((1, 2))
        variance = (square / self.seen.sum((0, 1)).clamp(min=EPS)).clamp(min=1e-3)  # (C, R)
        # |x − m|² / v + log v over what was measured, as products
        cross = torch.einsum("chsr,cr,wh->cwsr", mean, 1 / variance, self.hand)
        far = torch.einsum("chsr,cr,rp,wh->cwsp", mean.square(), 1 / variance, self.patterns, self.hand)
        away = torch.einsum("wfp,cwsp->cwfs", self.pattern, far)
        away -= 2 * torch.einsum("wfr,cwsr->cwfs", features, cross)
        alone = torch.einsum("wfr,cr->cwf", features * self.x, 1 / variance)
        alone += torch.einsum("wfr,cr->cwf", self.seen, variance.log())
        return -0.5 * self.data_weight * (away + alone[..., None]).view(count, windows, frames, uses, -1)
