"""How much two witnesses of a label count: the chain of its steps, and the class head."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CHAIN, HEAD = 0.1, 1.0  # frames of one window repeat each other, so that a chain is far too sure of itself
TRUST = 1.0  # spread of the logarithm of a weight around these, in nats


def weigh(chain: Tensor, head: Tensor, prior: Tensor, label: Tensor) -> tuple[float, float]:
    """The weights (a, b) that make ``softmax(a · chain + b · head + prior)`` most likely on held-out windows.

    Both are positive, and their common size is the temperature of the posterior (Guo et al. 2017). Each has a
    log-normal prior around `CHAIN` and `HEAD`, which keeps it finite where the windows are few or are told
    apart without an error.

    Args:
        chain, head: evidence for each label in nats, ``(N, n)``.
        prior: log probability of each label, ``(n,)``.
        label: the truth, ``(N,)``.
    """
    start = torch.tensor([CHAIN, HEAD], dtype=torch.double).log()
    log_weight = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([log_weight], max_iter=100, line_search_fn="strong_wolfe")
    # Only differences between labels count, and near zero they keep their digits.
    chain, head = (part.double() - part.double().mean(1, keepdim=True) for part in (chain, head))

    def loss() -> Tensor:
        optimiser.zero_grad()
        a, b = log_weight.clamp(-12, 6).exp()
        misfit = F.cross_entropy(a * chain + b * head + prior.double(), label, reduction="sum")
        total = misfit + 0.5 * ((log_weight - start) / TRUST).square().sum()
        total.backward()
        return total

    with torch.enable_grad():
        optimiser.step(loss)
    a, b = log_weight.detach().clamp(-12, 6).exp().tolist()
    return a, b
