"""A user would lose: the published weights. A checkpoint goes in and out whole, or one line says why not."""

import math
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from reference import SIZES, series

from vqtext.errors import ArtifactError, ShapeError
from vqtext.model.vqshape import VQShape, VQShapeConfig, stretch
from vqtext.model.vqshape.original import OPTIONS


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return VQShape(VQShapeConfig(**SIZES, mask=0.5, spread_weight=0.7)).eval()


@pytest.fixture
def checkpoint(model, tmp_path):
    """Writes the model's checkpoint, changed; returns where."""
    model.save_original(tmp_path / "whole.ckpt")

    def write(change=lambda data: None) -> Path:
        data = torch.load(tmp_path / "whole.ckpt", weights_only=True)
        torch.save(change(data) or data, tmp_path / "VQShape.ckpt")
        return tmp_path / "VQShape.ckpt"

    return write


def options(data) -> dict:
    return data["hyper_parameters"]


def as_namespace(data):
    data["hyper_parameters"] = Namespace(**options(data), lr=1e-4, name="x", data_root="../data")


def as_args(data):
    data["hyper_parameters"] = {"args": Namespace(**options(data))}


@pytest.mark.parametrize("change", [lambda data: None, as_namespace, as_args])
def test_in_and_out_is_the_same_model(model, checkpoint, change):
    loaded = VQShape.from_original(checkpoint(change))
    assert loaded.config == model.config
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_a_folder_holds_it_without_pickle(model, tmp_path):
    model.save(tmp_path / "m")
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["config.json", "model.safetensors"]
    loaded = VQShape.from_pretrained(tmp_path / "m")
    a, b = model.tokenize(series()), loaded.tokenize(series())
    assert torch.equal(a.code, b.code) and torch.equal(a.features, b.features)


def test_an_older_checkpoint_gives_the_tokenizer_the_encoders_sizes(tmp_path):
    config = VQShapeConfig(**SIZES | {"tokenizer_heads": 4})
    VQShape(config).save_original(tmp_path / "new.ckpt")
    data = torch.load(tmp_path / "new.ckpt", weights_only=True)
    for name in ("num_tokenizer_heads", "num_tokenizer_layers", "codebook_type"):
        del options(data)[name]
    torch.save(data, tmp_path / "old.ckpt")
    assert VQShape.from_original(tmp_path / "old.ckpt").config == config


def lacking(data):
    for name in list(data["state_dict"])[:12]:
        del data["state_dict"][name]


def another(data):
    data["state_dict"] = {f"model.blocks.{i}.weight": torch.zeros(2) for i in range(3)}


def nan(data):
    data["state_dict"]["model.tokenizer.tokens"][0, 0, 0] = torch.nan


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lacking, r"lacks model\.encoder.* and 2 more"),
        (another, r"lacks .* and \d+ more; it has .*model\.blocks\.0\.weight, "),
        (lambda d: d["state_dict"].update(extra=torch.zeros(1)), "extra"),
        (lambda d: options(d).update(num_code=7), r"codebook\.embedding\.weight \(6, 3\), not \(7, 3\)"),
        (
            lambda d: options(d).update(num_tokenizer_layers=3),
            r"lacks model\.tokenizer\.transformer\.layers\.2",
        ),
        (nan, r"not finite in model\.tokenizer\.tokens"),
        (lambda d: d.pop("hyper_parameters") and None, "no hyper_parameters"),
        (
            lambda d: {"state_dict": d["state_dict"], "hyper_parameters": {"lr": 1}},
            "lack.*dim_embedding.*more",
        ),
        (lambda d: options(d).update(num_code="many"), "give no number for, num_code"),
        (lambda d: options(d).update(num_code=6.5), "give no number for, num_code"),
        (lambda d: options(d).update(num_transformer_enc_heads=3), "dim 16 is no multiple of its heads"),
        (
            lambda d: options(d).update(num_transformer_enc_heads=0),
            "encoder_heads",
        ),
        (
            lambda d: options(d).update(num_transformer_dec_layers=10**9),
            "1000000000 layers are more than 100",
        ),
        (lambda d: options(d).update(mask_ratio=math.nan), "a number is not finite"),
        (
            lambda d: d["state_dict"].update({"model.x": torch.ones(2, 2).to_sparse()}),
            "state_dict",
        ),
        (lambda d: options(d).update(codebook_type="vqtorch"), "codebook of type 'vqtorch'"),
        (lambda d: d["state_dict"], "state_dict"),
        (lambda d: [1, 2], "no Lightning checkpoint"),
        (lambda d: d.update(run=Path("x")), "wants to run pathlib"),
    ],
)
def test_what_is_no_checkpoint_of_vqshape_is_told_in_one_line(checkpoint, change, says):
    with pytest.raises(ArtifactError, match=says) as error:
        VQShape.from_original(checkpoint(change))
    assert "\n" not in str(error.value) and "VQShape.ckpt" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 cut"])
def test_a_file_that_is_no_checkpoint(tmp_path, content):
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"x\.ckpt") as error:
        VQShape.from_original(tmp_path / "x.ckpt")
    assert "\n" not in str(error.value)
    with pytest.raises(ArtifactError):
        VQShape.from_original(tmp_path / "y.ckpt")


def test_a_folder_that_is_damaged(model, tmp_path):
    with pytest.raises(ArtifactError, match="import-vqshape"):
        VQShape.from_pretrained(tmp_path)
    model.save(tmp_path)
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[:-10])
    with pytest.raises(ArtifactError):
        VQShape.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / "config.json").write_text('{"format": 1, "settings": {}}')
    with pytest.raises(ArtifactError, match="'vqshape', 1"):
        VQShape.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((2, 5), "5 samples .* 8:"),
        ((2, 70), "70 samples, losses need 64"),
        ((2, 15), r"15 samples"),
        ((2, 3, 64), "3-dimensional: flatten"),
    ],
)
def test_series_that_do_not_fit_are_refused_in_words(model, shape, says):
    with pytest.raises(ShapeError, match=says):
        model.evaluate(torch.randn(shape))


def test_stretched_series_of_any_length_and_one_value_are_fine(model):
    for steps in (1, 5, 70, 1000):
        out = model.evaluate(stretch(torch.randn(2, 3, steps), 64).flatten(0, 1))
        assert all(loss.isfinite() for loss in out.losses)
    assert model.evaluate(torch.full((1, 64), 3.0)).rebuilt.isfinite().all()


def test_commands_bring_it_in_and_out(model, checkpoint, call, tmp_path):
    code, output, _ = call("import-vqshape", str(checkpoint(as_namespace)), "--out", "m")
    assert code == 0 and "VQShape of width 16, 6 codes" in output
    assert VQShape.from_pretrained(tmp_path / "m").config == model.config
    code, output, _ = call("export", "--to", "original", "m", "--out", "back.ckpt", "--json")
    assert code == 0 and '"codes": 6' in output
    back = torch.load(tmp_path / "back.ckpt", weights_only=True)
    assert set(options(back)) >= set(OPTIONS.values())
    assert VQShape.from_original(tmp_path / "back.ckpt").config == model.config

    code, _, wrong = call("export", "--to", "jax", "m", "--out", "x")
    assert code == 2 and "original" in wrong
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    code, _, wrong = call("import-vqshape", str(checkpoint()), "--out", "mine")
    assert code == 2 and wrong.startswith("error: ")
    assert (tmp_path / "mine" / "thesis.tex").exists()
    code, output, wrong = call("import-vqshape", "nothing.ckpt", "--out", "n")
    assert (code, output) == (1, "") and wrong.startswith("error: nothing.ckpt")
