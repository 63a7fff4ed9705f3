"""Semi-Markov chains over the steps of transcripts: forward and backward, batched, in float32.

A step of a transcript is a row of K sub-states that a path goes through one after the other, staying in each
with the same chance: its duration is a sum of geometric ones, neither memoryless nor fixed. A step that
needs fewer sub-states is entered further along its row, so that all rows have one length.

Windows are cut without looking at labels, so one may hold the end of another activity: where a grammar
*leaks*, a path may leave the window's own transcript for another one, rarely, and comes back.

Shapes: B windows, F frames, n labels, U uses of a label, K sub-states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vqtext.model.hmm import FORBIDDEN

CELLS = 1 << 23  # numbers of one pass held at once
SUBSTATES = 6  # most sub-states of a step
FIRST_SUBSTATES = 3  # before durations were learned: how a step begins, goes on and ends
# A window that holds a border, as chances a frame: it begins elsewhere, goes elsewhere, comes back.
LEAST = -60.0  # log weight against the best of its frame: nothing is ruled out by one frame
LEAK_START, LEAK_OUT, LEAK_BACK = 0.1, 0.003, 0.02


@dataclass(frozen=True)
class Chain:
    """Transcripts of all labels with their durations.

    Attributes:
        moves: log chance of which use follows, once a use is over, ``(n, U, U)``.
        start: log chance of the use a window begins in, ``(n, U)``; `FORBIDDEN` where padded.
        stay: chance to stay in a sub-state for another frame, ``(n, U)``.
        substates: how many a use has, 1 to `SUBSTATES`, ``(n, U)``.
        leaks: whether a path may visit other labels.
    """

    moves: Tensor
    start: Tensor
    stay: Tensor
    substates: Tensor
    leaks: bool = False

    @classmethod
    def of(cls, moves: Tensor, start: Tensor, dwell_frames: Tensor, leaks: bool = False) -> Chain:
        """Chains whose uses last so long on average.

        Args:
            moves: log chance of what follows a use, ``(n, U, U)``; start: ``(n, U)``.
            dwell_frames: of each use, ``(n, U)``.
        """
        dwell = dwell_frames.clamp(min=1)
        count = dwell.floor().clamp(max=FIRST_SUBSTATES).long()
        stay = 1 - count / dwell
        return cls(moves, start, stay, count, leaks)

    def with_durations(self, mean: Tensor, variance: Tensor) -> Chain:
        """The same chains with durations of these moments in frames, ``(n, U)``; NaN keeps what there was.

        A sum of K geometric durations with mean m has variance m²/K − m.
        """
        mean = mean.clamp(min=1.0)
        count = (mean.square() / (variance + mean)).round().nan_to_num(1).clamp(1, SUBSTATES)
        count = torch.minimum(count, mean.floor().nan_to_num(1).clamp(min=1))
        known = mean.isfinite() & variance.isfinite()
        return replace(
            self,
            stay=torch.where(known, 1 - count / mean, self.stay),
            substates=torch.where(known, count.long(), self.substates),
        )


def own(emission: Tensor, label: Tensor) -> Tensor:
    """Of the uses of all labels ``(B, F, n, U, …)`` those of the windows' own, ``(B, F, 1, U, …)``."""
    return emission[torch.arange(len(label)), :, label][:, :, None]


def posterior(
    emission: Tensor,
    chain: Chain,
    label: Tensor,
    frames: Tensor | None = None,
    near: Tensor | None = None,
    within: bool = False,
) -> Tensor:
    """Which use each frame shows.

    Each frame is scaled to a sum of 1, so that a path of any length stays in the range of float32.

    Args:
        emission: log weights of the uses, ``(B, F, n, U)`` if the chain leaks, else of the window's own label
            alone, ``(B, F, 1, U)``; or of the sub-states of each, ``(B, F, n or 1, U, K)``, the last of which
            ends the use.
        chain: of all labels.
        label: of each window, ``(B,)``.
        frames: how many frames of each window count, ``(B,)``; all where it is None.
        near: other labels that a path may visit where the chain leaks, ``(B, n)``; all where it is None.
        within: tell the sub-states apart.

    Returns:
        Probabilities of the uses, ``(B, F, n or 1, U)``, or of their sub-states, ``(B, F, n or 1, U, K)``;
        over a frame they sum to 1.
    """
    walk = _Walk(chain, label, emission.shape[2], near)
    if frames is not None:  # frames beyond a window's end say nothing
        beyond = torch.arange(emission.shape[1], device=emission.device) >= frames[:, None]
        emission = torch.where(beyond.view(*beyond.shape, *[1] * (emission.dim() - 2)), 0.0, emission)
    weight = walk.weights(emission)[0].transpose(0, 1).contiguous()
    ahead = [_scaled(walk.start * weight[0])]
    for f in range(1, emission.shape[1]):
        ahead.append(_scaled(walk.forward(ahead[-1]) * weight[f]))
    beta = torch.ones_like(ahead[0])
    out = emission.new_empty(*emission.shape[:4], *([beta.shape[-1]] if within else []))
    for f in range(emission.shape[1] - 1, -1, -1):
        share = _scaled(ahead[f] * beta)
        out[:, f] = share if within else share.sum(-1)
        if f:
            beta = _scaled(walk.backward(beta * weight[f]))
    return out


