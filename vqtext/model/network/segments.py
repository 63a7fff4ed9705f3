"""Pieces of a series under tokens: cut out, measured and stitched together again."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vqtext.model.network.token_to_frame import nearness

SHAPE_STEPS = 16  # samples a piece is stretched to, and a drawn shape has
FALLOFF = 1e-3  # weight of the nearest piece where another lies
MIN_SPREAD = 1e-3  # spread of a piece, in standard units, below which it is flat


def cut(x: Tensor, t: Tensor, l: Tensor, steps: int = SHAPE_STEPS) -> Tensor:
    """Stretch each token's piece of the series to ``steps`` samples by linear interpolation.

    Args:
        x: series, ``(S, c, T)``.
        t, l: start and length of the tokens, shares of the window, ``(S, M)``.

    Returns:
        ``(S, M, c, steps)``
    """
    series, channels, length = x.shape
    along = torch.linspace(0, 1, steps, device=x.device)
    at = ((t[..., None] + l[..., None] * along).clamp(0, 1) * (length - 1)).flatten(1)  # (S, M·steps)
    low = at.floor().nan_to_num().long().clamp(max=max(length - 2, 0))  # NaN goes on to the loss, named there
    share = (at - low)[:, None]
    index = low[:, None].expand(series, channels, -1)
    left, right = x.gather(2, index), x.gather(2, (index + 1).clamp(max=length - 1))
    piece = left + (right - left) * share
    return piece.unflatten(2, (t.shape[1], steps)).transpose(1, 2)


def measure(piece: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread of pieces ``(S, M, c, steps)`` over what was seen of them, ``(S, M, c)`` each.

    ``seen`` holds weights from 0 to 1; where nothing was seen both are 0.
    """
    count = seen.sum(-1)
    mean = (piece * seen).sum(-1) / count.clamp(min=1e-6)
    square = ((piece - mean[..., None]).square() * seen).sum(-1) / count.clamp(min=1e-6)
    here = count > 0
    return torch.where(here, mean, 0.0), torch.where(here, (square + MIN_SPREAD**2).sqrt(), 0.0)


def align(mu: Tensor, t: Tensor, l: Tensor, known: Tensor, steps: int = SHAPE_STEPS) -> Tensor:
    """Trend of pieces, if the signal goes straight from each token's mean to the next, ``(S, M, c, steps)``,
    each with mean 0.

    Args:
        mu: means, ``(S, M, c)``; t, l: ``(S, M)``.
        known: tokens with a mean, ``(S, M, c)``; to and from the others there is no trend.
    """
    middle = t + l / 2
    distance = middle.diff(dim=1).clamp(min=0.5 / mu.shape[1])[..., None]  # one may lie in another's place
    slope = F.pad(mu.diff(dim=1) / distance * (known[:, 1:] & known[:, :-1]), (0, 0, 1, 1))  # (S, M + 1, c)
    offset = (torch.linspace(-0.5, 0.5, steps, device=mu.device) * l[..., None])[:, :, None]
    trend = slope[:, :-1, :, None] * offset.clamp(max=0) + slope[:, 1:, :, None] * offset.clamp(min=0)
    return trend - trend.mean(-1, keepdim=True)


def bridge(x: Tensor, seen: Tensor) -> Tensor:
    """Series ``(S, T)`` with straight lines over what was not seen, level before the first and after the last
    sample that was; a series of nothing is 0."""
    place = torch.arange(x.shape[-1], device=x.device)
    rank = seen.cumsum(-1)  # how many were seen so far
    # the place of each that was seen, by its rank: before the first −1, after the last the end
    where = torch.full((x.shape[0], len(place) + 2), len(place), device=x.device)
    where[:, 0] = -1
    where = where.scatter(-1, torch.where(seen, rank, len(place) + 1), place.expand(x.shape[0], -1))
    where[:, -1] = len(place)
    before = where.gather(-1, rank)
    after = where.gather(-1, torch.where(seen, rank, rank + 1))
    left = torch.where(before < 0, after, before).clamp(max=len(place) - 1)
    right = torch.where(after == len(place), before, after).clamp(min=0)
    share = (place - left) / (right - left).clamp(min=1)
    x = torch.where(seen, x, 0.0)
    start, end = x.gather(-1, left), x.gather(-1, right)
    return start + (end - start) * share


def stitch(pieces: Tensor, t: Tensor, l: Tensor, keep: Tensor, steps: int) -> Tensor:
    """Put drawn pieces back where they were cut; where several lie, their mean, where none, the nearest.

    Args:
        pieces: ``(S, M, c, shape steps)``; t, l: ``(S, M)``; keep: tokens that count, ``(S, M)``.
        steps: T, samples of the series.

    Returns:
        ``(S, c, T)``
    """
    points = pieces.shape[-1]
    with torch.no_grad():  # where a piece lies was decided when it was cut
        share, low, over = _coverage(t, l, keep, steps, points)
        over = over * share  # linear interpolation between two points
        weight = pieces.new_zeros(*low.shape, points)
        low = low[..., None]
        weight.scatter_(-1, low, (share - over)[..., None]).scatter_(-1, low + 1, over[..., None])
    return torch.bmm(weight.flatten(2), pieces.transpose(2, 3).flatten(1, 2)).transpose(1, 2)


def stitch_curves(curves: Tensor, t: Tensor, l: Tensor, keep: Tensor, steps: int) -> Tensor:
    """`stitch` for one channel and pieces of many samples, ``(S, M, shape steps)`` → ``(S, T)``."""
    share, low, over = _coverage(t, l, keep, steps, curves.shape[-1])
    before, after = (curves.gather(-1, index.transpose(1, 2)).transpose(1, 2) for index in (low, low + 1))
    return ((before + (after - before) * over) * share).sum(-1)


def _coverage(t: Tensor, l: Tensor, keep: Tensor, steps: int, points: int) -> tuple[Tensor, Tensor, Tensor]:
    """What each sample takes of each piece: its share, the point before it and how far beyond that it is,
    ``(S, T, M)`` each."""
    now = torch.linspace(0, 1, steps, device=t.device)[:, None]  # (T, 1)
    at = (now - t[:, None]) / l[:, None].clamp(min=1e-6)  # (S, T, M)
    outside = (at - at.clamp(0, 1)).abs() * l[:, None] * steps  # samples to the piece's nearer end
    inside = ((outside < 1e-3) & keep[:, None]).to(t.dtype)
    nearest = nearness(outside.masked_fill(~keep[:, None], 1e6))
    share = inside + FALLOFF * nearest  # between pieces the nearest goes on
    share = share / share.sum(-1, keepdim=True)
    at = at.clamp(0, 1) * (points - 1)
    low = at.floor().nan_to_num().clamp(0, points - 2)
    return share, low.long(), at - low
