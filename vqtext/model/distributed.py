"""What the processes of one training share: batches are split over them, statistics are of whole batches.

In a single process each function here returns its argument. The gradients of the processes are
averaged, so a term that each of them divides by the *mean* of their counts has the gradient of one mean over
the whole batch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist


def world_size() -> int:
    """How many processes train."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is."""
    return dist.get_rank() if world_size() > 1 else 0


def rank_zero() -> bool:
    """Whether this is the process that writes files and reports."""
    return rank() == 0


class _Sum(torch.autograd.Function):
    """The sum of a tensor over the processes; each one's gradient is the sum of the gradients of all."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return _Sum.forward(context, gradients[0].contiguous())


def mean_over_ranks(x: Tensor) -> Tensor:
    """The mean of a tensor of the same shape in each process; gradients flow to all of them."""
    if world_size() == 1:
        return x
    total: Tensor = _Sum.apply(x if x.is_floating_point() else x.float())
    return total / world_size()


def batch_mean(x: Tensor) -> Tensor:
    """The mean over all elements of all processes, each of which may have another number of them; 0 where
    there is none at all.

    The value is this process's share, to be averaged over processes, as its gradient is.
    """
    return x.sum() / batch_count(torch.ones_like(x, dtype=torch.bool))


def mean_of(x: Tensor, rows: Tensor) -> Tensor:
    """`batch_mean` of the elements that a mask of the same shape takes, of which there may be none."""
    return torch.where(rows, x, 0.0).sum() / batch_count(rows)


def batch_count(rows: Tensor) -> Tensor:
    """How many rows of a mask take part in each process on average, at least one in all: the divisor of a
    mean over the whole batch."""
    return mean_over_ranks(rows.sum()).clamp(min=1 / world_size())


@torch.no_grad()
def gather(x: Tensor) -> Tensor:
    """The rows of all processes ``(n, …)``, in the order of their numbers; no gradient."""
    if world_size() == 1:
        return x
    counts = [torch.zeros(1, dtype=torch.long, device=x.device) for _ in range(world_size())]
    dist.all_gather(counts, torch.tensor([len(x)], device=x.device))
    most = max(map(int, counts))
    padded = torch.cat([x, x.new_zeros(most - len(x), *x.shape[1:])]).contiguous()
    rows = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(rows, padded)
    return torch.cat([part[: int(count)] for part, count in zip(rows, counts, strict=True)])


@torch.no_grad()
def of_rank_zero(x: Tensor) -> Tensor:
    """The first process's random tensor, in all of them."""
    if world_size() > 1:
        dist.broadcast(x, 0)
    return x


def gather_with_gradient(x: Tensor) -> Tensor:
    """As `gather`, of as many rows ``(n, …)`` in each process; gradients flow to all of them."""
    if world_size() == 1:
        return x
    own = torch.arange(world_size(), device=x.device) == rank()
    placed = torch.where(own.reshape(-1, *[1] * x.dim()), x, 0.0)
    whole: Tensor = _Sum.apply(placed)
    return whole.flatten(0, 1)


def gather_words(words: list[str]) -> list[str]:
    """The words of all processes, one after the other."""
    if world_size() == 1:
        return words
    parts: list[list[str]] = [[] for _ in range(world_size())]
    dist.all_gather_object(parts, words)
    return [word for part in parts for word in part]
