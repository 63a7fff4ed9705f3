"""A user who compares codebooks would lose: kinds that are what their papers say, in one network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from model import toy
from pydantic import ValidationError

from vqtext.config import ModelSettings, grid_of
from vqtext.model.codebook import REVIVE_EVERY, Codebook
from vqtext.model.codebook_kinds import KINDS, Averaged, Finite, Rotated, make
from vqtext.model.decoding import Decoder
from vqtext.model.load import VQText, load
from vqtext.model.network import Network

ALL = torch.ones(1, 200, dtype=torch.bool)


def book(kind: str) -> Codebook:
    torch.manual_seed(0)
    return make(ModelSettings(codebook=kind, codes=16, dim_code=4), substeps=2, action_dim=6)


def tokens() -> torch.Tensor:
    return torch.randn(1, 200, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_becomes_its_codes_vector_and_learns_through_it(kind: str) -> None:
    codes = book(kind).train()
    z = tokens().requires_grad_()
    out = codes(z, ALL)
    assert torch.allclose(out.z, codes.vectors[out.code], atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        half = codes(z.detach().bfloat16(), ALL)
        assert torch.allclose(half.z.float(), codes.vectors[half.code].float(), atol=1e-2)
    (out.z.square().sum() + out.loss).backward()
    assert z.grad is not None and z.grad.isfinite().all() and z.grad.abs().sum(-1).all()


def test_moving_averages_lie_in_the_middle_of_their_tokens_and_take_no_gradient() -> None:
    codes = book("ema").train()
    assert isinstance(codes, Averaged) and not codes.shape.requires_grad
    centres = 5 * torch.randn(6, 4, generator=torch.Generator().manual_seed(2))
    generator = torch.Generator().manual_seed(3)
    for _ in range(8 * REVIVE_EVERY):
        z = centres[torch.randint(6, (200,), generator=generator)]
        z = z + 0.1 * torch.randn(200, 4, generator=generator)
        code = codes(z[None], ALL).code[0]
        codes.revive(z, code)
    for own in code.unique():
        assert (codes.shape[own] - z[code == own].mean(0)).norm() < 0.3
    assert (torch.cdist(centres, codes.shape).amin(1) < 0.3).all(), "codes that were dead found tokens"


def test_a_turned_gradient_keeps_its_angle_to_what_it_belongs_to() -> None:
    """What pulls along the code's vector pulls along the token, what pulls across it pulls across."""
    codes = book("rotation")
    assert isinstance(codes, Rotated)
    z = tokens().requires_grad_()
    out = codes(z, ALL)
    upstream = torch.randn(1, 200, 4, generator=torch.Generator().manual_seed(4))
    out.z.backward(upstream)
    at_code = torch.cosine_similarity(upstream, out.z.detach(), dim=-1)
    at_token = torch.cosine_similarity(z.grad, z.detach(), dim=-1)
    assert torch.allclose(at_code, at_token, atol=1e-4)
    stretched = out.z.detach().norm(dim=-1) / z.detach().norm(dim=-1)
    assert torch.allclose(z.grad.norm(dim=-1), stretched * upstream.norm(dim=-1), atol=1e-3)


def test_a_grid_rounds_and_all_its_points_can_be_reached() -> None:
    codes = book("fsq")
    assert isinstance(codes, Finite) and grid_of(16) == (4, 4)
    with torch.no_grad():
        codes.inside.weight.mul_(30)
        far = 50 * torch.randn(1, 200, 4, generator=torch.Generator().manual_seed(5))
        wide, near = codes(far, ALL), codes(tokens() / 30, ALL)
    assert len(torch.cat([wide.code, near.code]).unique()) == 16
    before = codes.grid.clone()
    for _ in range(REVIVE_EVERY):
        codes.revive(far[0], wide.code[0])
    assert torch.equal(before, codes.grid) and codes.usage.max() > 1 / 16, "counted, and not moved"


@pytest.mark.parametrize(
    ("codes", "levels"), [(64, (8, 8)), (512, (8, 8, 8)), (16, (4, 4)), (7, (7,)), (61, ())]
)
def test_grids(codes: int, levels: tuple[int, ...]) -> None:
    assert grid_of(codes) == levels


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"codebook": "fsq", "codes": 61}, "take 60"),
        ({"codebook": "ema", "channels": "independent"}, "joint channels"),
    ],
)
def test_a_codebook_that_cannot_be_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ModelSettings(**settings)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_each_kind_is_saved_and_loaded(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    data, config = toy.data(), toy.config(codebook=kind)
    model = VQText(Network(config, data.anchors).eval(), Decoder(config, data.vocabulary))
    model.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, VQText)
    before, after = model.tokenize(data.signal), again.tokenize(data.signal)
    assert (before.code == after.code).all() and (before.names == after.names).all()
    assert again.network.code_shapes().shape[0] == config.settings.codes
