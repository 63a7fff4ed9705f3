"""Hidden semi-Markov chains over the steps of several labels: forward, backward, Viterbi, sampling.

A label is a chain of uses (its steps). A use is a row of K sub-states that a path goes through one after the
other, staying in each with the same chance, so that its duration is a sum of geometric ones. All labels form
one chain: at any frame a path may switch, rarely, to the beginning of a use of any label, because windows are
cut without looking at labels and may hold the border of two activities. The label of a window is the one in
which the path is at the window's middle frame: where a window holds one border, that label holds most of it.

Source: Rabiner 1989 (forward and backward, scaled); Guédon 2003 (durations as rows of sub-states).

Shapes: B windows, F frames, n labels, U uses of a label, K sub-states, S = U·K states of a label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

FORBIDDEN = -1e9
"""Log weight of what cannot be. Not −inf, which turns gradients of a log-sum-exp into NaN."""

MIN_LOG_WEIGHT = -60.0
"""Log weight of a state against the best of its frame: nothing is ruled out by one frame."""

TINY = 1e-30
CELLS = 1 << 23
"""Numbers of one pass that are held at once."""


@dataclass(frozen=True)
class Chain:
    """The chains of all labels.

    Attributes:
        moves: log chance of which use follows once a use is over, ``(n, U, U)``.
        start: log chance of the use a window begins in, ``(n, U)``; `FORBIDDEN` where there is no such use.
        stay: chance to stay in a sub-state for another frame, ``(n, U)``.
        substates: how many a use has, ``(n, U)``; a use with fewer than others is entered further along its
            row, so that all rows have one length.
        prior: chance of each label, ``(n,)``.
        row: K, sub-states of the longest row.
        switch: chance a frame to begin with another label.
    """

    moves: Tensor
    start: Tensor
    stay: Tensor
    substates: Tensor
    prior: Tensor
    row: int
    switch: float = 0.0

    @classmethod
    def of(cls, moves: Tensor, start: Tensor, dwell: Tensor, most: int, switch: float = 0.0) -> Chain:
        """Chains whose uses last ``dwell (n, U)`` frames on average, in rows of at most ``most`` sub-states;
        all labels are as likely."""
        dwell = dwell.clamp(min=1)
        count = dwell.floor().clamp(max=most).long()
        prior = torch.full((len(moves),), 1 / len(moves))
        return cls(moves, start, 1 - count / dwell, count, prior, int(count.max()), switch)

    def with_durations(self, mean: Tensor, variance: Tensor, most: int) -> Chain:
        """The same chains with durations of these moments in frames, ``(n, U)``; NaN keeps what there was.

        A sum of K geometric durations with mean m has variance m²/K − m.
        """
        mean = mean.clamp(min=1.0)
        count = (mean.square() / (variance + mean)).round().nan_to_num(1).clamp(1, most)
        count = torch.minimum(count, mean.floor().nan_to_num(1).clamp(min=1))
        known = mean.isfinite() & variance.isfinite()
        substates = torch.where(known, count.long(), self.substates)
        stay = torch.where(known, 1 - count / mean, self.stay)
        return replace(self, stay=stay, substates=substates, row=int(substates.max()))

    def alone(self, label: int) -> Chain:
        """The chain of one label, which is never left."""
        one = slice(label, label + 1)
        return Chain(
            self.moves[one],
            self.start[one],
            self.stay[one],
            self.substates[one],
            torch.ones_like(self.prior[one]),
            self.row,
        )


def posterior(
    emission: Tensor,
    chain: Chain,
    label: Tensor | None = None,
    activity: Tensor | None = None,
    within: bool = False,
) -> Tensor:
    """Chance of each use at each frame.

    Args:
        emission: log weights of the uses, ``(B, F, n, U)``, or of their sub-states, ``(B, F, n, U, K)``; with
            one label in place of n, those of each window's own, whose chain is then used alone.
        label: of each window, ``(B,)``: its middle frame is in one of this label's uses.
        activity: the label at each frame, where it is known, ``(B, F)``: a path is in one of its uses there.
        within: tell the sub-states apart.

    Returns:
        ``(B, F, n or 1, U)``, or ``(B, F, n or 1, U, K)``; over a frame it sums to 1.
    """
    if label is not None and emission.shape[2] < len(chain.prior):
        out = emission.new_empty(*emission.shape[:4], *([chain.row] if within else []))
        for rows, own in _each_alone(chain, label):
            out[rows] = posterior(emission[rows], own, within=within)
        return out
    trellis = _Trellis(emission, chain, label, activity)
    ahead, _ = trellis.forward()
    behind = trellis.backward()
    share = _scaled(torch.stack(ahead) * torch.stack(behind))  # (F, n, B, S)
    share = share.unflatten(3, (-1, trellis.row)).permute(2, 0, 1, 3, 4)
    return share if within else share.sum(-1)


def log_likelihood(emission: Tensor, chain: Chain, label: Tensor | None = None) -> Tensor:
    """Log of the summed weight of all paths of each window, ``(B,)``. Arguments as for `posterior`."""
    if label is not None and emission.shape[2] < len(chain.prior):
        out = emission.new_empty(len(emission))
        for rows, own in _each_alone(chain, label):
            out[rows] = log_likelihood(emission[rows], own)
        return out
    trellis = _Trellis(emission, chain, label, None)
    _, scales = trellis.forward()
    return torch.stack(scales).log().sum(0) + trellis.best.sum(1)


def label_posterior(emission: Tensor, chain: Chain) -> Tensor:
    """Log posterior of each window's label, ``(B, n)``: of where the path is at the middle frame.

    Its gradient is exact: training maximises it (sequence-discriminative training with the whole chain as the
    denominator, Povey et al. 2016, "Purely sequence-trained neural networks for ASR based on lattice-free
    MMI").

    Args:
        emission: as for `posterior`, of all labels.
    """
    ahead, behind = _Trellis(emission, chain, None, None).meet()
    of_label = (ahead * behind).sum(2).T
    return (of_label / of_label.sum(1, keepdim=True)).clamp(min=TINY).log()


def viterbi(emission: Tensor, chain: Chain, label: Tensor) -> Tensor:
    """The most probable path of each window whose middle frame is in its label: uses counted through all
    labels, label · U + use, ``(B, F)``. Arguments as for `posterior`."""
    trellis = _Trellis(emission, chain, label, None)
    labels, states = len(chain.start), trellis.land.shape[-1]
    weight = [_log(of_frame) for of_frame in trellis.weight]
    move, land = _log(trellis.move), _log(trellis.land)
    best = _log(trellis.begin) + weight[0]
    offset = (torch.arange(labels, device=emission.device) * states)[:, None, None]
    back = []
    for f in range(1, len(weight)):
        within, origin = (best[..., None] + move[:, None]).max(2)  # (n, B, S)
        most, where = best.transpose(0, 1).flatten(1).max(1)
        switched = most[None, :, None] + land
        back.append(torch.where(switched > within, where[None, :, None], origin + offset))
        best = torch.maximum(within, switched) + weight[f]
    at = best.transpose(0, 1).flatten(1).argmax(1)
    path = [at]
    for origin in reversed(back):
        at = origin.transpose(0, 1).flatten(1).gather(1, at[:, None])[:, 0]
        path.append(at)
    return torch.stack(path[::-1], 1).div(trellis.row, rounding_mode="floor")


def sample(
    emission: Tensor, chain: Chain, label: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """One path of each window, drawn by its posterior: uses counted as by `viterbi`, ``(B, F)``."""
    trellis = _Trellis(emission, chain, label, None)
    states = trellis.land.shape[-1]
    ahead, _ = trellis.forward()
    at = torch.multinomial(ahead[-1].transpose(0, 1).flatten(1), 1, generator=generator)[:, 0]
    path = [at]
    rows = torch.arange(len(emission), device=emission.device)
    for alpha in reversed(ahead[:-1]):
        of, state = at.div(states, rounding_mode="floor"), at % states
        chance = alpha.transpose(0, 1).clone() * trellis.land[of, 0, state][:, None, None]  # a switch
        chance[rows, of] += alpha[of, rows] * trellis.move[of, :, state]
        at = torch.multinomial(chance.flatten(1), 1, generator=generator)[:, 0]
        path.append(at)
    return torch.stack(path[::-1], 1).div(trellis.row, rounding_mode="floor")


def most_likely(share: Tensor, label: Tensor) -> Tensor:
    """The most probable use of each frame by itself, counted through all labels: label · U + use, ``(B, F)``.

    Args:
        share: `posterior` of all labels, or of the windows' own alone.
    """
    best = share.flatten(2).argmax(-1)
    return best if share.shape[2] > 1 else best + label[:, None] * share.shape[3]


def chunks(chain: Chain, windows: int, frames: int, labels: int) -> Iterator[Tensor]:
    """Rows of windows, as many at once as fit into memory, if so many labels are passed through."""
    cells = frames * labels * chain.start.shape[1] * chain.row
    yield from torch.arange(windows).split(max(1, CELLS // cells))


def durations(path: Tensor, states: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of how long each state lasts, in frames, ``(states,)``.

    A run that touches the border of its window was cut and is left out. NaN where fewer than two were seen.

    Args:
        path: state of each frame, ``(N, F)``.
    """
    change = torch.ones_like(path, dtype=torch.bool)
    change[:, 1:] = path[:, 1:] != path[:, :-1]
    row, begin = change.nonzero(as_tuple=True)
    end = torch.full_like(begin, path.shape[1])
    same = row[1:] == row[:-1]
    end[:-1] = torch.where(same, begin[1:], end[:-1])
    whole = (begin > 0) & (end < path.shape[1])
    state, length = path[row[whole], begin[whole]], (end - begin)[whole].to(torch.float64)
    count = torch.bincount(state, minlength=states)
    mean = torch.bincount(state, length, minlength=states) / count
    variance = torch.bincount(state, (length - mean[state]).square(), minlength=states) / (count - 1)
    few = count < 2
    return torch.where(few, torch.nan, mean).float(), torch.where(few, torch.nan, variance).float()


class _Trellis:
    """Weights of one batch, and the passes through them. Weights of a frame are taken against its best, and
    each frame is scaled to a sum of 1, so that a path of any length stays in the range of float32."""

    def __init__(self, emission: Tensor, chain: Chain, label: Tensor | None, activity: Tensor | None) -> None:
        emission = emission if emission.dim() == 5 else emission[..., None]
        self.row, self.middle = chain.row, emission.shape[1] // 2
        labels = len(chain.start)
        place = torch.arange(self.row, device=chain.start.device)
        count = chain.substates[..., None]
        entry = (place == self.row - count).to(emission.dtype)  # (n, U, K)
        inside = (place >= self.row - count) / count
        # what no path can reach has no weight: scaled beside it, all the others would vanish on the way back
        there = (chain.start > FORBIDDEN / 2) & (chain.prior[:, None] > 0)
        if activity is not None:
            there = there & torch.nn.functional.one_hot(activity, labels).bool()[..., None]  # (B, F, n, U)
        first = chain.start.exp()[..., None] * chain.prior[:, None, None]
        self.move = (1 - chain.switch) * _matrix(chain, entry)  # (n, S, S)
        self.begin = (first * inside).flatten(1)[:, None]  # (n, 1, S)
        self.land = chain.switch * (first * entry).flatten(1)[:, None]
        best = torch.where(there[..., None], emission, FORBIDDEN).flatten(2).amax(2)
        weight = (emission - best[..., None, None, None]).clamp(MIN_LOG_WEIGHT, 0.0).exp() * there[..., None]
        weight = weight.expand(*weight.shape[:4], self.row).flatten(3).permute(1, 2, 0, 3)  # (F, n, B, S)
        # taken apart once: the gradient of an index would fill all frames, for each frame
        self.best, self.weight = best, [*weight.contiguous().unbind(0)]
        if label is not None and labels > 1:
            mine = torch.nn.functional.one_hot(label, labels).to(weight.dtype).T[:, :, None]
            self.weight[self.middle] = self.weight[self.middle] * mine
        self.back = self.move.transpose(1, 2)

    def forward(self) -> tuple[list[Tensor], list[Tensor]]:
        """Scaled weights of what came before, ``(n, B, S)`` each, and the scales, ``(B,)`` each."""
        ahead: list[Tensor] = []
        scales: list[Tensor] = []
        for now in self.weight:
            alpha = torch.baddbmm(self.land, ahead[-1], self.move) if ahead else self.begin
            alpha = alpha * now
            scale = alpha.sum((0, 2)).clamp(min=TINY)
            ahead.append(alpha / scale[:, None])
            scales.append(scale)
        return ahead, scales

    def backward(self) -> list[Tensor]:
        """Scaled weights of what follows, ``(n, B, S)`` each."""
        beta = torch.ones_like(self.weight[0])
        behind = [beta]
        for now in self.weight[:0:-1]:
            beta = _scaled(self._before(beta * now))
            behind.append(beta)
        return behind[::-1]

    def _before(self, later: Tensor) -> Tensor:
        """Weights of what follows a frame, by those of the next frame and all after it, ``(n, B, S)``."""
        return torch.bmm(later, self.back) + (later * self.land).sum((0, 2))[:, None]

    def meet(self) -> tuple[Tensor, Tensor]:
        """What `forward` and `backward` give of the middle frame, up to a factor, by both at once: half as
        many steps, and a training's time goes to their number."""
        after = len(self.weight) - 1 - self.middle
        if not after:
            return self.forward()[0][-1], torch.ones_like(self.weight[0])
        one = torch.ones_like(self.land)
        out_of, into = torch.stack([one, self.land]), torch.stack([self.land, one])  # by a switch
        move = torch.cat([self.move, self.back])
        pairs = zip(self.weight[:after], self.weight[: -after - 1 : -1], strict=True)
        first, *others = map(torch.stack, pairs)
        both = _scaled(first * torch.stack([self.begin, one]))
        for now in others:
            switched = (both * out_of).sum((1, 3), keepdim=True) * into
            went = torch.baddbmm(switched.flatten(0, 1), both.flatten(0, 1), move)
            both = _scaled(went.view_as(both) * now)
        ahead, behind = both
        for now in self.weight[after : self.middle + 1]:
            ahead = _scaled(torch.baddbmm(self.land, ahead, self.move) * now)
        return ahead, self._before(behind)


def _matrix(chain: Chain, entry: Tensor) -> Tensor:
    """From each sub-state of a label to each other, ``(n, S, S)``; rows begin at ``entry (n, U, K)``."""
    labels, uses, row = entry.shape
    go = 1 - chain.stay
    out = entry.new_zeros(labels, uses, row, uses, row)
    out[:, :, -1] = go[:, :, None, None] * chain.moves.exp()[..., None] * entry[:, None]
    use, place = torch.arange(uses, device=entry.device)[:, None], torch.arange(row, device=entry.device)
    out[:, use, place, use, place] += chain.stay[..., None]
    out[:, use, place[:-1], use, place[1:]] += go[..., None]
    return out.flatten(3).flatten(1, 2)


def _log(weight: Tensor) -> Tensor:
    return torch.where(weight > 0, weight.clamp(min=TINY).log(), FORBIDDEN)


def _each_alone(chain: Chain, label: Tensor) -> Iterator[tuple[Tensor, Chain]]:
    for i in label.unique().tolist():
        yield (label == i).nonzero()[:, 0], chain.alone(i)


def _scaled(x: Tensor) -> Tensor:
    """Weights ``(..., n, B, S)`` that sum to 1 for each window."""
    return x / x.sum((-3, -1), keepdim=True).clamp(min=TINY)
