"""Hidden Markov chains in log space: batched, on any device, in float32.

Shapes: B windows, F frames, U states. A forbidden transition is `FORBIDDEN`, not −inf, which would turn the
gradient of a log-sum-exp into NaN.
"""

from __future__ import annotations

import torch
from torch import Tensor

FORBIDDEN = -1e9


def log_partition(
    emission: Tensor, transition: Tensor, start: Tensor, frames: Tensor | None = None
) -> Tensor:
    """Log of the summed weight of all state paths, the forward algorithm.

    Args:
        emission: log weights, ``(B, F, U)``.
        transition: log weights from state to state, ``(B, U, U)`` or ``(U, U)``.
        start: log weights of the first state, ``(B, U)`` or ``(U,)``.
        frames: how many frames of each window count, ``(B,)``; all where it is None.

    Returns:
        ``(B,)``
    """
    alpha = start + emission[:, 0]
    total = torch.zeros(len(emission), dtype=torch.double, device=emission.device)
    for f in range(1, emission.shape[1]):
        # Kept near zero: after thousands of frames float32 could not tell neighbours apart. A constant taken
        # out here and put back at the end leaves the gradient as it is.
        most = alpha.detach().amax(1)
        alpha, total = alpha - most[:, None], total + most
        step = torch.logsumexp(alpha[:, :, None] + transition, dim=1) + emission[:, f]
        alpha = step if frames is None else torch.where((frames > f)[:, None], step, alpha)
    return (torch.logsumexp(alpha, dim=1) + total).to(emission.dtype)


def posterior(
    emission: Tensor, transition: Tensor, start: Tensor, frames: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """State probabilities and expected transitions, as gradients of `log_partition`.

    The gradient of log Z with respect to an emission is the probability that its state is visited then, and
    with respect to a transition it is the expected number of times it is taken.

    Returns:
        log Z ``(B,)``, states ``(B, F, U)``, expected transition counts ``(B, U, U)``.
    """
    batch, _, states = emission.shape
    with torch.enable_grad():
        e = emission.detach().requires_grad_()
        a = transition.detach().expand(batch, states, states).clone().requires_grad_()
        log_z = log_partition(e, a, start.detach(), frames)
        visits, moves = torch.autograd.grad(log_z.sum(), (e, a))
    return log_z.detach(), visits, moves


def viterbi(emission: Tensor, transition: Tensor, start: Tensor) -> Tensor:
    """The single best state path, ``(B, F)``; ties go to the lower state."""
    best = start + emission[:, 0]
    back = []
    for f in range(1, emission.shape[1]):
        best, origin = (best[:, :, None] + transition).max(dim=1)
        best = best + emission[:, f]
        back.append(origin)
    path = [best.argmax(dim=1)]
    for origin in reversed(back):
        path.append(origin.gather(1, path[-1][:, None])[:, 0])
    return torch.stack(path[::-1], dim=1)
