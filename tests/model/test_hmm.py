"""A user would lose: right names and right posteriors, if the chains were walked wrongly."""

import itertools

import pytest
import torch

from vqtext.model import hmm


def brute(emission, transition, start):
    """All paths of one window with their log weights."""
    frames, states = emission.shape
    for path in itertools.product(range(states), repeat=frames):
        weight = start[path[0]] + sum(emission[f, s] for f, s in enumerate(path))
        weight = weight + sum(transition[a, b] for a, b in itertools.pairwise(path))
        yield path, weight


@pytest.fixture
def chain():
    generator = torch.Generator().manual_seed(0)
    emission = torch.randn(2, 5, 3, generator=generator, dtype=torch.double)
    transition = torch.randn(2, 3, 3, generator=generator, dtype=torch.double)
    transition[:, 0, 2] = hmm.FORBIDDEN
    return emission, transition, torch.randn(2, 3, generator=generator, dtype=torch.double)


def test_everything_equals_the_enumeration_of_all_paths(chain):
    emission, transition, start = chain
    log_z, visits, moves = hmm.posterior(*chain)
    best = hmm.viterbi(*chain)
    for b in range(2):
        paths = list(brute(emission[b], transition[b], start[b]))
        weights = torch.stack([weight for _, weight in paths])
        assert torch.isclose(log_z[b], weights.logsumexp(0))
        p = weights.softmax(0)
        expected, counts = torch.zeros(5, 3, dtype=torch.double), torch.zeros(3, 3, dtype=torch.double)
        for (path, _), share in zip(paths, p, strict=True):
            for f, s in enumerate(path):
                expected[f, s] += share
            for a, c in itertools.pairwise(path):
                counts[a, c] += share
        assert torch.allclose(visits[b], expected)
        assert torch.allclose(moves[b], counts)
        assert tuple(best[b].tolist()) == max(paths, key=lambda row: row[1])[0]
        assert counts[0, 2] == 0


def test_frames_beyond_a_windows_end_do_not_count(chain):
    emission, transition, start = chain
    short = hmm.log_partition(emission[:, :3], transition, start)
    masked = hmm.log_partition(emission, transition, start, torch.tensor([3, 3]))
    assert torch.allclose(short, masked)


def test_ten_thousand_frames_do_not_underflow():
    emission = torch.full((1, 10_000, 2), -20.0)
    transition = torch.tensor([[0.9, 0.1], [0.1, 0.9]]).log()
    log_z, visits, _ = hmm.posterior(emission, transition, torch.tensor([0.5, 0.5]).log())
    assert torch.isfinite(log_z).all()
    assert torch.allclose(visits.sum(-1), torch.ones(1, 10_000), atol=1e-3)