def likelihood(emission: Tensor, chain: Chain, label: Tensor) -> Tensor:
    """Log of the summed weight of all paths of each window, ``(B,)``; arguments as for `posterior`."""
    walk = _Walk(chain, label, emission.shape[2])
    weight, best = walk.weights(emission)
    total, alpha = best.sum(1), walk.start * weight[:, 0]
    for f in range(emission.shape[1]):
        if f:
            alpha = walk.forward(alpha) * weight[:, f]
        scale = alpha.sum((1, 2, 3), keepdim=True).clamp(min=1e-30)
        total, alpha = total + scale.flatten().log(), alpha / scale
    return total


def learn(
    chain: Chain,
    label: Tensor,
    emission_of: Callable[[Tensor], Tensor],
    frames: int,
    iterations: int,
    keep: Callable[[Tensor, Tensor], None] = lambda rows, share: None,
    near: Tensor | None = None,
    alike: Tensor | None = None,
) -> Chain:
    """Walk through all windows again and again, each time with the durations of the time before.

    Args:
        chain, label, near: as for `posterior`.
        emission_of: log weights of some windows, by their rows.
        frames: of a window.
        keep: is given the rows and their posterior, each time.
        alike: uses of a label that last alike, for each the place of the first of them, ``(n, U)``; None:
            each has a duration of its own.

    Returns:
        The chain with the durations it learned.
    """
    labels, uses = chain.start.shape
    own = torch.arange(uses).expand(labels, uses) if alike is None else alike.cpu()
    first = (torch.arange(labels)[:, None] * uses + own).flatten()
    paths = torch.empty(len(label), frames, dtype=torch.long)
    for _ in range(iterations):
        for rows in chunks(chain, len(label), frames):
            nearby = None if near is None else near[rows]
            share = posterior(emission_of(rows), chain, label[rows], near=nearby)
            keep(rows, share)
            paths[rows] = likeliest(share, label[rows])
        mean, variance = (of_all[first].view(labels, uses) for of_all in durations(paths, first))
        chain = chain.with_durations(mean, variance)
    return chain


def likeliest(share: Tensor, label: Tensor) -> Tensor:
    """The likeliest use of each frame, counted through all labels: label · U + use, ``(B, F)``."""
    best = share.flatten(2).argmax(-1)
    return best if share.shape[2] > 1 else best + label[:, None] * share.shape[3]


def chunks(chain: Chain, windows: int, frames: int) -> Iterator[Tensor]:
    """Rows of windows, as many at once as fit into memory."""
    labels, uses = chain.start.shape
    cells = frames * (labels if chain.leaks else 1) * uses * SUBSTATES
    yield from torch.arange(windows).split(max(1, CELLS // cells))


def durations(path: Tensor, kind: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of how long states of each kind last, in frames, ``(states,)``.

    A run that touches the border of its window was cut and is left out. NaN where fewer than two were seen.

    Args:
        path: state of each frame, ``(N, F)``.
        kind: of each state one that stands for all of its kind, ``(states,)``; two of a kind in a row are two
            runs.
    """
    change = torch.ones_like(path, dtype=torch.bool)
    change[:, 1:] = path[:, 1:] != path[:, :-1]
    row, begin = change.nonzero(as_tuple=True)
    end = torch.full_like(begin, path.shape[1])
    same = row[1:] == row[:-1]
    end[:-1] = torch.where(same, begin[1:], end[:-1])
    whole = (begin > 0) & (end < path.shape[1])
    state, length = kind[path[row[whole], begin[whole]]], (end - begin)[whole].to(torch.float64)
    states = len(kind)
    count = torch.bincount(state, minlength=states)
    mean = torch.bincount(state, length, minlength=states) / count
    variance = torch.bincount(state, (length - mean[state]).square(), minlength=states) / (count - 1)
    few = count < 2
    return torch.where(few, torch.nan, mean).float(), torch.where(few, torch.nan, variance).float()


class _Walk:
    """The weights of one batch, and a step forwards and backwards through them."""

    def __init__(self, chain: Chain, label: Tensor, width: int, near: Tensor | None = None) -> None:
        self.leaks = chain.leaks and width > 1
        # each window walks its own label's transcript alone, or all windows walk all of them
        alone = not self.leaks and len(label) > 0 and bool((label == label[0]).all())
        pick = slice(None) if self.leaks else label[:1] if alone else label
        count, stay = chain.substates[pick], chain.stay[pick]
        shape = (1, width) if self.leaks else (len(count), 1)
        self.moves = chain.moves[pick].exp()  # (n or B, U, U)
        first = chain.start[pick].exp().view(*shape, -1)
        stay, count = stay.view(*shape, -1, 1), count.view(*shape, -1, 1)
        self.valid = (first > 0).expand(len(label), width, -1)
        self.row = int(chain.substates.max())
        place = torch.arange(self.row, device=label.device)
        self.entry = (place == self.row - count).to(first.dtype)
        inside = (place >= self.row - count) / count
        self.stay, self.go = stay, 1 - stay
        self.start = (first[..., None] * inside).expand(len(label), width, -1, -1)
        self.across = self._across() if alone else None
        if self.leaks:
            mine = torch.nn.functional.one_hot(label, width).to(first.dtype)
            others = (1 - mine) if near is None else near.to(first.dtype) * (1 - mine)
            others = others / others.sum(1, keepdim=True).clamp(min=1)
            home = mine * (1 - LEAK_START * others.sum(1, keepdim=True))
            self.mine, others = mine[..., None, None], others[..., None, None]
            self.start = self.start * (home[..., None, None] + others * LEAK_START)
            # where a path that comes from elsewhere lands: any use, at its beginning
            landing = first[..., None] * self.entry
            self.out, self.back = LEAK_OUT * landing * others, LEAK_BACK * landing * self.mine

    def _across(self) -> Tensor:
        """From each sub-state to each other, ``(U · K, U · K)``, where all windows walk one transcript: one
        product is faster than many sums."""
        uses, row = len(self.moves[0]), self.row
        last = self.entry[0, 0] * self.moves[0][..., None]  # (U, U, K)
        out = last.new_zeros(uses, row, uses, row)
        out[:, -1] = self.go[0, 0, :, :, None] * last
        one, place = torch.arange(uses)[:, None], torch.arange(row)
        out[one, place, one, place] += self.stay[0, 0]
        out[one, place[:-1], one, place[1:]] += self.go[0, 0]
        return out.flatten(2).flatten(0, 1)

    def weights(self, emission: Tensor) -> tuple[Tensor, Tensor]:
        """Log weights as `posterior` takes them → weights against the best of their frame, ``(B, F, n or 1,
        U, 1 or K)``, and the log of that best, ``(B, F)``."""
        emission = emission if emission.dim() == 5 else emission[..., None]
        valid = self.valid[:, None, ..., None]
        best = torch.where(valid, emission, FORBIDDEN).flatten(2).amax(2)
        return (emission - best[..., None, None, None]).clamp(LEAST, 0.0).exp() * valid, best

    def forward(self, alpha: Tensor) -> Tensor:
        """Weights ``(B, n, U, K)`` one frame on, before that frame's emission."""
        if self.across is not None:
            return (alpha.flatten(1) @ self.across).view_as(alpha)
        going = alpha * self.go
        step = alpha * self.stay + self.entry * self._follow(going[..., -1], self.moves)[..., None]
        step[..., 1:] += going[..., :-1]
        if self.leaks:
            home = (alpha * self.mine).sum((1, 2, 3), keepdim=True)
            step = step + home * self.out + (alpha.sum((1, 2, 3), keepdim=True) - home) * self.back
        return step

    def backward(self, beta: Tensor) -> Tensor:
        """Weights of what follows, one frame back; ``beta`` holds the later frame's emission."""
        if self.across is not None:
            return (beta.flatten(1) @ self.across.T).view_as(beta)
        entered = self._follow((beta * self.entry).sum(-1), self.moves.transpose(1, 2))
        step = beta * self.stay
        step[..., :-1] += self.go * beta[..., 1:]
        step[..., -1] += self.go[..., 0] * entered
        if self.leaks:
            out = (beta * self.out).sum((1, 2, 3), keepdim=True)
            back = (beta * self.back).sum((1, 2, 3), keepdim=True)
            step = step + self.mine * out + (1 - self.mine) * back
        return step

    def _follow(self, done: Tensor, moves: Tensor) -> Tensor:
        """``(B, n, U)`` through the moves of each label."""
        if self.leaks:
            return torch.bmm(done.transpose(0, 1), moves).transpose(0, 1)
        return torch.bmm(done, moves)


def _scaled(x: Tensor) -> Tensor:
    return x / x.sum((1, 2, 3), keepdim=True).clamp(min=1e-30)
